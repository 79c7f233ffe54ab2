"""Relations that a name tells, added where a concept would else lie on no chain.

A textbook defines "price floor" and never says that it is a floor; without that step its definition would be lost with it. Added
are only links that touch a concept left out so far, the longest known kind first, never against what the text relates.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from proda_core.extraction.canonical import Canon
from proda_core.extraction.graph import Triple
from proda_core.teachers import Proposition, Reading
from proda_core.types import Chunk, Evidence


def link_by_name(
    triples: Sequence[Triple],
    readings: Sequence[Reading],
    *,
    canon: Canon,
    chunks: Mapping[str, Chunk],
    placed: Collection[str],
) -> tuple[Triple, ...]:
    """The triples to add; ``placed`` are the keys that lie on a chain already."""
    spoken = {end for triple in triples for end in (triple.subject, triple.object)}
    spoken |= {canon.key(d.term) for reading in readings for d in reading.definitions}
    going_on = {triple.subject for triple in triples}
    pairs = {triple.pair for triple in triples}
    best: dict[str, tuple[Proposition, Reading]] = {}
    below: dict[str, tuple[Proposition, Reading]] = {}  # kind -> a name that only the text's wording has
    for reading in readings:
        for spare in reading.spare:
            term, kind = canon.key(spare.subject), canon.key(spare.object)
            if term == kind or frozenset((term, kind)) in pairs or kind not in spoken:
                continue
            if term not in spoken and kind in going_on and kind not in placed:
                below.setdefault(kind, (spare, reading))
                continue
            longer = term not in best or len(spare.object) > len(best[term][0].object)
            if term in spoken and not {term, kind} <= set(placed) and longer:
                best[term] = (spare, reading)
    chosen = [*best.values(), *below.values()]
    return tuple(_triple(spare, chunks[reading.chunk_id], canon) for spare, reading in chosen)


def _triple(spare: Proposition, chunk: Chunk, canon: Canon) -> Triple:
    evidence = Evidence(chunk.chunk_id, spare.start, spare.end, chunk.text[spare.start : spare.end])
    return Triple(
        canon.key(spare.subject), spare.type, canon.key(spare.object), spare.verb_phrase,
        [evidence], Counter([chunk.discipline]),
    )  # fmt: skip
