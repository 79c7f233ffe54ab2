"""What a tool answers is what its output schema promises, when it fails as well: clients check it and drop what does not fit."""

from __future__ import annotations

import asyncio
from pathlib import Path

import jsonschema
import pytest

from tests.mcp_server.test_server import VALID
from tests.sessions import Bench, client_of
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
