"""Units of one sentence to statements: who is the subject of each verb, what is its object, and is it asserted at all.

Precision before recall: a clause whose start is unclear, a negated, hedged, conditional or past verb, or a subject that a
restrictive clause narrows, states nothing here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from proda_core.teachers import verbs
from proda_core.teachers.lexicon import (
    AGENTS,
    CAUSE_HEADS,
    EVALUATIVE,
    FALLING,
    KIND_HEADS,
    NEED_HEADS,
    PART_HEADS,
    PASSED_PREPOSITIONS,
    PROCESS_SUFFIXES,
    REPORTING,
    RESULT_HEADS,
    RISING,
    ROLE_HEADS,
    SHOWN,
    UNCERTAIN,
    UNREAL,
)
from proda_core.teachers.phrases import Unit
from proda_core.teachers.terms import less, more, plural_of, singular
from proda_core.teachers.verbs import Frame


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


_OPENERS = frozenset(",;:-stckq(")


class SentenceGrammar:
    """Reads one sentence's units; ``antecedents`` are the previous sentence's subject for "it" and "they"."""

    def __init__(self, units: Sequence[Unit], antecedents: Sequence[Unit] = ()) -> None:
        self.units = list(units)
        self.antecedents = tuple(antecedents)
        self.symbols = "".join(u.symbol for u in self.units)
        self.reading = SentenceReading()
        self._subjects: dict[int, tuple[Unit, ...]] = {}  # verb index -> its subject
        self._events: dict[int, tuple[str, ...]] = {}  # verb index -> what its clause says happens
        self._results: dict[int, tuple[str, ...]] = {}  # noun index -> graded term made of it

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

    # Clauses

    def _clause(self, i: int) -> None:
        unit = self.units[i]
        subject = self._subject_of(i)
        if not subject:
            return
        self._subjects[i] = subject
        self._happens(i, subject)
        if unit.negated or unit.hedged or unit.past or any(s.negated for s in subject):
            return
        self._predicate(i, subject)

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
            if frame:
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
                shaped = _shaped(term, Frame("FUNCTION", deed=deed), plural=False)
                for owner in subject[0].inner:
                    self._emit_one(owner, "FUNCTION", shaped, i)

    def _complement(self, i: int, subject: tuple[Unit, ...], at: int) -> None:
        """ "X is a Y", "X is the result of Y", "X is a Y that does Z"."""
        noun = self.units[at]
        if noun.negated or noun.pronoun or self._at(at + 1) in ("A", "?", "N", "I"):
            return
        frame = _head_frame(noun)
        if subject[0].lemma in ROLE_HEADS and subject[0].inner:
            self._role(i, subject[0], at)
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
            s.determiner not in ("some", "many", "most", "this", "these", "those", "such", "several")
            for s in subject
        )
        agrees = noun.plural or not subject[0].plural or len(subject) > 1
        if (
            generic
            and agrees
            and (indefinite or (noun.determiner == "the" and self._at(at + 1) in ("r", "p", "q")))
        ):
            phrase = self._list_right(at)
            self._emit(subject, Frame("SPECIALIZATION"), phrase.units[0].terms, i)
            self._subjects_of_relative(at, subject)

    def _subjects_of_relative(self, at: int, subject: tuple[Unit, ...]) -> None:
        """ "X is a Y that does Z": X does Z."""
        if self._at(at + 1) == "r" and self._at(at + 2) in ("V", "P", "C"):
            self._subjects[at + 2] = subject

    def _role(self, i: int, role: Unit, at: int) -> None:
        if self._at(at) == "N" and self.units[at].terms:
            for owner in role.inner:
                self._emit_one(owner, "FUNCTION", self.units[at].terms[0], i)

    # Subjects

    def _subject_of(self, i: int) -> tuple[Unit, ...]:
        if i in self._subjects:
            return self._subjects[i]
        j = i - 1
        while j >= 0 and self.units[j].symbol == "a":
            j -= 1
        if j < 0:
            return ()
        symbol = self.units[j].symbol
        if symbol == "r":
            return self._antecedent(j, i)
        if symbol in "ck":
            return self._carried(j)
        if symbol == ",":
            closed = self._before_parenthesis(j)
            if closed < 0:
                return ()
            j = closed
        if self.units[j].symbol == ")":
            j = self.symbols.rfind("(", 0, j) - 1
        return self._subject_ending(j) if j >= 0 and self.units[j].symbol == "N" else ()

    def _subject_ending(self, j: int) -> tuple[Unit, ...]:
        """The noun phrase or list that ends at ``j`` and opens its clause; prepositional phrases after the head are passed."""
        last = j
        while j >= 2 and self.symbols[j - 1] == "p" and self.symbols[j - 2] == "N":
            if self.units[j - 1].lemma not in PASSED_PREPOSITIONS:
                return ()
            j -= 2
        if self._at(j - 1) == "G" and self._clause_starts(j - 1) and self.units[j].terms:
            return self._gerund(j)
        members = self._listed_left(j)
        if self._clause_starts(members[0]):
            return self._resolved([self.units[m] for m in members])
        # "raises prices and wages fall": the conjunction joins clauses, not nouns.
        alone = last == j and len(members) > 1 and any(v in self.symbols[:j] for v in "VPC")
        return self._resolved([self.units[j]]) if alone and self._clause_starts(j) else ()

    def _gerund(self, j: int) -> tuple[Unit, ...]:
        """ "Burning fuel releases heat": the deed with its object is the subject, when it stays short."""
        noun, verb = self.units[j], self.units[j - 1]
        words = plural_of(noun.terms[0]) if noun.plural else noun.terms[0]
        term = f"{verb.text} {words}"
        short = (
            len(noun.terms) == 1
            and len(term.split()) <= 4
            and verb.text
            and verb.lemma not in ("be", "have", "use", "do")
        )
        return (Unit("N", verb.first, noun.last, verb.lemma, (term,)),) if short else ()

    def _listed_left(self, j: int) -> list[int]:
        """Indices of the nouns of "A and B" or "A, B, and C" that ends at ``j``."""
        members = [j]
        if j < 2 or self.symbols[j - 1] != "c":
            return members
        oxford = self.symbols[j - 2] == ","
        k = j - 3 if oxford else j - 2
        while k >= 0 and self.symbols[k] == "N":
            members.insert(0, k)
            if not (k >= 2 and self.symbols[k - 1] == "," and self.symbols[k - 2] == "N"):
                break
            k -= 2
        if len(members) == 2 and self.units[members[0]].inner and not self.units[j].determiner:
            return members[:1]  # "the forces of supply and demand"
        return [j] if oxford and len(members) < 3 else members

    def _clause_starts(self, start: int) -> bool:
        k = start - 1
        while k >= 0 and self.symbols[k] == "a":
            k -= 1
        if k < 0:
            return True
        symbol = self.symbols[k]
        if symbol == "r":
            return k >= 1 and self.symbols[k - 1] == "p"  # ", in which firms compete"
        if symbol not in _OPENERS:
            return False
        if symbol == "s":
            return self.units[k].lemma not in UNREAL and not self._lemma(k) == "than"
        if symbol == "t":
            verb = next((u for u in reversed(self.units[:k]) if u.symbol in "VPCIG"), None)
            return verb is not None and verb.lemma not in REPORTING and not verb.negated and not verb.hedged
        if symbol == ",":
            return self._main_may_follow(k)
        return not self._within_unreal(k)

    def _main_may_follow(self, comma: int) -> bool:
        """A comma before a subject: after a fronted phrase or clause, or a connective; never inside a list of nouns."""
        before = self.symbols[:comma].strip("a,")
        if not before:
            return True
        return not (
            comma >= 1
            and self.symbols[comma - 1] == "N"
            and before[0] == "N"
            and not any(v in before for v in "VPC")
        )

    def _within_unreal(self, k: int) -> bool:
        return (
            any(u.symbol == "s" and u.lemma in UNREAL for u in self.units[:k]) and "," not in self.symbols[:k]
        )

    def _before_parenthesis(self, comma: int) -> int:
        """Index of the noun before ", which ... ," or ", a Y ... ,"; -1 when the comma closes nothing."""
        opening = self.symbols.rfind(",", 0, comma)
        if opening < 1 or self.symbols[opening - 1] != "N":
            return -1
        inside = self.symbols[opening + 1 : comma]
        if inside[:1] in ("r", "D", "G", "q") or (
            inside[:1] == "p" and self.units[opening + 1].lemma in ("such as", "including", "like")
        ):
            return opening - 1
        if inside[:1] == "N" and self.units[opening + 1].determiner in ("a", "an", "the"):
            return opening - 1
        return -1

    def _antecedent(self, relative: int, verb: int) -> tuple[Unit, ...]:
        """Whom ", which" means: the noun before, agreeing in number. "that" and "which" without a comma narrow: nobody."""
        if (
            self._lemma(relative) == "that"
            or relative < 2
            or self.symbols[relative - 1] != ","
            or self.symbols[relative - 2] != "N"
        ):
            return ()
        noun = self.units[relative - 2]
        if verb not in self.agreement and self.symbols[:relative].count("V"):
            return ()  # ", which will": the noun or the whole clause
        if noun.pronoun or not noun.terms or len(noun.terms) > 1:
            return ()
        if self.symbols[relative - 3 : relative - 2] in ("c", "p"):
            return ()
        if relative - 2 in self._results:
            return tuple(
                Unit("N", noun.first, noun.last, noun.lemma, (t,)) for t in self._results[relative - 2]
            )
        return (noun,) if self._agrees(noun, verb) else ()

    def _agrees(self, noun: Unit, verb: int) -> bool:
        tag = self.units[verb].lemma
        del tag
        return self.agreement.get(verb, noun.plural) == noun.plural

    agreement: dict[int, bool] = {}  # noqa: RUF012 - replaced per sentence by the reader

    def _carried(self, conjunction: int) -> tuple[Unit, ...]:
        """ "X does A and does B": the subject of the verb before in the same clause."""
        for k in range(conjunction - 1, -1, -1):
            if self.symbols[k] in ";:":
                return ()
            if self.symbols[k] in "VPC":
                return self._subjects.get(k, ())
            if self.symbols[k] in "rstIG":
                return ()
        return ()

    def _resolved(self, units: Sequence[Unit]) -> tuple[Unit, ...]:
        """Pronouns replaced by the subject they can only mean; nothing when any part stays unknown."""
        found: list[Unit] = []
        for unit in units:
            if unit.pronoun or unit.determiner in ("this", "these", "such", "those", "that"):
                meant = self._meant(unit)
                if not meant:
                    return ()
                found += meant
            else:
                found.append(unit)
        if len(units) == 1 and not self.reading.subject and found:
            self.reading.subject = tuple(found)
        return tuple(found) if all(u.terms or u.inner for u in found) else ()

    def _meant(self, unit: Unit) -> tuple[Unit, ...]:
        if unit.pronoun and unit.lemma in ("it", "they") and len(self.antecedents) >= 1:
            plural = len(self.antecedents) > 1 or self.antecedents[0].plural
            if plural == unit.plural and not self.reading.subject:
                return self.antecedents
        if unit.pronoun and unit.lemma in ("it", "they") and self.reading.subject:
            main = self.reading.subject
            between = [u for u in self.units if u.symbol == "N" and main[-1].last <= u.first < unit.first]
            agrees = (len(main) > 1 or main[0].plural) == unit.plural
            return main if agrees and all(u.plural != unit.plural for u in between) else ()
        if (
            not unit.pronoun
            and len(self.antecedents) == 1
            and self.antecedents[0].lemma == unit.lemma
            and unit.core == 1
        ):
            return self.antecedents
        return ()

    def _opens(self, subject: tuple[Unit, ...]) -> bool:
        return subject[0].first == 0 and not subject[0].pronoun

    # Objects

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
        k = end
        while self._at(k) in ("a", "p") or (self._at(k) == "N" and self._at(k - 1) == "p"):
            k += 1
        if self._at(k) in ("V", "P", "C"):
            members, end = members[:-1], members[-1] - 1
            members = members[:1] if len(members) > 1 and self.symbols[members[1] - 1] == "," else members
        return Phrase(tuple(self.units[m] for m in members), members[0], end)

    def _at(self, i: int) -> str:
        return self.symbols[i] if 0 <= i < len(self.symbols) else ""

    def _lemma(self, i: int) -> str:
        return self.units[i].lemma if 0 <= i < len(self.units) else ""

    def _skip_adverbs(self, i: int) -> int:
        while self._at(i) == "a" and not self.units[i].negated:
            i += 1
        return i

    # Events: "when prices rise, sales fall"

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

    # Patterns without a finite verb

    def _participial(self, i: int) -> None:
        """ ", releasing oxygen": the main clause's subject does it."""
        if i < 2 or self.symbols[i - 1] != "," or not any(v in self.symbols[:i] for v in "VP"):
            return
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
            after = self._at(i + 3)
            closes = after == "," and self._at(i + 4) not in ("c", "N")
            if not (closes or after in ("r", "D", "G", "p") or after == "."):
                continue
            if self._at(i - 1) in (",", "c") or len(self.units[i].terms) != 1 or self.units[i].plural:
                continue
            self._emit((self.units[i],), Frame("SPECIALIZATION"), self.units[i + 2].terms, i + 1)

    # Results

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
            if unit.negated or unit.pronoun or unit.determiner in ("this", "these", "such", "those"):
                continue
            terms = tuple(t for t in (_shaped(term, frame, plural=unit.plural) for term in unit.terms) if t)
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
        if subject and object_ and subject.lower() != object_.lower():
            unit = self.units[verb]
            self.reading.statements.append(Statement(subject, kind, object_, unit.first, unit.last))


def _head(term: str) -> str:
    return singular(term.split(" of ")[0].split()[-1].lower())


def _judges(term: str) -> bool:
    return bool(term) and _head(term) in EVALUATIVE


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


def _shaped(term: str, frame: Frame, *, plural: bool) -> str:
    if frame.grade:
        return more(term, plural=plural) if frame.grade == "up" else less(term, plural=plural)
    if frame.deed:
        return f"{term} {frame.deed}" if len(term.split()) <= 3 and " of " not in term else ""
    return term
