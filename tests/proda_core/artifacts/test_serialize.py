"""Dataclasses to JSON lines and back: same bytes for same content, and nothing wrong gets in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import pytest

from proda_core.errors import ArtifactError
from proda_core.serialize import dump_lines, from_plain, read_lines, to_plain, write_lines


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True, slots=True)
class Inner:
    number: int


@dataclass(frozen=True, slots=True)
class Outer:
    name: str
    colour: Colour
    inner: tuple[Inner, ...] = ()
    by_name: dict[str, Inner] | None = None


ROW = Outer("ü", Colour.RED, (Inner(1), Inner(2)), {"a": Inner(3)})


def test_a_row_comes_back_as_it_was_enums_and_tuples_included(tmp_path: Path) -> None:
    assert from_plain(Outer, to_plain(ROW)) == ROW
    write_lines(tmp_path / "rows.jsonl", [ROW, ROW])
    assert list(read_lines(tmp_path / "rows.jsonl", Outer)) == [ROW, ROW]


def test_the_bytes_of_a_line_are_sorted_and_without_spaces() -> None:
    assert dump_lines([Outer("ü", Colour.RED)]) == '{"by_name":null,"colour":"red","inner":[],"name":"ü"}\n'


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": None}, "field 'name'"),
        ({"colour": "blue"}, "field 'colour'"),
        ({"inner": [{"number": 1}, {}]}, r"field 'inner\.1\.number'"),
        ({"extra": 1}, "unknown field 'extra'"),
        ({"inner": [{"number": 1, "extra": 1}]}, "unknown field 'extra'"),
        ({"by_name": {"a": {"number": 1, "extra": 1}}}, "unknown field 'extra'"),
    ],
)
def test_a_missing_wrong_or_unknown_field_is_named_at_any_depth(
    change: dict[str, object], message: str
) -> None:
    with pytest.raises(ArtifactError, match=message):
        from_plain(Outer, {"name": "x", "colour": "red", **change})


def test_a_bad_line_is_named_by_file_and_number(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"number":1}\n{"number":\n', encoding="utf-8")
    with pytest.raises(ArtifactError, match=r"rows\.jsonl:2: not JSON"):
        list(read_lines(path, Inner))
    with pytest.raises(ArtifactError, match=r"cannot read none\.jsonl"):
        list(read_lines(tmp_path / "none.jsonl", Inner))
