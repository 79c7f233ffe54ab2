"""``proda bench redteam``: attacks on a small session, and the leaks among them looked for in files of somebody else's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from agent.cli.main import app
from evals.redteam import ATTACKS
from evals.redteam.leaks import LEAKS, in_base64, rare_homoglyphs
from proda_core.errors import ConfigError
from proda_core.guard.foreign import items_in
from tests.sessions import FinishedSession, copied

ITEMS = [
    {
        "question": f"In the city of {name}, which of these things is found below the old bridge in winter?",
        "options": ["a barge", "a mill", f"the {name} stone", "a well"],
        "answer": 2,
    }
    for name in ("Arden", "Borrow", "Calder")
]


def bench(*options: str) -> tuple[int, dict[str, Any]]:
    result = CliRunner().invoke(app, ["bench", "redteam", "--json", *options])
    return result.exit_code, json.loads(result.stdout)


def lines(path: Path, *rows: Any) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A training set without any leak, and a benchmark."""
    honest = {"prompt": "What lies at Arden?", "completion": "A stone, they say."}
    return lines(tmp_path / "rows.jsonl", honest), lines(tmp_path / "items.jsonl", *ITEMS)


def test_files_without_a_leak_pass_and_the_scan_sees_what_is_planted_in_every_disguise_but_codes(
    files: tuple[Path, Path],
) -> None:
    code, found = bench("--rows", str(files[0]), "--benchmark", str(files[1]))
    assert code == 0 and found["succeeded"] == [] and (found["rows"], found["items"]) == (1, 3)
    seen = {row["name"]: row["seen"] for row in found["attacks"]}
    stopped = {attack.name for attack in LEAKS if not attack.open_because}
    assert {name for name, count in seen.items() if count == 3} == stopped


def test_a_leak_in_their_rows_is_named_with_its_line_even_in_a_code_that_no_guard_reads(
    files: tuple[Path, Path],
) -> None:
    rows, benchmark = files
    first, second = items_in(benchmark)[:2]
    leaks = [
        {"prompt": asked, "completion": said}
        for (_, asked), (_, said) in (in_base64(first, "Yes."), rare_homoglyphs(second, "Yes."))
    ]
    code, found = bench(
        "--rows", str(lines(rows, {"text": "nothing"}, *leaks)), "--benchmark", str(benchmark)
    )
    named = {row["name"]: row["lines"] for row in found["attacks"] if row["lines"]}
    assert code == 1 and named == {"item-in-base64": [2], "item-in-armenian": [3]}
    assert found["succeeded"] == ["item-in-armenian", "item-in-base64", "any-leak"]
    assert [refusal["row_id"] for refusal in found["refused"]] == ["line 3"]
    shown = CliRunner().invoke(app, ["bench", "redteam", "--rows", str(rows), "--benchmark", str(benchmark)])
    assert shown.exit_code == 1 and "line 3" in shown.stdout and first.stem not in shown.stdout


@pytest.mark.parametrize("where", ["system", "field"])
def test_an_item_outside_the_messages_that_a_reader_takes_is_found(
    files: tuple[Path, Path], where: str
) -> None:
    rows, benchmark = files
    said = f"{ITEMS[0]['question']} {ITEMS[0]['options'][2]}"
    talk = [{"role": "user", "content": "Hello."}, {"role": "assistant", "content": "Good day."}]
    row: dict[str, Any] = {"messages": talk}
    if where == "system":
        row["messages"] = [{"role": "system", "content": said}, *talk]
    else:
        row["metadata"] = {"notes": [{"hint": said}]}
    code, found = bench("--rows", str(lines(rows, row)), "--benchmark", str(benchmark))
    assert code == 1 and [refusal["row_id"] for refusal in found["refused"]] == ["line 1"]


def test_an_attack_by_name_is_tried_and_told_with_what_stopped_it(
    finished_session: FinishedSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = copied(finished_session.folder, tmp_path / "its")
    monkeypatch.setattr("agent.cli.redteam.small_session", lambda _out: folder)
    out = tmp_path / "bench"
    code, found = bench("--attack", "adapter-dropped-in", "--attack", "clock-set-back", "--out", str(out))
    assert code == 0 and found["succeeded"] == found["unlogged"] == []
    assert [row["name"] for row in found["attacks"]] == ["adapter-dropped-in", "clock-set-back"]
    assert all(row["stopped"] and row["guard"] and not row["won"] for row in found["attacks"])
    assert list(out.iterdir()) == []  # no copy is left
    monkeypatch.setattr("proda_core.log.completeness.WITNESSED", ())
    result = CliRunner().invoke(
        app, ["bench", "redteam", "--attack", "adapter-dropped-in", "--out", str(out)]
    )
    assert result.exit_code == 1 and "SUCCEEDED" in result.stdout


def test_an_unknown_attack_and_half_a_pair_of_files_are_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["bench", "redteam", "--rows", "x.jsonl"])
    assert isinstance(result.exception, ConfigError)
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS)
