"""Withdrawals: append-only, known items only, the benchmark untouched."""

from __future__ import annotations

from pathlib import Path

import pytest

from evals.withdrawals import Withdrawal, append_withdrawals, apply_withdrawals, in_time, read_withdrawals
from proda_core.errors import ArtifactError, BenchmarkError
from proda_core.types import Split
from tests.evals.reports import benchmark, report

BENCH = benchmark()


def test_withdrawals_are_appended_once_and_read_in_order(tmp_path: Path) -> None:
    first, second = (Withdrawal(i.item_id, "two true options") for i in BENCH.items[:2])
    assert read_withdrawals(tmp_path) == ()
    assert append_withdrawals(tmp_path, [second], BENCH) == (second,)
    before = (tmp_path / "withdrawals.jsonl").read_bytes()
    assert append_withdrawals(tmp_path, [first, second, first], BENCH) == (first,)
    assert (tmp_path / "withdrawals.jsonl").read_bytes().startswith(before)
    assert read_withdrawals(tmp_path) == (second, first)


def test_an_unknown_item_cannot_be_withdrawn(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="holds no such item"):
        append_withdrawals(tmp_path, [Withdrawal("i_0000000000000000", "x")], BENCH)
    assert not (tmp_path / "withdrawals.jsonl").exists()


def test_a_garbled_list_is_an_error_and_not_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "withdrawals.jsonl").write_text("{", encoding="utf-8")
    with pytest.raises(ArtifactError, match=r"withdrawals\.jsonl:1"):
        read_withdrawals(tmp_path)


def test_a_withdrawn_item_is_unscored_in_dev_and_sealed() -> None:
    gone = [BENCH.of(Split.DEV)[0].item_id, BENCH.of(Split.SEALED)[0].item_id]
    found = apply_withdrawals(report(BENCH, "base", dev=[True] * 40), [Withdrawal(key, "x") for key in gone])
    assert [s.item_id for s in (*found.dev, *found.sealed) if s.value is None] == gone
    assert {s.reason for s in (*found.dev, *found.sealed) if s.value is None} == {"withdrawn"}


def test_what_is_withdrawn_after_a_candidate_was_scored_does_not_count_for_it() -> None:
    early, late = (Withdrawal(item.item_id, "two true options") for item in BENCH.of(Split.DEV)[:2])
    candidate = apply_withdrawals(report(BENCH, "a_1", dev=[True] * 40), [early])
    assert in_time([early, late], candidate) == [early]
