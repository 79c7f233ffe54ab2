"""Setting clients up: the right file and form for each, the change shown before it is written, and nothing else touched."""

from __future__ import annotations

import asyncio
import json
import stat
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from typer.testing import CliRunner, Result

from agent.cli.main import app
from mcp_server.bundle import ENTRY_POINT, bundle_manifest, write_bundle
from mcp_server.clients import CLIENTS, ClientName, Place, configuration_file, starting_command
from proda_core import __version__
from proda_core.errors import ConfigError
from proda_core.session import SessionFolder
from tests.sessions import Bench, tree, with_client

OTHER = {"command": "npx", "args": ["-y", "größer"], "env": {"KEY": "secret"}}
Proda = Callable[..., Result]


@pytest.fixture
def session(bench: Bench, tmp_path: Path) -> SessionFolder:
    folder = bench.session(tmp_path / "sessions")
    with_client(folder, lambda client: client.call_tool("get_status", {}))
    return folder


@pytest.fixture
def proda(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Proda:
    """The command line of somebody whose home and folder are empty."""
    home, project = tmp_path / "home", tmp_path / "project"
    home.mkdir()
    project.mkdir()
    monkeypatch.chdir(project)
    monkeypatch.setattr(Place, "here", classmethod(lambda cls: cls("linux", home, {})))
    return lambda *arguments: CliRunner().invoke(app, [str(one) for one in arguments])


@pytest.mark.parametrize(
    ("name", "system", "file"),
    [
        ("claude-desktop", "darwin", "Library/Application Support/Claude/claude_desktop_config.json"),
        ("claude-desktop", "linux", ".config/Claude/claude_desktop_config.json"),
        ("vscode", "darwin", "Library/Application Support/Code/User/mcp.json"),
        ("vscode", "linux", ".config/Code/User/mcp.json"),
        *[("cursor", system, ".cursor/mcp.json") for system in ("darwin", "linux")],
        *[("claude-code", system, ".claude.json") for system in ("darwin", "linux")],
    ],
)
def test_every_client_has_its_file_on_every_system(name: str, system: str, file: str, tmp_path: Path) -> None:
    assert configuration_file(ClientName(name), Place(system, tmp_path, {}), project=None) == tmp_path / file


def test_the_places_that_a_machine_names_itself_are_kept_to(tmp_path: Path) -> None:
    def place(system: str, **environment: str) -> Place:
        return Place(system, tmp_path, environment)

    assert place("linux", XDG_CONFIG_HOME=str(tmp_path / "x")).applications == tmp_path / "x"
    code = place("linux", CLAUDE_CONFIG_DIR=str(tmp_path / "c"))
    assert code.file_of(ClientName.CLAUDE_CODE) == tmp_path / "c/.claude.json"


@pytest.mark.parametrize(
    ("name", "file"),
    [("claude-code", ".mcp.json"), ("cursor", ".cursor/mcp.json"), ("vscode", ".vscode/mcp.json")],
)
def test_a_project_has_its_own_file(
    proda: Proda, session: SessionFolder, tmp_path: Path, name: str, file: str
) -> None:
    assert proda("mcp", "install", name, session.root, "--project", "--yes").exit_code == 0
    assert (tmp_path / "project" / file).is_file() and list((tmp_path / "home").iterdir()) == []


def test_claude_desktop_has_none_for_a_project(proda: Proda, session: SessionFolder) -> None:
    refused = proda("mcp", "install", "claude-desktop", session.root, "--project")
    assert isinstance(refused.exception, ConfigError)


@pytest.mark.parametrize("name", ClientName)
def test_the_change_is_shown_first_and_written_when_told_so_and_other_servers_stay(
    proda: Proda, session: SessionFolder, tmp_path: Path, name: ClientName
) -> None:
    path = Place("linux", tmp_path / "home", {}).file_of(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    key = CLIENTS[name].key
    before = json.dumps({"theme": "dark", key: {"other": OTHER}}, indent=4, ensure_ascii=False).encode()
    path.write_bytes(before)
    path.chmod(0o640)

    shown = proda("mcp", "install", name.value, session.root)
    assert shown.exit_code == 0 and path.read_bytes() == before
    assert f'+            "command": "{starting_command()[0]}"' in shown.stdout  # indented as the file is
    assert "secret" not in shown.stdout and "dark" not in shown.stdout
    assert "--yes" in shown.stderr

    assert proda("mcp", "install", name.value, session.root, "--yes").exit_code == 0
    written = json.loads(path.read_text(encoding="utf-8"))
    entry = {"command": starting_command()[0], "args": [*starting_command()[1:], str(session.root)]}
    if name is not ClientName.CLAUDE_DESKTOP:
        entry = {"type": "stdio", **entry}
    assert written == {"theme": "dark", key: {"other": OTHER, "proda": entry}}
    (copy,) = path.parent.glob(f"{path.name}.*.bak")
    assert copy.read_bytes() == before
    assert {stat.S_IMODE(one.stat().st_mode) for one in (path, copy)} == {0o640}

    kept = tree(tmp_path / "home")
    again = proda("mcp", "install", name.value, session.root, "--yes")
    assert "nothing to change" in again.stdout and tree(tmp_path / "home") == kept
    assert proda("mcp", "install", name.value, "--remove", "--yes").exit_code == 0
    assert json.loads(path.read_text(encoding="utf-8")) == json.loads(before)


@pytest.mark.parametrize("indent", [None, 2])
def test_nothing_of_the_file_but_the_entry_is_shown_however_it_is_written(
    proda: Proda, session: SessionFolder, tmp_path: Path, indent: int | None
) -> None:
    path = tmp_path / "home/.cursor/mcp.json"
    path.parent.mkdir(parents=True)
    text = json.dumps(
        {"mcpServers": {"proda": {"command": "old"}, "other": OTHER}, "key": "sk-secret"}, indent=indent
    )
    path.write_text(text.replace('{"command": "old"}', '{"command":   "old"}'))
    shown = proda("mcp", "install", "cursor", session.root).stdout
    assert "secret" not in shown and "old" in shown and str(session.root) in shown
    assert "sk-" not in proda("mcp", "install", "cursor", "--remove").stdout


def test_half_a_character_of_another_server_is_written_back_as_it_was(
    proda: Proda, session: SessionFolder, tmp_path: Path
) -> None:
    path = tmp_path / "home/.cursor/mcp.json"
    path.parent.mkdir(parents=True)
    path.write_text(r'{"mcpServers": {"other": {"command": "\ud800"}}}')
    assert proda("mcp", "install", "cursor", session.root, "--yes").exit_code == 0
    assert json.loads(path.read_text())["mcpServers"]["other"] == {"command": "\ud800"}


def test_what_was_installed_starts_a_server_that_answers(
    proda: Proda, session: SessionFolder, tmp_path: Path
) -> None:
    assert proda("mcp", "install", "cursor", session.root, "--yes", "--name", "mine").exit_code == 0
    entry = json.loads((tmp_path / "home/.cursor/mcp.json").read_text())["mcpServers"]["mine"]
    assert session.name in asyncio.run(answered(entry["command"], entry["args"]))


async def answered(command: str, arguments: list[str], env: dict[str, str] | None = None) -> str:
    """What the server that a client would start says of its session."""
    server = StdioServerParameters(command=command, args=arguments, env=env)
    async with Client(server, mode="legacy") as client:
        return str((await client.call_tool("get_status", {})).structured_content)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "not plain JSON"),
        (b'{"a": 1e400}', "not plain JSON"),
        (b'{"a": NaN}', "not plain JSON"),
        (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "not plain JSON"),
        (b'{"mcpServers": {}, // mine\n}', "not plain JSON"),
        (b'{"mcpServers": {"a": {}, "a": {}}}', "stands twice"),
        (b"[]", "no JSON object"),
        (b'{"mcpServers": []}', "is no object"),
        (b"\xff\xfe{}", "not UTF-8"),
    ],
)
@pytest.mark.parametrize("more", [(), ("--remove",)])
def test_a_file_that_cannot_be_understood_is_refused_and_left_alone(
    proda: Proda,
    session: SessionFolder,
    tmp_path: Path,
    content: bytes,
    said: str,
    more: tuple[str, ...],
) -> None:
    path = tmp_path / "home/.cursor/mcp.json"
    path.parent.mkdir()
    path.write_bytes(content)
    before = tree(tmp_path / "home")
    refused = proda("mcp", "install", "cursor", session.root, "--yes", *more)
    assert isinstance(refused.exception, ConfigError) and said in str(refused.exception)
    pasted = said in ("not plain JSON", "stands twice") and not more
    assert (str(session.root) in str(refused.exception)) is pasted
    assert tree(tmp_path / "home") == before


