"""The recipes that a repair round is held against: the same rows, base and seeds, and one thing changed.

*diagnosed* is a patch round for what was diagnosed of V1. *random* writes the same number of patches of the same kinds for chains
that did not fail. *patch* and *scaffold* leave the other out. *more* gives more of V1's data, drawn anew, and *tenfold* ten times
as many rows of it. Every mixture passes the guard like any other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random

from evals.repair.material import Material
from proda_core.config import Config
from proda_core.errors import BenchmarkError
from proda_core.guard import commit_mixture
from proda_core.guard.sealed import sealed_pairs
from proda_core.ids import pair_key
from proda_core.records import save_examples, save_patch
from proda_core.synthesis.examples import build_examples
from proda_core.synthesis.mixture import (
    Ingredients,
    compose_again,
    compose_patch,
    general_rows,
    general_rows_wanted,
)
from proda_core.synthesis.patches import build_patch
from proda_core.types import Chain, Diagnosis, DiagnosisKind, Example, Mixture, Role, Split

TENFOLD = 10


class Recipe(StrEnum):
    """What a round is made of."""

    DIAGNOSED = "diagnosed"
    RANDOM = "random"
    MORE = "more"
    TENFOLD = "tenfold"
    SCAFFOLD = "scaffold"
    PATCH = "patch"

    @property
    def about(self) -> str:
        """The recipe in a few words."""
        return _ABOUT[self]


_ABOUT = {
    Recipe.DIAGNOSED: "patch for what was diagnosed, with scaffold",
    Recipe.RANDOM: "as many patches for chains that did not fail",
    Recipe.MORE: "more of V1's data",
    Recipe.TENFOLD: "ten times the rows of V1's data",
    Recipe.SCAFFOLD: "scaffold alone",
    Recipe.PATCH: "patch alone",
}


RECIPES = {recipe.value: recipe.about for recipe in Recipe}


@dataclass(frozen=True, slots=True)
class Composed:
    """A committed mixture and its number of rows by role."""

    mixture_id: str
    roles: dict[str, int]


def compose(recipe: Recipe, material: Material, config: Config) -> Composed:
    """Write, compose and commit a recipe's mixture."""
    seed = config.seed + 1  # of a session's first round after V1
    wanted = general_rows_wanted(config.mixture)
    general = general_rows(
        config.seed, wanted * TENFOLD if recipe is Recipe.TENFOLD else wanted, by_heart=False
    )
    if recipe in (Recipe.MORE, Recipe.TENFOLD):
        mixture, inputs = _augmented(recipe, material, config, general)
    else:
        mixture, inputs = _patched(recipe, material, config, seed, general)
    commit_mixture(material.store, mixture, index=material.index, benchmark=material.benchmark, inputs=inputs)
    roles = {role.value: sum(row.role is role for row in mixture.rows) for role in Role}
    return Composed(mixture.mixture_id, {name: count for name, count in roles.items() if count})


def _patched(
    recipe: Recipe, material: Material, config: Config, seed: int, general: Sequence[Example]
) -> tuple[Mixture, dict[str, str]]:
    """A mixture as of a patch round, with the recipe's patch in the place of the diagnosed one."""
    diagnoses = material.diagnoses
    if recipe is Recipe.RANDOM:
        diagnoses = random_diagnoses(material, seed=seed)
    made = build_patch(material.index, material.benchmark, diagnoses, config.mixture, seed=seed)
    only = {Recipe.SCAFFOLD: Role.SCAFFOLD, Recipe.PATCH: Role.PATCH}.get(recipe)
    rows = tuple(row for row in made.rows if only is None or row.role is only)
    if not rows:
        raise BenchmarkError(
            f"session {material.session} has no {recipe.value} rows: V1's failures ask for none; leave the recipe out"
        )
    patch = save_patch(material.store, rows, benchmark=material.benchmark, meta=made.figures())
    mixture = compose_patch(
        Ingredients(material.examples, general, patch=rows),
        config.mixture,
        index=material.index,
        benchmark=material.benchmark,
        seed=seed,
    )
    return mixture, {"examples": material.examples_id, "patch": patch.artifact_id}


