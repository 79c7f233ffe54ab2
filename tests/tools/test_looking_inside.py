"""show_failures and trace_source on a finished session: pages that add up, and every ID back to its sentence."""

from __future__ import annotations

from typing import Any

import pytest
from mcp import Client

from proda_core.knowledge.snapshot import load_snapshot
from proda_core.records import load_benchmark, load_diagnoses, load_examples, load_patch, load_report
from proda_core.session import SessionFolder
from proda_core.types import DiagnosisKind, Split
from tests.sessions import FinishedSession, copied, done, outcomes_of, with_client
from tools.show_failures import PAGE


@pytest.fixture(scope="module")
def folder(finished_session: FinishedSession, tmp_path_factory: pytest.TempPathFactory) -> SessionFolder:
    """A copy of the finished session."""
    return copied(finished_session.folder, tmp_path_factory.mktemp("looking"))


def made(folder: SessionFolder, tool: str, kind: str) -> list[str]:
    """What a tool's calls made, in order."""
    return [outcome["artifacts"][kind] for outcome in outcomes_of(folder, tool)]


def test_the_pages_hold_every_wrong_dev_item_once_with_its_diagnosis(folder: SessionFolder) -> None:
    async def act(client: Client) -> list[dict[str, Any]]:
        pages = [await done(client, "show_failures", round=1)]
        while pages[-1]["next"] is not None:
            pages.append(await done(client, "show_failures", round=1, first=pages[-1]["next"]))
        return pages

    pages = with_client(folder, act)
    shown = [failure for page in pages for failure in page["failures"]]
    report = load_report(folder.store, made(folder, "evaluate_model", "report")[1])
    wrong = [score.item_id for score in report.dev if score.value is not None and not score.correct]
    assert [failure["item_id"] for failure in shown] == wrong
    assert max(len(page["failures"]) for page in pages) <= PAGE
    assert {(page["model"], page["total"]) for page in pages} == {("V1", len(wrong))}
    diagnoses = load_diagnoses(folder.store, made(folder, "diagnose_failures", "diagnosis")[0])
    diagnosed = {one.item_id: one for one in diagnoses}
    for failure in shown:
        found = diagnosed[failure["item_id"]]
        assert (failure["diagnosis"], failure["detail"]) == (found.kind.value, found.detail)
        assert failure["answer"] != failure["right"] and failure["right"] in failure["options"]


def test_a_page_goes_on_where_the_one_before_it_ended(
    folder: SessionFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.show_failures.PAGE", 2)

    async def act(client: Client) -> list[dict[str, Any]]:
        return [await done(client, "show_failures", round=1, first=first) for first in (0, 1, 2)]

    first, second, third = with_client(folder, act)
    assert (len(first["failures"]), first["next"], second["next"]) == (2, 2, 3)
    assert [first["failures"][1], third["failures"][0]] == second["failures"]


def test_failures_of_one_diagnosis_are_those_and_an_unscored_round_is_said(folder: SessionFolder) -> None:
    async def act(client: Client) -> tuple[dict[str, Any], list[dict[str, Any]], Any]:
        whole = await done(client, "show_failures", round=1)
        parts = [await done(client, "show_failures", round=1, diagnosed=kind.value) for kind in DiagnosisKind]
        return whole, parts, await client.call_tool("show_failures", {"round": 99})

    whole, parts, refused = with_client(folder, act)
    assert sum(part["total"] for part in parts) == whole["total"] > 0
    assert refused.is_error and "scored are: 1, 2" in refused.structured_content["error"]["message"]


def test_every_id_leads_back_to_the_sentences_behind_it(folder: SessionFolder) -> None:
    snapshot = load_snapshot(folder.store, made(folder, "extract_knowledge", "snapshot")[0])
    benchmark = load_benchmark(folder.store, made(folder, "build_benchmark", "benchmark")[0])
    item = benchmark.of(Split.DEV)[0]
    examples = load_examples(folder.store, made(folder, "synthesise_examples", "examples")[0])
    row = next(one for one in examples if one.lineage.l2_ids)
    patch = load_patch(folder.store, made(folder, "write_patch", "patch")[0])[0].example
    relation = snapshot.relations[item.l2_ids[0]]
    walked = snapshot.chains[item.chain_id].relation_ids
    wanted = {
        item.item_id: ("item", walked),
        item.chain_id: ("chain", walked),
        relation.relation_id: ("relation", (relation.relation_id,)),
        row.example_id: ("example", row.lineage.l2_ids),
        patch.example_id: ("example", patch.lineage.l2_ids),
    }

    async def act(client: Client) -> dict[str, Any]:
        found = {key: await done(client, "trace_source", id=key) for key in (*wanted, relation.subject_id)}
        sealed, unknown = benchmark.of(Split.SEALED)[0].item_id, "i_" + "0" * 16
        said = []
        for key in (sealed, unknown):
            refused: Any = await client.call_tool("trace_source", {"id": key})
            said.append(refused.structured_content["error"]["message"])
        assert said[0] == said[1]  # a sealed item is not told from one that is not there
        return found

    found = with_client(folder, act)
    for key, (kind, relation_ids) in wanted.items():
        assert found[key]["kind"] == kind
        quotes = [snapshot.relations[one].evidence[0].quote for one in relation_ids]
        assert [step["quote"] for step in found[key]["steps"]] == quotes
        assert all(step["document"] and step["statement"] for step in found[key]["steps"])
    about = found[relation.subject_id]
    assert about["kind"] == "concept"
    assert relation.evidence[0].quote in [step["quote"] for step in about["steps"]]
