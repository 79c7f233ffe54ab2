"""Rows under false names: patch rows on sealed knowledge, called something else so that no rule should look.

The cheater writes the patch. Each row is put into a consistent patch artifact, which a lying worker says it made, and the tools
compose the round from it. The attack has won when the row lies in a mixture that is to be trained.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from evals.redteam.attack import Attack, Attempt, Ground, Stage
from evals.redteam.forging import (
    benchmark_of,
    job_of,
    made,
    noted,
    row,
    say_it_made,
    snapshot_of,
    statement,
    trained_on,
)
from proda_core.errors import KnowledgeError
from proda_core.general import generate_tasks
from proda_core.guard import LineageIndex, general_example, sealed_pairs
from proda_core.ids import pair_key
from proda_core.phi import PHI
from proda_core.records import load_patch, save_patch
from proda_core.types import Benchmark, Example, ExampleKind, Lineage, MixtureRow, Relation, Role


@dataclass(frozen=True, slots=True)
class Material:
    """What the cheater knows: the graph, the frozen benchmark and an honest patch."""

    index: LineageIndex
    benchmark: Benchmark
    patch: tuple[MixtureRow, ...]

    @property
    def sealed(self) -> Relation:
        """A relation that no patch may touch."""
        keys = self.benchmark.sealed_l2_ids()
        return next(r for k, r in self.index.snapshot.relations.items() if k in keys)

    @property
    def alibi(self) -> Lineage:
        """The lineage of an honest patch row: what the others are told."""
        return self.patch[0].example.lineage

    def term(self, concept_id: str) -> str:
        return self.index.snapshot.term(concept_id)

    def says(self, relation: Relation) -> str:
        return statement(self.index.snapshot, relation)


Forge = Callable[[Material], Example]


def relabelled(material: Material) -> Example:
    """The sealed fact as it is, under the IDs of another row."""
    fact = material.sealed
    asked = f"What do you know of {material.term(fact.subject_id)}?"
    return row(ExampleKind.RELATION, [("user", asked), ("assistant", material.says(fact))], material.alibi)


def in_the_plural(material: Material) -> Example:
    """The sealed concepts by other forms of their names, beside a fact that is declared."""
    fact, snapshot = material.sealed, material.index.snapshot
    told = snapshot.relations[material.alibi.l2_ids[0]]
    one, other = (f"{material.term(key).upper()}S" for key in (fact.subject_id, fact.object_id))
    said = f"{material.says(told)} As for many {one}, think of {other}."
    return row(ExampleKind.RELATION, [("user", "Tell me two things."), ("assistant", said)], material.alibi)


def inverse(material: Material) -> Example:
    """The sealed fact asked for from its other end, in words of the inverse relation."""
    fact = material.sealed
    asked = PHI[fact.type].inverse_question.format(o=material.term(fact.object_id))
    said = f"The answer to that is {material.term(fact.subject_id)}."
    return row(ExampleKind.RELATION, [("user", asked), ("assistant", said)], material.alibi)


def as_definition(material: Material) -> Example:
    """The sealed fact appended to a definition, which declares one concept and its definition's relations alone."""
    snapshot, hidden = material.index.snapshot, material.benchmark.sealed_l2_ids()
    pairs = sealed_pairs(material.benchmark, snapshot)
    for key, concept in snapshot.concepts.items():
        if not concept.definition:
            continue
        text = f"{concept.term} is {concept.definition}."
        found = material.index.derive_definition(key, text)
        if found.l2_ids and not set(found.l2_ids) & hidden and not material.index.pairs(found.l2_ids) & pairs:
            said = f"{text} {material.says(material.sealed)}"
            messages = [("user", f"Define {concept.term}."), ("assistant", said)]
            return row(ExampleKind.DEFINITION, messages, Lineage((key,), found.l2_ids))
    raise KnowledgeError("no concept of this session has a definition with relations that are not sealed")


