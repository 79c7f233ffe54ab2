"""Questions on one world: every kind that is answered from one statement, or from none.

A Question holds the text that follows the context, the assistant's full answer and what is checked in it. Kinds
that walk a chain are in `chains`; both refuse a world that cannot carry the question with NoQuestionError.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from proda_core.general.forms import Phrasings
from proda_core.general.names import NameSource
from proda_core.general.phrasings import phrasings_of
from proda_core.general.wordings import EFFECT_LIKE, Flavour, Wording, wordings_of
from proda_core.general.worlds import Fact, World, as_sentence
from proda_core.layout import COT_SUFFIX, LETTERS, choice_prompt, cot_answer, cot_step

N_OPTIONS = 4


class Kind(StrEnum):
    """What a general task asks for."""

    COPY = "copy"
    CLOZE = "cloze"
    OPEN = "open"
    RECALL = "recall"
    LISTING = "listing"
    SEVERAL = "several"
    TRUEFALSE = "truefalse"
    CHOICE = "choice"
    CHOICE_COT = "choice_cot"
    CHAIN2 = "chain2"
    CHAIN3 = "chain3"
    CHAIN4 = "chain4"
    CHAIN_CHOICE2 = "chain_choice2"
    CHAIN_CHOICE3 = "chain_choice3"
    CHAIN_CHOICE4 = "chain_choice4"
    BY_HEART = "by_heart"


CONTEXT_FREE = frozenset({Kind.COPY, Kind.BY_HEART})


class NoQuestionError(Exception):
    """This world has no material for the kind asked; the caller builds another."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question on a world: `gold` is the letter, truth value, name or text that is checked in the answer."""

    kind: Kind
    text: str
    answer: str
    gold: str
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asker:
    """What asking needs beside the world: randomness and a source of fresh names."""

    rng: Random
    names: NameSource

    def options(
        self, world: World, gold: str, near: Sequence[str], *, banned: Sequence[str] = ()
    ) -> list[str]:
        """Four options in random order: the gold, then near names, then others of the world, then fresh ones."""
        others = [name for name in world.names if name not in near]
        self.rng.shuffle(others)
        chosen = [gold]
        for name in [*near, *others]:
            if len(chosen) < N_OPTIONS and name not in chosen and name not in banned:
                chosen.append(name)
        while len(chosen) < N_OPTIONS:
            fresh = self.names.draw(self.rng, world.family, count=1)[0]
            if fresh not in chosen and fresh not in world.names:
                chosen.append(fresh)
        self.rng.shuffle(chosen)
        return chosen


def ask(asker: Asker, world: World, kind: Kind) -> Question:
    """A question of a single-statement kind on a world; raises NoQuestionError where it has no material."""
    forms = phrasings_of(world.family)
    return _ASK[kind](asker, world, forms)


def capital(text: str) -> str:
    """The text with its first letter in upper case."""
    return text[:1].upper() + text[1:]


def _copy(asker: Asker, world: World, forms: Phrasings) -> Question:
    """Repeat a list of names or a statement."""
    if asker.rng.random() < 0.3:
        text = asker.rng.choice(world.facts).sentence
    else:
        names = list(world.names)
        text = ", ".join(asker.rng.sample(names, k=min(len(names), asker.rng.randint(1, 4))))
    return Question(Kind.COPY, asker.rng.choice(forms.copies).format(s=text), text, text)


def _cloze(asker: Asker, world: World, forms: Phrasings) -> Question:
    """The last name of a statement from its beginning."""
    fact = asker.rng.choice(world.facts)
    first, last = fact.surface
    if any(other is not fact and other.surface[0] == first for other in world.facts):
        raise NoQuestionError("the beginning of the statement does not single it out")
    beginning = capital(f"{first} {fact.wording.phrase}")
    return Question(Kind.CLOZE, asker.rng.choice(forms.clozes).format(s=beginning), last, last)


def _single(asker: Asker, world: World, forms: Phrasings) -> tuple[Fact, str, str]:
    """A statement, a bare question on it, and the name asked for."""
    fact = asker.rng.choice(world.facts)
    forward = asker.rng.random() < 0.65
    known = fact.subject if forward else fact.object
    for other in world.facts:
        symmetric = fact.flavour is Flavour.CONTRAST
        same_role = known == (other.subject if forward else other.object)
        clash = same_role or (symmetric and known in other.surface)
        if other is not fact and other.flavour is fact.flavour and clash:
            raise NoQuestionError("two statements answer the question")
    wording = fact.wording
    if rephrases(asker, world, 0.25):
        wording = asker.rng.choice(fact.rewordings(world.family))
    what = asker.rng.choice(forms.whats)
    asks_after = forward != wording.inverted
    question = wording.ask_after(known, what) if asks_after else wording.ask_before(known, what)
    return fact, question, fact.object if forward else fact.subject


def _open(asker: Asker, world: World, forms: Phrasings) -> Question:
    """The statement that answers a question."""
    fact, question, gold = _single(asker, world, forms)
    text = capital(asker.rng.choice(forms.open_frames).format(q=question))
    return Question(Kind.OPEN, text, fact.sentence, gold)


def _recall(asker: Asker, world: World, forms: Phrasings) -> Question:
    """The one statement that opens with a name."""
    name, sentences = asker.rng.choice(list(_openings(world).items()))
    if len(sentences) > 1:
        raise NoQuestionError("more than one statement opens with the name")
    text = asker.rng.choice(forms.recalls).format(n=name)
    return Question(Kind.RECALL, text, sentences[0], sentences[0])