def test_a_file_that_cannot_be_read_is_refused(proda: Proda, session: SessionFolder, tmp_path: Path) -> None:
    (tmp_path / "home/.cursor/mcp.json").mkdir(parents=True)
    refused = proda("mcp", "install", "cursor", session.root, "--yes")
    assert isinstance(refused.exception, ConfigError) and "cannot be read" in str(refused.exception)


def test_a_linked_file_stays_a_link(proda: Proda, session: SessionFolder, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.json"
    real.write_text("{}")
    link = tmp_path / "home/.cursor/mcp.json"
    link.parent.mkdir()
    link.symlink_to(real)
    assert proda("mcp", "install", "cursor", session.root, "--yes").exit_code == 0
    assert link.is_symlink() and "proda" in real.read_text()


def test_removing_what_is_not_there_makes_no_file(proda: Proda, tmp_path: Path) -> None:
    assert proda("mcp", "install", "cursor", "--remove", "--yes").exit_code == 0
    assert tree(tmp_path / "home") == {}


def test_the_bundle_holds_a_whole_manifest_and_starts_a_server_that_answers(
    session: SessionFolder, tmp_path: Path
) -> None:
    path = write_bundle(tmp_path / "proda.mcpb", session)
    unpacked = tmp_path / "unpacked"
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        archive.extractall(unpacked)
    manifest = json.loads((unpacked / "manifest.json").read_text(encoding="utf-8"))
    check_manifest(manifest)
    assert (unpacked / manifest["server"]["entry_point"]).is_file()
    proposed = manifest["user_config"]["session"]["default"]
    assert proposed == str(session.root)
    values = {"${__dirname}": str(unpacked), "${user_config.session}": proposed}
    run = filled(manifest["server"]["mcp_config"], values)
    assert session.name in asyncio.run(answered(run["command"], run["args"], run["env"]))


def check_manifest(manifest: dict[str, Any]) -> None:
    """What the specification (0.3) needs and knows, as far as this manifest uses it."""
    known = {
        "manifest_version": str,
        "name": str,
        "display_name": str,
        "version": str,
        "description": str,
        "author": dict,
        "license": str,
        "server": dict,
        "tools_generated": bool,
        "prompts_generated": bool,
        "compatibility": dict,
        "user_config": dict,
    }
    assert {"manifest_version", "name", "version", "description", "author", "server"} <= manifest.keys()
    assert all(isinstance(value, known[key]) for key, value in manifest.items())
    assert (manifest["manifest_version"], manifest["version"]) == ("0.3", __version__)
    assert manifest["author"].keys() <= {"name", "email", "url"} and manifest["author"]["name"]
    server = manifest["server"]
    assert server.keys() == {"type", "entry_point", "mcp_config"}
    assert (server["type"], server["entry_point"]) == ("python", ENTRY_POINT)
    assert server["mcp_config"].keys() <= {"command", "args", "env", "platform_overrides"}
    assert manifest["compatibility"]["platforms"] == [sys.platform]
    for option in manifest["user_config"].values():
        assert {"type", "title", "description"} <= option.keys()
        assert option["type"] in {"string", "number", "boolean", "directory", "file"}


def filled(value: Any, values: dict[str, str]) -> Any:
    """The variables of a manifest replaced, as the client does."""
    text = json.dumps(value)
    for name, meant in values.items():
        text = text.replace(name, json.dumps(meant)[1:-1])
    assert "${" not in text
    return json.loads(text)


def test_the_same_bundle_is_the_same_file_and_another_name_is_refused(
    proda: Proda, session: SessionFolder, tmp_path: Path
) -> None:
    first, second = (write_bundle(tmp_path / f"{n}.mcpb", session).read_bytes() for n in (1, 2))
    assert first == second
    with zipfile.ZipFile(tmp_path / "1.mcpb") as archive:
        assert {entry.date_time for entry in archive.infolist()} == {
            (1980, 1, 1, 0, 0, 0)
        }  # no time of making
    refused = proda("mcp", "bundle", tmp_path / "proda.zip", "--session", session.root)
    assert isinstance(refused.exception, ConfigError) and not (tmp_path / "proda.zip").exists()


def test_a_bundle_made_before_any_session_proposes_none(proda: Proda, tmp_path: Path) -> None:
    out = tmp_path / "proda.mcpb"
    assert proda("mcp", "bundle", out, "--sessions", tmp_path / "none").exit_code == 0
    assert "default" not in bundle_manifest(None)["user_config"]["session"] and out.is_file()
    assert proda("mcp", "bundle", out, "--session", "no-such", "--sessions", tmp_path).exit_code != 0
