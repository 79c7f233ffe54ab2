"""Replay and explain on a session that was run to its end, and on copies of it that somebody changed."""

from __future__ import annotations

import json
import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from proda_core.artifacts import file_digest
from proda_core.demo import DEMO_CORPUS
from proda_core.ids import canonical_json, digest
from proda_core.knowledge.snapshot import load_snapshot
from proda_core.records import load_benchmark, load_examples, load_mixture, load_patch, load_report
from proda_core.session import SessionFolder
from proda_core.types import Split
from tests.sessions import FinishedSession, copied, done, records_of, with_client
from tests.tools.stages import artifact_of, lines_of, rewrite


@pytest.fixture(scope="module")
def folder(finished_session: FinishedSession, tmp_path_factory: pytest.TempPathFactory) -> SessionFolder:
    """A copy of the finished session that no test changes."""
    return copied(finished_session.folder, tmp_path_factory.mktemp("proofs"))


def ask(folder: SessionFolder, tool: str, **arguments: Any) -> dict[str, Any]:
    """A tool's answer, all pages in one."""

    async def act(client: Any) -> dict[str, Any]:
        view = await done(client, tool, **arguments)
        while view["next"] is not None:
            more = await done(client, tool, **arguments, first=view["next"])
            view = {**more, "steps": [*view["steps"], *more["steps"]]}
        return view

    found: dict[str, Any] = with_client(folder, act)
    return found


def refusal(folder: SessionFolder, tool: str, **arguments: Any) -> str:
    result = with_client(folder, lambda client: client.call_tool(tool, arguments))
    assert result.is_error
    return str(result.structured_content["error"]["message"])


def rewritten(folder: SessionFolder, change: dict[int, Any]) -> None:
    """The log with bodies changed by ``change`` (seq -> function of the body) under a chain that holds again."""
    prev, lines = "0" * 64, []
    for record in records_of(folder):
        plain = {**json.loads(record.line()), "prev": prev}
        del plain["hash"]
        if record.seq in change:
            change[record.seq](plain["body"])
        prev = digest(plain)
        lines.append(canonical_json({**plain, "hash": prev}) + b"\n")
    folder.decisions.write_bytes(b"".join(lines))
    for path in folder.signatures.iterdir():  # an owner would refuse the log; what replay finds is asked here
        path.unlink()


def seqs(folder: SessionFolder, kind: str, tool: str = "") -> list[int]:
    return [r.seq for r in records_of(folder, kind) if not tool or r.body.get("tool") == tool]


def test_a_finished_session_is_decided_again_identically(folder: SessionFolder) -> None:
    view = ask(folder, "replay_session")
    assert view["identical"] and view["first_divergence"] == "" == view["first_other_choice"]
    steps = [(step["about"], step["seq"]) for step in view["steps"] if step["status"] == "identical"]
    expected = [("observation", seq) for seq in seqs(folder, "observation")]
    expected += [("decision", seq) for seq in seqs(folder, "decision")]
    expected += [("verdict", seq) for seq in seqs(folder, "outcome", "judge_candidate")]
    assert set(expected) <= set(steps) and {about for about, _ in steps} == {
        "observation",
        "decision",
        "verdict",
        "act",
        "end",
    }
    assert len(steps) == view["total"]


def test_a_changed_threshold_names_the_first_record_that_would_have_been_another(
    folder: SessionFolder,
) -> None:
    view = ask(folder, "replay_session", set=["policy.min_patchable=10000"])
    first = seqs(folder, "decision")[0]
    assert not view["identical"]
    assert view["first_divergence"].startswith(
        f"record {first}, decision decision-0: patch then, stop (nothing"
    )
    assert view["first_other_choice"] == view["first_divergence"]
    view = ask(folder, "replay_session", set=["verdict.alpha=0.04"])
    (judged,) = seqs(folder, "outcome", "judge_candidate")
    assert (
        view["first_divergence"].startswith(f"record {judged}, verdict q_")
        and "alpha" in view["first_divergence"]
    )
    view = ask(folder, "replay_session", set=["policy.max_rejections=7"])  # other words, and no other choice
    assert view["first_divergence"].startswith(f"record {first}, decision decision-0: options[")
    assert "0 of 7 rejections" in view["first_divergence"] and view["first_other_choice"] == ""
    view = ask(folder, "replay_session", set=["policy.target_dev=0.01"])
    assert "target_dev was 0.95 then, is 0.01 now" in view["first_divergence"]
    assert "stop (target) now" in view["first_other_choice"]
    assert "not 'training'" in refusal(folder, "replay_session", set=["training.rank=2"])
    assert "did you mean" in refusal(folder, "replay_session", set=["policy.min_patchables=2"])


