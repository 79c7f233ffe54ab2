"""The documents against the code: commands, options, exit codes, keys with their defaults, tools, the README's table, links."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
import typer.main
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from typer.testing import CliRunner

from agent.cli.ladder import headings
from agent.cli.main import app
from agent.exit_codes import EXIT_CODES, INTERRUPTED
from mcp_server.clients import CLIENTS, ClientName, Place, plan_change, server_entry
from mcp_server.prompts import PROMPTS
from mcp_server.resources import ENTRIES, VIEWS, templates
from proda_core import errors
from proda_core.config import Config, known_keys
from proda_core.errors import ProdaError
from proda_core.session import SessionFolder, SessionPaths
from tests.report_views import finished_view
from tools.registry import TOOLS

ROOT = Path(__file__).parents[1]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
MANUAL = (ROOT / "docs/manual.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _commands(group: click.Group, path: tuple[str, ...] = ()) -> dict[str, click.Command]:
    found: dict[str, click.Command] = {}
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            found |= _commands(command, (*path, name))
        elif name == getattr(group, "default", None):  # the group's own command
            found[" ".join(path)] = command
        else:
            found[" ".join((*path, name))] = command
    return found


COMMANDS = _commands(typer.main.get_command(app))  # type: ignore[arg-type]  # the root is a group


def _section(command: str) -> str:
    """The manual's text on one command: from its heading to the next."""
    found = re.search(rf"^### `proda {command}(?: [^`]*)?`$(.*?)(?=^##)", MANUAL, re.MULTILINE | re.DOTALL)
    assert found is not None, f"docs/manual.md has no section on proda {command}"
    return found.group(1)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_teaches_itself(command: str) -> None:
    shown = CliRunner().invoke(app, [*command.split(), "--help"])
    assert shown.exit_code == 0
    assert "Usage" in shown.output
    assert COMMANDS[command].help


@pytest.mark.parametrize("command", COMMANDS)
def test_the_manual_has_every_command_with_its_options_and_an_example(command: str) -> None:
    section = _section(command)
    options = {opt for param in COMMANDS[command].params for opt in param.opts if opt.startswith("--")} - {
        "--help"
    }
    assert sorted(opt for opt in options if f"`{opt}" not in section) == []
    assert re.search(rf"^proda {command}\b", section, re.MULTILINE), "no example"


def test_the_manual_promises_no_option_that_is_not_there() -> None:
    real = {opt for command in COMMANDS.values() for param in command.params for opt in param.opts} | {
        "--version",
        "--help",
    }
    assert sorted(set(re.findall(r"`(--[a-z-]+)", MANUAL)) - real) == []


def _fields() -> dict[str, FieldInfo]:
    found: dict[str, FieldInfo] = {}
    for name, info in Config.model_fields.items():
        section = info.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            found |= {f"{name}.{key}": field for key, field in section.model_fields.items()}
        else:
            found[name] = info
    return found


