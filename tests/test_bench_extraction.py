"""Marks of two readers: what is counted, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.marks import judged, kappa, read_marks
from proda_core.errors import BenchmarkError


def test_agreement_beyond_chance_is_none_where_marks_are_as_by_chance() -> None:
    first = ["right", "right", "wrong", "wrong"]
    assert kappa(first, first) == 1.0
    assert kappa(first, ["right", "wrong", "right", "wrong"]) == 0.0
    assert kappa(first, ["wrong", "wrong", "right", "right"]) == -1.0


def test_precision_counts_what_is_right_alone_and_says_what_is_partly_beside_it() -> None:
    said = judged(["right", "right", "partly", "wrong"], ["right", "partly", "partly", "wrong"])
    assert said["reader_1"]["precision"] == 0.5
    assert said["reader_1"]["right_or_partly"] == 0.75
    assert (said["right_by_both"], said["agreement"]) == (1, 0.75)


@pytest.mark.parametrize(
    "text",
    ["1,right\n", "1,right\n2,right\n2,wrong\n", "1,right\n2,maybe\n", "1,right\n2\n", "1,right\n3,wrong\n"],
)
def test_marks_that_are_missing_double_or_unknown_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "marks.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BenchmarkError):
        read_marks(path, count=2)


def test_marks_are_read_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "marks.csv"
    path.write_text("number,mark\n2,Wrong\n1,right\n", encoding="utf-8")
    assert read_marks(path, count=2) == ["right", "wrong"]
