"""The command line as a person or a script uses it: exit codes, JSON, a running host beside, a clean end on a signal."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from agent.cli.main import main
from agent.exit_codes import EXIT_CODES, INTERRUPTED
from proda_core.errors import ConfigError, CorpusError, SessionError
from proda_core.log import verify
from proda_core.session import SessionFolder
from proda_core.types import StopReason
from tests.sessions import (
    Bench,
    FinishedSession,
    copied,
    decisions_of,
    overrides,
    proda,
    records_of,
    seeded,
    tree,
    with_client,
)

DONE = EXIT_CODES[StopReason.BUDGET_ROUNDS]


@dataclass(frozen=True, slots=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def cli(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., Ran]:
    """Runs ``proda`` with these arguments in this process, from an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: object) -> Ran:
        monkeypatch.setattr("sys.argv", ["proda", *map(str, arguments)])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        found = capsys.readouterr()
        return Ran(code, found.out, found.err)

    return run


@pytest.fixture
def session(finished_session: FinishedSession, tmp_path: Path) -> SessionFolder:
    return copied(finished_session.folder, tmp_path)


@pytest.mark.parametrize("budget", ["banana", "", "0s", "-5m", "20 minutes"])
def test_a_budget_that_is_no_duration_is_refused_with_an_example(
    cli: Callable[..., Ran], bench: Bench, budget: str
) -> None:
    ran = cli("run", bench.corpus, "--budget", budget)
    assert ran.code == ConfigError.exit_code and "20m" in ran.err
    assert not Path("sessions").exists()


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("training.rnk=8", "did you mean 'training.rank'"),
        ("budjet.rounds=1", "did you mean 'budget.rounds'"),
        ("training.rank=none", "training.rank"),
        ("training.rank", "a.b=value"),
    ],
)
def test_a_wrong_key_or_value_is_refused_by_name(
    cli: Callable[..., Ran], bench: Bench, option: str, said: str
) -> None:
    ran = cli("run", bench.corpus, "--set", option)
    assert ran.code == ConfigError.exit_code and said in ran.err and ran.out == ""
    assert not Path("sessions").exists()


def test_a_port_at_which_nothing_would_be_served_is_refused(
    cli: Callable[..., Ran], bench: Bench, session: SessionFolder
) -> None:
    for arguments in (["run", bench.corpus], ["resume", session.root]):
        ran = cli(*arguments, "--port", "8000")
        assert ran.code == ConfigError.exit_code and "--serve" in ran.err
    assert not Path("sessions").exists()


def test_a_session_ended_by_a_typed_error_of_a_job_returns_that_errors_code(
    cli: Callable[..., Ran], tmp_path: Path
) -> None:
    ran = cli("run", _blank(tmp_path / "blank"))
    assert ran.code == CorpusError.exit_code
    assert "CorpusError" in ran.out and "error" in ran.out


@pytest.mark.parametrize(
    ("corpus", "options", "name"),
    [("my notes v1.2", [], "my-notes-v1-2"), ("§", [], "session"), ("notes", ["--name", "econ"], "econ")],
)
def test_a_session_is_named_after_its_corpus_unless_a_name_is_given(
    cli: Callable[..., Ran], tmp_path: Path, corpus: str, options: list[str], name: str
) -> None:
    cli("run", _blank(tmp_path / corpus), *options)
    (made,) = Path("sessions").iterdir()
    assert made.name.rpartition("-")[0] == name


def test_a_corpus_that_is_not_there_has_its_exit_code(cli: Callable[..., Ran]) -> None:
    ran = cli("run", "no-such-folder")
    assert ran.code == CorpusError.exit_code and "no corpus at" in ran.err
    assert not Path("sessions").exists()


@pytest.mark.parametrize("command", ["status", "resume", "stop", "report"])
def test_a_command_without_a_session_says_how_to_start_one(cli: Callable[..., Ran], command: str) -> None:
    ran = cli(command)
    assert ran.code == SessionError.exit_code and "start one with proda run" in ran.err


