"""Tagged tokens to units: noun phrases, verb groups and the small words between, one symbol each.

Symbols: N noun phrase, V active verb, P passive, C copula, I infinitive, G participle in -ing, D past participle, A predicate
adjective, p preposition, o "of", r relative pronoun, t complement "that", s subordinator, c and/or, k but, a adverb,
w person, punctuation as itself, "?" the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proda_core.teachers.lexicon import (
    HEDGES,
    NEGATORS,
    PERSONAL,
)
from proda_core.teachers.tagging import Token
from proda_core.teachers.terms import less, more, noun_term, singular


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit over tokens ``first:last``. ``terms`` only for N (empty: unusable); ``lemma`` is head, verb or word."""

    symbol: str
    first: int
    last: int
    lemma: str
    terms: tuple[str, ...] = ()
    determiner: str = ""
    plural: bool = False
    inner: tuple[str, ...] = ()  # terms of the Y in "X of Y"
    negated: bool = False
    hedged: bool = False
    past: bool = False
    pronoun: bool = False
    core: int = 0  # words of the head phrase
    text: str = ""  # a participle as written


_DETERMINERS = ("AT0", "DT0", "DPS", "CRD", "ORD")
_FINITE = ("VVZ", "VVB", "VVD", "VBZ", "VBB", "VBD", "VHZ", "VHB", "VHD", "VDZ", "VDB", "VDD", "VM0")
_THIRD = frozenset(("it", "they", "this", "these", "that", "those"))


def units_of(tokens: Sequence[Token]) -> list[Unit]:
    """The units of one sentence, in order."""
    units: list[Unit] = []
    i = 0
    while i < len(tokens):
        unit = _noun_phrase(tokens, i) or _verb_group(tokens, i) or _word(tokens, i, units)
        units.append(unit)
        i = unit.last
    return units


def _noun_phrase(tokens: Sequence[Token], start: int) -> Unit | None:
    i, determiner = start, ""
    while (
        i < len(tokens)
        and tokens[i].tag in _DETERMINERS
        and not _such_as(tokens, i)
        and not _links(tokens, i)
    ):
        determiner = determiner if determiner == "no" else tokens[i].lower
        i += 1
    modifiers: list[Token] = []
    spare: list[Token] = []  # first conjunct of "physical and chemical weathering"
    nouns: list[Token] = []
    while i < len(tokens):
        token = tokens[i]
        if token.tag.startswith("NN") or token.tag in ("NP0", "UNC", "ZZ0"):
            nouns.append(token)
        elif token.tag == "POS" and nouns and _goes_on(tokens, i + 1):
            modifiers, nouns, spare = [], [], []
        elif not nouns and _is_modifier(tokens, i, start):
            modifiers.append(token)
        elif (
            nouns and token.tag == "VVG" and _ends_after(tokens, i + 1) and len(nouns) == 1 and not determiner
        ):
            nouns.append(token)  # "price fixing"
        elif (
            not nouns
            and modifiers
            and token.tag == "CJC"
            and not spare
            and _goes_on(tokens, i + 1, adjective=True)
        ):
            spare, modifiers = modifiers, []
        elif (
            not nouns
            and token.tag == "AV0"
            and _goes_on(tokens, i + 1, adjective=True)
            and (determiner or modifiers)
        ):
            pass
        else:
            break
        i += 1
    if not nouns:
        return _bare_determiner(tokens, start)
    return _noun_unit(tokens, (start, i), determiner, (spare, modifiers, nouns))


def _noun_unit(
    tokens: Sequence[Token],
    span: tuple[int, int],
    determiner: str,
    parts: tuple[list[Token], list[Token], list[Token]],
) -> Unit:
    spare, modifiers, nouns = parts
    start, end = span
    opens = start == 0 and bool(modifiers or nouns) and tokens[0] is (modifiers or nouns)[0]
    plural = nouns[-1].tag == "NN2"
    readings = [noun_term(modifiers, nouns, first=opens)]
    if spare:
        readings.insert(0, noun_term(spare, nouns, first=start == 0 and tokens[0] is spare[0]))
    readings = [_graded(r, determiner, plural) for r in readings]
    head = singular(nouns[-1].lower) if plural else nouns[-1].lower
    return Unit(
        "N", start, end, head,
        terms=tuple(r for r in readings if r) if all(readings) else (),
        determiner=determiner, plural=plural, negated=determiner in ("no", "neither", "few"), core=len(modifiers) + len(nouns),
    )  # fmt: skip


