"""The protocol's own conformance suite, over HTTP, through a proxy that adds the token that the suite does not send.

Judged is the suite's exit code and each check that it wrote down: the code leaves out whole scenarios (those not scored for a
revision), and its list of expected failures excuses a scenario with all its checks. ``unmet.toml`` names every check by itself.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.proxy import with_token
from tests.interop.running import Checks, Node, checks_in, serving
from tests.sessions import Bench

pytestmark = pytest.mark.interop
REVISIONS = ("2025-11-25", "2026-07-28")
UNMET = tomllib.loads((Path(__file__).parent / "unmet.toml").read_text())
TASKS = {
    "tasks-lifecycle",
    "tasks-capability-negotiation",
    "tasks-wire-fields",
    "tasks-request-state-removal",
    "tasks-mrtr-input",
    "tasks-request-headers",
    "tasks-dispatch-and-envelope",
    "tasks-required-task-error",
    "tasks-mrtr-composition",
}


@pytest.fixture(scope="module")
def fixtures(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the fixtures can be called without a token."""
    folder = bench.session(tmp_path_factory.mktemp("fixtures"))
    with (
        serving(folder, "--conformance-fixtures") as served,
        with_token(served.url, served.access.steer) as url,
    ):
        yield url


@pytest.fixture(scope="module")
def of_the_fixtures(fixtures: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Checks]:
    """The fixtures' checks by revision."""
    return {
        revision: suite(fixtures, tmp_path_factory.mktemp("checks"), "--requirements", revision)
        for revision in REVISIONS
    }


@pytest.fixture(scope="module")
def ordinary(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where an ordinary session can be called without a token."""
    folder = bench.session(tmp_path_factory.mktemp("ordinary"))
    with serving(folder) as served, with_token(served.url, served.access.steer) as url:
        yield url


def suite(url: str, home: Path, *options: str, exits: int = 0) -> Checks:
    """All checks of one run of the suite, which has to end with this exit code."""
    ran = Node(home).run("conformance", "server", "--url", url, *options, "-o", "out")
    assert ran.returncode == exits, ran.stdout[-4000:] + ran.stderr
    return checks_in(home / "out")


def unmet(checks: Checks) -> set[str]:
    """Whatever did not succeed: failures, warnings and what was skipped."""
    return {
        f"{scenario}:{check['id']}"
        for scenario, found in checks.items()
        for check in found
        if check["status"] not in ("SUCCESS", "INFO")
    }


def unproved(checks: Checks) -> set[str]:
    """Scenarios in which no check succeeded."""
    return {
        scenario for scenario, found in checks.items() if all(check["status"] != "SUCCESS" for check in found)
    }


def listed(revision: str, *kinds: str) -> set[str]:
    """What unmet.toml names for a revision."""
    groups = [group for kind in kinds for group in UNMET[kind]]
    named = [name for group in groups for part in ("both", revision) for name in group.get(part, ())]
    assert len(named) == len(set(named)) and all(group["reason"] for group in groups)
    return set(named)


@pytest.mark.parametrize("revision", REVISIONS)
def test_the_fixtures_meet_every_requirement_of_a_revision_and_the_tasks_extension(
    of_the_fixtures: dict[str, Checks], revision: str
) -> None:
    checks = of_the_fixtures[revision]
    known = listed(revision, "of_any_server")
    assert unmet(checks) == known
    assert unproved(checks) == {name.partition(":")[0] for name in known}
    assert revision == "2025-11-25" or checks.keys() >= TASKS


def test_the_fixtures_pass_everything_that_the_suite_has_for_the_older_revision(
    fixtures: str, tmp_path: Path
) -> None:
    checks = suite(fixtures, tmp_path, "--suite", "all", "--spec-version", "2025-11-25")
    assert unmet(checks) == listed("2025-11-25", "of_any_server") and len(checks) > 30


@pytest.mark.parametrize("revision", REVISIONS)
def test_an_ordinary_session_passes_every_check_that_needs_no_fixture_and_no_other(
    ordinary: str, of_the_fixtures: dict[str, Checks], tmp_path: Path, revision: str
) -> None:
    checks = suite(ordinary, tmp_path, "--requirements", revision, exits=1)  # for what needs a fixture
    assert unmet(checks) == listed(revision, "of_any_server", "of_a_session")
    assert checks.keys() == of_the_fixtures[revision].keys()
    assert unproved(checks) == unproved(of_the_fixtures[revision])


def test_the_suite_sees_a_server_that_answers_wrongly(ordinary: str, tmp_path: Path) -> None:
    """The control: the suite's exit code says so too."""
    ran = Node(tmp_path).run(
        "conformance", "server", "--url", ordinary, "--scenario", "tools-call-simple-text"
    )
    assert ran.returncode == 1
