"""A model as teacher: each chunk read top-down in three calls (chains, types of their steps, concepts), many chunks at once.

Readings come in the chunks' order, so that what is extracted does not depend on the order of answers. A chunk without a good
answer is set aside with its reason; where nothing more can be asked, the chunks in hand are ended and the error is raised.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from itertools import pairwise

from proda_core.errors import SetAside
from proda_core.teachers.llm.answers import ChainsAnswer, ConceptsAnswer
from proda_core.teachers.llm.asking import Asker
from proda_core.teachers.llm.grounding import (
    Grounded,
    ground_alias,
    ground_definition,
    ground_step,
    type_steps,
)
from proda_core.teachers.llm.page import Page
from proda_core.teachers.llm.reading_tasks import chains_task, concepts_task, relations_task
from proda_core.teachers.llm.words import Words
from proda_core.teachers.protocol import Alias, Definition, OnRead, Proposition, Reading
from proda_core.types import Chunk, Dropped

LLM_VERSION = "1"
Opening = Callable[[], AbstractAsyncContextManager[Asker]]


class LlmTeacher:
    """Implements Teacher. ``opening`` gives the Asker for one reading; ``at_once`` chunks are in hand at a time.

    How many calls may be under way is the Asker's to bound; more chunks in hand than that keep it busy while answers are checked.
    """

    def __init__(self, opening: Opening, *, model: str, at_once: int) -> None:
        self.name = f"llm-{LLM_VERSION}:{model}"
        self._opening, self._at_once, self._words = opening, at_once, Words()

    def read_all(self, chunks: Sequence[Chunk], on_read: OnRead) -> tuple[Reading, ...]:
        """All chunks, in an event loop of its own."""
        return asyncio.run(self._read_all(chunks, on_read))

    async def _read_all(self, chunks: Sequence[Chunk], on_read: OnRead) -> tuple[Reading, ...]:
        async with self._opening() as asker:
            return await self._read_with(asker, chunks, on_read)

    async def _read_with(self, asker: Asker, chunks: Sequence[Chunk], on_read: OnRead) -> tuple[Reading, ...]:
        found: dict[int, Reading] = {}
        waiting = iter(enumerate(chunks))

        async def work() -> None:
            for place, chunk in waiting:
                found[place] = await self._read(chunk, asker)
                on_read(len(found), len(chunks))

        workers = [asyncio.create_task(work()) for _ in range(min(self._at_once, len(chunks)))]
        if workers:
            _, busy = await asyncio.wait(workers, return_when=asyncio.FIRST_EXCEPTION)
            if busy:  # one has failed: what the others have in hand is waited for, as it is paid for; no chunk is begun
                deque(waiting, maxlen=0)
                await asyncio.wait(busy)
        failures = [error for worker in workers if (error := worker.exception())]
        if failures:
            raise failures[0]
        return tuple(found[place] for place in range(len(chunks)))

    async def _read(self, chunk: Chunk, asker: Asker) -> Reading:
        page, made = Page(chunk, self._words), _Made()
        try:
            answer = await asker.ask(chains_task(chunk.text))
            steps = made.ground(answer, page)
            if steps:
                asked = [(s.subject, s.predicate, s.object) for s in steps]
                types = await asker.ask(relations_task(chunk.text, asked))
                made.type(list(type_steps(steps, types.relations, page)))
        except SetAside as error:
            return Reading(chunk.chunk_id, dropped=(_set_aside(chunk, "chunk", error),))
        if made.propositions:
            try:
                made.name(await asker.ask(concepts_task(chunk.text, made.terms)), page)
            except SetAside as error:
                made.dropped.append(_set_aside(chunk, "concepts", error))
        return made.reading(chunk)


@dataclass(slots=True)
class _Made:
    """A Reading as it grows, call by call."""

    propositions: list[Proposition] = field(default_factory=list)
    chains: list[tuple[int, ...]] = field(default_factory=list)
    definitions: dict[str, Definition] = field(default_factory=dict)
    aliases: list[Alias] = field(default_factory=list)
    dropped: list[Dropped] = field(default_factory=list)
    walks: list[list[int]] = field(default_factory=list)  # places in the grounded steps, chain by chain

    @property
    def terms(self) -> list[str]:
        ends = [end for p in self.propositions for end in (p.subject, p.object)]
        return list({end.casefold(): end for end in reversed(ends)}.values())[::-1]

    def ground(self, answer: ChainsAnswer, page: Page) -> list[Grounded]:
        """The steps that the text states, each once."""
        steps: dict[tuple[str, str, str], Grounded] = {}
        places: dict[tuple[str, str, str], int] = {}
        for chain in answer.chains:
            walk: list[int] = []
            for step in chain.steps:
                found = ground_step(step, page)
                if isinstance(found, Dropped):
                    self.dropped.append(found)
                    continue
                key = (found.subject.casefold(), found.predicate.casefold(), found.object.casefold())
                steps.setdefault(key, found)
                walk.append(places.setdefault(key, len(places)))
            self.walks.append(walk)
        return list(steps.values())

    def type(self, typed: Sequence[tuple[int, Proposition] | Dropped]) -> None:
        kept = {one[0]: one[1] for one in typed if not isinstance(one, Dropped)}
        self.dropped += [one for one in typed if isinstance(one, Dropped)]
        numbers = {place: number for number, place in enumerate(sorted(kept))}
        self.propositions += [kept[place] for place in sorted(kept)]
        for walk in self.walks:
            self.chains += _runs([numbers[place] for place in walk if place in numbers], self.propositions)

    def name(self, answer: ConceptsAnswer, page: Page) -> None:
        """Definitions and aliases; of a term defined twice the first counts."""
        asked = {term.casefold(): term for term in self.terms}
        for concept in answer.concepts:
            term = asked.get(concept.term.strip().casefold())
            if term is None:
                self.dropped.append(
                    Dropped(page.chunk.chunk_id, "definition", "unknown_term", concept.term[:200])
                )
                continue
            concept = concept.model_copy(update={"term": term})
            definition = ground_definition(concept, page)
            if isinstance(definition, Dropped):
                self.dropped.append(definition)
            elif definition is not None:
                self.definitions.setdefault(term, definition)
            for alias in (ground_alias(term, one, page) for one in concept.aliases):
                if isinstance(alias, Dropped):
                    self.dropped.append(alias)
                else:
                    self.aliases.append(alias)

    def reading(self, chunk: Chunk) -> Reading:
        return Reading(
            chunk.chunk_id,
            tuple(self.propositions),
            tuple(dict.fromkeys(self.chains)),
            tuple(self.definitions.values()),
            tuple(dict.fromkeys(self.aliases)),
            tuple(self.dropped),
        )


def _runs(walk: Sequence[int], propositions: Sequence[Proposition]) -> Iterator[tuple[int, ...]]:
    """The pieces of a walk of two relations or more that still join end to end."""
    run = walk[:1]
    for before, after in pairwise(walk):
        joined = propositions[before].object.casefold() == propositions[after].subject.casefold()
        if not joined:
            if len(run) > 1:
                yield tuple(run)
            run = []
        run = [*run, after]
    if len(run) > 1:
        yield tuple(run)


def _set_aside(chunk: Chunk, stage: str, error: SetAside) -> Dropped:
    return Dropped(chunk.chunk_id, stage, error.reason, error.detail[:200], chunk.text[:200])
