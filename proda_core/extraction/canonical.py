"""One name for each concept: case, hyphen, stated aliases, and close spellings or word orders confirmed by MiniLM.

A merge needs two witnesses: a lexical one (same words in another order, another spelling, same head and both defined) and cosine
similarity of the terms, and of the definitions where both have one. Opposites and added modifiers never merge.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from proda_core.embeddings import TextEncoder
from proda_core.ids import normalise_term
from proda_core.teachers import Reading

_OPPOSITES = tuple(
    frozenset(pair.split("/"))
    for pair in [
        "higher/lower",
        "more/less",
        "more/fewer",
        "increase/decrease",
        "rise/fall",
        "supply/demand",
        "ceiling/floor",
        "buyer/seller",
        "import/export",
        "surplus/shortage",
        "surplus/deficit",
        "inflow/outflow",
        "input/output",
        "positive/negative",
        "internal/external",
        "upper/lower",
        "micro/macro",
        "hot/cold",
        "warm/cold",
        "short-run/long-run",
        "monopoly/monopsony",
        "gain/loss",
        "inner/outer",
        "lender/borrower",
        "fixed/variable",
        "public/private",
        "normal/inferior",
        "anode/cathode",
        "male/female",
        "mitosis/meiosis",
        "north/south",
        "kinetic/potential",
        "asexual/sexual",
        "expansionary/contractionary",
        "divergent/convergent",
        "credit/debit",
        "left/right",
    ]
)


@dataclass(frozen=True, slots=True)
class Canon:
    """``key_of`` leads from a surface form (normalised) to the canonical key; ``term`` and ``aliases`` are by key."""

    key_of: Mapping[str, str]
    term: Mapping[str, str]
    aliases: Mapping[str, tuple[str, ...]]
    merged: Mapping[str, int]  # how many merges by witness

    def key(self, surface: str) -> str:
        """The canonical key of a surface form."""
        folded = fold(surface)
        return self.key_of.get(folded, folded)


def fold(surface: str) -> str:
    """Case, space and hyphens away: what is surely the same name."""
    return re.sub(r"[-\u2010\u2011]", " ", normalise_term(surface)).replace("\u2019", "'")


def canonicalise(readings: Sequence[Reading], *, encoder: TextEncoder, similarity: float) -> Canon:
    """Decide which terms are one concept; ``similarity`` is the cosine from which a lexical candidate is confirmed."""
    surfaces: dict[str, Counter[str]] = defaultdict(Counter)
    for reading in readings:
        for proposition in (*reading.propositions, *reading.spare):
            surfaces[fold(proposition.subject)][proposition.subject] += 1
            surfaces[fold(proposition.object)][proposition.object] += 1
    apart = {
        frozenset((fold(p.subject), fold(p.object))) for r in readings for p in (*r.propositions, *r.spare)
    }
    union = _Union(surfaces, apart)
    merged: Counter[str] = Counter()
    names = _stated_names(readings, surfaces)
    for first, second in names:
        merged["stated"] += union.join(first, second)
    definitions = {fold(d.term): d.text for r in reversed(readings) for d in reversed(r.definitions)}
    for first, second in _confirmed(sorted(surfaces), definitions, encoder, similarity):
        merged["confirmed"] += union.join(first, second)
    return _canon(surfaces, union, readings, dict(merged))


def _stated_names(readings: Iterable[Reading], surfaces: Mapping[str, Counter[str]]) -> list[tuple[str, str]]:
    """Aliases that the text states, each other name standing for one term only."""
    stated: dict[str, Counter[str]] = defaultdict(Counter)
    for reading in readings:
        for alias in reading.aliases:
            stated[fold(alias.alias)][fold(alias.term)] += 1
    return [
        (next(iter(terms)), other)
        for other, terms in sorted(stated.items())
        if len(terms) == 1 and not opposed(other, next(iter(terms))) and {other, *terms} & set(surfaces)
    ]


def opposed(first: str, second: str) -> bool:
    """Whether the two terms differ by a pair of opposites."""
    left, right = set(first.split()), set(second.split())
    return any(pair <= (left ^ right) and pair & left and pair & right for pair in _OPPOSITES)


def _confirmed(
    keys: Sequence[str], definitions: Mapping[str, str], encoder: TextEncoder, similarity: float
) -> list[tuple[str, str]]:
    candidates = sorted(set(_lexical(keys)) | set(_defined_alike(keys, definitions)))
    if not candidates:
        return []
    texts = sorted({t for pair in candidates for key in pair for t in (key, definitions.get(key, "")) if t})
    vectors = dict(zip(texts, encoder.encode(texts), strict=True))
    confirmed = []
    for first, second in candidates:
        close = float(vectors[first] @ vectors[second]) >= similarity
        both = definitions.get(first, "") and definitions.get(second, "")
        if both:
            close &= float(vectors[definitions[first]] @ vectors[definitions[second]]) >= similarity - 0.2
        if close:
            confirmed.append((first, second))
    return confirmed


def _lexical(keys: Sequence[str]) -> Iterable[tuple[str, str]]:
    """Same words in another order, written apart or together, or two spellings of one long word."""
    bags: dict[tuple[str, ...], list[str]] = defaultdict(list)
    solid: dict[str, list[str]] = defaultdict(list)
    for key in keys:
        bags[tuple(sorted(w for w in key.split() if w not in ("of", "for", "in", "on", "the")))].append(key)
        solid[key.replace(" ", "")].append(key)
    for group in (*bags.values(), *solid.values()):
        yield from (pair for pair in combinations(sorted(group), 2) if not opposed(*pair))
    by_start: dict[str, list[str]] = defaultdict(list)
    for key in keys:
        by_start[key[:4]].append(key)
    for group in by_start.values():
        yield from (pair for pair in combinations(sorted(group), 2) if _spelling(*pair))


def _spelling(first: str, second: str) -> bool:
    """British and American forms: our/or, ise/ize, lling/ling, ae/e."""
    if first == second or abs(len(first) - len(second)) > 2:
        return False
    return _american(first) == _american(second)


def _american(term: str) -> str:
    term = re.sub(r"our\b", "or", term)
    term = re.sub(r"is(e|ed|ing|ation)\b", r"iz\1", term)
    return re.sub(r"ae|oe", "e", re.sub(r"ll(ed|ing|er)\b", r"l\1", term))


def _defined_alike(keys: Sequence[str], definitions: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    """Both defined, in the same words: a text that defines twice what it names twice."""
    by_text: dict[str, list[str]] = defaultdict(list)
    for key in keys:
        if key in definitions:
            by_text[normalise_term(definitions[key])].append(key)
    for group in by_text.values():
        yield from (pair for pair in combinations(sorted(group), 2) if not opposed(*pair))


class _Union:
    """Merged keys; two terms that the text relates to each other, or that are opposites, stay apart."""

    def __init__(self, surfaces: Mapping[str, Counter[str]], apart: set[frozenset[str]]) -> None:
        self._weight = {key: sum(forms.values()) for key, forms in surfaces.items()}
        self._members: dict[str, set[str]] = {}
        self._root: dict[str, str] = {}
        self._apart = apart

    def root(self, key: str) -> str:
        return self._root.get(key, key)

    def members(self, root: str) -> set[str]:
        return self._members.get(root, {root})

    def join(self, first: str, second: str) -> bool:
        one, two = self.root(first), self.root(second)
        if one == two or self._must_stay_apart(one, two):
            return False
        root, other = sorted((one, two), key=lambda k: (-self._weight.get(k, 0), k))
        members = self.members(one) | self.members(two)
        self._members[root] = members
        self._root.update(dict.fromkeys(members, root))
        self._weight[root] = self._weight.get(root, 0) + self._weight.get(other, 0)
        return True

    def _must_stay_apart(self, one: str, two: str) -> bool:
        return any(
            frozenset((a, b)) in self._apart or opposed(a, b)
            for a in self.members(one)
            for b in self.members(two)
        )


def _canon(
    surfaces: Mapping[str, Counter[str]], union: _Union, readings: Sequence[Reading], merged: dict[str, int]
) -> Canon:
    spoken: dict[str, Counter[str]] = defaultdict(Counter)
    for key, forms in surfaces.items():
        spoken[union.root(key)].update(forms)
    for reading in readings:
        for alias in reading.aliases:
            for form in (alias.term, alias.alias):
                if union.root(fold(form)) in spoken:
                    spoken[union.root(fold(form))][form] += 1
    term = {root: _best_form(root, forms) for root, forms in spoken.items()}
    key_of = {key: union.root(key) for root in spoken for key in union.members(root)}
    taken = {normalise_term(t) for t in term.values()}
    aliases = {root: _aliases(term[root], forms, taken) for root, forms in spoken.items()}
    return Canon(key_of, term, aliases, merged)


def _best_form(root: str, forms: Counter[str]) -> str:
    """The most frequent form, lower case before capitals, of the key that leads."""
    own = {form: count for form, count in forms.items() if fold(form) == root} or dict(forms)
    return sorted(own.items(), key=lambda f: (-f[1], sum(c.isupper() for c in f[0]), f[0]))[0][0]


def _aliases(term: str, forms: Iterable[str], taken: set[str]) -> tuple[str, ...]:
    found: dict[str, str] = {}
    for form in sorted(forms):
        name = normalise_term(form)
        if name != normalise_term(term) and name not in taken:
            found.setdefault(name, form)
    return tuple(found.values())
