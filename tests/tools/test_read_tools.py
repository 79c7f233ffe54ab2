"""The tools that look, on a session that was run to its end: each figure is the log's or an artifact's own, and pages add up."""

from __future__ import annotations

import json
from typing import Any

import pytest
from mcp import Client
from pydantic import ValidationError

from proda_core.knowledge.snapshot import load_snapshot
from proda_core.records import load_benchmark, load_diagnoses, load_report, load_verdict
from proda_core.serialize import to_plain
from proda_core.session import SessionFolder, SteerKind
from proda_core.types import Split
from tests.sessions import FinishedSession, copied, done, outcomes_of, records_of, with_client
from tools.base import ToolModel
from tools.paging import LONGEST, page_of

TOKENS_OF_8K = 32_000  # characters: four a token in English, fewer in JSON full of IDs


@pytest.fixture(scope="module")
def folder(finished_session: FinishedSession, tmp_path_factory: pytest.TempPathFactory) -> SessionFolder:
    """A copy of the finished session."""
    return copied(finished_session.folder, tmp_path_factory.mktemp("reading"))


def made(folder: SessionFolder, tool: str, kind: str) -> list[str]:
    """What a tool's calls made, in order."""
    return [outcome["artifacts"][kind] for outcome in outcomes_of(folder, tool)]


def ask(folder: SessionFolder, tool: str, **arguments: Any) -> dict[str, Any]:
    found: dict[str, Any] = with_client(folder, lambda client: done(client, tool, **arguments))
    return found


def refusal(folder: SessionFolder, tool: str, **arguments: Any) -> str:
    result = with_client(folder, lambda client: client.call_tool(tool, arguments))
    assert result.is_error
    return str(result.structured_content["error"]["message"])


class Row(ToolModel):
    text: str


