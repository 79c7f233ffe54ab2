"""The protocol's own conformance suite, over HTTP, through a proxy that adds the token that the suite does not send."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.proxy import with_token
from tests.interop.running import Node, checks_in, serving
from tests.sessions import Bench

pytestmark = pytest.mark.interop
REVISIONS = ("2025-11-25", "2026-07-28")
NEEDS_FIXTURE = Path(__file__).parent / "needs-fixture.yml"
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
UNPROVED = {
    "2025-11-25": {
        "server-sse-polling"
    },  # warns only: streams are not resumable, which the protocol leaves open
    "2026-07-28": {"tasks-status-notifications"},  # the suite skips it until it is rewritten
}
"""Scenarios that end well without a check that succeeded."""


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
def ordinary(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where an ordinary session can be called without a token."""
    folder = bench.session(tmp_path_factory.mktemp("ordinary"))
    with serving(folder) as served, with_token(served.url, served.access.steer) as url:
        yield url


@pytest.mark.parametrize("revision", REVISIONS)
def test_the_fixtures_meet_every_requirement_of_a_revision_and_the_tasks_extension(
    fixtures: str, tmp_path: Path, revision: str
) -> None:
    options = ("server", "--url", fixtures, "--requirements", revision, "-o", "out")
    ran = Node(tmp_path).run("conformance", *options)
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr
    checks = checks_in(tmp_path / "out")
    failed = {name for name, found in checks.items() if any(check["status"] == "FAILURE" for check in found)}
    proved = {name for name, found in checks.items() if any(check["status"] == "SUCCESS" for check in found)}
    assert not failed and checks.keys() - proved == UNPROVED[revision]
    assert revision == "2025-11-25" or proved >= TASKS


def test_the_fixtures_pass_everything_that_the_suite_has_for_the_older_revision(
    fixtures: str, tmp_path: Path
) -> None:
    options = ("server", "--url", fixtures, "--suite", "all", "--spec-version", "2025-11-25")
    ran = Node(tmp_path).run("conformance", *options)
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr


@pytest.mark.parametrize("revision", REVISIONS)
def test_an_ordinary_session_passes_every_scenario_that_needs_no_fixture_and_no_other(
    ordinary: str, tmp_path: Path, revision: str
) -> None:
    options = ("server", "--url", ordinary, "--requirements", revision, "-o", "out")
    ran = Node(tmp_path).run("conformance", *options, "--expected-failures", str(NEEDS_FIXTURE))
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr
    assert len(checks_in(tmp_path / "out")) > 30


def test_the_suite_sees_a_server_that_answers_wrongly(ordinary: str, tmp_path: Path) -> None:
    """The control: without the list of what needs a fixture, the same session fails."""
    ran = Node(tmp_path).run(
        "conformance", "server", "--url", ordinary, "--scenario", "tools-call-simple-text"
    )
    assert ran.returncode == 1