@pytest.mark.parametrize("about", ["decision", "observation", "act", "end", "verdict"])
def test_a_false_statement_under_a_chain_that_holds_diverges_where_it_stands(
    finished_session: FinishedSession, tmp_path: Path, about: str
) -> None:
    victim = copied(finished_session.folder, tmp_path)
    decision, observation = seqs(victim, "decision")[0], seqs(victim, "observation")[0]
    written = seqs(victim, "intent", "write_patch")[0]
    last, judged = seqs(victim, "session")[-1], seqs(victim, "outcome", "judge_candidate")[0]

    def replayed(body: dict[str, Any]) -> None:
        body["decision"] |= {"kind": "replay"}
        for option in body["decision"]["options"]:
            option["taken"] = option["kind"] == "replay"

    change = {
        "decision": {decision: replayed},
        "observation": {observation: lambda body: body["observations"].update(lost_items=99)},
        "act": {written: lambda body: body.update(tool="train_adapter")},
        "end": {last: lambda body: body.update(incumbent="a_" + "0" * 16)},
        "verdict": {},
    }[about]
    where = {
        "decision": decision,
        "observation": observation,
        "act": written,
        "end": last,
        "verdict": judged,
    }[about]
    if about == "verdict":
        key = artifact_of(victim, "judge_candidate", "verdict")
        path = victim.store.path("verdict", key) / "verdict.json"
        plain = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps({**plain, "dev_fixed": plain["dev_fixed"] + 30}), encoding="utf-8")
        manifest = victim.store.path("verdict", key) / "manifest.json"
        kept = json.loads(manifest.read_text(encoding="utf-8"))
        kept["files"]["verdict.json"] = file_digest(path)
        kept["digest"] = ""  # as if it had been written before there was one
        manifest.write_text(json.dumps(kept), encoding="utf-8")
    else:
        rewritten(victim, change)
    view = ask(victim, "replay_session")
    assert not view["identical"]
    assert view["first_divergence"].startswith(f"record {where}, {about} "), view["first_divergence"]


def test_a_choice_by_another_controller_is_passed_on_as_recorded_and_said(
    finished_session: FinishedSession, tmp_path: Path
) -> None:
    victim = copied(finished_session.folder, tmp_path)
    first = seqs(victim, "decision")[0]
    rewritten(
        victim, {first: lambda body: body["decision"].update(chosen_by="llm", reason="I felt like it.")}
    )
    view = ask(victim, "replay_session")
    step = next(step for step in view["steps"] if step["seq"] == first)
    assert view["identical"] and step["status"] == "as recorded" and "chosen by llm" in step["detail"]


def test_without_the_reports_the_decisions_are_still_made_again(
    finished_session: FinishedSession, tmp_path: Path
) -> None:
    victim = copied(finished_session.folder, tmp_path)
    for kind in ("report", "verdict", "diagnosis"):
        (victim.artifacts / kind).rename(tmp_path / kind)
    view = ask(victim, "replay_session")
    said = {(step["about"], step["status"]) for step in view["steps"]}
    assert view["identical"] and ("decision", "identical") in said
    assert ("verdict", "as recorded") in said and ("observation", "as recorded") in said


def test_ten_random_rows_and_scores_lead_down_to_sentences_of_the_shipped_text(folder: SessionFolder) -> None:
    rng = random.Random(6)
    mixtures = [
        r.body["artifacts"]["mixture"]
        for r in records_of(folder, "outcome")
        if r.body["tool"] == "compose_mixture"
    ]
    rows = [row.example for key in mixtures for row in load_mixture(folder.store, key).rows]
    patch = [row.example for row in load_patch(folder.store, artifact_of(folder, "write_patch", "patch"))]
    report = artifact_of(folder, "evaluate_model", "report")
    scores = [score.item_id for score in load_report(folder.store, report).dev]
    asked = {row.example_id: row for row in [*rng.sample(rows, 6), *rng.sample(patch, 2)]}
    picked = [*asked, *(f"V2:{key}" for key in rng.sample(scores, min(3, len(scores))))]
    assert len(picked) >= 10
    snapshot = load_snapshot(folder.store, artifact_of(folder, "extract_knowledge", "snapshot"))
    for key in picked:
        view = ask(folder, "explain_result", id=key)
        assert view["unresolved"] == 0 and all(step["resolved"] for step in view["steps"]), key
        assert view["total"] == len(view["steps"]) and view["steps"][0]["depth"] == 0
        general = key in asked and asked[key].kind.value == "general"
        sentences = [step for step in view["steps"] if step["kind"] == "sentence"]
        assert bool(sentences) != general, key
        assert not general or any(step["kind"] == "generator" for step in view["steps"])
        for step in sentences:
            text = (DEMO_CORPUS / step["document"]).read_text(encoding="utf-8")
            assert " ".join(step["quote"].split()) in " ".join(text.split()), (key, step)
        if key in asked and asked[key].lineage.l2_ids:
            told = {step["id"] for step in view["steps"] if step["kind"] == "relation" and step["depth"] == 1}
            assert told == set(asked[key].lineage.l2_ids)
            quotes = {e.quote for one in told for e in snapshot.relations[one].evidence}
            assert quotes <= {step["quote"] for step in sentences}


