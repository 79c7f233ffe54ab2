"""Each attack of the red team in two halves: stopped and written down as things are; with its very guard taken out, a success by
its own measure. An attack with one half alone cannot be added."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from evals.redteam import ATTACKS, Attack, Attempt
from mcp_server.redteaming import Grounds
from tests.evals.taken_out import IN_THE_WORKER, TAKEN_OUT
from tests.sessions import REPOSITORY, FinishedSession

STOPPED = [attack for attack in ATTACKS if not attack.open_because]
OPEN = [attack for attack in ATTACKS if attack.open_because]
QUICK = ("outcome-forged", "adapter-dropped-in", "clock-set-back", "ledger-edited")
"""By default these alone, one of each kind that needs no stage of a session; all of them with -m slow."""


@pytest.fixture(scope="module")
def grounds(finished_session: FinishedSession, tmp_path_factory: pytest.TempPathFactory) -> Grounds:
    return Grounds(finished_session.folder, tmp_path_factory.mktemp("redteam"))


def tried(attack: Attack, grounds: Grounds) -> Attempt:
    return asyncio.run(attack.try_it(grounds))


def both_halves(attack: Attack, grounds: Grounds, patch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    attempt = tried(attack, grounds)
    assert not attempt.won, attempt
    assert attempt.stopped, f"{attempt}: it was stopped, and nobody wrote it down"
    if attack.name in IN_THE_WORKER:
        (tmp_path / "sitecustomize.py").write_text(IN_THE_WORKER[attack.name], encoding="utf-8")
        patch.setenv("PYTHONPATH", str(tmp_path))
    else:
        TAKEN_OUT[attack.name](patch)
    attempt = tried(attack, grounds)
    assert attempt.won, f"{attempt}: with its guard taken out it is stopped by something else"


def test_there_are_at_least_25_attacks_and_each_has_its_guard_to_take_out() -> None:
    names = [attack.name for attack in ATTACKS]
    assert len(STOPPED) >= 25 and len(set(names)) == len(names)
    assert {attack.name for attack in STOPPED} == TAKEN_OUT.keys() | IN_THE_WORKER.keys()


def test_the_list_of_attacks_names_each_with_what_stops_it_or_why_nothing_does() -> None:
    page = (REPOSITORY / "docs/redteam.md").read_text(encoding="utf-8")
    rows = {line.split("`")[1]: line for line in page.splitlines() if line.startswith("| `")}
    assert rows.keys() == {attack.name for attack in ATTACKS}
    for attack in ATTACKS:
        assert (attack.open_because or f"| {attack.guard} |") in rows[attack.name]


@pytest.mark.parametrize("name", QUICK)
def test_an_attack_on_an_ended_session_is_stopped_and_succeeds_without_its_guard(
    name: str, grounds: Grounds, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    both_halves(next(a for a in STOPPED if a.name == name), grounds, monkeypatch, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("attack", [a for a in STOPPED if a.name not in QUICK], ids=lambda a: a.name)
def test_an_attack_is_stopped_and_logged_and_succeeds_without_its_guard(
    attack: Attack, grounds: Grounds, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    both_halves(attack, grounds, monkeypatch, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("attack", OPEN, ids=lambda a: a.name)
def test_what_is_listed_as_not_stopped_is_not_stopped(attack: Attack, grounds: Grounds) -> None:
    assert tried(attack, grounds).won, f"{attack.name} is stopped today: it is to be listed with its guard"
