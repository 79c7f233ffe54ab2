"""Chains over triples: paths of 2 to ``max_hops`` relations that never return to a concept, bounded for each start.

Enumeration is deterministic and does not explode: per start and length only the best few are kept, best being those whose types
compose and that stay in one chunk. A last pass gives every triple that can be on a chain its chain.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from proda_core.extraction.graph import Triple
from proda_core.phi import PHI, RelationType

PER_START = {2: 24, 3: 24, 4: 8, 5: 4, 6: 4}
_SEARCH_LIMIT = 2000  # paths looked at from one start and for one length


@dataclass(frozen=True, slots=True)
class Step:
    """One triple walked from ``source`` to ``target`` (a symmetric one may be walked backwards)."""

    triple: int
    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Path:
    """Steps joined end to end."""

    steps: tuple[Step, ...]

    @property
    def nodes(self) -> tuple[str, ...]:
        return (self.steps[0].source, *(step.target for step in self.steps))


def find_chains(
    triples: Sequence[Triple], *, max_hops: int, phi: Mapping[str, RelationType] = PHI
) -> tuple[Path, ...]:
    """The chains kept, in a fixed order; a triple on none of them cannot be joined to any other."""
    steps = _steps(triples, phi)
    found: dict[tuple[int, ...], Path] = {}
    for start in sorted(steps):
        for hops in range(2, max_hops + 1):
            paths = list(_paths(steps, start, hops, triples))
            paths.sort(key=lambda p: _rank(p, triples, phi))
            for path in paths[: PER_START[hops]]:
                _add(found, path)
    covered = {number for numbers in found for number in numbers}
    for number in range(len(triples)):
        if number not in covered:
            joined = _joined(number, triples, steps, phi)
            if joined is not None:
                _add(found, joined)
    return tuple(found.values())


def nodes_on(paths: Sequence[Path]) -> frozenset[str]:
    """The concepts on any of the paths."""
    return frozenset(node for path in paths for node in path.nodes)


def _steps(triples: Sequence[Triple], phi: Mapping[str, RelationType]) -> dict[str, list[Step]]:
    steps: dict[str, list[Step]] = defaultdict(list)
    for number, triple in enumerate(triples):
        steps[triple.subject].append(Step(number, triple.subject, triple.object))
        if phi[triple.type].symmetric:
            steps[triple.object].append(Step(number, triple.object, triple.subject))
    return dict(steps)


def _paths(
    steps: Mapping[str, list[Step]], start: str, hops: int, triples: Sequence[Triple]
) -> Iterator[Path]:
    """Depth first, at most _SEARCH_LIMIT of them; no concept twice, at most one symmetric relation."""
    stack: list[tuple[Step, ...]] = [(step,) for step in reversed(steps.get(start, []))]
    given = 0
    while stack and given < _SEARCH_LIMIT:
        walked = stack.pop()
        if len(walked) == hops:
            given += 1
            yield Path(walked)
            continue
        visited = {walked[0].source, *(s.target for s in walked)}
        contrasts = sum(triples[s.triple].type == "CONTRAST" for s in walked)
        for step in reversed(steps.get(walked[-1].target, [])):
            if step.target not in visited and not (contrasts and triples[step.triple].type == "CONTRAST"):
                stack.append((*walked, step))


def _rank(
    path: Path, triples: Sequence[Triple], phi: Mapping[str, RelationType]
) -> tuple[int, int, tuple[int, ...]]:
    return (
        -_compositions(path, triples, phi),
        len(_chunks(path, triples)),
        tuple(s.triple for s in path.steps),
    )


def _compositions(path: Path, triples: Sequence[Triple], phi: Mapping[str, RelationType]) -> int:
    """How many joints of the chain have a type of their own (the closure over Φ)."""
    composed, current = 0, triples[path.steps[0].triple].type
    for step in path.steps[1:]:
        following = triples[step.triple].type
        closure = phi[current].composes.get(following)
        composed += closure is not None
        current = closure or following
    return composed


def _chunks(path: Path, triples: Sequence[Triple]) -> set[str]:
    return {triples[step.triple].evidence[0].chunk_id for step in path.steps}


def _joined(
    number: int, triples: Sequence[Triple], steps: Mapping[str, list[Step]], phi: Mapping[str, RelationType]
) -> Path | None:
    """Some two-hop chain through this triple, first as its beginning, then as its end."""
    triple = triples[number]
    ways = [Step(number, triple.subject, triple.object)]
    if phi[triple.type].symmetric:
        ways.append(Step(number, triple.object, triple.subject))
    for way in ways:
        for step in steps.get(way.target, []):
            if step.target != way.source and step.triple != number:
                return Path((way, step))
        for others in steps.values():
            for step in others:
                if step.target == way.source and step.source != way.target and step.triple != number:
                    return Path((step, way))
    return None


def _add(found: dict[tuple[int, ...], Path], path: Path) -> None:
    found.setdefault(tuple(step.triple for step in path.steps), path)
