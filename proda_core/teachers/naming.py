"""What a defined term and its genus are called: the noun phrase as written, less what only points or counts.

A term may be longer and more common than in a statement, because the text singles it out ("income", "actual rate of return").
"""

from __future__ import annotations

from collections.abc import Sequence

from proda_core.teachers.lexicon import (
    EMPTY_MODIFIERS,
    EVALUATIVE,
    GENUS_ANYWAY,
    GENUS_POINTS,
    IDLE_MODIFIERS,
    NAMED_ANYWAY,
    PERSONAL,
    PLURAL_TERMS,
    POINTING_HEADS,
)
from proda_core.teachers.phrases import Unit
from proda_core.teachers.tagging import Token
from proda_core.teachers.terms import is_word, singular

MAX_WORDS = 6
_INSIDE = frozenset(("of", "to", "on", "in", "for", "per"))
_NOUNS = ("NN0", "NN1", "NN2", "NP0", "UNC")


def term_of(unit: Unit, tokens: Sequence[Token]) -> str:
    """The name that the unit gives, or "" when it gives none."""
    words = _words(unit, tokens)
    while words and _leads_nowhere(words[0]) and len(words) > 1 and not _kept(words):
        words = words[1:]
    if not 1 <= len(words) <= MAX_WORDS or not all(is_word(w.text) for w in words):
        return ""
    head = _head(words)
    if head in POINTING_HEADS - NAMED_ANYWAY or head in PERSONAL or head in EVALUATIVE:
        return ""
    if len(words) == 1 and (
        words[0].lower in EMPTY_MODIFIERS or len(head) < 3 or not words[0].tag.startswith(_NOUNS)
    ):
        return ""
    return _written(words, opens=unit.first == 0)


def genus_of(unit: Unit) -> str:
    """What kind of thing the unit names: its own term, else its head alone; "" when that says nothing."""
    if unit.pronoun or unit.negated or unit.lemma in EVALUATIVE:
        return ""
    if unit.terms:
        named = unit.terms[0][:1].isupper() and not unit.terms[0].isupper()
        return "" if named else unit.terms[0]
    head = unit.lemma
    if head in (POINTING_HEADS - GENUS_ANYWAY) | GENUS_POINTS or not is_word(head) or len(head) < 3:
        return ""
    return head


def _words(unit: Unit, tokens: Sequence[Token]) -> list[Token]:
    words = list(tokens[unit.first : unit.last])
    while words and (words[0].tag in ("AT0", "DT0", "DPS", "CRD") or words[0].lower in ("so-called",)):
        words = words[1:]
    return words


def _kept(words: Sequence[Token]) -> bool:
    """A capital inside the sentence belongs to the name."""
    return words[0].text[:1].isupper() and all(w.text[:1].isupper() for w in words)


def _leads_nowhere(word: Token) -> bool:
    return word.tag == "AV0" or word.lower in IDLE_MODIFIERS


def _head(words: Sequence[Token]) -> str:
    cut = next((n for n, w in enumerate(words) if n and w.lower in _INSIDE), len(words))
    last = words[cut - 1]
    return singular(last.lower) if last.tag == "NN2" else last.lower


def _written(words: Sequence[Token], *, opens: bool) -> str:
    texts = [w.text for w in words]
    proper = all(w.text[:1].isupper() for w in words) and len(words) > 1
    if not proper and texts[0][:1].isupper() and texts[0][1:].islower() and not words[0].tag.startswith("NP"):
        texts[0] = texts[0].lower() if opens else texts[0]
    if words[-1].tag in ("NN2", "NN0") and texts[-1].lower() not in PLURAL_TERMS and not proper:
        texts[-1] = singular(texts[-1])
    return " ".join(texts)
