"""What a host keeps between calls is made again as soon as the log has grown."""

from __future__ import annotations

from pathlib import Path

from mcp_server.hosting import reading_host
from proda_core.log import DecisionLog
from tests.sessions import Bench


def test_a_reader_sees_what_was_logged_since_and_a_view_is_made_once_for_each_head(
    bench: Bench, tmp_path: Path
) -> None:
    folder = bench.session(tmp_path)
    made: list[int] = []
    with DecisionLog(folder.decisions) as log:
        host = reading_host(folder)

        def view() -> int:
            made.append(len(host.records()))
            return made[-1]

        for count in (1, 2, 3):
            log.append("note", f"n{count}", {"count": count})
            assert len(host.records()) == count
            assert [host.at_head("view", view) for _ in range(3)] == [count] * 3
    assert made == [1, 2, 3]