def _default(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    return f"{value:g}" if isinstance(value, float) else str(value)


@pytest.mark.parametrize("key", known_keys())
def test_the_manual_states_every_key_with_its_default_and_meaning(key: str) -> None:
    field = _fields()[key]
    assert field.description, f"{key} has no description"
    rows = re.findall(rf"^\| `{re.escape(key)}` \| (.*?) \| (.*?) \| (.*?) \|$", MANUAL, re.MULTILINE)
    assert [(default, meaning) for default, _unit, meaning in rows] == [
        (_default(field.default), field.description)
    ]


def test_the_manual_names_no_key_that_is_gone() -> None:
    assert (
        sorted(
            set(re.findall(r"^\| `([a-z]+(?:\.[a-z_]+)?)` \| .* \| .* \| .* \|$", MANUAL, re.MULTILINE))
            - set(known_keys())
        )
        == []
    )


def test_the_manual_states_every_tool_with_its_description() -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \| (yes)? ?\| (.*) \|$", MANUAL, re.MULTILINE)
    assert rows == [
        (tool.name, {"read": "yes", "steer": "yes", "work": ""}[tool.scope], tool.description)
        for tool in TOOLS
    ]


def test_the_manual_states_every_resource_view_and_prompt() -> None:
    forms = re.findall(r"^\| `(proda://[^`]+)` \| (.*) \|$", MANUAL, re.MULTILINE)
    assert [form for form, _ in forms] == [template.uri_template for template in templates()]
    views = re.findall(r"`([a-z]+)` \(([a-z_]+)\)", dict(forms)["proda://session/{session}/{view}{?first}"])
    assert dict(views) == {name: view.tool.name for name, view in VIEWS.items()}
    assert [f"`{entry.tool.name}`" for entry in ENTRIES.values()] == [by for _, by in forms[2:]]
    prompts = re.findall(r"^\| `([a-z_]+)`(?: \(`([a-z]+)`\))? \| (.*) \|$", MANUAL, re.MULTILINE)
    for name, prompt in PROMPTS.items():
        (found,) = [row for row in prompts if row[0] == name]
        assert found[1] == prompt.argument
        assert found[2].startswith(prompt.title) and found[2].endswith(prompt.description)


def test_the_manual_states_every_exit_code() -> None:
    codes = {
        int(code): meaning for code, meaning in re.findall(r"^\| (\d+) \| (.*) \|$", MANUAL, re.MULTILINE)
    }
    for reason, code in EXIT_CODES.items():
        assert f"`{reason.value}`" in codes[code]
    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ProdaError)
    ]
    assert [kind.__name__ for kind in kinds if kind.exit_code not in codes] == []
    assert INTERRUPTED in codes


def test_the_manual_names_everything_in_a_session_folder() -> None:
    parts = [name for name, value in vars(SessionPaths).items() if isinstance(value, property)]
    names = [getattr(SessionPaths(Path("x")), name).relative_to("x").parts[0] for name in parts]
    assert [name for name in names if name not in MANUAL] == []


def test_the_readme_quotes_the_table_that_the_report_command_prints() -> None:
    block = re.search(r"<!-- demo-results:start -->(.*?)<!-- demo-results:end -->", README, re.DOTALL)
    assert block is not None
    titles = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in block.group(1).splitlines()
        if line.startswith("| round")
    ]
    without_n = [re.sub(r" \(n=\d+\)", "", title) for title in headings(finished_view())]
    assert [[re.sub(r" \(n=\d+\)", "", title) for title in row] for row in titles] == [without_n]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_between_pages_and_to_files_resolve(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_files_named_in_the_pages_exist() -> None:
    named = re.compile(
        r"`((?:agent|tools|proda_core|evals|mcp_server|tests)/[\w/.]+\.(?:py|md|toml|j2|css))`"
    )
    missing = [
        f"{page.name}: {name}"
        for page in PAGES
        for name in named.findall(page.read_text(encoding="utf-8"))
        if not (ROOT / name).exists()
    ]
    assert missing == []


def test_modules_named_in_the_pages_exist() -> None:
    named = re.compile(r"`((?:agent|tools|proda_core|evals|mcp_server)(?:\.[a-z_]+)+)(?::([a-z_]+))?`")
    missing = []
    for page in PAGES:
        for module, function in named.findall(page.read_text(encoding="utf-8")):
            path = ROOT / module.replace(".", "/")
            file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
            if not file.exists() or (function and f"def {function}(" not in file.read_text(encoding="utf-8")):
                missing.append(f"{page.name}: {module}")
    assert missing == []


@pytest.mark.parametrize("name", ClientName)
def test_the_page_on_clients_shows_what_install_writes(name: ClientName, tmp_path: Path) -> None:
    page = (ROOT / "docs/clients.md").read_text(encoding="utf-8")
    shown = re.search(rf"<!-- {name.value} -->\n```json\n(.*?)```", page, re.DOTALL)
    assert shown is not None
    paths = [Path("/full/path/to") / part for part in (".venv/bin/proda", "sessions/demo-816465066960")]
    session = SessionFolder(paths[1], Config(), Path("corpus"), "")
    entry = server_entry(name, [str(paths[0]), "mcp"], session)
    assert plan_change(name, tmp_path / "none.json", "proda", entry).after.decode() == shown.group(1)
    assert f"`{name.value}`" in page and f"`{name.value}`" in _section("mcp install")
    user, project = Place("linux", Path("~"), {}).file_of(name), CLIENTS[name].in_project
    assert all(part in page for part in (user.name, str(user.parent).removesuffix("~"), project))
