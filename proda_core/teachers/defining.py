"""Sentences that say what a term is: "X is the Y that ...", "... is called X", "we call ... X", "X, which is a Y", "X (a Y)".

Looser than the grammar of relations, because a definition is worth having where its genus is none: what it gives is the term,
the text's words for it and, where one can be told, the genus. Refuses pointing subjects, past and hedged verbs and questions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from proda_core.teachers.lexicon import (
    COLLECTIONS,
    EVALUATIVE,
    NO_DEFINITION,
    POINTED_AT,
    POINTING_DETERMINERS,
    UNCERTAIN,
)
from proda_core.teachers.naming import genus_of, term_of
from proda_core.teachers.phrases import Unit
from proda_core.teachers.tagging import Token

NAMED_BESIDE = frozenset(("called", "termed", "named", "dubbed"))
NAMING = frozenset(("call", "term", "name", "label", "dub", "know", "refer"))
_SAYING = frozenset(
    ("mean", "describe", "measure", "denote", "represent", "state", "hold", "consist", "comprise", "show", "argue", "point", "say", "tell")
)
_THAT = frozenset(("state", "hold", "argue", "point out", "say"))  # said of a law or theory, with "that"
_LAWS = frozenset(("law", "theory", "argument", "principle", "hypothesis", "model", "view", "perspective", "effect", "rule", "theorem"))
_DOING = frozenset(("impose", "allow", "give", "provide", "require", "include", "involve", "occur", "arise", "combine", "cover"))
_SUMS = frozenset(("minus", "plus", "times", "divide", "less", "multiply"))  # "total cost divided by output" is no kind of cost
_HAPPENING = frozenset(("occur", "exist", "arise", "happen"))
_NARROWING = "rqpoGDIts("
_QUOTES = frozenset("\"'\u201c\u201d\u2018\u2019")


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


def without_quotes(tokens: Sequence[Token]) -> list[Token]:
    """Tokens without quotation marks and abbreviations in brackets: they stand between a name and its verb."""
    kept: list[Token] = []
    i = 0
    while i < len(tokens):
        if tokens[i].text in _QUOTES:
            i += 1
        elif tokens[i].text == "(" and i + 2 < len(tokens) and tokens[i + 2].text == ")" and tokens[i + 1].text.isupper():
            i += 3
        else:
            kept.append(tokens[i])
            i += 1
    return kept


class DefinitionReader:
    """Reads the definitions of one sentence from its units (quotation marks removed)."""

    def __init__(self, units: Sequence[Unit], tokens: Sequence[Token]) -> None:
        self.units, self.tokens = list(units), list(tokens)
        self.symbols = "".join(u.symbol for u in units)

    def read(self) -> Iterator[Defined]:
        """Every definition, in the order of the words."""
        if any(u.lemma in UNCERTAIN for u in self.units):
            return
        for i, unit in enumerate(self.units):
            if unit.symbol == "P" and unit.lemma in NAMING:
                yield from self._passive_name(i)
            elif unit.symbol in "VI" and unit.lemma in ("call", "term", "label", "dub"):
                yield from self._called_by(i)
            elif unit.symbol in "VI" and unit.lemma == "refer" and self._lemma(i + 1) == "to":
                yield from self._referred(i)
            elif unit.symbol == "D" and unit.lemma in NAMING:
                yield from self._participle(i)
            elif unit.symbol == "V" and self.tokens[unit.first].lower in NAMED_BESIDE and self._at(i - 1) in ("-", ",", "("):
                yield from self._participle(i)
            if unit.symbol in "VPC":
                yield from self._forward(i)
                yield from self._backward(i)
            elif unit.symbol in ",-(":
                yield from self._beside(i)
            elif unit.symbol == "N" and unit.lemma == "term":
                yield from self._the_term(i)

    def other_names(self) -> Iterator[tuple[str, str]]:
        """ "inputs (or factors of production)", "lag (also called a delay)": the two names of one thing."""
        for i, symbol in enumerate(self.symbols):
            if symbol != "(" or self._at(i - 1) != "N":
                continue
            at = i + 1
            if self._at(at) == "c" and self._lemma(at) == "or":
                at += 1
            else:
                at = self._over_adverbs(at)
                if self._at(at) not in ("D", "V") or self.units[at].lemma not in NAMING:
                    continue
                at += 2 if self._lemma(at + 1) in ("as", "to") else 1
            if self._at(at) == "N" and self._at(at + 1) in (")", ","):
                first, other = (term_of(self.units[k], self.tokens) for k in (i - 1, at))
                if first and other and first != other:
                    yield first, other

    def _forward(self, i: int) -> Iterator[Defined]:
        """ "X is the Y that", "X refers to", "X occurs when", "X means that"."""
        verb = self.units[i]
        subject = self._subject(i)
        if subject < 0 or verb.negated or verb.hedged or verb.past or self.tokens[verb.first].tag == "VM0":
            return
        at = self._over_adverbs(i + 1)
        known = verb.symbol == "V" and verb.lemma == "refer" and self._lemma(at) == "to"
        if known or (verb.symbol == "P" and verb.lemma in ("define",) and self._lemma(at) == "as"):
            yield from self._found(subject, at + 1, verb)
        elif verb.symbol == "C" and (self._defines(at) or self._lemma(at) in ("when", "where")):
            yield from self._found(subject, at, verb)
        elif verb.symbol == "V" and self._says(verb, at, self.units[subject]):
            yield from self._found(subject, i, verb, related=False)
        elif verb.symbol == "V" and verb.lemma in _HAPPENING and self._lemma(at) in ("when", "if", "where"):
            yield from self._found(subject, i, verb, related=False)

    def _says(self, verb: Unit, at: int, subject: Unit) -> bool:
        """ "means that", "measures the", "the law states that"."""
        that = self._at(at) == "t" or self._lemma(at) == "that"
        if verb.lemma in _THAT:
            return that and subject.lemma in _LAWS
        return verb.lemma in _SAYING and (verb.lemma == "mean" or not that) and self._at(at) in tuple("NtGIpo?")

    def _tells(self, at: int, named: Unit) -> bool:
        """What ", which" goes on with is worth being called a definition: a present verb of what the thing does."""
        verb = self.units[at]
        if verb.past or verb.hedged or verb.negated or named.determiner == "the":
            return False
        return self._says(verb, at + 1, named) or verb.lemma in _DOING

    def _backward(self, i: int) -> Iterator[Defined]:
        """ "A tax that falls on the rich is a progressive tax": narrowed first and named at the end."""
        verb, at = self.units[i], self._over_adverbs(i + 1)
        opening = self._opening(i)
        if self.tokens[verb.first].tag == "VM0" or verb.symbol != "C" or verb.negated or verb.past or verb.hedged or opening < 0 or self._at(at) != "N":
            return
        first, named = self.units[opening], self.units[at]
        ends = self._at(at + 1) in (".", "") or (self._at(at + 1) == "c" and self._lemma(at + 1) == "or")
        plain = first.symbol == "N" and self._at(opening + 1) in ("r", "q") and opening + 2 < i
        if not (ends and plain) or named.determiner == "the" or first.pronoun or self._genus(opening) == "":
            return
        term = term_of(named, self.tokens)
        if term and named.lemma not in NO_DEFINITION:
            yield Defined(term, first.first, verb.first, (verb.first, verb.last), self._genus(opening))

    def _defines(self, at: int) -> bool:
        """A complement that says what something is: a kind, or a thing narrowed down by what follows."""
        if self._at(at) != "N":
            return False
        noun = self.units[at]
        if noun.pronoun or noun.negated or noun.lemma in NO_DEFINITION:
            return False
        if noun.determiner in POINTING_DETERMINERS or self._at(at + 1) in ("C", "V", "P", "N"):
            return False
        narrowed = bool(noun.inner) or self._at(at + 1) in _NARROWING and bool(self._at(at + 1))
        if noun.determiner == "the":
            return narrowed
        return narrowed or noun.determiner in ("a", "an", "one") or noun.plural

    def _found(self, subject: int, at: int, verb: Unit, *, related: bool = True) -> Iterator[Defined]:
        if at >= len(self.units):
            return
        named = self.units[subject]
        if self._lemma(subject + 1) == "per" and self._at(subject + 2) == "N":
            named = replace(named, last=self.units[subject + 2].last)
        genus = self._genus(at) if related else ""
        named_too = self.units[subject - 2] if self._lemma(subject - 1) == "or" and self._at(subject - 2) == "N" else None
        for unit in (named, named_too):
            term = term_of(unit, self.tokens) if unit is not None else ""
            if term:
                ends = (self.units[at].first, self._end(at))
                yield Defined(term, *ends, (verb.first, verb.last), genus, parts=self._parts(at) if related else ())

    def _genus(self, at: int) -> str:
        while self._at(at) == "a":
            at += 1
        if self._lemma(at) in ("name", "term", "word") and self._lemma(at + 1) in ("for", "of"):
            at += 2  # "the name for a policy where"
        if self._at(at) != "N" or self._lemma(at + 1) in _SUMS:
            return ""
        return genus_of(self.units[at], self.tokens)

    def _parts(self, at: int) -> tuple[str, ...]:
        """ "a combination of A and B": the parts."""
        unit = self.units[at]
        if unit.symbol != "N" or unit.lemma not in COLLECTIONS or not unit.inner:
            return ()
        more = self._at(at + 1) == "c" and self._at(at + 2) == "N"
        return (*unit.inner, *(self.units[at + 2].terms if more else ()))

    def _passive_name(self, i: int) -> Iterator[Defined]:
        """ "The process by which ... is called X", "This is known as X"."""
        verb, at = self.units[i], self._over_adverbs(i + 1)
        if self._lemma(at) in ("as", "to"):
            at += 2 if self._lemma(at) == "to" and self._lemma(at + 1) == "as" else 1
        elif verb.lemma in ("know", "refer"):
            return
        if self._at(at) != "N" or verb.negated or verb.hedged:
            return
        term = term_of(self.units[at], self.tokens)
        opening = self._opening(i)
        if not term or opening < 0:
            return
        first = self.units[opening]
        if first.pronoun or (first.determiner in POINTING_DETERMINERS and first.symbol == "N"):
            yield Defined(term, 0, 0, (verb.first, verb.last), before=True)
            return
        genus = self._genus(opening) if first.symbol == "N" else ""
        yield Defined(term, first.first, verb.first, (verb.first, verb.last), genus)

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

    def _called_by(self, i: int) -> Iterator[Defined]:
        """ "we call the rate at which ... X", "we call this X", "what economists call X"."""
        verb, after = self.units[i], i + 1
        if self._at(after) != "N" or verb.negated or verb.past:
            return
        noun = self.units[after]
        adjacent = next((k for k in range(after + 1, len(self.units)) if self.symbols[k - 1 : k + 1] == "NN"), -1)
        if noun.determiner in POINTING_DETERMINERS and noun.core:
            yield from self._before_that(self._beyond_pointer(noun), verb)
        elif noun.pronoun and self._at(after + 1) == "N":
            yield from self._before_that(self.units[after + 1], verb)
        elif adjacent > 0 and self._told_apart(after) and self._at(adjacent + 1) in (".", ",", ";", "", ")"):
            term = term_of(self.units[adjacent], self.tokens)
            if term:
                words = (noun.first, self.units[adjacent].first)
                yield Defined(term, *words, (verb.first, verb.last), genus_of(noun, self.tokens))

    def _told_apart(self, at: int) -> bool:
        """A thing described, which a name can be given; "the CPI" has one already."""
        noun = self.units[at]
        described = self._at(at + 1) in tuple(_NARROWING) and self._lemma(at + 1) != "as"
        return described or noun.determiner in ("a", "an") or (noun.plural and noun.determiner != "the")

    def _referred(self, i: int) -> Iterator[Defined]:
        """ "we refer to a policy that ... as X"."""
        verb = self.units[i]
        k = next((k for k in range(i + 3, len(self.units)) if self._lemma(k) == "as" and self.symbols[k] == "p"), -1)
        if k < 0 or self._at(i + 2) != "N" or self._at(k + 1) != "N" or verb.negated or verb.past:
            return
        noun, term = self.units[i + 2], term_of(self.units[k + 1], self.tokens)
        if not self._told_apart(i + 2) and not (noun.pronoun or noun.determiner in POINTING_DETERMINERS):
            return
        if not term or self._at(k + 2) not in (".", ",", ";", ""):
            return
        if noun.pronoun or noun.determiner in POINTING_DETERMINERS:
            yield Defined(term, 0, 0, (verb.first, verb.last), before=True)
        else:
            yield Defined(term, noun.first, self.units[k].first, (verb.first, verb.last), genus_of(noun, self.tokens))

    def _beyond_pointer(self, unit: Unit) -> Unit:
        """ "this limited reserves", "this situation a trade-off": the pointing words are the object, the rest is the name."""
        first = unit.first + 1
        if unit.last - first > 1 and self.tokens[first].lower in POINTED_AT:
            first += 1
        return replace(unit, first=first, determiner="")

    def _before_that(self, named: Unit, verb: Unit) -> Iterator[Defined]:
        term = term_of(named, self.tokens)
        if term:
            yield Defined(term, 0, 0, (verb.first, verb.last), before=True)

    def _participle(self, i: int) -> Iterator[Defined]:
        """ "a level of income called the poverty line", "labor, known as X"."""
        at = self._over_adverbs(i + 1)
        if self._lemma(at) in ("as", "to"):
            at += 1
        elif self.units[i].lemma in ("know", "refer"):
            return
        j = i - 1
        while j >= 0 and self.symbols[j] in ",-a(":
            j -= 1
        if j < 0 or self.symbols[j] != "N" or self._at(at) != "N" or "(" in self.symbols[j:i]:
            return
        term = term_of(self.units[at], self.tokens)
        if not term or self.units[j].pronoun:
            return
        verb = (self.units[i].first, self.units[i].last)
        follows = at + 1 + (self._at(at + 1) in (",", "-"))
        genus = genus_of(self.units[j], self.tokens)
        if self._at(follows) in ("r", "q") or (self._at(follows) == "p" and self._at(follows + 1) == "r"):
            yield Defined(term, self.units[follows].first, self._end(follows), verb, genus)
        else:
            yield Defined(term, self.units[j].first, self.units[j].last, verb, genus)

    def _beside(self, i: int) -> Iterator[Defined]:
        """ "X, which is a Y", "X, a Y that", "X (a Y that ...)"."""
        if self._at(i - 1) != "N" or self._at(i - 2) == "c" or self._lemma(i - 2) == "per":
            return
        if not set("VPC") & set(self.symbols):
            return  # a caption or a list
        named = self.units[i - 1]
        if named.pronoun or named.determiner in POINTING_DETERMINERS:
            return
        term = term_of(named, self.tokens)
        if not term:
            return
        at, verb, related = i + 1, self.units[i], True
        if self._at(at) == "r" and self._at(at + 1) == "C" and self._lemma(at) == "which":
            verb = self.units[at + 1]
            at = self._over_adverbs(at + 2)
            fits = self._defines(at) or self._lemma(at) in ("when", "where")
            if verb.negated or verb.past or verb.hedged or not fits:
                return
        elif self._at(at) == "r" and self._lemma(at + 1) == "refer" and self._lemma(at + 2) == "to":
            verb, at = self.units[at + 1], at + 3
        elif self._at(at) == "r" and self._at(at + 1) == "V" and self._tells(at + 1, named):
            verb, at, related = self.units[at + 1], at + 1, False
        elif self.symbols[i] in "-," and self._that_is(at):
            at = self._over_adverbs(at + 2)
        elif not self._apposed(i, named):
            return
        end = self._close(i, at)
        if end > self.units[at].first:
            yield Defined(term, self.units[at].first, end, (verb.first, verb.last), self._genus(at) if related else "")

    def _that_is(self, at: int) -> bool:
        return self.tokens[self.units[at].first].lower == "that" and self._at(at + 1) == "C" if at < len(self.units) else False

    def _apposed(self, i: int, named: Unit) -> bool:
        at = i + 1
        noun = self.units[at] if self._at(at) == "N" else None
        if noun is None or noun.lemma in NO_DEFINITION | EVALUATIVE - {"study"} or noun.pronoun:
            return False
        if self.symbols[i] == "," and self._listed(i):
            return False
        if any(u.lemma in ("call", "essence") for u in self.units[:i]) or self.units[i - 1].inner and self.symbols[i] == "-":
            return False  # "call this, when ..., a bubble"; "parts of one cause - a change"
        fronted = self.symbols.lstrip("a,")
        if fronted[:1] in ("s", "p") and "," not in fronted[: i - len(self.symbols) + len(fronted)]:
            return False  # the comma closes a fronted clause
        if not noun.determiner and self._at(at + 1) == "r" and self.symbols[i] == "," and named.core > 1:
            return True  # "pork-barrel spending, legislation that benefits"
        narrowed = bool(noun.inner) or (self._at(at + 1) in ("r", "q", "G", "D", "I", "s") or (self._at(at + 1) == "p"))
        if noun.determiner == "the":
            return narrowed and self.symbols[i] in "(-"
        if self.symbols[i] == "(" and not noun.determiner:
            return narrowed
        if noun.determiner not in ("a", "an"):
            return False
        return narrowed or self._at(at + 1) in (",", ")", "-", ".")

    def _listed(self, comma: int) -> bool:
        """ "a worker, a manager, and an owner": nouns side by side and no apposition."""
        rest = self.symbols[comma + 1 :]
        verb = min((rest.find(v) for v in "VPCr" if v in rest), default=len(rest))
        return self._at(comma - 2) == "," or any(mark in rest[:verb] for mark in (",N", ",c", "cN", ",G"))

    def _the_term(self, i: int) -> Iterator[Defined]:
        """ "use the term X to refer to ...", "the term X refers to ..."."""
        if self._at(i + 1) != "N":
            return
        term = term_of(self.units[i + 1], self.tokens)
        at = i + 2
        verb = self.units[at] if at < len(self.units) else None
        if not term or verb is None or verb.symbol not in "IV" or verb.lemma not in ("refer", "describe", "mean"):
            return
        at += 2 if self._lemma(at + 1) == "to" else 1
        if at < len(self.units):
            yield Defined(term, self.units[at].first, self._end(at), (verb.first, verb.last), self._genus(at))

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
        if k > 0 and self._lemma(k) == "or" and self.symbols[k - 1] == "N" and (k == 1 or self.symbols[k - 2] in ",a"):
            return j  # "Zero elasticity or perfect inelasticity refers to"
        if k < 0 or self.symbols[k] in ":;-":
            return j
        if self.symbols[k] == ",":
            before = self.symbols[:k].strip("a,")
            short = not set("VPCN") & set(before)  # "More formally, "
            return j if not before or short or before[0] in "psGIk" else -1
        return j if self.symbols[k] in "k" else -1

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

    def _at(self, i: int) -> str:
        return self.symbols[i] if 0 <= i < len(self.symbols) else ""

    def _lemma(self, i: int) -> str:
        return self.units[i].lemma if 0 <= i < len(self.units) else ""


