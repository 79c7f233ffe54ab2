"""Units of one sentence to statements: every verb read once, then the patterns that have none.

Precision before recall: a negated, hedged, conditional or past verb states nothing here, nor does a sentence about a picture.
"""

from __future__ import annotations

from proda_core.teachers.lexicon import FALLING, RISING, SHOWN, UNCERTAIN
from proda_core.teachers.phrases import Unit
from proda_core.teachers.predicates import PredicateReader
from proda_core.teachers.terms import less, more
from proda_core.teachers.verbs import Frame
from proda_core.teachers.view import SentenceReading


class SentenceGrammar(PredicateReader):
    """Reads one sentence: ``SentenceGrammar(units, antecedents, agreement).read()``."""

    def read(self) -> SentenceReading:
        if any(u.lemma in UNCERTAIN or (u.symbol == "N" and u.lemma in SHOWN) for u in self.units):
            return self.reading
        for i, unit in enumerate(self.units):
            if unit.symbol in "VPC":
                self._clause(i)
            elif unit.symbol == "G":
                self._participial(i)
            elif unit.symbol == "p" and unit.lemma in ("such as", "including"):
                self._examples(i)
            elif unit.symbol == "c":
                self._and_other(i)
        self._fronted()
        self._events_joined()
        self._appositions()
        return self.reading

    def _clause(self, i: int) -> None:
        unit = self.units[i]
        subject = self._subject_of(i)
        if not subject:
            return
        self._subjects[i] = subject
        if unit.negated or unit.hedged or unit.past or any(s.negated for s in subject) or self._denied(i):
            return
        self._happens(i, subject)
        self._predicate(i, subject)

    def _denied(self, i: int) -> bool:
        """ "never produces": a negator among the adverbs before the verb."""
        k = i - 1
        while k >= 0 and self.symbols[k] == "a":
            if self.units[k].negated:
                return True
            k -= 1
        return False

    def _happens(self, i: int, subject: tuple[Unit, ...]) -> None:
        """An intransitive verb of change makes its subject an event: "prices rise" is higher price."""
        unit = self.units[i]
        grade = more if unit.lemma in RISING else less if unit.lemma in FALLING else None
        after = self._skip_adverbs(i + 1)
        if (
            grade is None
            or unit.symbol != "V"
            or unit.negated
            or unit.hedged
            or unit.past
            or len(subject) != 1
        ):
            return
        if self._at(after) in (",", ".", ";", "s", "k", "") or (
            self._at(after) == "c" and self._at(after + 1) != "N"
        ):
            self._events[i] = tuple(
                t for t in (grade(t, plural=subject[0].plural) for t in subject[0].terms) if t
            )

    def _events_joined(self) -> None:
        """ "When A, B" and "B when A": A leads to B, when both are changes of something named."""
        links = [
            k
            for k, u in enumerate(self.units)
            if u.symbol == "s" and u.lemma in ("when", "as", "if", "because", "whenever")
        ]
        if len(links) != 1:
            return
        link, verbs_at = links[0], [k for k, u in enumerate(self.units) if u.symbol in "VPC"]
        inside = [k for k in verbs_at if k > link][:1]
        outside = (
            [k for k in verbs_at if k < link][-1:] if link > 1 else [k for k in verbs_at if k > link][1:2]
        )
        if not inside or not outside:
            return
        for cause in self._events.get(inside[0], ()):
            for effect in self._events.get(outside[0], ()):
                self._emit_one(cause, "CAUSAL", effect, outside[0])

    def _participial(self, i: int) -> None:
        """ ", releasing oxygen": the main clause's subject does it."""
        if i < 2 or self.symbols[i - 1] != "," or not any(v in self.symbols[:i] for v in "VP"):
            return
        if self.units[i].lemma in ("depend", "accord", "include"):
            return  # prepositions by now
        verbs_before = [k for k in self._subjects if k < i]
        if not verbs_before or any(s in self.symbols[max(verbs_before) : i] for s in "rsq;"):
            return
        main = self.units[max(verbs_before)]
        if main.negated or main.hedged or main.past or main.symbol == "C":
            return
        self._object_frame(i, self._subjects[max(verbs_before)], self.units[i].lemma)

    def _examples(self, i: int) -> None:
        """ "Y such as X1, X2 and X3"."""
        j = i - 1 if self._at(i - 1) == "N" else i - 2
        if (
            j < 0
            or self.symbols[j] != "N"
            or self.symbols[j + 1 : i] not in ("", ",")
            or self._at(i + 1) != "N"
        ):
            return
        kind = self.units[j]
        if self.symbols[max(0, j - 2) : j] == "Np" and (self._lemma(i) == "including" or j == i - 2):
            return  # which of the two nouns has the examples?
        if (
            not kind.plural
            or kind.negated
            or len(kind.terms) != 1
            or (self._lemma(i) == "including" and j == i - 1)
        ):
            return
        self._emit(self._list_right(i + 1).units, Frame("SPECIALIZATION"), kind.terms, i)

    def _and_other(self, i: int) -> None:
        """ "X1, X2 and other Ys"."""
        kind = self.units[i + 1] if i + 1 < len(self.units) else None
        if (
            kind is None
            or kind.symbol != "N"
            or kind.determiner != "other"
            or kind.last - kind.first - kind.core > 1  # "and the other centers on"
            or not kind.plural
            or len(kind.terms) != 1
        ):
            return
        k = i - 2 if self._at(i - 1) == "," else i - 1
        while k >= 0 and self.symbols[k] == "N":
            self._emit((self.units[k],), Frame("SPECIALIZATION"), kind.terms, i)
            if k < 2 or self.symbols[k - 1] != "," or self.symbols[k - 2] != "N":
                break
            k -= 2

    def _fronted(self) -> None:
        """ "Unlike Y, X does ..." and "Without Y, X cannot ..."."""
        if self.symbols[:3] != "pN," or not self.units or self._at(3) != "N":
            return
        word, subject = self._lemma(0), self._list_right(3)
        verb = next((u for u in self.units[subject.end :] if u.symbol in "VPC"), None)
        if word == "unlike" and verb is not None:
            self._emit(subject.units[:1], Frame("CONTRAST"), self.units[1].terms, 0)
        if word == "without" and verb is not None and verb.negated and not verb.past:
            self._emit(subject.units[:1], Frame("PREREQUISITE"), self.units[1].terms, 0)

    def _appositions(self) -> None:
        """ "X, a Y that ..., does Z": X is a Y."""
        for i in range(len(self.units) - 3):
            if self.symbols[i : i + 3] != "N,N" or self.units[i + 2].determiner not in ("a", "an"):
                continue
            if any(u.lemma == "call" for u in self.units[:i]):
                continue  # "call this, when ..., a bubble" names and says nothing of the noun before
            if self.symbols[0] in "sp" and "," not in self.symbols[: i + 1]:
                continue  # the comma closes a fronted clause
            after = self._at(i + 3)
            closes = after == "," and self._at(i + 4) not in ("c", "N")
            if not (closes or after in ("r", "D", "G", "p") or after == "."):
                continue
            if self._at(i - 1) in (",", "c") or len(self.units[i].terms) != 1 or self.units[i].plural:
                continue
            self._emit((self.units[i],), Frame("SPECIALIZATION"), self.units[i + 2].terms, i + 1)
