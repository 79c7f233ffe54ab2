"""Asking probes and reckoning mastery: right of asked, corrected for guessing as (accuracy - chance) / (1 - chance), floor 0.

Choices are read from the log-likelihood of each reply said in full, recall from a greedy reply that must say
the object. The same prompt asked for two nodes is put to the student once. In-chain probes are in ``formats`` only: whether
a fact known alone is also the likeliest next step of a chain of thought.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from proda_core.ids import normalise_term
from proda_core.probing.probe import Probe
from proda_core.types import Mastery

if TYPE_CHECKING:
    from proda_core.students import Student

MASTERED_FROM = 0.5
_ROUNDING = 1e-9  # three of five at chance a fifth are a half, and 0.6 - 0.2 in floats is less
RECALL_TOKENS = 32


def ask_probes(
    student: Student,
    probes: Sequence[Probe],
    *,
    mastered_from: float = MASTERED_FROM,
    max_new_tokens: int = RECALL_TOKENS,
) -> dict[str, Mastery]:
    """Mastery by node ID, in the order in which nodes are first probed; ``corrected`` is in [0, 1]."""
    right = _right(student, probes, max_new_tokens)
    by_node: dict[str, list[Probe]] = {}
    for probe in probes:
        by_node.setdefault(probe.node_id, []).append(probe)
    return {
        node: _mastery(node, asked, [right[_key(probe)] for probe in asked], mastered_from)
        for node, asked in by_node.items()
    }


def mean_mastery(masteries: Iterable[Mastery]) -> float:
    """Mean guess-corrected accuracy over nodes, 0 for none."""
    values = [mastery.corrected for mastery in masteries if mastery.asked]
    return sum(values) / len(values) if values else 0.0


def _right(
    student: Student, probes: Sequence[Probe], max_new_tokens: int
) -> dict[tuple[str, int, tuple[str, ...]], bool]:
    distinct = list({_key(probe): probe for probe in probes}.values())
    compared = [probe for probe in distinct if probe.options]
    open_ = [probe for probe in distinct if not probe.options]
    scores = student.option_loglikelihoods([p.prompt for p in compared], [p.options for p in compared])
    replies = student.generate([p.prompt for p in open_], max_new_tokens=max_new_tokens)
    found = {_key(p): row.index(max(row)) == p.gold for p, row in zip(compared, scores, strict=True)}
    found.update(
        {_key(p): says(reply, p.accepted, given=p.given) for p, reply in zip(open_, replies, strict=True)}
    )
    return found


def says(reply: str, accepted: Sequence[str], *, given: Sequence[str] = ()) -> bool:
    """Whether a reply says one of the accepted terms as whole words, the question's own terms taken out first."""
    text = normalise_term(reply)
    targets = [normalise_term(term) for term in accepted]
    for name in sorted((normalise_term(name) for name in given), key=len, reverse=True):
        # A question's term inside the answer ("flow" in "heat flow") must not tear the answer apart.
        if not any(name in target for target in targets):
            text = re.sub(rf"\b{re.escape(name)}\b", " ", text)
    return any(re.search(rf"(?<!\w){re.escape(target)}(?!\w)", text) for target in targets)


def _mastery(node: str, probes: Sequence[Probe], right: Sequence[bool], mastered_from: float) -> Mastery:
    counted = [(probe, ok) for probe, ok in zip(probes, right, strict=True) if probe.format.counted]
    formats: dict[str, bool] = {}
    for probe, ok in zip(probes, right, strict=True):
        formats[probe.format.value] = formats.get(probe.format.value, True) and ok
    if not counted:
        return Mastery(node, 0, 0, 0.0, False, formats)
    hits = sum(ok for _, ok in counted)
    chance = sum(probe.chance for probe, _ in counted) / len(counted)
    corrected = max(0.0, (hits / len(counted) - chance) / (1 - chance))
    return Mastery(node, len(counted), hits, corrected, corrected >= mastered_from - _ROUNDING, formats)


def _key(probe: Probe) -> tuple[str, int, tuple[str, ...]]:
    return probe.prompt, probe.gold, probe.options
