"""The sentence of a diagnosis: what was asked of the student and what was observed, in words and counts.

It speaks of dev items and graph nodes only. Patches are written from the graph and from ``nodes``, never from this text.
"""

from __future__ import annotations

from collections.abc import Sequence

from proda_core.diagnosis.failures import Failure
from proda_core.diagnosis.permuting import PermutedRuns
from proda_core.diagnosis.rewording import Again, Reworded
from proda_core.phi import PHI, verbalise
from proda_core.probing import ProbeFormat
from proda_core.types import Chain, KnowledgeSnapshot, Mastery

SHOWN_OUTPUT = 80
_IN_CHAIN = ProbeFormat.IN_CHAIN.value


def say_defect(failure: Failure, also_true: Sequence[int]) -> str:
    item = failure.item
    named = ", ".join(repr(item.options[index]) for index in also_true)
    return f"Asked the snapshot by names and closure whether an option beside the gold {item.gold!r} is true: {named} is as well."


def say_format_error(failure: Failure, probes: Sequence[Mastery]) -> str:
    text = " ".join(failure.score.output.split())[:SHOWN_OUTPUT]
    return f"Asked the item; the reply {text!r} has no answer in the form asked for. {_asked(probes)}."


def say_gap(snapshot: KnowledgeSnapshot, missing: Sequence[Mastery], probes: Sequence[Mastery]) -> str:
    named = "; ".join(_say_node(snapshot, mastery) for mastery in missing)
    return f"{_asked(probes)}. Not mastered, {len(missing)} of {len(probes)} nodes: {named}."


def say_unstable(snapshot: KnowledgeSnapshot, again: Again, probes: Sequence[Mastery]) -> str:
    return f"{_known(snapshot, probes)}.{_again(again)} Wrong as first asked, so how it is asked decides."


def say_deficit(
    snapshot: KnowledgeSnapshot,
    chain: Chain,
    failure: Failure,
    *,
    probes: Sequence[Mastery],
    again: Again,
) -> str:
    path = " -> ".join(snapshot.term(concept) for concept in chain.concept_ids)
    chosen, gold = failure.score.answer, failure.item.gold
    answer = "none of the options" if chosen is None else repr(failure.item.options[chosen])
    nodes = len(chain.concept_ids) + len(chain.relation_ids)
    known = _known(snapshot, probes) if probes else f"None of the {nodes} nodes has a probe"
    return f"{known}; along {path} the answer was {answer} and not {gold!r}.{_again(again)}{_recalled(snapshot, probes)}"


def missing_of(snapshot: KnowledgeSnapshot, probes: Sequence[Mastery]) -> tuple[Mastery, ...]:
    """The nodes not mastered that explain a failure: none where facts were asked and all of them are mastered."""
    facts = [mastery for mastery in probes if mastery.node_id in snapshot.relations]
    if facts and all(mastery.mastered for mastery in facts):
        return ()
    return tuple(mastery for mastery in probes if not mastery.mastered)


def not_recalled(probes: Sequence[Mastery]) -> tuple[str, ...]:
    """Relations known alone that were not the likeliest next step of a chain of thought."""
    return tuple(m.node_id for m in probes if m.mastered and m.formats.get(_IN_CHAIN) is False)


def _recalled(snapshot: KnowledgeSnapshot, probes: Sequence[Mastery]) -> str:
    """What asking inside a chain of thought showed; "" where no fact was asked there."""
    asked = sum(_IN_CHAIN in m.formats for m in probes)
    lost = not_recalled(probes)
    if lost:
        named = "; ".join(repr(_name(snapshot, node)) for node in lost)
        return (
            f" Known alone, not recalled in a chain of thought, {len(lost)} of {asked} asked there: {named}."
        )
    return f" All {asked} facts asked inside a chain of thought were recalled there too." if asked else ""


def _asked(probes: Sequence[Mastery]) -> str:
    asked, right = sum(m.asked for m in probes), sum(m.right for m in probes)
    formats = len({name for mastery in probes for name in mastery.formats} - {_IN_CHAIN})
    return f"Asked {asked} probes in {formats} formats on {len(probes)} nodes of the chain, {right} right"


def _known(snapshot: KnowledgeSnapshot, probes: Sequence[Mastery]) -> str:
    """What was asked and found mastered, with the concepts that are not beside it."""
    vague = [repr(_name(snapshot, m.node_id)) for m in probes if not m.mastered]
    if not vague:
        return f"{_asked(probes)}, all mastered"
    return (
        f"{_asked(probes)}, every fact mastered, and of no weight here: {'; '.join(vague)} not mastered alone"
    )


def _again(again: Again) -> str:
    """What asking again showed, each a sentence with a space before it; "" where nothing could be asked."""
    permuted = f" {_permuted(again.permuted)}." if again.permuted else ""
    return permuted + (f" {_reworded(again.reworded)}." if again.reworded else "")


def _reworded(found: Reworded) -> str:
    return f"Asked the chain in other words, {found.right} of {found.asked} were right"


def _permuted(runs: PermutedRuns) -> str:
    return f"Asked again with the options permuted, {runs.right} of {len(runs.choices)} runs were right"


def _say_node(snapshot: KnowledgeSnapshot, mastery: Mastery) -> str:
    name = _name(snapshot, mastery.node_id)
    wrong = ", ".join(name for name, right in sorted(mastery.formats.items()) if not right)
    formats = f", wrong in {wrong}" if wrong else ""
    return f"{name!r} ({mastery.right} of {mastery.asked} right, {mastery.corrected:.2f} corrected{formats})"


def _name(snapshot: KnowledgeSnapshot, node: str) -> str:
    """A relation as a statement without its period, a concept as its term."""
    if node not in snapshot.relations:
        return snapshot.term(node)
    relation = snapshot.relations[node]
    subject, object_ = snapshot.term(relation.subject_id), snapshot.term(relation.object_id)
    known = relation.type in PHI
    name = verbalise(relation.type, subject, object_) if known else f"{subject} {relation.type} {object_}"
    return name.rstrip(".")
