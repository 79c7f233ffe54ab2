"""The steering inbox: what is posted is read back in order, once, and nothing else is a request."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from proda_core.clock import FakeClock
from proda_core.errors import SessionError
from proda_core.session import Inbox, SteerKind
from proda_core.session.inbox import LONGEST_TEXT
from proda_core.types import DecisionKind

ANN = {"by": "ann", "why": "because"}


def test_requests_come_back_in_the_order_written_with_ids_of_their_content(tmp_path: Path) -> None:
    inbox, clock = Inbox(tmp_path / "inbox"), FakeClock(datetime(2026, 1, 1, tzinfo=UTC))
    posted = [inbox.post(SteerKind.PAUSE, **ANN, clock=clock)]
    clock.advance(1)
    posted.append(inbox.post(SteerKind.VETO, **ANN, clock=clock, option=DecisionKind.REPLAY))
    clock.advance(1)
    posted.append(inbox.post(SteerKind.BUDGET, **ANN, clock=clock, limits={"wall_s": None, "rounds": 2.0}))
    assert inbox.requests() == tuple(posted) and len({one.id for one in posted}) == 3
    again = inbox.post(SteerKind.PAUSE, **ANN, clock=FakeClock(datetime(2026, 1, 1, tzinfo=UTC)))
    assert again.id == posted[0].id and len(inbox.requests()) == 3


@pytest.mark.parametrize(
    ("kind", "changed", "said"),
    [
        (SteerKind.NOTE, {"why": " "}, "why"),
        (SteerKind.NOTE, {"by": "a\nb"}, "by"),
        (SteerKind.NOTE, {"why": "x" * (LONGEST_TEXT + 1)}, "why"),
        (SteerKind.VETO, {}, "name an option"),
        (SteerKind.PAUSE, {"option": DecisionKind.PATCH}, "name an option"),
        (SteerKind.BUDGET, {}, "at least one limit"),
        (SteerKind.STOP, {"limits": {"rounds": 1.0}}, "at least one limit"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_and_not_written(
    tmp_path: Path, kind: SteerKind, changed: dict[str, Any], said: str
) -> None:
    with pytest.raises(SessionError, match=said):
        Inbox(tmp_path).post(kind, **{**ANN, **changed})
    assert list(tmp_path.iterdir()) == []


def test_files_that_are_no_request_are_left_out(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path)
    good = inbox.post(SteerKind.NOTE, **ANN)
    plain = asdict(good)
    (tmp_path / "h_0000000000000000.json").write_text(json.dumps(plain))  # not the one it is named after
    for name, text in (
        ("a", "{"),
        ("b", "[]"),
        ("c", json.dumps({**plain, "kind": "explode"})),
        ("d", json.dumps({**plain, "more": 1})),
    ):
        (tmp_path / f"{name}.json").write_text(text)
    assert inbox.requests() == (good,)
    assert inbox.odd() == ("a.json", "b.json", "c.json", "d.json", "h_0000000000000000.json")


def test_a_file_is_read_once_and_new_ones_are_seen(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path)
    first = inbox.post(SteerKind.NOTE, **ANN)
    assert inbox.requests() == (first,)
    (tmp_path / f"{first.id}.json").write_text("what was read stays as it was written")
    second = Inbox(tmp_path).post(SteerKind.PAUSE, **ANN)
    assert {one.id for one in inbox.requests()} == {first.id, second.id}
    (tmp_path / f"{first.id}.json").unlink()
    assert inbox.requests() == (second,)


def test_an_inbox_takes_no_more_requests_than_people_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proda_core.session.inbox.MOST_REQUESTS", 2)
    inbox = Inbox(tmp_path)
    for why in ("one", "two"):
        inbox.post(SteerKind.NOTE, by="ann", why=why)
    with pytest.raises(SessionError, match="2 requests"):
        inbox.post(SteerKind.NOTE, by="ann", why="three")
    assert len(inbox.requests()) == 2
