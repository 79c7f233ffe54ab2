"""What a tool answers is what its output schema promises, when it fails as well: clients check it and drop what does not fit."""

from __future__ import annotations

import asyncio
import errno
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.mcp_server.test_server import VALID
from tests.sessions import Bench, client_of, records_of
from tools.registry import TOOLS

SUCCEED = {"get_status", "report_session", "verify_log", "steer_session", "curate_corpus"}


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_every_answer_fits_the_schema_that_is_published_good_or_bad(
    bench: Bench, tmp_path: Path, mode: str
) -> None:
    async def run() -> tuple[set[str], set[str], set[str]]:
        listed, succeeded, failed = set(), set(), set()
        async with client_of(bench.session(tmp_path), mode=mode) as client:
            for tool in (await client.list_tools()).tools:
                listed.add(tool.name)
                for arguments in (VALID.get(tool.name, {}), {"surprise": 1}):
                    result = await client.call_tool(tool.name, arguments)
                    jsonschema.validate(result.structured_content, tool.output_schema)
                    (failed if result.is_error else succeeded).add(tool.name)
                with pytest.raises(jsonschema.ValidationError):
                    jsonschema.validate({"surprise": 1}, tool.output_schema)
        return listed, succeeded, failed

    listed, succeeded, failed = asyncio.run(run())
    assert succeeded >= SUCCEED and failed == listed == {tool.name for tool in TOOLS}


def _full(*_arguments: object, **_named: object) -> int:
    raise OSError(errno.ENOSPC, "No space left on device", "/somewhere/request.json")


def test_a_disk_that_refuses_a_tool_is_a_typed_failure_that_stands_in_the_log(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = bench.session(tmp_path)
    monkeypatch.setattr("proda_core.session.inbox.write_atomic", _full)

    async def steer() -> dict[str, Any]:
        async with client_of(folder) as client:
            result = await client.call_tool("steer_session", VALID["steer_session"])
            assert result.is_error
            return dict(result.structured_content)

    said = asyncio.run(steer())["error"]
    assert said["type"] == "SessionError"
    assert "No space left on device, request.json" in said["message"] and "resume" in said["message"]
    assert "somewhere" not in said["message"]
    assert [record.body["error"] for record in records_of(folder) if record.kind == "refusal"] == [
        "SessionError"
    ]


def test_a_log_that_takes_no_more_is_a_typed_failure_though_the_failure_cannot_be_logged(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = bench.session(tmp_path)

    async def finish() -> dict[str, Any]:
        async with client_of(folder) as client:
            monkeypatch.setattr("proda_core.log.decision_log.os.write", _full)
            result = await client.call_tool("finish_session", {"reason": "error", "detail": "x"})
            monkeypatch.undo()
            assert result.is_error
            return dict(result.structured_content)

    said = asyncio.run(finish())["error"]
    assert said["type"] == "LedgerError" and "free some disk" in said["message"]
