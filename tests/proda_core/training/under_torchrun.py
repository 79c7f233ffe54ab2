"""A training as torchrun starts it, two processes of this script: ``under_torchrun.py BASE SCRATCH``.

Whichever of them is the first writes down how many there were and the losses of the run, and no other writes anything.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from torch import distributed

from proda_core.config import StudentConfig, TrainingConfig
from proda_core.students.prompting import EncodedRow
from proda_core.training.journal import Journal
from proda_core.training.lora import make_accelerator
from proda_core.training.run import Observer, TrainingRun, load_base, train_run


def rows() -> list[EncodedRow]:
    """Rows of many lengths; an odd number of them, so that processes get unlike shares."""
    made = []
    for number in range(41):
        length, answer = 9 + number % 23, 1 + number % 5
        ids = tuple(5 + (7 * number + 3 * place * place) % 290 for place in range(length))
        made.append(EncodedRow(ids, tuple(place >= length - answer for place in range(length))))
    return made


def losses(base: Path, scratch: Path) -> list[float]:
    """Train with whoever else is there; the loss of every step."""
    scratch.mkdir(exist_ok=True)
    config = TrainingConfig(
        rank=4, precision="fp32", batch_tokens=256, epochs=3, learning_rate=0.02, checkpoint_steps=4
    )
    run = TrainingRun(
        base=str(base),
        student=StudentConfig(threads=1),
        config=config,
        seed=3,
        incumbent=None,
        rows=rows(),
        general=range(0, 41, 2),
        probe=None,
        limit_s=None,
        scratch=scratch,
    )
    train_run(run, load_base(run.base, run.student, run.config), Observer())
    return [record.loss for record in Journal(scratch / "journal.jsonl").loss_curve()]


def main() -> None:
    base, scratch = Path(sys.argv[1]), Path(sys.argv[2])
    accelerator = make_accelerator()
    if accelerator.num_processes != 2 or distributed.get_world_size() != int(os.environ["WORLD_SIZE"]):
        raise SystemExit(f"wanted two processes, there are {accelerator.num_processes}")
    found = losses(base, scratch)
    if accelerator.is_main_process:
        said = {"processes": distributed.get_world_size(), "losses": found}
        with (scratch / "said.jsonl").open("a") as handle:
            handle.write(json.dumps(said) + "\n")
    distributed.destroy_process_group()


if __name__ == "__main__":
    main()
