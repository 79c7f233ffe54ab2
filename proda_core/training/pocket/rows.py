"""Pretraining rows: several questions on one made-up world, as token ids with the places of the answers.

Names are drawn so that every entry of the vocabulary is met in them: ordinary words in unusual company, runs of
pieces, pseudo-words. A pool of rows is a function of (seed, pool number, level), which makes a run resumable.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from tokenizers import Tokenizer

from proda_core.general.names import Family, NameSource, everyday_name, mixed_name, pseudo_word
from proda_core.general.questions import CONTEXT_FREE, Asker, Kind, NoQuestionError, Question
from proda_core.general.tasks import GeneralTask, ask_on, build_question
from proda_core.layout import context_prompt
from proda_core.training.pocket.curriculum import Level
from proda_core.training.pocket.drills import Turn, drill, guess
from proda_core.training.pocket.fillers import COMMONEST, FILLED, with_fillers
from proda_core.training.pocket.lore import Lore
from proda_core.training.pocket.openings import Opening, OpeningFinder
from proda_core.training.pocket.strange import reworded, strange_phrases
from proda_core.training.pocket.tokenizer import ASSISTANT, END, MARK, USER
from proda_core.training.pocket.turnings import Ahead, TurningFinder, copied

_STRANGE_SHARE = 0.6
_PREPOSITION_SHARE = 0.2
_PREPOSITIONS = (*["of"] * 8, "in", "for", "by", "to", "with", "on")
_DEGREE_SHARE = 0.08
_DEGREES = ("more", "less", "new", "other", "first", "good", "great", "long", "many", "own", "same", "most")
_FILLED_SHARE = 0.6


@dataclass(frozen=True, slots=True)
class Row:
    """Token ids and, for each answer, the span [start, stop) of ids to predict (its end token included).

    `openings` are of the statements of its text and `ahead` of the steps of its replies, for the auxiliary objectives; `turnings`
    are places in answers that decide, `copied` those that mere copying gives.
    """

    ids: tuple[int, ...]
    answers: tuple[tuple[int, int], ...]
    difficulty: int
    kind: Kind
    openings: tuple[Opening, ...] = ()
    ahead: tuple[Ahead, ...] = ()
    turnings: frozenset[int] = frozenset()
    copied: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class WordMaker:
    """Names of one to three ordinary words that chance puts together, some by a preposition ("depth of river").

    The commonest words do not end a name, and few begin one: they tell where it ends and an unknown phrase begins.
    """

    words: tuple[str, ...]

    def __call__(self, rng: Random) -> str:
        count = rng.choices((1, 2, 3), (4, 5, 2))[0]
        named = [rng.choice(self.words[COMMONEST:] or self.words) for _ in range(count)]
        if count == 1:
            return named[0]
        if rng.random() < _PREPOSITION_SHARE:
            named.insert(rng.randrange(1, count), rng.choice(_PREPOSITIONS))
        elif rng.random() < _DEGREE_SHARE:
            named[0] = rng.choice(_DEGREES)
        joint = "-" if len(named) == 2 and rng.random() < 0.1 else " "
        return joint.join(named)


@dataclass(frozen=True, slots=True)
class PieceMaker:
    """Names of one to four entries of a vocabulary, run together as they come."""

    pieces: tuple[str, ...]

    def __call__(self, rng: Random) -> str:
        run = "".join(rng.choice(self.pieces) for _ in range(rng.randint(1, 4)))
        return " ".join(run.replace(MARK, " ").split()) or pseudo_word(rng)


def pocket_names(tokenizer: Tokenizer, words: Sequence[str]) -> NameSource:
    """The name source of pretraining: it reaches every lettered entry of the vocabulary."""
    pieces = tuple(
        sorted(
            piece
            for piece in tokenizer.get_vocab()
            if piece.replace(MARK, "").isalpha() and piece.isprintable()
        )
    )
    makers = (WordMaker(tuple(words)), PieceMaker(pieces), pseudo_word, everyday_name, mixed_name)
    return NameSource(makers, (5.0, 1.5, 0.5, 2.0, 0.5))


@dataclass(frozen=True, slots=True)
class _Draft:
    """A conversation before its encoding."""

    turns: list[Turn]
    difficulty: int
    kind: Kind


@dataclass(frozen=True, slots=True)
class RowMaker:
    """Makes rows for one tokenizer and name source; the family is train in pretraining."""

    tokenizer: Tokenizer
    names: NameSource
    context: int
    words: tuple[str, ...]
    family: Family = "train"

    def pool(self, seed: int, number: int, *, level: Level, count: int) -> list[Row]:
        """`count` rows, fewer the ones too long for the context, in order of length."""
        rng = Random(f"pocket:{seed}:{number}:{level.number}")
        openings, turnings = OpeningFinder.of(self.tokenizer), TurningFinder.of(self.tokenizer)
        lore = Lore(seed, number, self.family, self.names)
        drafts = [self._draft(rng, level, lore) for _ in range(count)]
        rows = self.encode([draft.turns for draft in drafts])
        kept = [
            Row(
                ids,
                answers,
                draft.difficulty,
                draft.kind,
                openings.find(ids),
                turnings.ahead(ids, answers),
                turnings.turnings(ids, answers),
                copied(ids, answers),
            )
            for (ids, answers), draft in zip(rows, drafts, strict=True)
            if len(ids) <= self.context
        ]
        return sorted(kept, key=lambda row: len(row.ids))

    def encode(
        self, conversations: Sequence[Sequence[Turn]]
    ) -> list[tuple[tuple[int, ...], tuple[tuple[int, int], ...]]]:
        """Ids and answer spans of conversations, exactly as the chat template lays them out."""
        texts = [text for turns in conversations for turn in turns for text in (turn.user, turn.assistant)]
        encoded = iter([encoding.ids for encoding in self.tokenizer.encode_batch_fast(texts)])
        vocab = self.tokenizer.get_vocab()
        user, assistant, end = vocab[USER], vocab[ASSISTANT], vocab[END]
        rows = []
        for turns in conversations:
            ids: list[int] = []
            answers = []
            for _ in turns:
                ids += [user, *next(encoded), assistant]
                start = len(ids)
                ids += [*next(encoded), end]
                answers.append((start, len(ids)))
            rows.append((tuple(ids), tuple(answers)))
        return rows

    def _draft(self, rng: Random, level: Level, lore: Lore) -> _Draft:
        """One conversation: a first question of the level's mix, then more on the same world; or a drill, lore, or a guess."""
        if rng.random() < level.drills:
            return _Draft(drill(rng, self.family, names=self.names, words=self.words), 0, Kind.RECALL)
        if rng.random() < level.lore:
            return _Draft(lore.turns(rng, words=self.words), 0, Kind.BY_HEART)
        if rng.random() < level.guesses:
            return _Draft(guess(rng, self.family, names=self.names, words=self.words), 0, Kind.BY_HEART)
        difficulty = rng.choices(range(len(level.difficulties)), level.difficulties)[0]
        kind = rng.choices(level.kinds, level.weights)[0]
        world, first = build_question(rng, self.family, kind, difficulty=difficulty, names=self.names)
        asker = Asker(rng, self.names)
        questions = [first]
        for _ in range(rng.randint(*level.more_turns)):
            further = rng.choices(level.kinds, level.weights)[0]
            try:
                questions.append(ask_on(asker, world, further))
            except NoQuestionError:
                continue
        turns = _turns(world.text, questions)
        if rng.random() < _STRANGE_SHARE and all(
            question.kind is not Kind.TRUEFALSE for question in questions
        ):
            phrases = strange_phrases(rng, world, self.words)
            turns = [Turn(reworded(turn.user, phrases), reworded(turn.assistant, phrases)) for turn in turns]
        if rng.random() < _FILLED_SHARE:
            turns = [
                Turn(with_fillers(rng, turn.user, names=world.names, words=self.words), turn.assistant)
                if question.kind in FILLED
                else turn
                for turn, question in zip(turns, questions, strict=True)
            ]
        return _Draft(turns, difficulty, kind)


def _turns(text: str, questions: Sequence[Question]) -> list[Turn]:
    """The turns of a conversation: the text stands before the first question that needs it."""
    turns, told = [], False
    for question in questions:
        needs = question.kind not in CONTEXT_FREE
        user = context_prompt(text, question.text) if needs and not told else question.text
        told = told or needs
        turns.append(Turn(user, question.answer))
    return turns


def task_rows(maker: RowMaker, tasks: Sequence[GeneralTask]) -> list[Row]:
    """Rows of single general tasks, for measuring."""
    encoded = maker.encode([[Turn(task.prompt, task.answer)] for task in tasks])
    return [
        Row(ids, answers, task.difficulty, task.kind)
        for (ids, answers), task in zip(encoded, tasks, strict=True)
    ]
