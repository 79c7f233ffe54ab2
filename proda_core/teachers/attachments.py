"""Noun phrases that belong together: "X of Y", "increase in X" and prepositions that a noun is bound to ("demand for labor")."""

from __future__ import annotations

from dataclasses import replace

from proda_core.teachers.lexicon import BOUND, CHANGE_NOUNS, DOWN_NOUNS, TRANSPARENT, UP_NOUNS
from proda_core.teachers.phrases import Unit
from proda_core.teachers.terms import checked, less, more

_OF_HEADS = frozenset(
    [
        "rate",
        "level",
        "quantity",
        "amount",
        "number",
        "value",
        "cost",
        "price",
        "growth",
        "loss",
        "change",
        "law",
        "theory",
        "field",
        "lack",
        "absence",
        "study",
        "use",
        "state",
        "source",
        "degree",
        "supply",
        "balance",
        "structure",
        "movement",
        "production",
    ]
)


def attach(units: list[Unit]) -> list[Unit]:
    """Merge "X of Y", then "increase in X" and bound prepositions, from the right so that inner phrases come first."""
    merged = list(units)
    i = len(merged) - 3
    while i >= 0:
        head, link, inner = merged[i : i + 3]
        if head.symbol == "N" and inner.symbol == "N" and not head.pronoun:
            joined = _of(head, inner) if link.symbol == "o" else _bound(head, link, inner)
            if joined is not None:
                merged[i : i + 3] = [joined]
        i -= 1
    return merged


def _of(head: Unit, inner: Unit) -> Unit:
    if head.lemma in TRANSPARENT:
        terms = inner.terms
    elif head.lemma in UP_NOUNS | DOWN_NOUNS and head.core == 1:
        terms = _changed(head, inner)
    else:
        own = head.terms or ((head.lemma,) if head.core == 1 and head.lemma in _OF_HEADS else ())
        terms = tuple(t for t in (_joined(own[0], "of", term) for term in inner.terms) if t) if own else ()
        if not terms and head.terms and head.core >= 2:
            terms = head.terms
    return replace(
        head, last=inner.last, terms=terms, inner=inner.terms, negated=head.negated or inner.negated
    )


def _bound(head: Unit, link: Unit, inner: Unit) -> Unit | None:
    if link.symbol != "p":
        return None
    if head.lemma in UP_NOUNS | DOWN_NOUNS | CHANGE_NOUNS and link.lemma == "in" and head.core == 1:
        terms = _changed(head, inner)
    elif BOUND.get(head.lemma) == link.lemma and head.terms:
        terms = tuple(t for t in (_joined(head.terms[0], link.lemma, term) for term in inner.terms) if t)
        terms = terms or (head.terms if head.core >= 2 else ())
    else:
        return None
    return replace(head, last=inner.last, terms=terms, inner=inner.terms)


def _changed(head: Unit, inner: Unit) -> tuple[str, ...]:
    if head.lemma in CHANGE_NOUNS:
        return tuple(t for t in (_joined("change", "in", term) for term in inner.terms) if t)
    grade = more if head.lemma in UP_NOUNS else less
    return tuple(t for t in (grade(term, plural=inner.plural) for term in inner.terms) if t)


def _joined(head: str, link: str, inner: str) -> str:
    words = [*head.split(), *inner.split()]
    if len(words) > 4 or len(inner.split()) > 3 or " of " in f" {inner} ":
        return ""
    return f"{head} {link} {inner}" if checked(inner.split()) or " " not in inner else ""
