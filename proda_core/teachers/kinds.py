"""Kinds that a name tells: a price floor is a floor. Spare propositions, used where a concept has no other place.

Only modifiers in front are taken off, and none that takes the kind away ("artificial", "former", "potential"). The evidence is
the sentence that defines or uses the name; the wording is empty, for no words of the text say so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from proda_core.ids import normalise_term
from proda_core.teachers.lexicon import EMPTY_MODIFIERS, MEASURING, NOT_ITS_KIND, PASSING_MODIFIERS
from proda_core.teachers.protocol import Definition, Proposition, Reading

RECURS = 3  # chunks that use a name before it counts as one without being defined
_LINKS = frozenset(("of", "to", "on", "in", "for", "per", "and"))


@dataclass(frozen=True, slots=True)
class Mention:
    """A name somewhere in a chunk, and the sentence it stands in."""

    term: str
    start: int
    end: int


def kinds_by_name(
    stated: Sequence[Proposition], definitions: Sequence[Definition], mentions: Sequence[Mention]
) -> tuple[Proposition, ...]:
    """A spare proposition for every shorter name inside a name; the definition's sentence before any other."""
    found: dict[tuple[str, str], Proposition] = {}
    for one in definitions:
        _take(found, one.term, one.start, one.end)
    for stating in stated:
        for term in (stating.subject, stating.object):
            if not _made_up(term):
                _take(found, term, stating.start, stating.end)
    for mention in mentions:
        if not _made_up(mention.term):
            _take(found, mention.term, mention.start, mention.end)
    return tuple(found.values())


def _made_up(term: str) -> bool:
    """ "high return", "realizing cost": a phrase of the moment and no name."""
    first = term.split(maxsplit=1)[0].lower()
    return first in PASSING_MODIFIERS or first.endswith(("ing", "ed", "ly"))


def _take(found: dict[tuple[str, str], Proposition], term: str, start: int, end: int) -> None:
    for kind in _kinds(term):
        found.setdefault((term, kind), Proposition(term, "SPECIALIZATION", kind, "", start, end))


def _kinds(term: str) -> Iterator[str]:
    words = term.split()
    first = words[0].lower()
    if _LINKS & set(words) or first in NOT_ITS_KIND | MEASURING | EMPTY_MODIFIERS or words[0][:1].isupper():
        return
    for cut in range(1, len(words)):
        yield " ".join(words[cut:])


def with_known_kinds(readings: Sequence[Reading]) -> tuple[Reading, ...]:
    """Spare ones only of kinds that are spoken of somewhere; those of names that recur are stated."""
    known = {normalise_term(term) for reading in readings for term in _spoken_of(reading)}
    chunks_with = Counter(
        term for reading in readings for term in {normalise_term(p.subject) for p in reading.spare}
    )
    stated: set[str] = set()
    found: list[Reading] = []
    for reading in readings:
        spare = tuple(p for p in reading.spare if normalise_term(p.object) in known)
        recurring: list[Proposition] = []
        for one in spare:  # the longest kind comes first
            name = normalise_term(one.subject)
            if chunks_with[name] >= RECURS and name not in stated:
                stated.add(name)
                recurring.append(one)
        found.append(replace(reading, propositions=(*reading.propositions, *recurring), spare=spare))
    return tuple(found)


def _spoken_of(reading: Reading) -> Iterable[str]:
    yield from (definition.term for definition in reading.definitions)
    for proposition in reading.propositions:
        yield from (proposition.subject, proposition.object)