def test_a_page_holds_no_more_than_a_client_can_take_and_every_row_is_on_one() -> None:
    rows = ["x" * size for size in (10, LONGEST, 2 * LONGEST, *([LONGEST // 3] * 7), 5)]
    seen: list[str] = []
    first: int | None = 0
    while first is not None:
        page = page_of(rows, first, lambda text: Row(text=text), most=4)
        assert 1 <= len(page.rows) <= 4
        assert len(page.rows) == 1 or sum(len(row.text) for row in page.rows) <= LONGEST
        seen += [row.text for row in page.rows]
        first = page.next
    assert seen == rows
    assert page_of(rows, 99, lambda text: Row(text=text), most=4).rows == []


def test_a_page_shows_only_its_own_rows() -> None:
    asked: list[int] = []

    def show(row: int) -> Row:
        asked.append(row)
        return Row(text=str(row))

    page_of(range(1000), 10, show, most=3)
    assert asked == [10, 11, 12]


def test_no_read_tool_answers_with_more_than_a_client_can_take(folder: SessionFolder) -> None:
    async def act(client: Client) -> dict[str, int]:
        tools = (await client.list_tools()).tools
        looking = [
            t.name for t in tools if t.annotations.read_only_hint and not t.input_schema.get("required")
        ]
        return {name: len(json.dumps(await done(client, name))) for name in looking}

    sizes = with_client(folder, act)
    assert len(sizes) >= 9
    assert {name: size for name, size in sizes.items() if size > TOKENS_OF_8K} == {}


def test_decisions_are_told_with_what_was_observed_and_why_each_option_was_left(
    folder: SessionFolder,
) -> None:
    view = ask(folder, "show_decisions")
    logged = records_of(folder, "decision")
    observed = {r.key: r.body["observations"] for r in records_of(folder, "observation")}
    assert view["total"] == len(logged) == 2 and view["next"] is None
    for number, (shown, record) in enumerate(zip(view["decisions"], logged, strict=True), 1):
        decision = record.body["decision"]
        assert (shown["decision"], shown["seq"], shown["at"]) == (number, record.seq, record.at)
        assert (shown["kind"], shown["reason"], shown["options"]) == (
            decision["kind"],
            decision["reason"],
            decision["options"],
        )
        assert shown["observed"] == observed[record.key]
    assert view["decisions"][1]["stop_reason"] == "budget_rounds"
    assert ask(folder, "show_decisions", decision=2)["decisions"] == view["decisions"][1:]
    assert ask(folder, "show_decisions", first=1)["decisions"] == view["decisions"][1:]
    assert "there are 2" in refusal(folder, "show_decisions", decision=3)


def test_a_decision_is_told_with_what_operators_had_asked_for_before_it(
    folder: SessionFolder, tmp_path_factory: pytest.TempPathFactory
) -> None:
    mine = copied(folder, tmp_path_factory.mktemp("steered"))
    mine.steering.post(SteerKind.NOTE, by="ann", why="look at the second round")

    async def act(client: Client) -> dict[str, Any]:
        await done(client, "apply_steering")
        key = (await done(client, "observe_session"))["key"]
        decision = records_of(mine, "decision")[-1].body["decision"]
        await done(client, "record_decision", key=key, decision=decision)
        return await done(client, "show_decisions")

    first, second, third = with_client(mine, act)["decisions"]
    assert first["steered"] == second["steered"] == []
    assert [(one["by"], one["why"]) for one in third["steered"]] == [("ann", "look at the second round")]


def test_rounds_are_told_by_slice_with_their_artifacts_and_what_led_to_them(folder: SessionFolder) -> None:
    view = ask(folder, "show_rounds")
    base, first, second = view["rounds"]
    assert [one["label"] for one in view["rounds"]] == ["Base", "V1", "V2"]
    assert [one["round"] for one in view["rounds"]] == [0, 1, 2]
    assert [one["decision"] for one in view["rounds"]] == [None, None, 1]
    reports = made(folder, "evaluate_model", "report")
    assert [one["artifacts"]["report_id"] for one in view["rounds"]] == reports
    assert second["artifacts"]["patch_id"] == made(folder, "write_patch", "patch")[0]
    (verdict_id,) = made(folder, "judge_candidate", "verdict")
    assert second["verdict"] == to_plain(load_verdict(folder.store, verdict_id))
    assert [one["incumbent"] for one in view["rounds"]] == [False, not second["accepted"], second["accepted"]]
    for shown, report_id in zip(view["rounds"], reports, strict=True):
        report = load_report(folder.store, report_id)
        for name, scores in (("slices", report.dev), ("sealed_slices", report.sealed)):
            for value, figure in shown[name]["discipline"].items():
                mine = [s for s in scores if s.value is not None and s.slices["discipline"] == value]
                assert (figure["n"], round(figure["value"] * figure["n"])) == (
                    len(mine),
                    sum(score.correct for score in mine),
                )
        assert all(figure["n"] >= 5 for part in shown["sealed_slices"].values() for figure in part.values())
        assert shown["general_slices"]["kind"]
    assert ask(folder, "show_rounds", round=1)["rounds"] == [first]
    assert ask(folder, "show_rounds", round=0)["rounds"] == [base]
    assert "scored are: 0, 1, 2" in refusal(folder, "show_rounds", round=3)


def test_the_jobs_are_those_of_the_log_newest_first_and_looking_starts_none(folder: SessionFolder) -> None:
    view = ask(folder, "show_jobs")
    intents = [r for r in records_of(folder, "intent") if "job_id" in r.body]
    assert [job["job_id"] for job in view["jobs"]] == [r.body["job_id"] for r in reversed(intents)]
    ended = {r.key: r for r in records_of(folder, "outcome")}
    for job, intent in zip(view["jobs"], reversed(intents), strict=True):
        outcome = ended[intent.key]
        assert (job["state"], job["tool"], job["error"]) == ("finished", intent.body["tool"], "")
        assert (job["started_at"], job["ended_at"]) == (intent.at, outcome.at)
        assert job["artifacts"] == outcome.body["artifacts"]
        assert 0 < job["progress"]["done"] <= job["progress"]["total"]


def test_the_budget_is_told_in_figures_and_by_what_it_went_on(folder: SessionFolder) -> None:
    view = ask(folder, "show_budget")
    rounds = view["resources"]["rounds"]
    assert (rounds["limit"], rounds["used"], rounds["left"]) == (1.0, 1.0, 0.0)
    assert view["exhausted"] == "rounds"
    assert view["resources"]["disk_bytes"]["limit"] is None and view["resources"]["disk_bytes"]["used"] > 1e5
    spent = view["wall_s_by_tool"]
    assert {"train_adapter", "evaluate_model", "curate_corpus"} <= spent.keys()
    assert 0 < sum(spent.values()) <= view["resources"]["wall_s"]["used"] + 1
    assert list(spent.values()) == sorted(spent.values(), reverse=True)


def test_an_item_is_told_with_every_models_answer_and_the_probes_behind_a_diagnosis(
    folder: SessionFolder,
) -> None:
    benchmark = load_benchmark(folder.store, made(folder, "build_benchmark", "benchmark")[0])
    diagnosis = load_diagnoses(folder.store, made(folder, "diagnose_failures", "diagnosis")[0])[0]
    item = next(one for one in benchmark.items if one.item_id == diagnosis.item_id)
    view = ask(folder, "show_item", id=item.item_id)
    assert (view["stem"], view["options"], view["right"]) == (item.stem, list(item.options), item.gold)
    assert (view["chain_id"], view["hops"], view["withdrawn"]) == (item.chain_id, item.hops, "")
    assert [answer["model"] for answer in view["answers"]] == ["Base", "V1", "V2"]
    reports = [load_report(folder.store, key) for key in made(folder, "evaluate_model", "report")]
    for answer, report in zip(view["answers"], reports, strict=True):
        score = next(s for s in report.dev if s.item_id == item.item_id)
        assert answer["correct"] is score.correct
        assert answer["answer"] == ("no answer" if score.answer is None else item.options[score.answer])
    v1 = view["answers"][1]
    assert (v1["diagnosis"], v1["detail"]) == (diagnosis.kind.value, diagnosis.detail)
    assert v1["probes"] == [to_plain(probe) for probe in diagnosis.probes] and v1["probes"]
    sealed = benchmark.of(Split.SEALED)[0].item_id
    assert refusal(folder, "show_item", id=sealed) == refusal(folder, "show_item", id="i_" + "0" * 16)


def test_mastery_is_what_was_probed_least_first_and_of_one_concept_when_asked(folder: SessionFolder) -> None:
    diagnoses = load_diagnoses(folder.store, made(folder, "diagnose_failures", "diagnosis")[0])
    probes = {probe.node_id: probe for one in diagnoses for probe in one.probes}

    async def act(client: Client) -> list[dict[str, Any]]:
        pages = [await done(client, "show_mastery")]
        while pages[-1]["next"] is not None:
            pages.append(await done(client, "show_mastery", first=pages[-1]["next"]))
        return pages

    pages = with_client(folder, act)
    nodes = [node for page in pages for node in page["nodes"]]
    assert {node["node_id"]: node["corrected"] for node in nodes} == {
        key: probe.corrected for key, probe in probes.items()
    }
    assert len(nodes) == len(probes) == pages[0]["probed"]
    order = [(node["mastered"], node["corrected"]) for node in nodes]
    assert order == sorted(order)
    concept = next(key for key in sorted(probes) if key.startswith("c_"))
    about = ask(folder, "show_mastery", term=concept)
    assert about["concept_id"] == concept and concept in [node["node_id"] for node in about["nodes"]]
    facts = {fact["relation_id"] for fact in ask(folder, "show_concept", term=concept)["relations"]}
    assert {node["node_id"] for node in about["nodes"]} == (facts | {concept}) & probes.keys()
    assert about["unprobed"] == len((facts | {concept}) - probes.keys())
    benchmark = load_benchmark(folder.store, made(folder, "build_benchmark", "benchmark")[0])
    failed = {one.item_id for one in diagnoses}
    assert about["failed_items"] == [
        one.item_id for one in benchmark.items if one.item_id in failed and concept in one.l1_ids
    ]
    assert "no concept" in refusal(folder, "show_mastery", term="no such thing at all")


def test_a_concept_is_told_with_the_aliases_and_the_discipline_that_its_snapshot_has(
    folder: SessionFolder,
) -> None:
    snapshot = load_snapshot(folder.store, made(folder, "extract_knowledge", "snapshot")[0])

    async def act(client: Client) -> None:
        for key, concept in list(snapshot.concepts.items())[:10]:
            shown = await done(client, "show_concept", term=key)
            assert (shown["term"], shown["aliases"]) == (concept.term, list(concept.aliases))
            assert (shown["discipline"], shown["definition"]) == (concept.discipline, concept.definition)

    with_client(folder, act)


def test_arguments_beyond_their_bounds_are_no_arguments() -> None:
    from tools.show_decisions import DecisionsArguments

    with pytest.raises(ValidationError):
        DecisionsArguments(decision=0)
