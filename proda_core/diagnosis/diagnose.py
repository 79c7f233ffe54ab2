"""Why dev items failed: the student is asked about every concept and relation on the chain, and then about the chain.

Another option true by the snapshot: item_defect. Reply unreadable: format_error. A fact of the chain not mastered: concept_gap,
at every node that is not. A concept alone is none where its chain's facts are mastered: the item asks neither for what its term
means nor for what else is true of it. Otherwise, where more is right than a guess gives when its options are permuted or its
chain is asked in other words: unstable; else reasoning_deficit along the chain, its nodes the relations that are known alone and
not recalled in a chain of thought. Right runs do not outweigh a gap: who lacks a fact can only have guessed. A sealed item is a
GuardRefusal before anything is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from proda_core.diagnosis import details
from proda_core.diagnosis.failures import Failure, refuse_sealed
from proda_core.diagnosis.mastery import Prober, probe_nodes
from proda_core.diagnosis.permuting import ask_permuted
from proda_core.diagnosis.rewording import Again, ask_reworded
from proda_core.diagnosis.setting import Setting
from proda_core.diagnosis.truth import SecondRoute
from proda_core.errors import KnowledgeError
from proda_core.ids import pair_key
from proda_core.types import Chain, Diagnosis, DiagnosisKind, Item, KnowledgeSnapshot, Mastery

if TYPE_CHECKING:
    from proda_core.students import Student

PATCHABLE = frozenset({DiagnosisKind.CONCEPT_GAP, DiagnosisKind.REASONING_DEFICIT})


def diagnose(
    student: Student,
    failures: Sequence[Failure],
    setting: Setting,
    *,
    prober: Prober = probe_nodes,
    tick: Callable[[int], None] = lambda _: None,
) -> tuple[Diagnosis, ...]:
    """One Diagnosis a failure, in order; every node and every permutation is asked in one batch over all failures.

    ``prober`` is where another way to ask about nodes plugs in; ``tick`` is called with the number of failures
    when they were probed, and again when they were asked again.
    """
    refuse_sealed(failure.item for failure in failures)
    snapshot = setting.snapshot
    nodes = sorted({node for failure in failures for node in nodes_of(failure.item, snapshot)})
    masteries = prober(student, nodes, setting)
    tick(len(failures))
    route = SecondRoute(snapshot)
    found = {f.item.item_id: _before_asking_again(f, masteries, route, snapshot) for f in failures}
    open_items = [f.item for f in failures if found[f.item.item_id] is None]
    runs = ask_permuted(student, open_items, setting)
    reworded = ask_reworded(student, (item.chain_id for item in open_items), setting)
    tick(len(failures))
    return tuple(
        found[f.item.item_id]
        or _along_the_chain(
            f, masteries, Again(runs.get(f.item.item_id), reworded.get(f.item.chain_id)), snapshot
        )
        for f in failures
    )


def nodes_of(item: Item, snapshot: KnowledgeSnapshot) -> tuple[str, ...]:
    """The concepts and relations on the item's chain, in chain order."""
    chain = _chain(item, snapshot)
    return (*chain.concept_ids, *chain.relation_ids)


def is_patchable(diagnosis: Diagnosis, snapshot: KnowledgeSnapshot, sealed: frozenset[str]) -> bool:
    """Whether a patch may be written for it without touching a sealed relation.

    ``sealed`` are L2 IDs of sealed chains; every relation on the same concept pair counts as sealed with them. A gap is
    patchable at any node that is free: a free relation, or a concept that a free relation ends at.
    """
    if diagnosis.kind not in PATCHABLE:
        return False
    pairs = {_pair(snapshot, relation) for relation in sealed if relation in snapshot.relations}
    if diagnosis.kind is DiagnosisKind.REASONING_DEFICIT:
        return not any(_pair(snapshot, r) in pairs for r in snapshot.chains[diagnosis.chain_id].relation_ids)
    free = {r for r in snapshot.relations if _pair(snapshot, r) not in pairs}
    ends = {e for r in free for e in (snapshot.relations[r].subject_id, snapshot.relations[r].object_id)}
    return any(node in free or node in ends for node in diagnosis.nodes)


def _before_asking_again(
    failure: Failure, masteries: Mapping[str, Mastery], route: SecondRoute, snapshot: KnowledgeSnapshot
) -> Diagnosis | None:
    """The diagnosis as far as graph, reply and probes decide it; None where every fact of the chain is mastered."""
    probes = _probes(failure.item, masteries, snapshot)
    missing = details.missing_of(snapshot, probes)
    also_true = route.also_true(failure.item)
    if also_true:
        kind, detail = DiagnosisKind.ITEM_DEFECT, details.say_defect(failure, also_true)
    elif failure.unparsable:
        kind, detail = DiagnosisKind.FORMAT_ERROR, details.say_format_error(failure, probes)
    elif missing:
        kind, detail = DiagnosisKind.CONCEPT_GAP, details.say_gap(snapshot, missing, probes)
    else:
        return None
    nodes = tuple(m.node_id for m in missing) if kind is DiagnosisKind.CONCEPT_GAP else ()
    return Diagnosis(failure.item.item_id, failure.item.chain_id, kind, nodes, probes, detail)


def _along_the_chain(
    failure: Failure, masteries: Mapping[str, Mastery], again: Again, snapshot: KnowledgeSnapshot
) -> Diagnosis:
    item = failure.item
    probes = _probes(item, masteries, snapshot)
    if again.unstable:
        detail = details.say_unstable(snapshot, again, probes)
        return Diagnosis(item.item_id, item.chain_id, DiagnosisKind.UNSTABLE, (), probes, detail)
    kind, lost = DiagnosisKind.REASONING_DEFICIT, details.not_recalled(probes)
    detail = details.say_deficit(snapshot, _chain(item, snapshot), failure, probes=probes, again=again)
    return Diagnosis(item.item_id, item.chain_id, kind, lost, probes, detail)


def _probes(item: Item, masteries: Mapping[str, Mastery], snapshot: KnowledgeSnapshot) -> tuple[Mastery, ...]:
    return tuple(masteries[node] for node in nodes_of(item, snapshot) if node in masteries)


def _chain(item: Item, snapshot: KnowledgeSnapshot) -> Chain:
    try:
        return snapshot.chains[item.chain_id]
    except KeyError:
        raise KnowledgeError(
            f"chain {item.chain_id} of item {item.item_id} is not in snapshot {snapshot.digest[:16]}; "
            "diagnose with the snapshot that the benchmark was built from"
        ) from None


def _pair(snapshot: KnowledgeSnapshot, relation_id: str) -> tuple[str, str]:
    relation = snapshot.relations[relation_id]
    return pair_key(relation.subject_id, relation.object_id)
