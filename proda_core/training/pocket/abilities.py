"""What a pocket model can do: greedy replies to general tasks with names and wordings it has not met, by kind."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from proda_core.general.questions import Kind
from proda_core.general.tasks import ALL_KINDS, generate_tasks, reply_is_right

_BATCH = 64
_SEED = 90_001
_LONGEST_REPLY = 160


@dataclass(frozen=True, slots=True)
class Ability:
    """How many of `n` heldout tasks of a kind and difficulty were answered right."""

    kind: Kind
    difficulty: int
    right: int
    n: int

    @property
    def share(self) -> float:
        """The share answered right."""
        return self.right / self.n


def measure_abilities(
    model: Any,
    tokenizer: Any,
    *,
    tasks: int = 100,
    difficulties: Sequence[int] = (1, 3),
    kinds: Sequence[Kind] = ALL_KINDS,
    longest: int = _LONGEST_REPLY,
) -> list[Ability]:
    """Abilities by kind, `tasks` heldout tasks each, at the given difficulties; replies of `longest` tokens at most."""
    found = []
    for difficulty in difficulties:
        for kind in kinds:
            asked = generate_tasks(
                seed=_SEED, count=tasks, family="heldout", kinds=[kind], difficulty=difficulty
            )
            replies = greedy_replies(model, tokenizer, [task.prompt for task in asked], longest=longest)
            right = sum(reply_is_right(task, reply) for task, reply in zip(asked, replies, strict=True))
            found.append(Ability(kind, difficulty, right, len(asked)))
    return found


def greedy_replies(
    model: Any, tokenizer: Any, prompts: Sequence[str], *, longest: int = _LONGEST_REPLY
) -> list[str]:
    """The greedy reply to each prompt in the chat layout, in batches of prompts of like length."""
    layouts = [
        tokenizer.apply_chat_template(
            [{"role": "user", "content": prompt}], tokenize=False, add_generation_prompt=True
        )
        for prompt in prompts
    ]
    order = sorted(range(len(layouts)), key=lambda place: len(layouts[place]))
    replies = [""] * len(layouts)
    for start in range(0, len(order), _BATCH):
        places = order[start : start + _BATCH]
        batch = tokenizer(
            [layouts[place] for place in places], return_tensors="pt", padding=True, padding_side="left"
        )
        with torch.no_grad():
            out = model.generate(
                input_ids=batch["input_ids"],
                attention_mask=batch["attention_mask"],
                do_sample=False,
                max_new_tokens=longest,
                pad_token_id=tokenizer.pad_token_id,
            )
        fresh = out[:, batch["input_ids"].shape[1] :]
        for place, text in zip(places, tokenizer.batch_decode(fresh, skip_special_tokens=True), strict=True):
            replies[place] = text.strip()
    return replies
