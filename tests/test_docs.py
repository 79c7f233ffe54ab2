"""The documents against the code: commands exist and have help, configuration keys and tools are named, links resolve."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agent.cli.main import app
from proda_core.config import known_keys
from tools.registry import TOOLS

ROOT = Path(__file__).parents[1]
COMMANDS = [
    ["run"],
    ["resume"],
    ["status"],
    ["stop"],
    ["report"],
    ["audit", "verify"],
    ["graph", "build"],
    ["graph", "stats"],
    ["graph", "show"],
    ["graph", "path"],
    ["graph", "export"],
]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_teaches_itself_and_is_in_the_readme_or_the_manual(command: list[str]) -> None:
    shown = CliRunner().invoke(app, [*command, "--help"])
    assert shown.exit_code == 0
    assert "Usage" in shown.output
    manual = (ROOT / "README.md").read_text(encoding="utf-8") + (ROOT / "docs/manual.md").read_text(encoding="utf-8")
    assert f"proda {' '.join(command)}" in manual


def test_every_configuration_key_is_in_the_manual() -> None:
    manual = (ROOT / "docs/manual.md").read_text(encoding="utf-8")
    assert [key for key in known_keys() if f"`{key}`" not in manual] == []


def test_every_tool_is_in_the_manual() -> None:
    manual = (ROOT / "docs/manual.md").read_text(encoding="utf-8")
    assert [tool.name for tool in TOOLS if f"`{tool.name}`" not in manual] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_between_pages_and_to_files_resolve(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_files_named_in_the_pages_exist() -> None:
    named = re.compile(r"`((?:agent|tools|proda_core|evals|mcp_server|tests)/[\w/.]+\.(?:py|md|toml|j2))`")
    missing = [
        f"{page.name}: {name}"
        for page in PAGES
        for name in named.findall(page.read_text(encoding="utf-8"))
        if not (ROOT / name).exists()
    ]
    assert missing == []
