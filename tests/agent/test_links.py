"""What the host prints of where it is served: links that sign in for a person at a terminal, no token for a file."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from agent.connect import Address
from agent.drive import _serving
from mcp_server.access import access_to
from tests.sessions import Bench


@pytest.mark.parametrize("terminal", [True, False])
def test_a_terminal_is_shown_links_that_sign_in_and_a_file_is_written_no_token(
    bench: Bench, tmp_path: Path, terminal: bool
) -> None:
    folder, said = bench.session(tmp_path), io.StringIO()
    console = Console(file=said, force_terminal=terminal, no_color=True, width=40)
    _serving(folder, console, Address(), drivable=False).tell("http://127.0.0.1:8765/mcp")
    access = access_to(folder.access)
    for token in (access.read, access.steer):
        assert (f"http://127.0.0.1:8765/login#{token}" in said.getvalue()) == terminal
        assert (token in said.getvalue()) == terminal
    assert "http://127.0.0.1:8765/login" in said.getvalue()