def test_rerunning_a_finished_session_shows_the_report_and_does_nothing(
    cli: Callable[..., Ran], bench: Bench, session: SessionFolder, tmp_path: Path
) -> None:
    before = session.decisions.read_bytes()
    artifacts = tree(session.artifacts)
    again = ["run", bench.corpus, "--sessions", tmp_path, *overrides(session.config)]
    ran = cli(*again, "--json")
    assert (ran.code, ran.json["exit_code"], ran.json["stop_reason"]) == (DONE, DONE, "budget_rounds")
    assert [row["label"] for row in ran.json["ladder"]] == ["Base", "V1", "V2"]
    assert Path(ran.json["report"]).read_text(encoding="utf-8").startswith("<!")
    resumed = cli("resume", session.root)
    assert resumed.code == DONE and "V1" in resumed.out
    assert session.decisions.read_bytes() == before and tree(session.artifacts) == artifacts


@pytest.mark.parametrize(
    "command", [["status"], ["report"], ["audit", "verify"], ["graph", "stats"]], ids=" ".join
)
def test_json_output_parses_and_is_alone_on_stdout(
    cli: Callable[..., Ran], session: SessionFolder, command: list[str]
) -> None:
    ran = cli(*command, session.root, "--json")
    assert ran.code == 0 and isinstance(ran.json, dict)


def test_status_of_a_finished_session_says_how_it_ended(
    cli: Callable[..., Ran], session: SessionFolder
) -> None:
    view = cli("status", session.root, "--json").json
    assert (view["state"], view["stop_reason"], view["rounds"]) == ("finished", "budget_rounds", 1)
    assert view["last_decision"].startswith("stop: ")
    assert "finished" in cli("status", session.root).out


def test_a_request_to_a_session_that_has_ended_says_that_it_waits(
    cli: Callable[..., Ran], session: SessionFolder
) -> None:
    with_client(session.raise_budget({"wall_s": 900.0}), nothing)  # hosted under another budget, nothing done
    assert cli("status", session.root, "--json").json["state"] == "finished"
    ran = cli("steer", "note", session.root, "--why", "to be kept")
    assert ran.code == 0 and "has ended (budget_rounds)" in ran.out and "proda resume" in ran.out
    assert [one.why for one in session.steering.requests()] == ["to be kept"]


async def nothing(_client: Client) -> None:
    """Asks for nothing."""


def test_a_second_host_is_refused_and_changes_nothing_of_the_firsts_session(
    cli: Callable[..., Ran], bench: Bench, session: SessionFolder, tmp_path: Path
) -> None:
    cli("stop", session.root)
    with session.hosted():
        holder = session.host()
        before = {name: found for name, found in tree(session.root).items() if name != "host.lock"}
        for arguments in (
            ["run", bench.corpus, "--sessions", tmp_path, *overrides(session.config), "--rounds", "9"],
            ["resume", session.root, "--rounds", "9"],
        ):
            ran = cli(*arguments)
            assert ran.code == SessionError.exit_code and f"is in use by {holder}" in ran.err
        after = {name: found for name, found in tree(session.root).items() if name != "host.lock"}
        assert after == before and [one.kind for one in session.steering.requests()] == ["stop"]


def test_stop_is_seen_by_status_and_taken_back_by_resume(
    cli: Callable[..., Ran], session: SessionFolder
) -> None:
    assert cli("stop", session.root).code == 0
    assert cli("status", session.root, "--json").json["stop_requested"] is True
    assert cli("resume", session.root).code == DONE
    status = cli("status", session.root, "--json").json
    assert (status["stop_requested"], status["stop_reason"]) == (False, "budget_rounds")
    assert [one.kind for one in session.steering.requests()] == ["stop", "resume"]