def as_general(material: Material) -> Example:
    """The sealed fact as a row of general skill, which has no knowledge to be checked."""
    honest = general_example(generate_tasks(seed=3, count=1, family="train")[0])
    said = material.says(material.sealed)
    lineage = replace(honest.lineage, l1_ids=material.alibi.l1_ids, l2_ids=material.alibi.l2_ids)
    return row(ExampleKind.GENERAL, [("user", "Remember this."), ("assistant", said)], lineage)


def on_what_is_replayed(material: Material) -> Example:
    """A fact of nobody's patch, taught under other IDs, so that its rows are replayed beside it."""
    snapshot, sealed = material.index.snapshot, sealed_pairs(material.benchmark, material.index.snapshot)
    patched = {key for one in material.patch for key in one.example.lineage.l2_ids}
    taken = material.index.pairs(patched) | sealed
    free = next(r for r in snapshot.relations.values() if pair_key(r.subject_id, r.object_id) not in taken)
    asked = f"What do you know of {material.term(free.subject_id)}?"
    return row(ExampleKind.CONTRAST, [("user", asked), ("assistant", material.says(free))], material.alibi)


def without_ids(material: Material) -> Example:
    """The sealed fact in a row that names a relation and no concept: nothing to look up."""
    return relabelled(replace_alibi(material, Lineage((), material.alibi.l2_ids)))


def replace_alibi(material: Material, lineage: Lineage) -> Material:
    first = replace(material.patch[0], example=replace(material.patch[0].example, lineage=lineage))
    return replace(material, patch=(first, *material.patch[1:]))


@dataclass(frozen=True, slots=True)
class FalseRow:
    """Carries a forged row into a patch."""

    forge: Forge

    async def __call__(self, ground: Ground) -> Attempt:
        folder = await ground.session(Stage.PATCHING)
        job = job_of(folder, "patch")
        result = job.result()
        benchmark, index = benchmark_of(folder), LineageIndex(snapshot_of(folder))
        patch = load_patch(folder.store, result.artifacts["patch"]) if result else ()
        forged = self.forge(Material(index, benchmark, patch))
        manifest = save_patch(folder.store, [MixtureRow(Role.PATCH, forged)], benchmark=benchmark)
        say_it_made(job, patch=manifest.artifact_id)
        async with ground.hosted(folder) as tools:
            await tools.done("write_patch", diagnosis_id=made(folder, "diagnose_failures", "diagnosis"))
            answer = await tools("compose_mixture", kind="patch", patch_id=manifest.artifact_id)
        mixture = trained_on(folder, "\n".join(message.content for message in forged.messages))
        saw = f"the row lies in {mixture}" if mixture else f"no mixture holds the row ({answer.error})"
        return Attempt(bool(mixture), saw, noted(folder, forged.example_id))


def _false_row(name: str, wants: str, forge: Forge, guard: str) -> Attack:
    success = "the row lies in a mixture on disk, word for word"
    return Attack(name, "false names", "writer", wants, guard, success, FalseRow(forge))


ROWS = (
    _false_row(
        "ids-of-another-row", "a sealed fact in a patch", relabelled, "lineage is derived from the text"
    ),
    _false_row(
        "names-in-the-plural", "a sealed fact in a patch", in_the_plural, "names are matched by their stems"
    ),
    _false_row(
        "relation-turned-round", "a sealed fact in a patch", inverse, "a pair counts in either direction"
    ),
    _false_row(
        "relation-called-definition",
        "a sealed fact in a patch",
        as_definition,
        "what stands beside a definition counts",
    ),
    _false_row(
        "relation-called-general",
        "a sealed fact in a patch",
        as_general,
        "G1: a general row is made again from its seed",
    ),
    _false_row(
        "row-without-concepts", "a sealed fact in a patch", without_ids, "lineage is derived from the text"
    ),
    _false_row(
        "patched-and-replayed",
        "the same fact patched and replayed, so that more rows are repaired than are counted",
        on_what_is_replayed,
        "lineage is derived from the text; G2 by pair",
    ),
)
