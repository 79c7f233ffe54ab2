"""The run's own record: every optimiser step ever done, by whichever process did it, appended line by line.

Steps after the last checkpoint are lost with a kill and done again; the journal shows both, so that it can be proved that no
step before a checkpoint was done twice. The loss curve is the journal with only the last doing of each step.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One step: mean loss per label token, real tokens so far, learning rate, seconds since the run began, process number."""

    step: int
    loss: float
    tokens: int
    lr: float
    wall_s: float
    process: int


class Journal:
    """An append-only file of StepRecords. Opening it cuts off a line torn by a kill and counts one process more."""

    def __init__(self, path: Path) -> None:
        self.path = path
        data = path.read_bytes() if path.exists() else b""
        whole = data[: data.rfind(b"\n") + 1]
        if len(whole) != len(data):
            path.write_bytes(whole)
        self.process = 1 + max((record.process for record in self.records()), default=0)

    def append(self, record: StepRecord) -> None:
        with self.path.open("a", encoding="utf-8") as handle:
            handle.write(json.dumps(asdict(record)) + "\n")

    def records(self) -> list[StepRecord]:
        """Every step done, in the order it was done."""
        if not self.path.exists():
            return []
        lines = self.path.read_text(encoding="utf-8").splitlines()
        return [StepRecord(**json.loads(line)) for line in lines]

    def loss_curve(self) -> list[StepRecord]:
        """One record a step: the doing that counted."""
        last = {record.step: record for record in self.records()}
        return [last[step] for step in sorted(last)]
