"""What a model said of a chunk, believed as far as the chunk itself says it: each claim becomes part of a Reading or a reason.

Nothing here trusts the model: terms, predicate and quote must stand in the text, numbers must be those that were given out,
and where the patterns know a predicate as another type, or the other way round, the relation is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from proda_core.phi import PHI
from proda_core.teachers.llm.answers import NO_TYPE, StatedAlias, StatedConcept, Step, TypedStep
from proda_core.teachers.llm.page import Ground, Page, form_of, named_at, said_in
from proda_core.teachers.llm.quotes import QuoteFinder
from proda_core.teachers.protocol import Alias, Definition, Proposition
from proda_core.types import Dropped

Span = tuple[int, int]
_ARTICLE_LAST = re.compile(r"\s(?:an?|the)\s*$", re.IGNORECASE)
_WORDING_WORDS = 6
DEFINITION_WORDS = range(3, 46)
_NEGATED = re.compile(
    r"\b(?:not|never|no|nor|neither|without|cannot|hardly|rarely)\b|n['\u2019]t\b", re.IGNORECASE
)
_NAMING = re.compile(  # what stands right before the second of two names of one thing
    r"(?:\b(?:called|named|termed|dubbed|known as|referred to as|abbreviated(?: as| to)?)"
    r"|\b(?:short for|stands? for|the same as|that is,?)|\bsynonyms? (?:of|for)"
    r"|\bi\.e\.,?|[(\[])\s*(?:(?:an?|the)\s+)?[\"'\u201c\u2018*_]*$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Grounded:
    """A step that the text states, not yet typed; terms in the form in which they are kept.

    ``turned``: the text has the object first; None where the predicate does not stand between the two. ``wordings`` are what
    stands between them and the predicate with the words after it, which hold the preposition that it may lack.
    """

    subject: str
    predicate: str
    object: str
    ground: Ground
    turned: bool | None
    wordings: tuple[str, ...]


def ground_step(step: Step, page: Page) -> Grounded | Dropped:
    """The step with the sentence that states it, or why it is not believed."""
    grounds = page.grounds(step.quote)
    if isinstance(grounds, str):
        return _dropped_step(step, page, grounds)
    reasons: list[str] = []
    for ground in grounds:
        found = _stated(step, page, ground)
        if isinstance(found, Grounded):
            return found
        reasons.append(found)
    return _dropped_step(step, page, reasons[0])


def _stated(step: Step, page: Page, ground: Ground) -> Grounded | str:
    subject, object_ = page.term(step.subject), page.term(step.object)
    if not subject or not object_:
        return "no_term"
    if form_of(subject) == form_of(object_):
        return "self_loop"
    places = {named_at(subject, ground), named_at(object_, ground)}
    if "" in places or places == {"before"}:
        return "term_not_in_quote"
    said = next(QuoteFinder(ground.text).places(step.predicate), None)
    if said is None:
        return "predicate_not_in_quote"
    if ground.text.rstrip("\"')\u201d ").endswith("?"):
        return "asked_not_stated"
    finder = QuoteFinder(ground.text)
    ends = _place(finder, step.subject), _place(finder, step.object)
    spans = [said, *(place for place in ends if place)]
    if _NEGATED.search(ground.text[min(start for start, _ in spans) : max(end for _, end in spans)]):
        return "negated"
    predicate, turned = " ".join(ground.text[slice(*said)].split()), _turned(ends[0], said, ends[1])
    wordings = _wordings(ground.text, ends, said)
    return Grounded(subject, predicate, object_, ground, turned, wordings)


def _wordings(text: str, ends: tuple[Span | None, Span | None], said: Span) -> tuple[str, ...]:
    """Ways to look a predicate up, the surest first."""
    found: list[str] = []
    if ends[0] and ends[1]:
        between = text[min(ends[0][1], ends[1][1]) : max(ends[0][0], ends[1][0])]
        if len(between.split()) <= _WORDING_WORDS:
            found.append(_ARTICLE_LAST.sub("", between).strip())
    following = text[said[1] :].split()[:2]
    found += [" ".join([text[slice(*said)], *following[:count]]) for count in (2, 1, 0)]
    return tuple(wording for wording in found if wording)


def _turned(subject: Span | None, said: Span, object_: Span | None) -> bool | None:
    """Whether the object stands first. A term not spelled out stands on the side where the other is not."""
    if subject and object_ and min(subject, object_) < said < max(subject, object_):
        return object_ < subject
    if subject and object_:
        return None
    if subject or object_:
        return said < subject if subject else object_ is not None and object_ < said
    return None


def type_steps(
    steps: Sequence[Grounded], answers: Sequence[TypedStep], page: Page
) -> Iterator[tuple[int, Proposition] | Dropped]:
    """For each answer the step's place with its proposition, or why there is none; then what was left untyped."""
    answered: set[int] = set()
    kept: set[int] = set()
    stated: set[tuple[str, str, str]] = set()
    for answer in answers:
        place = answer.step - 1
        if not 0 <= place < len(steps):
            yield _dropped("relation", page, "unknown_step", f"step {answer.step} of {len(steps)}")
            continue
        answered.add(place)
        found = "step_typed_twice" if place in kept else _typed(steps[place], answer, page)
        if isinstance(found, Proposition) and _key(found) in stated:
            found = "duplicate"
        if isinstance(found, str):
            yield _dropped_relation(steps[place], page, found)
            continue
        kept.add(place)
        stated.add(_key(found))
        yield place, found
    for place in range(len(steps)):
        if place not in answered:
            yield _dropped_relation(steps[place], page, "untyped")


