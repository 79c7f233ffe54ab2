"""Questions that walk a chain: forward or backward, by its ends, by a count of steps, or by naming each relation.

Answers are chains of thought: each name reached and the statement that leads on from it, word for word, then the last name after
"Answer: ", or that name and its letter where there are options. Distractors stand on the chain, beyond it, or on other chains.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from proda_core.general.forms import PathForm, Phrasings
from proda_core.general.path_grammar import composed_path
from proda_core.general.phrasings import phrasings_of
from proda_core.general.questions import Asker, Kind, NoQuestionError, Question, capital, rephrases
from proda_core.general.wordings import Wording
from proda_core.general.worlds import Fact, World
from proda_core.layout import COT_SUFFIX, LETTERS, choice_prompt, cot_answer, cot_step

HOPS: dict[Kind, int] = {
    Kind.CHAIN2: 2,
    Kind.CHAIN3: 3,
    Kind.CHAIN4: 4,
    Kind.CHAIN_CHOICE2: 2,
    Kind.CHAIN_CHOICE3: 3,
    Kind.CHAIN_CHOICE4: 4,
}
_WITH_OPTIONS = frozenset({Kind.CHAIN_CHOICE2, Kind.CHAIN_CHOICE3, Kind.CHAIN_CHOICE4})
_COUNTS = {2: "two", 3: "three", 4: "four"}
_FORWARD_SHARE = 0.65
_COMPOSED_SHARE = 0.6


@dataclass(frozen=True, slots=True)
class Walk:
    """A stretch of a chain and the direction in which it is walked."""

    facts: tuple[Fact, ...]
    forward: bool
    closes: bool

    @property
    def known(self) -> str:
        """The name that the walk starts from."""
        return self.facts[0].subject if self.forward else self.facts[-1].object

    @property
    def gold(self) -> str:
        """The name that the walk ends at."""
        return self.facts[-1].object if self.forward else self.facts[0].subject

    @property
    def steps(self) -> list[str]:
        """The steps in the order of the walk, each from the name that it sets out from."""
        if self.forward:
            return [cot_step(fact.subject, fact.sentence) for fact in self.facts]
        return [cot_step(fact.object, fact.sentence) for fact in reversed(self.facts)]


def ask_chain(asker: Asker, world: World, kind: Kind) -> Question:
    """A question over as many relations as the kind says; raises NoQuestionError where no chain is long enough."""
    walk = _walk(asker, world, HOPS[kind])
    text = capital(_wording(asker, world, walk))
    if kind not in _WITH_OPTIONS:
        return Question(kind, text + COT_SUFFIX, cot_answer(walk.steps, walk.gold), walk.gold)
    options = asker.options(world, walk.gold, _near(asker, world, walk), banned=_banned(asker, walk))
    letter = LETTERS[options.index(walk.gold)]
    answer = cot_answer(walk.steps, walk.gold, letter=letter)
    return Question(kind, choice_prompt(text, options) + COT_SUFFIX, answer, letter, tuple(options))


def _walk(asker: Asker, world: World, hops: int) -> Walk:
    """A random stretch of `hops` relations of a chain that is long enough."""
    chains = [chain for chain in world.chains if len(chain) >= hops]
    if not chains:
        raise NoQuestionError(f"no chain of {hops} relations")
    chain = asker.rng.choice(chains)
    start = asker.rng.randint(0, len(chain) - hops)
    forward = asker.rng.random() < _FORWARD_SHARE
    closes = start + hops == len(chain) if forward else start == 0
    return Walk(chain[start : start + hops], forward, closes)


def _wording(asker: Asker, world: World, walk: Walk) -> str:
    """The question: by naming the relations, by counting, or by the end of the chain where the walk ends there."""
    rng, forms = asker.rng, phrasings_of(world.family)
    if world.branched or (rng.random() < 0.5 and all(_forward_wordings(world, fact) for fact in walk.facts)):
        return _path(asker, world, walk, form=_path_form(asker, world, walk, forms))
    if walk.closes and rng.random() < 0.75:
        return rng.choice(forms.ends if walk.forward else forms.starts).format(n=walk.known)
    return _counted(asker, walk, forms)


def _counted(asker: Asker, walk: Walk, forms: Phrasings) -> str:
    """The question that counts the steps."""
    template = asker.rng.choice(forms.counted if walk.forward else forms.counted_back)
    return template.format(n=walk.known, k=_COUNTS[len(walk.facts)])


def _path_form(asker: Asker, world: World, walk: Walk, forms: Phrasings) -> PathForm:
    """A form to name the relations in: listed, or in the train family mostly put together anew."""
    if world.family == "train" and asker.rng.random() < _COMPOSED_SHARE:
        return composed_path(asker.rng, forward=walk.forward)
    return asker.rng.choice(forms.path_forward if walk.forward else forms.path_backward)


def _path(asker: Asker, world: World, walk: Walk, *, form: PathForm) -> str:
    """The question that names each relation in turn, from the start of the chain to its end."""
    wordings = [_spoken(asker, world, fact) for fact in walk.facts]
    parts = [form.first, *([form.middle] * (len(wordings) - 2)), form.last]
    ask = wordings[-1].ask_after("it")
    said = [
        part.format(a=walk.known, vp=wording.phrase, ask=capital(ask) if ". {ask}" in part else ask)
        for part, wording in zip(parts, wordings, strict=True)
    ]
    return "".join(said)


def _spoken(asker: Asker, world: World, fact: Fact) -> Wording:
    """The fact's wording when it reads forward and mostly even so, else another of its flavour that does."""
    if not fact.wording.inverted and not rephrases(asker, world, 0.15):
        return fact.wording
    return asker.rng.choice(_forward_wordings(world, fact))


def _forward_wordings(world: World, fact: Fact) -> tuple[Wording, ...]:
    """The ways of saying a fact's relation that read from subject to object: a strange one may have none."""
    return tuple(wording for wording in fact.rewordings(world.family) if not wording.inverted)


def _near(asker: Asker, world: World, walk: Walk) -> Sequence[str]:
    """Names on and around the walk and ends of other chains, the likeliest mistakes first."""
    own = next(chain for chain in world.chains if walk.facts[0] in chain)
    on_chain = [own[0].subject, *(fact.object for fact in own)]
    ends = [
        chain[-1].object if walk.forward else chain[0].subject for chain in world.chains if chain is not own
    ]
    near = [name for name in on_chain if name not in (walk.known, walk.gold)]
    asker.rng.shuffle(near)
    return near[: asker.rng.choice((1, 2, 2, 3))] + ends


def _banned(asker: Asker, walk: Walk) -> tuple[str, ...]:
    """The name asked from is an option only now and then."""
    return () if asker.rng.random() < 0.15 else (walk.known,)
