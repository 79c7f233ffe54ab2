"""What a verb says of its subject: active and passive frames, "is a", "is the result of", names and definitions."""

from __future__ import annotations

from proda_core.teachers import verbs
from proda_core.teachers.lexicon import (
    AGENTS,
    CAUSE_HEADS,
    FALLING,
    KIND_HEADS,
    NEED_HEADS,
    PART_HEADS,
    PROCESS_SUFFIXES,
    RESULT_HEADS,
    RISING,
    ROLE_HEADS,
)
from proda_core.teachers.phrases import Unit
from proda_core.teachers.subjects import SubjectFinder
from proda_core.teachers.verbs import Frame
from proda_core.teachers.view import Phrase, shaped


class PredicateReader(SubjectFinder):
    """Adds predicates to the subjects."""

    def _predicate(self, i: int, subject: tuple[Unit, ...]) -> None:
        unit = self.units[i]
        if unit.symbol == "V":
            self._active(i, subject, unit.lemma)
        elif unit.symbol == "P":
            self._passive(i, subject)
        else:
            self._copular(i, subject)

    def _active(self, i: int, subject: tuple[Unit, ...], verb: str) -> None:
        after = self._skip_adverbs(i + 1)
        if verb in ("help", "tend", "serve", "continue") and self._at(after) == "I":
            inner = self.units[after]
            self._object_frame(after, subject, inner.lemma)
            return
        if verb == "refer" and self._lemma(after) == "to":
            self._define(subject, after + 1)
            return
        if verb == "mean" or verb == "describe":
            return
        self._object_frame(i, subject, verb)

    def _object_frame(self, i: int, subject: tuple[Unit, ...], verb: str) -> None:
        """Object directly, after a preposition, or after a fixed noun ("gives rise to")."""
        after = self._skip_adverbs(i + 1)
        if self._at(after) == "N":
            objects = self._list_right(after)
            follow = self.units[objects.end] if objects.end < len(self.units) else None
            if objects.units[0].negated:
                return
            fixed = (verb, self.units[after].lemma, follow.lemma if follow else "")
            if fixed in verbs.WITH_OBJECT:
                self._state(subject, verbs.WITH_OBJECT[fixed], self._list_right(objects.end + 1), i)
                return
            between = verbs.BETWEEN_OBJECTS.get((verb, follow.lemma if follow else ""))
            if between is not None and len(objects.units) == 1:
                self._state(objects.units, between, self._list_right(objects.end + 1), i)
                return
            if verb == "play" and self.units[after].lemma in ROLE_HEADS:
                return
            frame = self._made_to(objects, verb)
            if frame is not None:
                self._state(subject, frame, objects, i)
                return
            frame = self._frame(subject, verb)
            if frame and not self._object_acts(objects, verb):
                self._state(subject, frame, objects, i)
        elif self._at(after) in ("p", "o") and self._at(after + 1) == "N":
            key = f"{verb} {self.units[after].lemma}"
            if key in verbs.SERVES:
                self._state(subject, Frame("FUNCTION"), self._list_right(after + 1), i)
            elif key in verbs.ACTIVE:
                self._state(subject, verbs.ACTIVE[key], self._list_right(after + 1), i)

    def _frame(self, subject: tuple[Unit, ...], verb: str) -> Frame | None:
        """The verb's frame for this subject."""
        if verb in verbs.INCLUDING:
            kinds = subject[0].plural or subject[0].lemma in KIND_HEADS
            return Frame("SPECIALIZATION" if kinds else "PART_OF", reverse=True)
        if verb in verbs.OF_PROCESSES:
            process = subject[0].lemma.endswith(PROCESS_SUFFIXES) and subject[0].lemma not in AGENTS
            return verbs.OF_PROCESSES[verb] if process else None
        return verbs.ACTIVE.get(verb)

    def _made_to(self, objects: Phrase, verb: str) -> Frame | None:
        """ "causes prices to rise": what is caused is a change of the noun."""
        doing = self.units[objects.end] if self._at(objects.end) == "I" else None
        if doing is None or verb not in ("cause", "force", "lead", "push", "induce"):
            return None
        after = self._at(self._skip_adverbs(objects.end + 1))
        if after not in (",", ".", ";", "s", ""):
            return None
        grade = "up" if doing.lemma in RISING else "down" if doing.lemma in FALLING else ""
        return Frame("CAUSAL", grade=grade) if grade else None

    def _object_acts(self, objects: Phrase, verb: str) -> bool:
        """ "causes prices to rise", "drives rates up": what is caused is not the noun alone."""
        after = objects.end
        if self._at(after) == "(" and ")" in self.symbols[after:]:
            after = self.symbols.index(")", after) + 1  # "causing the curve (AD) to shift"
        if verb == "cause" and self._at(after) == "r":
            return True  # "causes those who wait to lose"
        if self._lemma(after) in ("up", "down", "away", "back", "apart", "together", "out", "off"):
            return True
        while self._at(after) == "p" and self._at(after + 1) == "N" and self._lemma(after) != "to":
            after += 2
        acts = self._at(after) == "I" or self._lemma(after) == "to" or self._at(objects.end) == "A"
        frame = verbs.ACTIVE.get(verb)
        causal = frame is not None and frame.type == "CAUSAL"
        return (
            (acts and causal)
            or self._at(objects.end) in ("I", "A")
            or (causal and self._at(objects.end) == "D" and verb == "cause")
        )

    def _passive(self, i: int, subject: tuple[Unit, ...]) -> None:
        verb, after = self.units[i].lemma, self._skip_adverbs(i + 1)
        if verb in ("call", "term", "name", "know") and not any(s.pronoun for s in subject):
            at = after + 1 if self._lemma(after) == "as" else after
            if self._at(at) == "N" and (verb != "know" or at != after):
                self._name(i, subject, at)
            return
        if verb == "define" and self._lemma(after) == "as":
            self._define(subject, after + 1)
            return
        if verb == "use" and self._at(after) == "I" and self._at(self._skip_adverbs(after + 1)) == "N":
            deed = verbs.DEEDS.get(self.units[after].lemma)
            if deed:
                self._state(
                    subject, Frame("FUNCTION", deed=deed), self._list_right(self._skip_adverbs(after + 1)), i
                )
            return
        if self._at(after) in ("p", "o", "D") and self._at(after + 1) == "N":
            frame = verbs.PASSIVE.get(f"{verb} {self.units[after].lemma}")
            frame = frame or self._by(verb, self.units[after].lemma)
            if frame and self._at(after + 2) != "I":  # not "required by law to pay"
                self._state(subject, frame, self._list_right(after + 1), i)

    @staticmethod
    def _by(verb: str, preposition: str) -> Frame | None:
        """ "is raised by X" says that X raises it."""
        active = verbs.ACTIVE.get(verb)
        if preposition != "by" or active is None or active.type == "CONTRAST":
            return None
        return Frame(active.type, not active.reverse, active.grade, active.deed)

    def _name(self, i: int, subject: tuple[Unit, ...], at: int) -> None:
        names = self._list_right(at)
        also = any(
            u.symbol == "a" and u.lemma in ("also", "sometimes", "often", "commonly")
            for u in self.units[i:at]
        )
        inside = self.units[i].last - self.units[i].first > 2
        if (
            len(subject) == 1
            and len(subject[0].terms) == 1
            and len(names.terms) == 1
            and not subject[0].inner
            and (also or inside)
        ):
            self.reading.naming.append((subject[0].terms[0], names.terms[0]))

    def _copular(self, i: int, subject: tuple[Unit, ...]) -> None:
        after = self._skip_adverbs(i + 1)
        symbol = self._at(after)
        if symbol == "A" or symbol == "D":
            link = after + 1
            if self._at(link) in ("p", "o") and self._at(link + 1) == "N":
                frame = verbs.ADJECTIVE.get(f"{self.units[after].lemma} {self.units[link].lemma}")
                if frame:
                    self._state(subject, frame, self._list_right(link + 1), i)
        elif (symbol == "p" and self._lemma(after) == "due") or self._lemma(after) == "because of":
            at = after + 1 if self._lemma(after) == "because of" else after + 2
            if self._at(at) == "N":
                self._state(subject, Frame("CAUSAL", reverse=True), self._list_right(at), i)
        elif symbol == "N":
            self._complement(i, subject, after)
        elif (
            symbol == "I"
            and subject[0].lemma in ROLE_HEADS
            and subject[0].inner
            and self._at(after + 1) == "N"
        ):
            deed = verbs.DEEDS.get(self.units[after].lemma, "")
            objects = self._list_right(after + 1)
            for term in objects.units[0].terms if deed else ():
                named = shaped(term, Frame("FUNCTION", deed=deed), plural=False)
                for owner in subject[0].inner:
                    self._emit_one(owner, "FUNCTION", named, i)

    def _complement(self, i: int, subject: tuple[Unit, ...], at: int) -> None:
        """ "X is a Y", "X is the result of Y", "X is a Y that does Z"."""
        noun = self.units[at]
        if self._lemma(at + 1) in ("minus", "plus", "times"):
            return  # a sum, not a kind
        if noun.negated or noun.pronoun or self._at(at + 1) in ("A", "?", "N", "I"):
            return
        frame = _head_frame(noun)
        if subject[0].lemma in ROLE_HEADS and subject[0].inner:
            self._role(i, subject[0], at)
            return
        if subject[0].lemma in KIND_HEADS - {"example", "case", "instance"} and subject[0].inner:
            for kind in subject[0].inner:  # "the second type of X is Y"
                for term in noun.terms:
                    self._emit_one(term, "SPECIALIZATION", kind, i)
            return
        if frame is not None and noun.inner:
            self._emit(subject, frame, noun.inner, i)
            return
        if noun.lemma in NEED_HEADS and self._lemma(at + 1) in ("for", "of") and self._at(at + 2) == "N":
            self._state(subject, Frame("PREREQUISITE", reverse=True), self._list_right(at + 2), i)
            return
        if len(subject) == 1 and self._opens(subject):
            self._define(subject, at)
        indefinite = noun.determiner in ("a", "an", "one") or (noun.plural and not noun.determiner)
        generic = all(
            s.determiner not in ("some", "many", "most", "this", "these", "those", "such", "several", "other")
            for s in subject
        )
        agrees = noun.plural or not subject[0].plural or len(subject) > 1
        if (
            generic
            and agrees
            and not any(self.units[k].pronoun for k in range(max(0, i - 2), i))
            and (indefinite or (noun.determiner == "the" and self._narrowed(at + 1)))
        ):
            phrase = self._list_right(at)
            self._emit(subject, Frame("SPECIALIZATION"), phrase.units[0].terms, i)
            self._subjects_of_relative(at, subject)

    def _narrowed(self, at: int) -> bool:
        """ "the price that", "the price at which": definite because it is being defined."""
        return self._at(at) in ("r", "q") or (self._at(at) == "p" and self._at(at + 1) == "r")

    def _subjects_of_relative(self, at: int, subject: tuple[Unit, ...]) -> None:
        """ "X is a Y that does Z": X does Z."""
        if self._at(at + 1) == "r" and self._at(at + 2) in ("V", "P", "C"):
            self._subjects[at + 2] = subject

    def _role(self, i: int, role: Unit, at: int) -> None:
        if self._at(at) == "N" and self.units[at].terms:
            for owner in role.inner:
                self._emit_one(owner, "FUNCTION", self.units[at].terms[0], i)


def _head_frame(noun: Unit) -> Frame | None:
    """The relation that a complement's head noun names, with "of"."""
    if noun.lemma in RESULT_HEADS:
        return Frame("CAUSAL", reverse=True)
    if noun.lemma in CAUSE_HEADS:
        return Frame("CAUSAL")
    if noun.lemma in PART_HEADS:
        return Frame("PART_OF")
    if noun.lemma in KIND_HEADS:
        return Frame("SPECIALIZATION")
    if noun.lemma in NEED_HEADS:
        return Frame("PREREQUISITE", reverse=True)
    return Frame("CONTRAST") if noun.lemma == "opposite" else None
