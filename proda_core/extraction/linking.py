"""Objects generalised to a concept that the texts go on from: what leads to acid rain leads to rain.

The object of a positive statement is upward monotone, so a modifier may go; a subject's may not. Done only where the full
object leads nowhere and the shorter one does, and never for graded terms ("higher price"); a kind may lose its complement.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from proda_core.extraction.graph import Triple
from proda_core.teachers import PRIVATIVE

_GRADES = frozenset(("higher", "lower", "more", "less", "fewer", "change"))


def generalise(triples: Sequence[Triple], *, heads: bool = False) -> int:
    """Shorten objects in place; the number shortened. Asymmetric types only: a contrast holds of the very thing.

    ``heads``: a kind may also lose what follows its preposition.
    """
    subjects = {triple.subject for triple in triples}
    pairs = {triple.pair for triple in triples}
    shortened = 0
    for triple in triples:
        if triple.type == "CONTRAST" or triple.object in subjects:
            continue
        shorter = (heads and _head(triple, subjects)) or _shorter(triple, subjects)
        if shorter and frozenset((triple.subject, shorter)) not in pairs:
            pairs.add(frozenset((triple.subject, shorter)))
            triple.object = shorter
            shortened += 1
    return shortened


def _shorter(triple: Triple, subjects: set[str]) -> str:
    words = triple.object.split()
    if words[0] in _GRADES | PRIVATIVE or {"of", "in", "for", "on", "to"} & set(words):
        return ""
    for cut in range(1, len(words)):
        candidate = " ".join(words[cut:])
        if (
            candidate in subjects
            and candidate != triple.subject
            and not triple.subject.endswith(f" {candidate}")
        ):
            return candidate
    return ""


def _head(triple: Triple, subjects: set[str]) -> str:
    """ "a tax on imports" is a tax."""
    head = re.split(r" (?:of|on|for|in|to) ", triple.object)[0]
    fits = triple.type == "SPECIALIZATION" and head != triple.object and head in subjects
    return head if fits and head != triple.subject and not triple.subject.endswith(f" {head}") else ""
