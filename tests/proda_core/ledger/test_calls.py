"""The journal of paid calls: reserved before, settled with the answer, and never less than may have been charged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from proda_core.errors import BudgetExhausted, LedgerError
from proda_core.ledger import Call, CallJournal, Settled, Spent, read_money, read_spent
from proda_core.ledger.calls import ANSWERED, NANO

MOST = 5 * NANO
CALL = Call("task", 1, "chains", "tiny", MOST, once=True)
DONE = Settled(ANSWERED, 10, 20, 2 * NANO, '{"a": 1}')


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sessions" / "one" / "calls.sqlite"


@pytest.fixture
def journal(path: Path) -> Iterator[CallJournal]:
    made = CallJournal(path)
    yield made
    made.close()


def test_a_call_under_way_is_held_at_its_most_and_settled_at_what_it_cost(
    journal: CallJournal, path: Path
) -> None:
    journal.begin(CALL, None)
    assert (read_spent(path).spent, read_spent(path).held, read_money(path)) == (0, 5, 5)
    journal.settle(CALL, DONE)
    assert read_spent(path) == Spent(2, 0, calls=1, sent=1, unknown=0, input_tokens=10, output_tokens=20)
    assert journal.answer("task") == '{"a": 1}' and journal.ending("task", 1) == ANSWERED


@pytest.mark.parametrize(("once", "before_its_end", "after_it"), [(True, 5, 2), (False, 10, 12)])
def test_sendings_that_nobody_knows_the_end_of_count_once_by_a_key_and_each_without(
    journal: CallJournal, path: Path, once: bool, before_its_end: float, after_it: float
) -> None:
    call = replace(CALL, once=once)
    journal.begin(call, None)  # and its worker is killed
    journal.begin(call, None)  # and this one hangs
    journal.land(call, charged=True)
    assert read_money(path) == before_its_end
    journal.begin(call, None)
    journal.settle(call, DONE)
    assert (read_money(path), read_spent(path).unknown) == (after_it, 2)


def test_a_sending_that_was_refused_costs_nothing(journal: CallJournal, path: Path) -> None:
    for _ in range(3):
        journal.begin(CALL, None)
        journal.land(CALL, charged=False)
    assert (read_money(path), read_spent(path).sent) == (0, 3)


def test_what_could_pass_the_limit_is_not_begun(journal: CallJournal, path: Path) -> None:
    journal.begin(CALL, 9.0)
    with pytest.raises(BudgetExhausted, match="money asked 5, left 4") as caught:
        journal.begin(replace(CALL, attempt=2), 9.0)
    assert BudgetExhausted.said(str(caught.value)).resource == "money"
    assert read_money(path) == 5
    journal.settle(CALL, DONE)
    journal.begin(replace(CALL, attempt=2), 9.0)
    journal.begin(replace(CALL, attempt=2), 9.0)  # the same once more is the same money


def test_what_is_written_together_is_written_whole_or_not_at_all(journal: CallJournal, path: Path) -> None:
    second = replace(CALL, task="other")
    (done, refused) = journal.together(
        [partial(journal.begin, CALL, 5.0), partial(journal.begin, second, 5.0)]
    )
    assert done is None and isinstance(refused, BudgetExhausted)
    with pytest.raises(LedgerError, match="never reserved"):
        journal.together([partial(journal.settle, CALL, DONE), partial(journal.settle, second, DONE)])
    assert read_spent(path).held == 5 and journal.answer("task") is None


def test_a_key_is_the_same_for_the_same_call_and_no_other_sessions(journal: CallJournal, path: Path) -> None:
    again = CallJournal(path)
    elsewhere = CallJournal(path.parent.parent / "two" / path.name)
    try:
        assert journal.key(CALL) == again.key(CALL)
        others = {
            elsewhere.key(CALL),
            journal.key(replace(CALL, attempt=2)),
            journal.key(replace(CALL, task="x")),
        }
        assert len(others | {journal.key(CALL)}) == 4
    finally:
        again.close()
        elsewhere.close()


def test_a_session_without_calls_has_spent_nothing(path: Path) -> None:
    assert (read_spent(path), read_money(path)) == (Spent(), 0.0)
    assert not path.exists()


def test_a_file_that_is_no_journal_is_said_to_be_none(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no database" * 100)
    with pytest.raises(LedgerError, match=r"calls\.sqlite"):
        CallJournal(path)
    with pytest.raises(LedgerError, match=r"calls\.sqlite"):
        read_money(path)