def _augmented(
    recipe: Recipe, material: Material, config: Config, general: Sequence[Example]
) -> tuple[Mixture, dict[str, str]]:
    """Rows like V1's, written anew, as many as a patch round has, or ten times as many."""
    times = TENFOLD if recipe is Recipe.TENFOLD else 1
    general_wanted = int(config.mixture.rows * config.mixture.general_share) * times
    wanted = config.mixture.rows * times - general_wanted
    fresh: dict[str, Example] = {}
    inputs: dict[str, str] = {}
    for number in range(1, 4 * TENFOLD):
        if len(fresh) >= wanted:
            break
        rows = build_examples(
            material.index, material.benchmark, config.synthesis, seed=_fresh_seed(config.seed, number)
        ).rows
        new = [row for row in rows if row.example_id not in fresh]
        if not new:
            break
        fresh.update((row.example_id, row) for row in rows)
        saved = save_examples(material.store, rows, benchmark=material.benchmark)
        inputs[f"examples{number}"] = saved.artifact_id
    mixture = compose_again(
        list(fresh.values()),
        general[:general_wanted],
        rows=wanted,
        index=material.index,
        benchmark=material.benchmark,
        seed=config.seed + 1,
    )
    return mixture, inputs


def _fresh_seed(seed: int, number: int) -> int:
    """Seeds of Examples that no session of a neighbouring seed has."""
    return seed + 100_003 * number


def random_diagnoses(material: Material, *, seed: int) -> tuple[Diagnosis, ...]:
    """As many diagnoses, of the same kinds and with as many nodes, of chains that did not fail.

    They share no concept pair with a failed dev chain or a sealed one, and each is used once. A diagnosis for which none is left
    that is long enough has no counterpart.
    """
    chains = _unfailed_chains(material)
    Random(f"random patch:{seed}").shuffle(chains)
    wanted = sorted(
        (d for d in material.diagnoses if d.kind in _PATCHED), key=lambda d: (d.kind.value, d.item_id)
    )
    Random(f"random patch:{seed}:kinds").shuffle(wanted)
    found = []
    for diagnosis in wanted:
        chain = next((one for one in chains if _long_enough(one, diagnosis)), None)
        if chain is None:
            continue
        chains.remove(chain)
        found.append(
            replace(
                diagnosis,
                item_id=chain.chain_id,
                chain_id=chain.chain_id,
                nodes=tuple(_as_many_nodes(diagnosis, chain)),
                probes=(),
                detail="a chain that did not fail",
            )
        )
    return tuple(found)


_PATCHED = (DiagnosisKind.CONCEPT_GAP, DiagnosisKind.REASONING_DEFICIT)


def _unfailed_chains(material: Material) -> list[Chain]:
    snapshot, benchmark = material.index.snapshot, material.benchmark
    failed = {score.item_id for score in material.report.dev if score.value is not None and not score.correct}
    forbidden = set(sealed_pairs(benchmark, snapshot))
    for item in benchmark.of(Split.DEV):
        if item.item_id in failed:
            forbidden |= _pairs(material, snapshot.chains[item.chain_id])
    chains = (snapshot.chains[key] for key in sorted(snapshot.chains))
    return [chain for chain in chains if not _pairs(material, chain) & forbidden]


def _pairs(material: Material, chain: Chain) -> set[tuple[str, str]]:
    relations = (material.index.snapshot.relations[key] for key in chain.relation_ids)
    return {pair_key(relation.subject_id, relation.object_id) for relation in relations}


def _levels(diagnosis: Diagnosis) -> tuple[int, int]:
    """How many concepts and relations a diagnosis names."""
    concepts = sum(node.startswith("c_") for node in diagnosis.nodes)
    return concepts, len(diagnosis.nodes) - concepts


def _long_enough(chain: Chain, diagnosis: Diagnosis) -> bool:
    concepts, relations = _levels(diagnosis)
    return len(chain.concept_ids) >= concepts and len(chain.relation_ids) >= relations


def _as_many_nodes(diagnosis: Diagnosis, chain: Chain) -> Iterator[str]:
    """Nodes of a chain, as many of each level as a diagnosis names."""
    concepts, relations = _levels(diagnosis)
    yield from chain.concept_ids[:concepts]
    yield from chain.relation_ids[:relations]
