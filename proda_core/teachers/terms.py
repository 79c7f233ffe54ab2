"""Noun phrases to terms: determiners and empty modifiers off, the last noun singular, one to four words, or nothing at all.

A phrase is refused rather than cut in the middle: too long, headed by a word that points ("figure", "way"), holding digits.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

import inflect

from proda_core.teachers.lexicon import (
    BARE_HEADS,
    CHANGE_NOUNS,
    DOWN_NOUNS,
    EMPTY_MODIFIERS,
    MEASURED,
    PLURAL_TERMS,
    POINTING_HEADS,
    SIZES,
    UP_NOUNS,
)
from proda_core.teachers.tagging import Token

MAX_WORDS = 4
_PLAIN = re.compile(r"[^\W\d_]+(?:[-\u2010\u2011'\u2019.][^\W_]+)*\.?")
_INFLECT = inflect.engine()
_OF_WHAT = (UP_NOUNS | DOWN_NOUNS | CHANGE_NOUNS) - {"growth", "expansion"}
_COMPARED = {
    "higher": "higher", "rising": "higher", "increased": "higher", "increasing": "higher", "greater": "higher",
    "lower": "lower", "falling": "lower", "reduced": "lower", "decreased": "lower", "declining": "lower", "decreasing": "lower",
}  # fmt: skip


@lru_cache(maxsize=20_000)
def singular(word: str) -> str:
    """The singular of a plural noun; words that only look plural stay."""
    lower = word.lower()
    if lower in PLURAL_TERMS or lower.endswith(("ss", "us", "is")) or len(lower) < 4:
        return word
    found = _INFLECT.singular_noun(word)
    return found if isinstance(found, str) and found else word


def noun_term(modifiers: Sequence[Token], nouns: Sequence[Token], *, first: bool) -> str:
    """The term of adjectives and nouns in order; ``first``: the phrase opens the sentence. "" when it makes none."""
    words = [_cased(token, opens=first and number == 0) for number, token in enumerate([*modifiers, *nouns])]
    proper = sum(token.text[:1].isupper() for token in (*modifiers, *nouns)) == len(words) > 1
    kept = [proper or n >= len(modifiers) or w.lower() not in EMPTY_MODIFIERS for n, w in enumerate(words)]
    words = [word for word, keep in zip(words, kept, strict=True) if keep]
    if proper:
        words[0] = modifiers[0].text if modifiers else nouns[0].text
    last = nouns[-1]
    if len(nouns) == 1 and last.lemma in _OF_WHAT and {m.lower for m in modifiers} <= SIZES:
        return ""  # "a sharp increase": of what?
    if any(m.tag in ("AJC", "AJS") and m.lower not in _COMPARED for m in modifiers):
        return ""
    named = last.text[:1].isupper() and not (first and len(words) == 1)
    if not named and last.tag in ("NN2", "NN0", "NP0"):
        stays = words[-1].lower() in PLURAL_TERMS and len(words) == 1
        words[-1] = words[-1] if stays else singular(words[-1])
    if words and words[0].lower() in _COMPARED and len(words) > 1:
        words[0] = _COMPARED[words[0].lower()] if words[-1].lower() in MEASURED else words[0]
    return checked(words)


def checked(words: Sequence[str]) -> str:
    """The words as a term if they make one."""
    if not 1 <= len(words) <= MAX_WORDS or not all(_PLAIN.fullmatch(w) for w in words):
        return ""
    head = words[-1].lower()
    if head in POINTING_HEADS or (len(words) == 1 and (head in BARE_HEADS or len(head) < 2)):
        return ""
    if words[0].lower() in EMPTY_MODIFIERS and len(words) == 1:
        return ""
    return " ".join(words)


def is_word(text: str) -> bool:
    """Whether the text is a word, hyphens and apostrophes inside it allowed; no digit stands alone."""
    return _PLAIN.fullmatch(text) is not None


def more(term: str, *, plural: bool) -> str:
    """What an increase of ``term`` is called: "higher price", "more competition"."""
    return _degree(term, "higher", "more", plural=plural)


def less(term: str, *, plural: bool) -> str:
    """What a decrease of ``term`` is called: "lower price", "less friction", "fewer" for things counted."""
    return _degree(term, "lower", "fewer" if plural else "less", plural=plural)


def _degree(term: str, measured: str, counted: str, *, plural: bool) -> str:
    if not term or term.split(maxsplit=1)[0] in ("higher", "lower", "more", "less", "fewer"):
        return ""
    head = term.split(" of ", maxsplit=1)[0].split(" for ", maxsplit=1)[0].rsplit(maxsplit=1)[-1]
    if head in MEASURED:
        return f"{measured} {term}"
    return f"{counted} {plural_of(term)}" if plural else f"{counted} {term}"


def plural_of(term: str) -> str:
    """The plural of the last word, or of the noun before "of"."""
    head, link, rest = term.partition(" of ")
    first, _, last = head.rpartition(" ")
    if last not in PLURAL_TERMS:
        last = str(_INFLECT.plural_noun(last))
    return f"{first} {last}".strip() + link + rest


def _cased(token: Token, *, opens: bool) -> str:
    text = token.text
    if opens and text[:1].isupper() and text[1:].islower() and not token.tag.startswith("NP"):
        return text[0].lower() + text[1:]
    return text
