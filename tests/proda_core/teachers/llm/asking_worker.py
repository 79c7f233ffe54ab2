"""What a process does that asks until it is killed: ``ask_all`` puts the questions and writes what it was answered."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from proda_core.config import CallsConfig, TeacherConfig
from proda_core.ledger import CallJournal
from proda_core.teachers.llm.asker import ModelAsker
from tests.proda_core.teachers.llm.asking import PRICES, Word, question

AT_ONCE = 6


def ask_all(folder: str, url: str, tasks: int, once: bool) -> None:
    """Into ``answers.json`` of the folder."""
    words = asyncio.run(_ask(Path(folder), url, tasks, once=once))
    (Path(folder) / "answers.json").write_text(json.dumps([one.word for one in words]), encoding="utf-8")


async def _ask(folder: Path, url: str, tasks: int, *, once: bool) -> list[Word]:
    calls = CallsConfig(base_url=url, concurrency=AT_ONCE, idempotent=once, **PRICES)
    config = TeacherConfig(kind="llm", model="openai-compatible:tiny", max_output_tokens=500)
    async with ModelAsker(CallJournal(folder / "calls.sqlite"), config, calls) as asker:
        asked = [asker.ask(question(f"text {number} word{number}")) for number in range(tasks)]
        return list(await asyncio.gather(*asked))
