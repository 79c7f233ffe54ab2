"""map_failure and show_repairs on a finished session: the chain as the graph has it, mastery as probed, repairs that add up."""

from __future__ import annotations

from typing import Any

import pytest
from mcp import Client

from mcp_server.page.gather import whole_report
from proda_core.knowledge.snapshot import load_snapshot
from proda_core.records import load_benchmark, load_diagnoses, load_report
from proda_core.session import SessionFolder
from proda_core.types import EvalReport, Split
from tests.sessions import FinishedSession, copied, done, outcomes_of, with_client
from tools.map_failure import MOST


@pytest.fixture(scope="module")
def folder(finished_session: FinishedSession, tmp_path_factory: pytest.TempPathFactory) -> SessionFolder:
    """A copy of the finished session."""
    return copied(finished_session.folder, tmp_path_factory.mktemp("chains"))


def made(folder: SessionFolder, tool: str, kind: str) -> list[str]:
    """What a tool's calls made, in order."""
    return [outcome["artifacts"][kind] for outcome in outcomes_of(folder, tool)]


def test_a_map_is_the_chain_in_its_order_with_what_probing_found_and_then_its_neighbourhood(
    folder: SessionFolder,
) -> None:
    diagnoses = load_diagnoses(folder.store, made(folder, "diagnose_failures", "diagnosis")[0])
    snapshot = load_snapshot(folder.store, made(folder, "extract_knowledge", "snapshot")[0])

    async def act(client: Client) -> list[dict[str, Any]]:
        return [await done(client, "map_failure", item_id=one.item_id, round=1) for one in diagnoses]

    wider = 0
    probed = {probe.node_id: probe for one in diagnoses for probe in one.probes}
    for diagnosis, found in zip(diagnoses, with_client(folder, act), strict=True):
        chain = snapshot.chains[diagnosis.chain_id]
        concepts, relations = found["concepts"], found["relations"]
        assert [c["concept_id"] for c in concepts if c["on_chain"]] == list(dict.fromkeys(chain.concept_ids))
        assert [r["relation_id"] for r in relations if r["on_chain"]] == list(chain.relation_ids)
        assert len(relations) <= len(chain.relation_ids) + MOST
        known = {c["concept_id"] for c in concepts}
        for relation in relations:
            assert {relation["subject_id"], relation["object_id"]} <= known
        for node in (*concepts, *relations):
            probe = probed.get(node.get("relation_id") or node["concept_id"])
            assert node["mastery"] == (probe.corrected if probe else None)
            assert node["mastered"] == (probe.mastered if probe else None)
        wider += len(relations) > len(chain.relation_ids)
    assert wider > 0


def test_no_map_is_given_of_an_item_that_is_sealed_or_right_or_not_there(folder: SessionFolder) -> None:
    benchmark = load_benchmark(folder.store, made(folder, "build_benchmark", "benchmark")[0])
    report = load_report(folder.store, made(folder, "evaluate_model", "report")[1])
    right = [score.item_id for score in report.dev if score.correct]
    sealed = [item.item_id for item in benchmark.of(Split.SEALED)]
    assert right and sealed

    async def act(client: Client) -> set[str]:
        said = set()
        for item_id in (*right, *sealed, "i_0000000000000000"):
            refused = await client.call_tool("map_failure", {"item_id": item_id, "round": 1})
            assert refused.is_error and refused.structured_content
            said.add(refused.structured_content["error"]["message"])
        return said

    assert len(with_client(folder, act)) == 1  # nothing tells one from another


def reports(folder: SessionFolder) -> tuple[EvalReport, EvalReport]:
    """Those of V1 and of V2."""
    before, after = (load_report(folder.store, one) for one in made(folder, "evaluate_model", "report")[1:3])
    return before, after


def test_repairs_are_items_whose_diagnosis_was_patched_and_pages_hold_each_once(
    folder: SessionFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, after = reports(folder)
    wrong = [score.item_id for score in before.dev if score.value is not None and not score.correct]
    monkeypatch.setattr("tools.show_repairs.PAGE", 1)
    monkeypatch.setattr(
        "tools.repaired_case.repaired_items", lambda *_: wrong
    )  # so small a model repairs few

    async def act(client: Client) -> list[dict[str, Any]]:
        pages = [await done(client, "show_repairs", round=2)]
        while pages[-1]["next"] is not None:
            pages.append(await done(client, "show_repairs", round=2, first=pages[-1]["next"]))
        return pages

    pages = with_client(folder, act)
    diagnoses = load_diagnoses(folder.store, made(folder, "diagnose_failures", "diagnosis")[0])
    patched = {d.item_id for d in diagnoses if d.kind.value in ("concept_gap", "reasoning_deficit")}
    shown = [case["item_id"] for page in pages for case in page["cases"]]
    assert len(shown) > 1 and sorted(shown) == sorted(patched.intersection(wrong))
    assert {page["total"] for page in pages} == {len(shown)}
    said = {score.item_id: score for score in after.dev}
    for case in (case for page in pages for case in page["cases"]):
        assert case["before_answer"] != case["gold"] and case["steps"] and case["diagnosis"]
        assert (case["after_answer"] == case["gold"]) == said[case["item_id"]].correct
        assert (case["before_model"], case["after_model"]) == ("V1", "V2")


def test_only_what_was_wrong_before_and_is_right_now_counts_as_repaired(folder: SessionFolder) -> None:
    async def act(client: Client) -> tuple[dict[str, Any], dict[str, Any]]:
        report = await whole_report(lambda first: done(client, "report_session", first=first))
        return await done(client, "show_repairs", round=2), report

    repairs, report = with_client(folder, act)
    before, after = reports(folder)
    wrong = {score.item_id for score in before.dev if score.value is not None and not score.correct}
    fixed = wrong & {score.item_id for score in after.dev if score.correct}
    assert report["ladder"][2]["repaired"] == len(fixed)
    assert {case["item_id"] for case in repairs["cases"]} <= fixed and repairs["total"] <= len(fixed)


def test_a_round_that_is_no_patch_repaired_nothing_and_says_so(folder: SessionFolder) -> None:
    async def act(client: Client) -> tuple[Any, Any]:
        return await client.call_tool("show_repairs", {"round": 1}), await done(client, "show_repairs")

    of_v1, of_accepted = with_client(folder, act)
    assert of_v1.is_error and "no patch round" in of_v1.structured_content["error"]["message"]
    assert (of_accepted["total"] == 0) == (of_accepted["model"] == "")
