"""General tasks: one prompt and one answer over made-up names, each a function of (seed, index) and the settings.

The same generator gives pretraining rows, the general rows of a mixture and, from the heldout family, the general
suite. A row names its origin, so that whoever doubts it can regenerate it alone and compare.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from random import Random

from proda_core.general.by_heart import by_heart
from proda_core.general.chains import HOPS, ask_chain
from proda_core.general.names import Family, NameSource
from proda_core.general.questions import CONTEXT_FREE, Asker, Kind, NoQuestionError, Question, ask
from proda_core.general.worlds import World, build_world, shape_for
from proda_core.layout import context_prompt, parse_cot_choice, parse_cot_name, parse_true_false

ALL_KINDS: tuple[Kind, ...] = tuple(kind for kind in Kind if kind is not Kind.BY_HEART)
# By heart nothing tells which option is right: worth practising for the form of a reply, worthless as a measure.
PRACTISED_KINDS = (*ALL_KINDS, *[Kind.BY_HEART] * 3)
_BY_HEART = (Kind.CHOICE_COT, Kind.CHAIN_CHOICE2, Kind.CHAIN_CHOICE2, Kind.CHAIN_CHOICE3)
DEFAULT_NAMES = NameSource()
_TRIES = 200


@dataclass(frozen=True, slots=True)
class GeneralTask:
    """A task: `prompt` is the user's text, `answer` the assistant's, `gold` what is checked in a reply."""

    task_id: str
    family: Family
    kind: Kind
    prompt: str
    answer: str
    options: tuple[str, ...]
    gold: str
    seed: int
    index: int
    difficulty: int


def generate_tasks(
    *, seed: int, count: int, family: Family, kinds: Sequence[str] | None = None, difficulty: int = 2
) -> list[GeneralTask]:
    """Tasks 0 to count-1 of a seed; each depends on the seed, its index and the settings, never on the count."""
    build = partial(regenerate_task, seed=seed, family=family, kinds=kinds, difficulty=difficulty)
    return [build(index=index) for index in range(count)]


def regenerate_task(
    *, seed: int, index: int, family: Family, kinds: Sequence[str] | None = None, difficulty: int = 2
) -> GeneralTask:
    """The task at one index alone; raises ValueError for an unknown kind, family or difficulty."""
    if family not in ("train", "heldout"):
        raise ValueError(f"family is 'train' or 'heldout', not {family!r}")
    chosen = tuple(Kind(kind) for kind in kinds) if kinds is not None else ALL_KINDS
    rng = Random(f"general:{seed}:{index}:{family}:{','.join(chosen)}:{difficulty}")
    kind = rng.choice(chosen)
    world, question = build_question(rng, family, kind, difficulty=difficulty)
    prompt = question.text if kind in CONTEXT_FREE else context_prompt(world.text, question.text)
    return GeneralTask(
        task_id=_task_id(family, kind, prompt, question.answer),
        family=family,
        kind=kind,
        prompt=prompt,
        answer=question.answer,
        options=question.options,
        gold=question.gold,
        seed=seed,
        index=index,
        difficulty=difficulty,
    )


def build_question(
    rng: Random,
    family: Family,
    kind: Kind,
    *,
    difficulty: int,
    names: NameSource = DEFAULT_NAMES,
) -> tuple[World, Question]:
    """A fresh world and a question of a kind on it; builds worlds until one carries the question."""
    for _ in range(_TRIES):
        hops = HOPS.get(kind) or rng.choice((1, 2, 2, 3))
        shape = shape_for(rng, difficulty, hops)
        branched = difficulty >= 2 and rng.random() < 0.5
        world = build_world(rng, family, shape, names=names, branched=branched)
        try:
            return world, ask_on(Asker(rng, names), world, kind)
        except NoQuestionError:
            continue
    raise NoQuestionError(
        f"no world of difficulty {difficulty} carries a question of kind {kind} in {_TRIES} tries"
    )


def ask_on(asker: Asker, world: World, kind: Kind) -> Question:
    """A question of any kind on a given world; raises NoQuestionError where the world cannot carry it."""
    if kind is Kind.BY_HEART:
        return by_heart(asker, world, ask_on(asker, world, asker.rng.choice(_BY_HEART)))
    return ask_chain(asker, world, kind) if kind in HOPS else ask(asker, world, kind)


def reply_is_right(task: GeneralTask, reply: str) -> bool:
    """Whether a reply gives the task's gold: by option, truth value, final name or whole text; case does not matter."""
    found: str | None
    if task.options:
        found = parse_cot_choice(reply, task.options)
    elif task.kind is Kind.TRUEFALSE:
        found = parse_true_false(reply)
    elif task.kind in HOPS:
        found = parse_cot_name(reply)
    else:
        return _plain(reply) == _plain(task.answer)
    return found is not None and _plain(found) == _plain(task.gold)


def _plain(text: str) -> str:
    """Lower case, single spaces, no final period."""
    return " ".join(text.lower().split()).rstrip(".")


def _task_id(family: str, kind: str, prompt: str, answer: str) -> str:
    """The content hash of a task."""
    content = "\x1f".join((family, kind, prompt, answer))
    return "t_" + hashlib.sha256(content.encode()).hexdigest()[:16]