def _wait_until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 600
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.slow
def test_a_signal_ends_a_running_session_cleanly_and_resume_goes_on(
    cli: Callable[..., Ran], bench: Bench, finished_session: FinishedSession, tmp_path: Path
) -> None:
    before_training = {"curate", "extract", "benchmark", "synthesise"}
    folder = seeded(bench.session(tmp_path), finished_session.folder, kinds=before_training)
    host = proda("resume", str(folder.root), cwd=tmp_path)
    try:
        _wait_until(
            lambda: list(folder.jobs.glob("*/scratch/journal.jsonl")) != [] or host.poll() is not None
        )
        view = cli("status", folder.root, "--json").json
        assert view["state"] == "running" and view["now"].startswith("train_adapter")
        assert f"process {host.pid} " in view["host"]
        assert cli("resume", folder.root).code == SessionError.exit_code
        host.send_signal(signal.SIGTERM)
        out, err = host.communicate(timeout=300)
    finally:
        host.kill()
        host.communicate()
    assert host.returncode == INTERRUPTED, err
    assert "SIGTERM" in err and "interrupted" in out
    intents = len(records_of(folder, "intent"))
    assert cli("status", folder.root, "--json").json["state"] == "waiting"
    assert cli("resume", folder.root).code == DONE
    assert records_of(folder, "intent")[intents - 1].body["tool"] == "train_adapter"
    assert decisions_of(folder) == decisions_of(finished_session.folder)
    report = verify(folder.decisions)
    assert report.ok, report.problems


@pytest.mark.slow
def test_a_budget_that_ends_a_job_can_be_raised_while_its_worker_is_still_ending(
    cli: Callable[..., Ran], bench: Bench, finished_session: FinishedSession, tmp_path: Path
) -> None:
    folder = seeded(
        bench.session(tmp_path, budget={"wall_s": 1.5}), finished_session.folder, kinds={"curate"}
    )
    assert cli("resume", folder.root).code == EXIT_CODES[StopReason.BUDGET_WALL]
    others = {"benchmark", "synthesise", "score", "train", "diagnose", "patch"}
    seeded(folder, finished_session.folder, kinds=others)
    raised = folder.raise_budget({"wall_s": None})
    assert cli("resume", raised.root, "--rounds", "1").code == DONE
    assert verify(folder.decisions).ok


def _blank(folder: Path) -> Path:
    """A corpus with nothing to read in it."""
    folder.mkdir()
    (folder / "white.txt").write_text("  \n\n", encoding="utf-8")
    return folder


def test_bench_repair_compares_recipes_in_a_table_and_keeps_the_figures(
    cli: Callable[..., Ran], session: SessionFolder, tmp_path: Path
) -> None:
    call = ("bench", "repair", session.name, "--sessions", session.root.parent, "--out", tmp_path / "out")
    recipes = ("--recipe", "diagnosed", "--recipe", "more", "--set", "training.max_steps=2")
    shown = cli(*call, *recipes)
    assert shown.code == 0, shown.err
    kept = json.loads((tmp_path / "out/repair.json").read_text())
    assert [row["recipe"] for row in kept["recipes"]] == ["diagnosed", "more"]
    gain = 100 * kept["comparisons"][0]["gain"]["dev"]["value"]
    assert f"{gain:+.1f}" in shown.out.rpartition("against each control")[2]
    assert "2 of 2" in shown.err
    assert cli(*call, *recipes, "--json").json == kept
    assert cli(*call, "--recipe", "lucky").code == ConfigError.exit_code


@pytest.mark.slow
def test_an_interrupted_bench_ends_its_job_and_goes_on_where_it_was(
    session: SessionFolder, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    call = (
        "bench",
        "repair",
        session.name,
        "--sessions",
        session.root.parent,
        "--out",
        out,
        "--recipe",
        "more",
    )
    running = proda(*map(str, call), "--set", "training.round_epochs=50", cwd=tmp_path)
    try:
        _wait_until(
            lambda: list(out.glob("*/jobs/*/scratch/journal.jsonl")) != [] or running.poll() is not None
        )
        running.send_signal(signal.SIGINT)
        said = running.communicate(timeout=60)[1]
    finally:
        running.kill()
        running.communicate()
    assert running.returncode == INTERRUPTED, said
    assert "goes on from the last checkpoint" in said
    (journal,) = out.glob("*/jobs/*/scratch/journal.jsonl")
    assert (journal.parents[1] / "cancel").exists()  # the worker ends at its next checkpoint