def _listing(asker: Asker, world: World, forms: Phrasings) -> Question:
    """All statements that open with a name, in their order."""
    openings = _openings(world)
    rich = [name for name, sentences in openings.items() if len(sentences) > 1]
    name = asker.rng.choice(rich or list(openings))
    answer = " ".join(openings[name])
    return Question(Kind.LISTING, asker.rng.choice(forms.listings).format(n=name), answer, answer)


def _several(asker: Asker, world: World, forms: Phrasings) -> Question:
    """One statement each on two or three names, in the order asked."""
    single = [name for name, sentences in _openings(world).items() if len(sentences) == 1]
    if len(single) < 2:
        raise NoQuestionError("fewer than two names open one statement each")
    names = asker.rng.sample(single, k=min(len(single), asker.rng.choice((2, 2, 3))))
    listed = ", ".join(names[:-1]) + " and " + names[-1]
    answer = " ".join(_openings(world)[name][0] for name in names)
    return Question(Kind.SEVERAL, asker.rng.choice(forms.several).format(n=listed), answer, answer)


def rephrases(asker: Asker, world: World, share: float) -> bool:
    """Whether to ask in another phrase of the same meaning: never in one that no training text told the meaning of."""
    return asker.rng.random() < share and world.family == "train"


def _openings(world: World) -> dict[str, list[str]]:
    """Statements by the name that they open with."""
    found: dict[str, list[str]] = {}
    for fact in world.facts:
        found.setdefault(fact.surface[0], []).append(fact.sentence)
    return found


def _truefalse(asker: Asker, world: World, forms: Phrasings) -> Question:
    """Whether a statement holds in the text."""
    fact = asker.rng.choice(world.facts)
    wording = fact.wording
    if rephrases(asker, world, 0.15):
        wording = asker.rng.choice(fact.rewordings(world.family))
    truth = asker.rng.random() < 0.5
    clause = wording.say(fact.subject, fact.object) if truth else _falsified(asker, world, fact, wording)
    gold = "True" if truth else "False"
    text = capital(asker.rng.choice(forms.truths).format(s=as_sentence(clause)))
    return Question(Kind.TRUEFALSE, text, gold, gold)


def _falsified(asker: Asker, world: World, fact: Fact, wording: Wording) -> str:
    """A clause like the fact's that the world does not hold: another name, turned round, or another flavour."""
    told = {pair for other in world.facts for pair in _pairs(other)}
    way = asker.rng.random()
    if way < 0.25 and (fact.object, fact.subject) not in told:
        return wording.say(fact.object, fact.subject)
    if way < 0.4 and fact.flavour is not Flavour.CONTRAST:
        apart = [
            flavour
            for flavour in Flavour
            if flavour is not fact.flavour and not {flavour, fact.flavour} <= EFFECT_LIKE
        ]
        other_wording = asker.rng.choice(wordings_of(world.family, asker.rng.choice(apart)))
        return other_wording.say(fact.subject, fact.object)
    swapped = asker.rng.choice(world.names)
    pair = (fact.subject, swapped) if asker.rng.random() < 0.7 else (swapped, fact.object)
    if pair in told or pair[::-1] in told or pair[0] == pair[1]:
        raise NoQuestionError("the changed statement might hold")
    return wording.say(*pair)


def _pairs(fact: Fact) -> tuple[tuple[str, str], ...]:
    """The ordered pairs of names that a fact relates: both ways for a symmetric one."""
    pair = (fact.subject, fact.object)
    return (pair, pair[::-1]) if fact.flavour is Flavour.CONTRAST else (pair,)


def _choice(asker: Asker, world: World, forms: Phrasings) -> Question:
    """A question on one statement with four options, answered by the option at once."""
    return _lettered(asker, world, forms, reasoned=False)


def _choice_cot(asker: Asker, world: World, forms: Phrasings) -> Question:
    """The same, answered by the statement and then the option."""
    return _lettered(asker, world, forms, reasoned=True)


def _lettered(asker: Asker, world: World, forms: Phrasings, *, reasoned: bool) -> Question:
    """A question on one statement with four options."""
    fact, question, gold = _single(asker, world, forms)
    known = fact.subject if gold == fact.object else fact.object
    options = asker.options(world, gold, (), banned=(known,) if asker.rng.random() < 0.8 else ())
    letter = LETTERS[options.index(gold)]
    text = choice_prompt(capital(asker.rng.choice(forms.choice_frames).format(q=question)), options)
    if reasoned:
        answer = cot_answer([cot_step(known, fact.sentence)], gold, letter=letter)
        return Question(Kind.CHOICE_COT, text + COT_SUFFIX, answer, letter, tuple(options))
    return Question(Kind.CHOICE, text, cot_answer([], gold), letter, tuple(options))


_ASK = {
    Kind.COPY: _copy,
    Kind.CLOZE: _cloze,
    Kind.OPEN: _open,
    Kind.RECALL: _recall,
    Kind.LISTING: _listing,
    Kind.SEVERAL: _several,
    Kind.TRUEFALSE: _truefalse,
    Kind.CHOICE: _choice,
    Kind.CHOICE_COT: _choice_cot,
}
