"""Who is the subject of a verb: the noun phrase or list that opens its clause, an antecedent, or what a pronoun must mean.

Gives nothing where the clause's start is unclear, where a restrictive clause narrows the noun, or under "if" and doubt.
"""

from __future__ import annotations

from collections.abc import Sequence

from proda_core.teachers.lexicon import PASSED_PREPOSITIONS, REPORTING, UNREAL
from proda_core.teachers.phrases import Unit
from proda_core.teachers.terms import plural_of
from proda_core.teachers.view import SentenceView

_OPENERS = frozenset(",;:-stckq(")


class SubjectFinder(SentenceView):
    """Adds subjects to the view."""

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
            return self.units[k].lemma not in UNREAL and self._lemma(k) != "than"
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
        if self.symbols[relative - 3 : relative - 2] == "c":
            return ()
        if self.symbols[relative - 3 : relative - 2] == "p":
            # Head or last noun? Only number can tell.
            head = self.units[relative - 4] if relative >= 4 else noun
            if head.symbol != "N" or head.plural == noun.plural or verb not in self.agreement:
                return ()
        if relative - 2 in self._results:
            return tuple(
                Unit("N", noun.first, noun.last, noun.lemma, (t,)) for t in self._results[relative - 2]
            )
        return (noun,) if self._agrees(noun, verb) else ()

    def _agrees(self, noun: Unit, verb: int) -> bool:
        return self.agreement.get(verb, noun.plural) == noun.plural

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
