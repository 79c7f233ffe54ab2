"""One sentence as definitions are looked for in it: whose clause it is, what defines, what the genus is and where it ends.

Units are those of the sentence without quotation marks. Positions that do not exist read as nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proda_core.teachers.lexicon import COLLECTIONS, NO_DEFINITION, POINTING_DETERMINERS
from proda_core.teachers.naming import genus_of
from proda_core.teachers.phrases import Unit
from proda_core.teachers.tagging import Token

_SAYING = frozenset(
    (
        "mean",
        "describe",
        "measure",
        "denote",
        "represent",
        "state",
        "hold",
        "consist",
        "comprise",
        "show",
        "argue",
        "point",
        "say",
        "tell",
    )
)
_THAT = frozenset(("state", "hold", "argue", "point out", "say"))  # said of a law or theory, with "that"
_LAWS = frozenset(
    (
        "law",
        "theory",
        "argument",
        "principle",
        "hypothesis",
        "model",
        "view",
        "perspective",
        "effect",
        "rule",
        "theorem",
    )
)
_SUMS = frozenset(
    ("minus", "plus", "times", "divide", "less", "multiply")
)  # "total cost divided by output" is no kind of cost
NARROWING = "rqpoGDIts("


@dataclass(frozen=True, slots=True)
class Defined:
    """Tokens ``first:last`` say what ``term`` is; ``genus`` may be "". ``verb`` are the tokens that join the two.

    ``before``: the definition is the sentence before ("This is called X").
    """

    term: str
    first: int
    last: int
    verb: tuple[int, int]
    genus: str = ""
    before: bool = False
    parts: tuple[str, ...] = ()


class DefinitionView:
    """What every pattern of a definition looks at."""

    def __init__(self, units: Sequence[Unit], tokens: Sequence[Token]) -> None:
        self.units, self.tokens = list(units), list(tokens)
        self.symbols = "".join(u.symbol for u in units)

    def _subject(self, i: int) -> int:
        """The noun phrase that opens the clause of the verb at ``i``; -1 when it points, or when another may be meant."""
        j = i - 1
        while j >= 0 and self.symbols[j] == "a":
            j -= 1
        if j > 0 and self.symbols[j] in ",)":
            opening = self.symbols.rfind("(" if self.symbols[j] == ")" else ",", 0, j)
            if opening < 1:
                return -1
            j = opening - 1
        while j >= 2 and self.symbols[j - 1] == "p" and self.symbols[j - 2] == "N":
            j -= 2
        if j < 0 or self.symbols[j] != "N":
            return -1
        noun = self.units[j]
        if noun.pronoun or noun.negated or noun.determiner in POINTING_DETERMINERS:
            return -1
        k = j - 1
        while k >= 0 and self.symbols[k] == "a":
            k -= 1
        if (
            k > 0
            and self._lemma(k) == "or"
            and self.symbols[k - 1] == "N"
            and (k == 1 or self.symbols[k - 2] in ",a")
        ):
            return j  # "Zero elasticity or perfect inelasticity refers to"
        if k < 0 or self.symbols[k] in ":;-":
            return j
        if self.symbols[k] == ",":
            before = self.symbols[:k].strip("a,")
            short = not set("VPCN") & set(before)  # "More formally, "
            return j if not before or short or before[0] in "psGIk" else -1
        return j if self.symbols[k] in "k" else -1

    def _opening(self, i: int) -> int:
        """The unit that opens the clause whose verb is at ``i``, past a fronted phrase; -1 when it is unclear."""
        start = max(self.symbols.rfind(mark, 0, i) for mark in ";:") + 1
        while start < i and self.symbols[start] in "ak,c":
            start += 1
        if self.symbols[start : start + 1] in ("p", "s", "G", "I") and self.symbols[start]:
            comma = self.symbols.find(",", start, i)
            if comma < 0:
                return start if self.symbols[start] == "G" else -1
            start = comma + 1
            while start < i and self.symbols[start] == "a":
                start += 1
        return start if start < i and self.symbols[start] in "NG" else -1

    def _end(self, at: int) -> int:
        """The token at which the definition that begins with unit ``at`` ends: the sentence's end, or a semicolon."""
        stop = self.symbols.find(";", at)
        end = self.units[stop].first if stop > 0 else len(self.tokens)
        while end > 0 and self.tokens[end - 1].text in ".;!,)":
            end -= 1
        return end

    def _close(self, opening: int, at: int) -> int:
        """The end of what stands beside a noun: the closing bracket or dash, or before the main verb goes on."""
        mark = {"(": ")", "-": "-"}.get(self.symbols[opening], "")
        if mark:
            close = self.symbols.find(mark, at)
            return self.units[close].first if close > 0 else self._end(at)
        return self._end(at)

    def _over_adverbs(self, i: int) -> int:
        while self._at(i) in ("a", ",") and self._at(i):
            i += 1
        return i

    def _genus(self, at: int) -> str:
        while self._at(at) == "a":
            at += 1
        if self._lemma(at) in ("name", "term", "word") and self._lemma(at + 1) in ("for", "of"):
            at += 2  # "the name for a policy where"
        if self._at(at) != "N" or self._lemma(at + 1) in _SUMS:
            return ""
        return genus_of(self.units[at])

    def _parts(self, at: int) -> tuple[str, ...]:
        """ "a combination of A and B": the parts."""
        unit = self.units[at]
        if unit.symbol != "N" or unit.lemma not in COLLECTIONS or not unit.inner:
            return ()
        more = self._at(at + 1) == "c" and self._at(at + 2) == "N"
        return (*unit.inner, *(self.units[at + 2].terms if more else ()))

    def _defines(self, at: int) -> bool:
        """A complement that says what something is: a kind, or a thing narrowed down by what follows."""
        if self._at(at) != "N":
            return False
        noun = self.units[at]
        if noun.pronoun or noun.negated or noun.lemma in NO_DEFINITION:
            return False
        if noun.determiner in POINTING_DETERMINERS or self._at(at + 1) in ("C", "V", "P", "N"):
            return False
        narrowed = bool(noun.inner) or (self._at(at + 1) in NARROWING and bool(self._at(at + 1)))
        if noun.determiner == "the":
            return narrowed
        return narrowed or noun.determiner in ("a", "an", "one") or noun.plural

    def _told_apart(self, at: int) -> bool:
        """A thing described, which a name can be given; "the CPI" has one already."""
        noun = self.units[at]
        described = self._at(at + 1) in tuple(NARROWING) and self._lemma(at + 1) != "as"
        return described or noun.determiner in ("a", "an") or (noun.plural and noun.determiner != "the")

    def _says(self, verb: Unit, at: int, subject: Unit) -> bool:
        """ "means that", "measures the", "the law states that"."""
        that = self._at(at) == "t" or self._lemma(at) == "that"
        if verb.lemma in _THAT:
            return that and subject.lemma in _LAWS
        return (
            verb.lemma in _SAYING and (verb.lemma == "mean" or not that) and self._at(at) in tuple("NtGIpo?")
        )

    def _at(self, i: int) -> str:
        return self.symbols[i] if 0 <= i < len(self.symbols) else ""

    def _lemma(self, i: int) -> str:
        return self.units[i].lemma if 0 <= i < len(self.units) else ""
