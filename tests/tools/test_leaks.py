"""The guard's rules checked again from the artifacts alone, and over training sets and benchmarks of somebody else's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mcp_server.auditing import check_leaks
from proda_core.errors import ArtifactError
from proda_core.guard.foreign import check_foreign
from proda_core.guard.lineage import LineageIndex
from proda_core.knowledge.snapshot import load_snapshot
from proda_core.records import load_benchmark, load_mixture
from proda_core.session import SessionFolder
from proda_core.types import Split
from tests.sessions import FinishedSession, copied
from tests.tools.stages import artifact_of, lines_of, rewrite


@pytest.fixture(scope="module")
def folder(finished_session: FinishedSession, tmp_path_factory: pytest.TempPathFactory) -> SessionFolder:
    """A copy of the finished session that no test changes."""
    return copied(finished_session.folder, tmp_path_factory.mktemp("leaks"))


def test_no_leak_is_found_in_an_honest_session(folder: SessionFolder) -> None:
    view = check_leaks(folder)
    assert view["clean"] and [rule["rule"] for rule in view["rules"]] == ["G1", "G2", "G3", "G4", "G5", "G6"]
    kinds = [checked.split(" ")[0] for checked in view["checked"]]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {
        "examples": 1,
        "patch": 1,
        "mixture": 2,
        "adapter": 2,
    }


def test_a_row_that_holds_an_item_and_an_adapter_without_its_mixture_are_found_from_the_artifacts(
    finished_session: FinishedSession, tmp_path: Path
) -> None:
    victim = copied(finished_session.folder, tmp_path)
    victim.decisions.unlink()  # the artifacts alone tell
    benchmark = load_benchmark(victim.store, next(iter(victim.store.list("benchmark"))))
    item = benchmark.of(Split.SEALED)[0]
    patch = next(iter(victim.store.list("patch")))
    rows = lines_of(victim, "patch", patch, "rows.jsonl")
    rows[0]["example"]["messages"][0]["content"] = f"{item.stem} It is {item.gold}."
    rewrite(victim, "patch", patch, "rows.jsonl", rows)
    adapter = sorted(victim.store.list("adapter"))[0]
    mixture = victim.store.manifest("adapter", adapter).inputs["mixture"]
    (victim.artifacts / "mixture" / mixture).rename(tmp_path / mixture)
    view = check_leaks(victim)
    found = {(refusal["rule"], refusal["where"]) for refusal in view["refusals"]}
    assert not view["clean"] and ("G4", f"patch {patch}") in found and ("G6", f"adapter {adapter}") in found
    assert item.stem not in json.dumps(view)


def write(path: Path, *rows: Any) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


ITEM = {
    "question": "What force pulls a dropped stone towards the ground?",
    "options": ["gravity", "friction"],
    "answer": "A",
}


@pytest.mark.parametrize(
    "row",
    [
        {
            "messages": [
                {"role": "user", "content": ITEM["question"]},
                {"role": "assistant", "content": "gravity"},
            ]
        },
        {
            "conversations": [
                {"from": "human", "value": ITEM["question"]},
                {"from": "gpt", "value": "Gravity!"},
            ]
        },
        {"instruction": ITEM["question"], "output": "gravity", "input": ""},
        {"prompt": "What force pulls a dropped stone, towards the GROUND?", "completion": "It is gravity."},
        {"question": ITEM["question"], "answer": "gravity"},
        {"text": f"Q: {ITEM['question']} A: gravity"},
    ],
    ids=lambda row: next(iter(row)),
)
def test_a_foreign_row_of_each_form_that_holds_a_foreign_item_is_named_by_its_line(
    tmp_path: Path, row: dict[str, Any]
) -> None:
    clean = {"instruction": "Name a planet.", "output": "Mars"}
    train = write(tmp_path / "train.jsonl", clean, row)
    for item in (
        ITEM,
        {**ITEM, "answer": 0},
        {**ITEM, "answer": "gravity"},
        {"question": ITEM["question"], "A": "gravity", "B": "friction", "answer": "A"},
        {"question": ITEM["question"], "answer": "gravity"},
    ):
        findings = {f.rule: f for f in check_foreign(train, write(tmp_path / "bench.jsonl", item))}
        assert [(r.row_id, r.rule) for r in findings["G4"].refusals] == [("line 2", "G4")], item
        assert [rule for rule, found in findings.items() if found.judged] == ["G4"]
        assert all(found.why_not for rule, found in findings.items() if rule != "G4")


def test_foreign_lines_of_no_known_form_are_named(tmp_path: Path) -> None:
    good = write(tmp_path / "good.jsonl", ITEM)
    for bad in ({"words": "?"}, [1], {"question": "x?", "options": ["a", "b"], "answer": "c"}, {"text": 3}):
        path = write(tmp_path / "bad.jsonl", {"question": "Which?", "answer": "that"}, bad)
        with pytest.raises(ArtifactError, match=r"bad\.jsonl:2"):
            check_foreign(path, path if "options" in bad else good)
    with pytest.raises(ArtifactError, match="nothing to check"):
        check_foreign(write(tmp_path / "empty.jsonl"), good)


def test_with_a_graph_foreign_rows_are_held_to_lineage_disjointness_and_seal(
    folder: SessionFolder, tmp_path: Path
) -> None:
    store = folder.store
    snapshot = load_snapshot(store, artifact_of(folder, "extract_knowledge", "snapshot"))
    benchmark = load_benchmark(store, artifact_of(folder, "build_benchmark", "benchmark"))
    mixture = load_mixture(store, artifact_of(folder, "compose_mixture", "mixture"))
    items = [
        {"question": i.stem, "options": i.options, "answer": i.gold_index, "split": i.split.value}
        | {"chain_id": i.chain_id, "l2_ids": i.l2_ids}
        for i in benchmark.items
    ]
    rows = [
        {
            "messages": [{"role": m.role, "content": m.content} for m in row.example.messages],
            "role": row.role.value,
            "kind": row.example.kind.value,
            "l1_ids": row.example.lineage.l1_ids,
            "l2_ids": row.example.lineage.l2_ids,
        }
        for row in mixture.rows
    ]
    bench, index = write(tmp_path / "bench.jsonl", *items), LineageIndex(snapshot)

    def refused(*given: Any) -> dict[str, set[str]]:
        found = check_foreign(write(tmp_path / "train.jsonl", *given), bench, index)
        assert [f.rule for f in found if f.judged] == ["G1", "G2", "G3", "G4"]
        return {f.rule: {r.row_id for r in f.refusals} for f in found if f.refusals}

    assert refused(*rows) == {}
    sealed = benchmark.sealed_l2_ids()
    on_sealed = next(n for n, row in enumerate(mixture.rows) if set(row.example.lineage.l2_ids) & sealed)
    taught = next(n for n, row in enumerate(mixture.rows) if row.role.value == "patch")
    line = f"line {on_sealed + 1}"
    again = [*rows[:on_sealed], {**rows[on_sealed], "role": "patch"}, *rows[on_sealed + 1 :]]
    assert line in refused(*again)["G3"]
    assert (
        f"line {taught + 1}"
        in refused(*rows[:taught], {**rows[taught], "l2_ids": []}, *rows[taught + 1 :])["G1"]
    )
    as_replay = {**rows[taught], "role": "replay", "messages": [*rows[taught]["messages"]]}
    as_replay["messages"][0] = {
        "role": "user",
        "content": rows[taught]["messages"][0]["content"] + " Please.",
    }
    assert refused(*rows, as_replay)["G2"] == {f"line {len(rows) + 1}"}
