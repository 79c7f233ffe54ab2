"""What tests of the controller share: sessions whose decisions a scripted model is asked for, seeded so that all else is done."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agent.client import ToolClient
from proda_core.session import SessionFolder
from tests.sessions import Bench, FinishedSession, run_to_end, seeded

MODEL = "openai-compatible:tiny"
INPUT_PRICE, OUTPUT_PRICE = 1.0, 2.0
Said = list[tuple[str, dict[str, Any]]] | str
Turns = Callable[[str, int], Said]


class Decider:
    """A model by script: ``turns(decision, turn)`` says what it answers; ``asked`` is what it was asked for."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self.asked: list[tuple[str, int]] = []

    def __call__(self, body: dict[str, Any]) -> Said:
        shown = next(str(m["content"]) for m in body["messages"] if m["role"] == "user")
        given = json.loads(shown[shown.index("{") : shown.rindex("}") + 1])
        turn = sum(m["role"] == "assistant" for m in body["messages"])
        self.asked.append((given["decision"], turn))
        return self._turns(given["decision"], turn)


def asking(
    bench: Bench, finished: FinishedSession, root: Path, url: str, **sections: dict[str, Any]
) -> SessionFolder:
    """A session of the finished one's jobs whose decisions a model at ``url`` is asked for."""
    calls = {"base_url": url, "idempotent": True, "retries": 1, "timeout_s": 20.0}
    prices = {"input_price": INPUT_PRICE, "output_price": OUTPUT_PRICE}
    given: dict[str, dict[str, Any]] = {
        "policy": {"kind": "llm"},
        "teacher": {"model": MODEL},
        "calls": calls | prices,
    }
    for name, section in sections.items():
        given[name] = {**given.get(name, {}), **section}
    return seeded(bench.session(root, **given), finished.folder)


def run_until_it_would_record(path: str) -> None:
    """Run the session in this process and die by SIGKILL where the first decision would be recorded: its answer is there."""
    call = ToolClient.call

    async def dying(self: ToolClient, name: str, **arguments: Any) -> dict[str, Any]:
        if name == "record_decision":
            os.kill(os.getpid(), signal.SIGKILL)
        return await call(self, name, **arguments)

    ToolClient.call = dying  # type: ignore[method-assign]  # of a process that ends here
    run_to_end(SessionFolder.open(Path(path)))