def _graded(term: str, determiner: str, plural: bool) -> str:
    if determiner == "more":
        return more(term, plural=plural)
    return less(term, plural=plural) if determiner in ("less", "fewer") else term


def _is_modifier(tokens: Sequence[Token], i: int, start: int) -> bool:
    tag = tokens[i].tag
    if tag in ("AJ0", "AJC", "AJS"):
        return True
    if tag == "VVN":
        return _goes_on(tokens, i + 1)
    return tag == "VVG" and i > start and _goes_on(tokens, i + 1)


def _goes_on(tokens: Sequence[Token], i: int, *, adjective: bool = False) -> bool:
    """Whether a noun follows, over adjectives."""
    if adjective and (i >= len(tokens) or not tokens[i].tag.startswith(("AJ", "VVN", "VVG"))):
        return False
    while i < len(tokens) and tokens[i].tag.startswith(
        ("AJ", "VVN", "VVG", "ORD", "CRD", *(("CJC",) if adjective else ()))
    ):
        i += 1
    return i < len(tokens) and (tokens[i].tag.startswith("NN") or tokens[i].tag == "NP0")


def _ends_after(tokens: Sequence[Token], i: int) -> bool:
    return i >= len(tokens) or tokens[i].tag in ("PUN", "CJC", "PRP", "PRF", *_FINITE)


def _links(tokens: Sequence[Token], i: int) -> bool:
    """ "that" after a verb or before another determiner opens a clause and is no determiner."""
    if tokens[i].lower != "that":
        return False
    after_verb = i > 0 and tokens[i - 1].tag.startswith(("VV", "VB", "VH"))
    following = tokens[i + 1].tag if i + 1 < len(tokens) else ""
    return after_verb or following in ("AT0", "DT0", "DPS", "PNP")


def _such_as(tokens: Sequence[Token], i: int) -> bool:
    return tokens[i].lower == "such" and i + 1 < len(tokens) and tokens[i + 1].lower == "as"


def _bare_determiner(tokens: Sequence[Token], start: int) -> Unit | None:
    token = tokens[start]
    if _such_as(tokens, start):
        return None
    if token.lower in _THIRD and token.tag in ("DT0", "PNP"):
        if token.lower == "that":
            return None
        return Unit(
            "N", start, start + 1, token.lower, pronoun=True, plural=token.lower in ("they", "these", "those")
        )
    if token.tag in ("DT0", "CRD", "ORD", "PNI") or token.lower in ("each", "both", "all", "them", "one"):
        return Unit("N", start, start + 1, token.lower, negated=token.lower in ("none", "neither", "few"))
    return None


def _verb_group(tokens: Sequence[Token], start: int) -> Unit | None:
    token = tokens[start]
    if token.tag == "TO0":
        return _infinitive(tokens, start)
    if token.tag in ("VVG", "VBG", "VHG"):
        return _participle(tokens, start, "G")
    if token.tag == "VVN":
        return _participle(tokens, start, "D")
    if token.tag in ("VVI", "VBI"):
        return _participle(tokens, start, "I")
    return _finite(tokens, start) if token.tag in _FINITE else None


def _finite(tokens: Sequence[Token], start: int) -> Unit:
    i, negated, hedged, past, verb, passive, be = start, False, False, False, "", False, False
    while i < len(tokens):
        token = tokens[i]
        tag = token.tag
        if tag in ("XX0", "AV0") or token.lower == "no longer":
            negated |= token.lower in NEGATORS
        elif tag == "VM0":
            hedged |= token.lower in HEDGES
            negated |= token.lower == "cannot"
        elif tag.startswith("VB"):
            be, past = True, past or tag in ("VBD", "VBN")
        elif tag.startswith("VH") and _auxiliary(tokens, i):
            past = True
        elif tag.startswith("VD") and _auxiliary(tokens, i):
            past |= tag == "VDD"
        elif tag.startswith("V"):
            if be and tag not in ("VVN", "VVG", "VVD"):
                break
            if tag == "VVG" and be and _goes_on(tokens, i + 1) and i - start > 3:
                break
            verb, passive = _base(token), be and tag in ("VVN", "VVD")
            hedged |= i > 0 and token.text[:1].isupper()  # a title quoted, not a statement
            past |= tag == "VVD" and not be
            i += 1
            break
        else:
            break
        i += 1
    verb, i = _particle(tokens, verb, i)
    symbol = "C" if be and not verb else ("P" if passive else "V")
    return Unit(
        symbol,
        start,
        i,
        verb or ("be" if be else tokens[start].lemma),
        negated=negated,
        hedged=hedged,
        past=past,
    )


