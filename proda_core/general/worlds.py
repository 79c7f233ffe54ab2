"""Small made-up worlds: facts between names, chained end to end, and the text that states them.

A world is built for one difficulty (0 to 3: more chains, longer ones, side facts, alike names). Each name of a chain
has one chained fact going out and one coming in at most; side facts never change where a chain leads.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random

from proda_core.general.names import Family, NameSource
from proda_core.general.phrasings import phrasings_of
from proda_core.general.strange_relations import strange_relation
from proda_core.general.wordings import Flavour, Wording, wordings_of

MAX_DIFFICULTY = 3
STRANGE_WORLDS = 0.6  # of the worlds of the train family told with strange relations at all
_CHAINED = tuple(flavour for flavour in Flavour if flavour is not Flavour.CONTRAST)


@dataclass(frozen=True, slots=True)
class Fact:
    """One relation and the wording it is stated in."""

    subject: str
    flavour: Flavour
    object: str
    wording: Wording
    others: tuple[Wording, ...] = ()  # of a strange relation: every way of saying it

    def rewordings(self, family: Family) -> tuple[Wording, ...]:
        """Every way of saying the relation."""
        return self.others or wordings_of(family, self.flavour)

    @property
    def sentence(self) -> str:
        """The statement as a full sentence."""
        return as_sentence(self.wording.say(self.subject, self.object))

    @property
    def surface(self) -> tuple[str, str]:
        """The names in the order in which the statement says them."""
        return (self.object, self.subject) if self.wording.inverted else (self.subject, self.object)


@dataclass(frozen=True, slots=True)
class World:
    """Facts in the order of their statement, the chains among them, and the text."""

    family: Family
    facts: tuple[Fact, ...]
    chains: tuple[tuple[Fact, ...], ...]
    names: tuple[str, ...]
    text: str
    branched: bool


@dataclass(frozen=True, slots=True)
class Shape:
    """How large a world is: lengths of its chains, number of side facts, how alike its names are."""

    lengths: tuple[int, ...]
    side_facts: int
    alike: float


def as_sentence(clause: str) -> str:
    """A clause with a capital and a period."""
    return f"{clause[:1].upper()}{clause[1:]}."


def shape_for(rng: Random, difficulty: int, hops: int) -> Shape:
    """The shape of a world of a difficulty whose first chain has at least `hops` relations."""
    if not 0 <= difficulty <= MAX_DIFFICULTY:
        raise ValueError(f"difficulty is 0 to {MAX_DIFFICULTY}, not {difficulty}")
    if difficulty == 0:
        return Shape((hops,), rng.choice((0, 0, 1)), 0.0)
    longest = 2 if difficulty < 3 else 3
    others = tuple(rng.randint(1, longest) for _ in range(rng.randint(1, difficulty)))
    extra = 1 if difficulty >= 2 and rng.random() < 0.25 else 0
    return Shape((hops + extra, *others), rng.randint(0, difficulty), 0.15 * (difficulty - 1))


def build_world(
    rng: Random,
    family: Family,
    shape: Shape,
    *,
    names: NameSource,
    branched: bool = False,
) -> World:
    """A world of a shape; with `branched`, side facts may start or end at names of chains. In the train family some relations
    may be strange, of no flavour.
    """
    total = sum(length + 1 for length in shape.lengths)
    pool = names.draw(rng, family, count=total + 2 * shape.side_facts, alike=shape.alike)
    voice = _Voice(rng, family, branched=branched)
    chains, used = [], 0
    for length in shape.lengths:
        chains.append(voice.chain(pool[used : used + length + 1]))
        used += length + 1
    side = _side_facts(rng, voice, pool, used=used, count=shape.side_facts, branched=branched)
    facts = [fact for chain in chains for fact in chain] + side
    if rng.random() < 0.85:
        rng.shuffle(facts)
    told = {name for fact in facts for name in (fact.subject, fact.object)}
    return World(
        family,
        tuple(facts),
        tuple(chains),
        tuple(name for name in pool if name in told),
        _tell(rng, family, facts),
        branched,
    )


class _Voice:
    """Chooses flavours and wordings for one world, either one wording a flavour or a fresh one for each fact."""

    def __init__(self, rng: Random, family: Family, *, branched: bool) -> None:
        self._rng, self._family = rng, family
        self._steady = rng.random() < 0.4
        self._single = rng.choice(_CHAINED) if rng.random() < 0.3 else None
        self._chosen: dict[Flavour, Wording] = {}
        self._branched = branched
        strange_world = family == "train" and rng.random() < STRANGE_WORLDS
        self._strange = rng.choice((0.4, 0.7, 1.0)) if strange_world else 0.0

    def fact(self, subject: str, object_: str, flavour: Flavour) -> Fact:
        """A fact in a wording of its flavour, or of a strange relation that passes for one."""
        may_be_strange = self._strange and flavour is not Flavour.CONTRAST
        if may_be_strange and self._rng.random() < self._strange:
            key, ways = strange_relation(self._rng, self._branched)
            return Fact(subject, _passing_for(key), object_, self._rng.choice(ways), ways)
        wording = self._rng.choice(wordings_of(self._family, flavour))
        if self._steady:
            wording = self._chosen.setdefault(flavour, wording)
        return Fact(subject, flavour, object_, wording)

    def chain(self, names: Sequence[str]) -> tuple[Fact, ...]:
        """Facts joining the names end to end."""
        return tuple(
            self.fact(one, two, self._single or self._rng.choice(_CHAINED)) for one, two in pairwise(names)
        )


def _passing_for(relation: str) -> Flavour:
    """The flavour that a strange relation counts as, always the same."""
    return _CHAINED[zlib.crc32(relation.encode()) % len(_CHAINED)]


def _side_facts(
    rng: Random, voice: _Voice, pool: list[str], *, used: int, count: int, branched: bool
) -> list[Fact]:
    """Facts outside the chains: about fresh names, or at names of chains with flavours those do not have there."""
    facts = []
    for place in range(count):
        subject, object_ = pool[used + 2 * place], pool[used + 2 * place + 1]
        flavour = rng.choice(tuple(Flavour))
        if branched:
            flavour = Flavour.CONTRAST
            if rng.random() < 0.5:
                subject = rng.choice(pool[:used])
            else:
                object_ = rng.choice(pool[:used])
        facts.append(voice.fact(subject, object_, flavour))
    return facts


def _tell(rng: Random, family: Family, facts: Sequence[Fact]) -> str:
    """The statements as running text, some with a lead-in, now and then one on a line."""
    leads = phrasings_of(family).leads
    plain = rng.random() < 0.6
    sentences = []
    for fact in facts:
        lead = "" if plain else rng.choice(leads)
        sentences.append(
            lead + fact.sentence if not lead else lead + fact.sentence[:1].lower() + fact.sentence[1:]
        )
    return ("\n" if rng.random() < 0.15 else " ").join(sentences)