def test_every_kind_of_result_is_explained_without_a_loose_end(folder: SessionFolder) -> None:
    outcomes = records_of(folder, "outcome")
    made = {kind: key for record in outcomes for kind, key in record.body["artifacts"].items()}
    jobs = [r.body["job_id"] for r in records_of(folder, "intent") if "job_id" in r.body]
    general = load_report(folder.store, made["report"]).general[0].item_id
    snapshot = load_snapshot(folder.store, made["snapshot"])
    named = {**made, "job": jobs[-1], "decision": "decision-0", "round": "V2", "base": "base"}
    named |= {"concept": sorted(snapshot.concepts)[0], "chain": sorted(snapshot.chains)[0]}
    named |= {
        "task": f"base:{general}",
        "score": f"{made['report']}:{load_report(folder.store, made['report']).dev[0].item_id}",
    }
    for kind, key in named.items():
        view = ask(folder, "explain_result", id=key)
        assert view["unresolved"] == 0, (kind, [s for s in view["steps"] if not s["resolved"]])
        if kind not in ("corpus", "snapshot", "benchmark", "task"):
            assert view["sentences"] > 0 or kind == "job", kind
        below = [step["depth"] for step in view["steps"]]
        assert all(after <= before + 1 for before, after in pairwise(below))
    decision = ask(folder, "explain_result", id="decision-0")["steps"]
    assert [step["says"].split(" ")[0] for step in decision if step["kind"] == "option"] == [
        "patch",
        "replay",
        "stop",
    ]
    assert decision[-1]["says"] == "then write_patch"


def test_a_sealed_item_and_its_scores_are_explained_like_ones_that_are_not_there(
    folder: SessionFolder,
) -> None:
    benchmark = load_benchmark(folder.store, artifact_of(folder, "build_benchmark", "benchmark"))
    nobody = "i_" + "0" * 16
    for item in benchmark.of(Split.SEALED)[:4]:
        for before in ("", "V1:", "base:"):
            said = refusal(folder, "explain_result", id=before + item.item_id)
            assert said == refusal(folder, "explain_result", id=before + nobody)


def test_a_quote_that_the_corpus_does_not_hold_is_not_resolved(
    finished_session: FinishedSession, tmp_path: Path
) -> None:
    victim = copied(finished_session.folder, tmp_path)
    examples = load_examples(victim.store, artifact_of(victim, "synthesise_examples", "examples"))
    row = next(one for one in examples if one.lineage.l2_ids)
    snapshot = load_snapshot(victim.store, artifact_of(victim, "extract_knowledge", "snapshot"))
    evidence = snapshot.relations[row.lineage.l2_ids[0]].evidence[0]
    corpus = artifact_of(victim, "curate_corpus", "corpus")
    chunks = lines_of(victim, "corpus", corpus, "chunks.jsonl")
    for chunk in chunks:
        if chunk["chunk_id"] == evidence.chunk_id:
            chunk["text"] = chunk["text"].replace(evidence.quote, evidence.quote.upper())
    rewrite(victim, "corpus", corpus, "chunks.jsonl", chunks)
    view = ask(victim, "explain_result", id=row.example_id)
    lost = [step for step in view["steps"] if not step["resolved"]]
    assert view["unresolved"] == len(lost) > 0
    assert evidence.quote in [step["quote"] for step in lost]
    mixture = ask(victim, "explain_result", id=artifact_of(victim, "compose_mixture", "mixture"))
    assert any(step["kind"] == "rows" and "do not resolve" in step["says"] for step in mixture["steps"])