def _key(proposition: Proposition) -> tuple[str, str, str]:
    return proposition.subject.casefold(), proposition.type, proposition.object.casefold()


def _typed(step: Grounded, answer: TypedStep, page: Page) -> Proposition | str:
    if answer.type == NO_TYPE:
        return "no_type"
    if answer.type not in PHI:
        return "unknown_type"
    subject, object_ = (step.object, step.subject) if answer.turned else (step.subject, step.object)
    if _read_otherwise(step, answer, page):
        return "patterns_read_otherwise"
    return Proposition(subject, answer.type, object_, step.predicate, step.ground.start, step.ground.end)


def _read_otherwise(step: Grounded, answer: TypedStep, page: Page) -> bool:
    """Whether the patterns know these words of two terms, and never as this type in this direction."""
    symmetric = PHI[answer.type].symmetric
    forward = answer.turned == step.turned
    if step.turned is not None:
        for wording in step.wordings:
            if ways := page.words.ways(wording):
                return not any(kind == answer.type and (symmetric or way == forward) for kind, way in ways)
    first, second = (step.object, step.subject) if answer.turned else (step.subject, step.object)
    ends = (form_of(first), form_of(second))
    read = [(form_of(s), kind, form_of(o)) for s, kind, o in page.words.triples(step.ground.text)]
    pairs = [(kind, (s, o)) for s, kind, o in read if {s, o} == set(ends)]
    return bool(pairs) and not any(
        kind == answer.type and (symmetric or pair == ends) for kind, pair in pairs
    )


def ground_definition(concept: StatedConcept, page: Page) -> Definition | Dropped | None:
    """The definition as the text's own clause, or why it is not believed; None if none was claimed."""
    if not concept.definition.strip():
        return None
    grounds = page.grounds(concept.quote)
    if isinstance(grounds, str):
        return _dropped("definition", page, grounds, concept.term, concept.quote)
    for ground in grounds:
        clause = next(QuoteFinder(ground.text).places(concept.definition), None)
        if clause is None or not said_in(concept.term, ground.text):
            continue
        text = " ".join(ground.text[slice(*clause)].split())
        if len(text.split()) not in DEFINITION_WORDS or said_in(concept.term, text):
            return _dropped("definition", page, "no_clause", concept.term, text)
        return Definition(concept.term, text, ground.start, ground.end)
    return _dropped("definition", page, "definition_not_in_quote", concept.term, concept.definition)


def ground_alias(term: str, alias: StatedAlias, page: Page) -> Alias | Dropped:
    """The other name if a sentence introduces it as one, or why it is not believed."""
    grounds = page.grounds(alias.quote)
    detail = f"{term} = {alias.alias}"
    if isinstance(grounds, str):
        return _dropped("alias", page, grounds, detail, alias.quote)
    for ground in grounds:
        name = page.term(alias.alias)
        finder = QuoteFinder(ground.text)
        one, other = (_place(finder, name) for name in (term, alias.alias))
        if not name or name.casefold() == term.casefold() or one is None or other is None:
            continue
        first, second = sorted((one, other))
        if _NAMING.search(ground.text[first[1] : second[0]]):
            return Alias(term, name)
    return _dropped("alias", page, "alias_not_stated", detail, alias.quote)


def _place(finder: QuoteFinder, term: str) -> Span | None:
    """Where a sentence first has a term, singular or plural."""
    return next((place for form in (term, f"{term}s", f"{term}es") for place in finder.places(form)), None)


def _dropped_step(step: Step, page: Page, reason: str) -> Dropped:
    return _dropped(
        "relation", page, reason, f"{step.subject} | {step.predicate} | {step.object}", step.quote
    )


def _dropped_relation(step: Grounded, page: Page, reason: str) -> Dropped:
    detail = f"{step.subject} | {step.predicate} | {step.object}"
    return _dropped("relation", page, reason, detail, step.ground.text)


def _dropped(stage: str, page: Page, reason: str, detail: str = "", sample: str = "") -> Dropped:
    return Dropped(page.chunk.chunk_id, stage, reason, detail[:200], sample[:200])