def _auxiliary(tokens: Sequence[Token], i: int) -> bool:
    """Whether a verb follows over adverbs: then have and do are auxiliaries."""
    i += 1
    while i < len(tokens) and tokens[i].tag in ("AV0", "XX0"):
        i += 1
    return i < len(tokens) and tokens[i].tag[:2] in ("VV", "VB", "VH")


def _base(token: Token) -> str:
    """The verb's lemma; the model now and then leaves "relie" of "relies"."""
    return token.lemma[:-2] + "y" if token.lemma.endswith("ie") and len(token.lemma) > 4 else token.lemma


def _particle(tokens: Sequence[Token], verb: str, i: int) -> tuple[str, int]:
    if (
        verb
        and i < len(tokens)
        and tokens[i].lower in ("up", "out", "off", "down", "away", "about")
        and tokens[i].tag in ("AVP", "PRP", "AV0")
    ):
        return f"{verb} {tokens[i].lower}", i + 1
    return verb, i


def _infinitive(tokens: Sequence[Token], start: int) -> Unit:
    i = start + 1
    while i < len(tokens) and tokens[i].tag == "AV0":
        i += 1
    if i < len(tokens) and tokens[i].tag in ("VVI", "VVB", "VBI", "VHI", "VDI"):
        verb, end = _particle(tokens, _base(tokens[i]), i + 1)
        return Unit("I", start, end, verb)
    return Unit("p", start, start + 1, "to")


def _participle(tokens: Sequence[Token], start: int, symbol: str) -> Unit:
    verb, end = _particle(tokens, _base(tokens[start]), start + 1)
    return Unit(symbol, start, end, verb, text=tokens[start].lower)


_PUNCTUATION = {"\u2014": "-", "\u2013": "-", "[": "(", "]": ")", "-": "?"}
_COMPOUNDS = (
    (("as", "well", "as"), "c", "and"),
    (("such", "as"), "p", "such as"),
    (("because", "of"), "p", "because of"),
    (("including",), "p", "including"),
)


def _word(tokens: Sequence[Token], i: int, before: Sequence[Unit]) -> Unit:
    words = [token.lower for token in tokens[i : i + 3]]
    for compound, symbol, lemma in _COMPOUNDS:
        if tuple(words[: len(compound)]) == compound:
            return Unit(symbol, i, i + len(compound), lemma)
    word, tag = words[0], tokens[i].tag
    if tag == "PUN":
        symbol = _PUNCTUATION.get(word, word)
    elif word == "that":
        symbol = "r" if before and before[-1].symbol == "N" else "t"
    elif word in ("which", "who"):
        symbol = "r"
    elif word in ("whom", "whose", "where"):
        symbol = "q"
    elif word in PERSONAL:
        symbol = "w"
    elif tag in ("PRP", "AVP"):
        symbol = "s" if word == "as" and _clause_follows(tokens, i + 1) else "p"
    elif tag == "CJC":
        symbol = "c" if word in ("and", "or", "&", "and/or") else "k"
    else:
        symbol = _SYMBOL_OF_TAG.get(tag, "?")
    return Unit(symbol, i, i + 1, word, negated=word in NEGATORS)


_SYMBOL_OF_TAG = {
    "CJS": "s",
    "CJT": "s",
    "AVQ": "s",
    "PRF": "o",
    "AJ0": "A",
    "AJC": "A",
    "AJS": "A",
    "ORD": "A",
    "AV0": "a",
    "XX0": "a",
}


def _clause_follows(tokens: Sequence[Token], i: int) -> bool:
    while i < len(tokens) and tokens[i].tag not in ("PUN", "PRP", "CJC"):
        if tokens[i].tag in _FINITE:
            return True
        i += 1
    return False
