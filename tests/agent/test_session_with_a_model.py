"""Sessions whose teacher is a model behind a server that speaks the OpenAI protocol, errs and is counted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from agent.exit_codes import EXIT_CODES
from proda_core.config import TeacherConfig
from proda_core.embeddings import Embedder
from proda_core.extraction import extract
from proda_core.knowledge import load_snapshot
from proda_core.ledger import read_spent
from proda_core.serialize import read_lines
from proda_core.session import SessionFolder
from proda_core.types import Chunk, StopReason
from tests.askers import FunctionAsker, PatternModel, teacher_of
from tests.chat_server import ChatServer, Misdeed
from tests.sessions import Bench, done, outcomes_of, run_to_end, with_client


class Served:
    """The patterns as a served model; nothing at all is said of a passage whose beginning names ``silent``."""

    def __init__(self, silent: str = "") -> None:
        self._model, self._silent = PatternModel(), silent

    def __call__(self, prompt: str) -> str:
        given = json.loads(prompt[prompt.index("{") : prompt.rindex("}") + 1])
        if self._silent and self._silent in given["document"][:200]:
            return ""
        kind = "relations" if "steps" in given else "concepts" if "terms" in given else "chains"
        return json.dumps(self._model(kind, given))


@pytest.fixture()
def server() -> Iterator[ChatServer]:
    with ChatServer(Served()) as running:
        yield running


def session_on(server: ChatServer, bench: Bench, sessions: Path, **calls: Any) -> SessionFolder:
    asked = {"base_url": server.url, "concurrency": 4, "idempotent": True, "retries": 6} | calls
    prices = {"input_price": 1.0, "output_price": 2.0}
    teacher = {"kind": "llm", "model": "openai-compatible:tiny"}
    return bench.session(sessions, teacher=teacher, calls=asked | prices, budget={"money": 50.0})


def paid_to(server: ChatServer) -> float:
    sent, answered = server.tokens
    return (sent * 1.0 + answered * 2.0) / 1e6


def extracted(folder: SessionFolder) -> dict[str, Any]:
    async def act(client: Client) -> None:
        await done(client, "curate_corpus")
        await done(client, "extract_knowledge")

    with_client(folder, act)
    return outcomes_of(folder, "extract_knowledge")[0]


def test_a_text_is_read_by_a_model_over_http_and_a_server_that_errs_changes_no_relation_and_no_bill(
    server: ChatServer, bench: Bench, tmp_path: Path
) -> None:
    folder = session_on(server, bench, tmp_path / "sessions")
    server.misbehave(
        Misdeed("status", 429, {"Retry-After": "0"}),
        Misdeed("status", 500),
        Misdeed("cut"),
        Misdeed("says", body='{"chains": [{"steps": "none"}]}'),
        Misdeed("says", body='{"chains": ['),
        Misdeed("says", body='{"chains": [], "relation_id": "r_0123456789abcdef"}'),
        Misdeed("refusal"),
    )
    outcome = extracted(folder)
    assert not server.misdeeds
    snapshot = load_snapshot(folder.store, outcome["artifacts"]["snapshot"])
    corpus = outcomes_of(folder, "curate_corpus")[0]["artifacts"]["corpus"]
    chunks = list(read_lines(folder.store.file("corpus", corpus, "chunks.jsonl"), Chunk))
    there = extract(
        chunks, teacher_of(FunctionAsker(PatternModel())), encoder=Embedder(), config=TeacherConfig()
    )
    assert set(snapshot.relations) == {relation.relation_id for relation in there.relations}
    assert len(snapshot.relations) > 20
    assert outcome["meta"]["teacher"] == "llm-1:openai-compatible:tiny"
    assert outcome["meta"]["chunks_set_aside"] == {}
    assert read_spent(folder.calls).spent == pytest.approx(paid_to(server))
    assert max(server.keys.values()) > 1 and len(server.charged) == len({c.key for c in server.charged})


@pytest.mark.slow
def test_a_whole_session_on_a_model_ends_as_one_on_patterns_does_and_a_silent_chunk_is_named(
    bench: Bench, tmp_path: Path
) -> None:
    with ChatServer(Served(silent="Momentum")) as server:
        folder = session_on(server, bench, tmp_path / "sessions")
        outcome = run_to_end(folder)
        asked = len(server.requests)
        meta = outcomes_of(folder, "extract_knowledge")[0]["meta"]
        assert outcome.exit_code == EXIT_CODES[StopReason.BUDGET_ROUNDS], outcome
        assert sum(meta["chunks_set_aside"].values()) == len(meta["set_aside"]) >= 1
        assert {one["reason"] for one in meta["set_aside"]} == {"empty"}
        assert all("Momentum" in one["sample"] for one in meta["set_aside"])
        report = outcomes_of(folder, "synthesise_examples")[0]["meta"]["report"]
        assert report["extraction"]["chunks_set_aside"] == meta["chunks_set_aside"]
        assert read_spent(folder.calls).spent == pytest.approx(paid_to(server))
        run_to_end(folder, reopen=True)
        assert len(server.requests) == asked
