"""One sentence's units as the grammar looks at them, and the statements that it writes down.

Holds what all patterns share: looking around, lists of nouns, and the last checks before a statement stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from proda_core.teachers.lexicon import AGENTS, EVALUATIVE, MEASURING
from proda_core.teachers.phrases import Unit
from proda_core.teachers.terms import less, more, singular
from proda_core.teachers.verbs import ACTIVE, Frame


@dataclass(frozen=True, slots=True)
class Phrase:
    """One or more noun phrases joined by "and" or commas; ``end`` is the unit after the last."""

    units: tuple[Unit, ...]
    start: int
    end: int

    @property
    def terms(self) -> tuple[str, ...]:
        return tuple(term for unit in self.units for term in unit.terms)


@dataclass(frozen=True, slots=True)
class Statement:
    """A typed triple of terms; ``first:last`` are the tokens of the verb phrase."""

    subject: str
    type: str
    object: str
    first: int
    last: int


@dataclass(slots=True)
class SentenceReading:
    """What one sentence states. ``subject`` is that of its main clause: what "it" may mean in the next."""

    statements: list[Statement] = field(default_factory=list)
    subject: tuple[Unit, ...] = ()
    naming: list[tuple[str, str]] = field(default_factory=list)  # (term, other name)
    defined: tuple[str, int] | None = None  # (term, first token of what it is)


class SentenceView:
    """The units of one sentence; ``antecedents``: the subject of the sentence before; ``agreement``: verbs known plural."""

    def __init__(
        self,
        units: Sequence[Unit],
        antecedents: Sequence[Unit] = (),
        agreement: Mapping[int, bool] | None = None,
    ) -> None:
        self.units = list(units)
        self.antecedents = tuple(antecedents)
        self.agreement = dict(agreement or {})
        self.symbols = "".join(u.symbol for u in self.units)
        self.reading = SentenceReading()
        self._subjects: dict[int, tuple[Unit, ...]] = {}  # verb index -> its subject
        self._events: dict[int, tuple[str, ...]] = {}  # verb index -> what its clause says happens
        self._results: dict[int, tuple[str, ...]] = {}  # noun index -> graded term made of it

    def _at(self, i: int) -> str:
        return self.symbols[i] if 0 <= i < len(self.symbols) else ""

    def _lemma(self, i: int) -> str:
        return self.units[i].lemma if 0 <= i < len(self.units) else ""

    def _skip_adverbs(self, i: int) -> int:
        while self._at(i) == "a" and not self.units[i].negated:
            i += 1
        return i

    def _opens(self, subject: tuple[Unit, ...]) -> bool:
        return subject[0].first == 0 and not subject[0].pronoun

    def _list_right(self, start: int) -> Phrase:
        """Nouns joined by commas and a conjunction from ``start``; the last is left out when it opens a new clause."""
        if self._at(start) != "N":
            return Phrase((), start, start)
        members, k = [start], start + 1
        pending: list[int] = []
        while True:
            if self._at(k) == "," and self._at(k + 1) == "N":
                pending.append(k + 1)
                k += 2
            elif self._at(k) == "c" and self._at(k + 1) == "N":
                if self.units[k - 1].inner and not self.units[k + 1].determiner:
                    return Phrase((self.units[start],), start, k + 2)
                members += [*pending, k + 1]
                return self._trimmed(members, k + 2)
            elif self._at(k) == "," and self._at(k + 1) == "c" and self._at(k + 2) == "N" and pending:
                members += [*pending, k + 2]
                return self._trimmed(members, k + 3)
            else:
                return Phrase((self.units[start],), start, start + 1)

    def _trimmed(self, members: list[int], end: int) -> Phrase:
        """Without a last member that is a verb misread ("reduce demand and increase supply") or opens a clause."""
        last = self.units[members[-1]]
        opening = next((t.split()[0] for t in last.terms), "")
        if opening in ACTIVE and not last.determiner and last.core > 1:
            return Phrase(tuple(self.units[m] for m in members[:-1]), members[0], members[-1] - 1)
        k = end
        while self._at(k) in ("a", "p") or (self._at(k) == "N" and self._at(k - 1) == "p"):
            k += 1
        if self._at(k) in ("V", "P", "C"):
            members, end = members[:-1], members[-1] - 1
            members = members[:1] if len(members) > 1 and self.symbols[members[1] - 1] == "," else members
        return Phrase(tuple(self.units[m] for m in members), members[0], end)

    def _define(self, subject: tuple[Unit, ...], at: int) -> None:
        if (
            self.reading.defined is None
            and len(subject) == 1
            and len(subject[0].terms) == 1
            and at < len(self.units)
        ):
            self.reading.defined = (subject[0].terms[0], self.units[at].first)

    def _state(self, subject: Sequence[Unit], frame: Frame, objects: Phrase, verb: int) -> None:
        for unit in objects.units:
            if unit.negated or unit.pronoun or unit.determiner in ("this", "these", "such", "those", "other"):
                continue
            terms = tuple(t for t in (shaped(term, frame, plural=unit.plural) for term in unit.terms) if t)
            if frame.grade and len(unit.terms) == 1:
                self._results[objects.start] = terms
                self._events.setdefault(verb, terms)
            self._emit(subject, frame, terms, verb)

    def _emit(self, subject: Sequence[Unit], frame: Frame, objects: Sequence[str], verb: int) -> None:
        for unit in subject:
            if unit.negated or unit.determiner in ("this", "these", "such", "those"):
                continue
            for term in unit.terms:
                for other in objects:
                    pair = (other, term) if frame.reverse else (term, other)
                    self._emit_one(pair[0], frame.type, pair[1], verb)

    def _emit_one(self, subject: str, kind: str, object_: str, verb: int) -> None:
        if _judges(subject) or _judges(object_):
            return
        if kind in ("CAUSAL", "FUNCTION") and _head(subject) in AGENTS:
            return
        if kind == "SPECIALIZATION" and subject.split(" ", maxsplit=1)[0] in MEASURING:
            return  # "lower tariffs", "a number of services": an amount is not a kind
        if subject and object_ and subject.lower() != object_.lower():
            unit = self.units[verb]
            self.reading.statements.append(Statement(subject, kind, object_, unit.first, unit.last))


def _head(term: str) -> str:
    return singular(term.split(" of ", maxsplit=1)[0].rsplit(maxsplit=1)[-1].lower())


def _judges(term: str) -> bool:
    return bool(term) and _head(term) in EVALUATIVE


def shaped(term: str, frame: Frame, *, plural: bool) -> str:
    if frame.grade:
        return more(term, plural=plural) if frame.grade == "up" else less(term, plural=plural)
    if frame.deed:
        return f"{term} {frame.deed}" if len(term.split()) <= 3 and " of " not in term else ""
    return term
