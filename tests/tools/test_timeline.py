"""A session's log as an OpenTelemetry trace: every call a span in its round, the same IDs each time, and no text in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from proda_core.errors import ConfigError, LedgerError, ToolError
from proda_core.log import Record
from proda_core.log.record import chained
from tests.sessions import FinishedSession, records_of
from tools.exports import otlp
from tools.exports.otlp import write_trace
from tools.exports.timeline import Span, Timeline, timeline_of

WORD = re.compile(r"^[\w.:/+ -]{1,64}$")
"""What an attribute may be: an ID, a digest, a name or a word of the project's."""


@pytest.fixture
def records(finished_session: FinishedSession) -> tuple[Record, ...]:
    return tuple(records_of(finished_session.folder))


@pytest.fixture
def timeline(records: tuple[Record, ...]) -> Timeline:
    return timeline_of("small", records)


def log_of(*said: tuple[str, str, dict[str, Any], str]) -> list[Record]:
    """A log by hand: kind, key, body and second."""
    made: list[Record] = []
    for kind, key, body, second in said:
        at = f"2026-01-01T00:00:{second}Z"
        made.append(chained(kind, key, body=body, budget=None, after=made[-1] if made else None, at=at))
    return made


def call(tool: str, **more: Any) -> dict[str, Any]:
    return {"tool": tool, "arguments": {}, **more}


OPENED = ("session", "o_0", {"event": "opened"}, "00.000")


def test_every_call_is_a_span_in_its_round_and_every_round_in_the_session(
    timeline: Timeline, records: tuple[Record, ...]
) -> None:
    session, *others = timeline.spans
    assert session.parent is None and session.name == "invoke_agent proda"
    rounds = [span for span in others if span.parent is session]
    assert [span.attributes["gen_ai.workflow.name"] for span in rounds] == ["before V1", "V1", "V2"]
    calls = {str(span.attributes["gen_ai.tool.call.id"]): span for span in others if span.parent in rounds}
    assert len(others) == len(rounds) + len(calls)
    intents = {record.key: record for record in records if record.kind == "intent"}
    outcomes = {record.key: record for record in records if record.kind == "outcome"}
    assert set(calls) == set(intents)
    for key, span in calls.items():
        assert span.attributes["gen_ai.tool.name"] == intents[key].body["tool"]
        assert span.attributes.get("proda.job.id") == intents[key].body.get("job_id")
        for kind, made in outcomes[key].body["artifacts"].items():
            assert span.attributes[f"proda.artifact.{kind}"] == made
    trained = [span for span in calls.values() if "proda.artifact.adapter" in span.attributes]
    assert [span.parent for span in trained] == rounds[1:]
    kinds = [
        event.attributes["proda.decision.kind"]
        for s in timeline.spans
        for event in s.events
        if event.name == "decision"
    ]
    assert kinds == [r.body["decision"]["kind"] for r in records if r.kind == "decision"]


def test_a_span_lies_within_its_parent_and_lasts_as_long_as_the_log_says(
    timeline: Timeline, records: tuple[Record, ...]
) -> None:
    for span in timeline.spans:
        assert span.start <= span.end
        if span.parent is not None:
            assert span.parent.start <= span.start and span.end <= span.parent.end
    assert len({span.span_id for span in timeline.spans}) == len(timeline.spans)


def test_evaluations_carry_their_figures(timeline: Timeline, records: tuple[Record, ...]) -> None:
    told = [
        (event.attributes["gen_ai.evaluation.name"], event.attributes["gen_ai.evaluation.score.value"])
        for span in timeline.spans
        for event in span.events
        if event.name == "gen_ai.evaluation.result"
    ]
    metas = [r.body["meta"] for r in records if r.kind == "outcome" and r.body["tool"] == "evaluate_model"]
    assert told == [
        (name, meta[name]["accuracy"]["value"]) for meta in metas for name in ("dev", "sealed", "general")
    ]


def test_a_longer_log_gives_the_same_spans_and_more(records: tuple[Record, ...]) -> None:
    whole = timeline_of("small", records)
    for cut in (3, len(records) // 2):
        part = timeline_of("small", records[:cut])
        assert part.trace_id == whole.trace_id
        ids = [span.span_id for span in part.spans]
        assert ids == [span.span_id for span in whole.spans][: len(ids)]
    other = log_of(OPENED, ("intent", "o_1", call("curate_corpus"), "01.000"))
    assert timeline_of("small", other).trace_id != whole.trace_id


def test_a_call_that_failed_names_the_error_and_one_under_way_is_said_to_be_open() -> None:
    made = timeline_of(
        "small",
        log_of(
            OPENED,
            ("intent", "o_1", call("curate_corpus", job_id="j_1", request={"kind": "curate"}), "01.000"),
            (
                "outcome",
                "o_1",
                call("curate_corpus", ok=False, artifacts={}, meta={}, error="CorpusError: the secret word"),
                "03.500",
            ),
            ("intent", "o_2", call("extract_knowledge"), "04.000"),
            ("refusal", "o_3", call("write_patch", error="ToolError", message="a secret"), "05.000"),
        ),
    )
    session, before, failed, under_way = made.spans
    assert (failed.failed, failed.end - failed.start) == ("CorpusError", 2_500_000_000)
    assert under_way.attributes["proda.open"] is True and under_way.end == session.end == before.end
    assert [event.attributes["error.type"] for event in before.events] == ["ToolError"]


def test_a_clock_that_was_set_back_makes_no_span_of_less_than_nothing() -> None:
    outcome = call("curate_corpus", ok=True, artifacts={"corpus": "u_1"}, meta={})
    made = timeline_of(
        "small",
        log_of(
            OPENED, ("intent", "o_1", call("curate_corpus"), "30.000"), ("outcome", "o_1", outcome, "10.000")
        ),
    )
    assert all(span.start <= span.end for span in made.spans)


def test_no_attribute_of_the_trace_is_a_text(timeline: Timeline, tmp_path: Path) -> None:
    values = [
        value
        for span in timeline.spans
        for attributes in (span.attributes, *(event.attributes for event in span.events))
        for value in attributes.values()
    ]
    assert len(values) > 100
    long = [value for value in values if isinstance(value, str) and not WORD.match(value)]
    assert long == [] and not any(" " in str(value) for value in values if value != "before V1")
    steered = log_of(
        OPENED,
        ("intent", "o_1", {"tool": "steer", "arguments": {"why": "a secret wish", "round": 2}}, "01.000"),
        ("steering", "o_2", {"kind": "note", "why": "a secret wish", "by": "somebody@host"}, "02.000"),
    )
    written = Path(write_trace(timeline_of("small", steered), str(tmp_path / "trace.jsonl")))
    assert "secret" not in written.read_text(encoding="utf-8") and "somebody" not in written.read_text(
        encoding="utf-8"
    )


def spans_in(path: Path) -> list[dict[str, Any]]:
    (line,) = path.read_text(encoding="utf-8").splitlines()
    (resource,) = json.loads(line)["resourceSpans"]
    (scope,) = resource["scopeSpans"]
    found: list[dict[str, Any]] = scope["spans"]
    return found


def test_the_file_is_otlp_with_the_ids_and_times_of_the_timeline(timeline: Timeline, tmp_path: Path) -> None:
    spans = spans_in(Path(write_trace(timeline, str(tmp_path / "deep" / "trace.jsonl"))))
    told = {int(span["spanId"], 16): span for span in spans}
    assert len(told) == len(spans) == len(timeline.spans)
    for span in timeline.spans:
        found = told[span.span_id]
        assert int(found["traceId"], 16) == timeline.trace_id
        assert (int(found["startTimeUnixNano"]), int(found["endTimeUnixNano"])) == (span.start, span.end)
        assert int(found.get("parentSpanId", "0"), 16) == (span.parent.span_id if span.parent else 0)
        assert [event["name"] for event in found.get("events", [])] == [event.name for event in span.events]


def test_a_failed_call_is_an_error_in_the_file(tmp_path: Path) -> None:
    failed = Span("execute_tool x", 7, None, 1, 2, {}, failed="CorpusError")
    (span,) = spans_in(Path(write_trace(Timeline(5, (failed,)), str(tmp_path / "trace"))))
    assert span["status"]["code"] == 2
    assert {"key": "error.type", "value": {"stringValue": "CorpusError"}} in span["attributes"]


@pytest.fixture
def collector() -> Iterator[tuple[str, list[bytes]]]:
    """A collector of traces on this machine: its address, and what it was sent."""
    taken: list[bytes] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the library's name
            taken.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200 if self.path == "/v1/traces" else 404)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nothing on standard error."""

    server = HTTPServer(("127.0.0.1", 0), Collector)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", taken
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_collector_gets_the_same_trace(
    timeline: Timeline, collector: tuple[str, list[bytes]], tmp_path: Path
) -> None:
    url, taken = collector
    assert write_trace(timeline, f"{url}/v1/traces") == f"{url}/v1/traces"
    (sent,) = taken
    request = ExportTraceServiceRequest.FromString(sent)
    spans = [span for one in request.resource_spans for scope in one.scope_spans for span in scope.spans]
    assert {int.from_bytes(span.span_id, "big") for span in spans} == {s.span_id for s in timeline.spans}
    assert {int.from_bytes(span.trace_id, "big") for span in spans} == {timeline.trace_id}


def test_a_collector_that_refuses_or_is_not_there_is_said_so(
    timeline: Timeline, collector: tuple[str, list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, _ = collector
    with pytest.raises(ToolError, match=r"did not reach .*404"):
        write_trace(timeline, f"{url}/elsewhere")
    monkeypatch.setattr(otlp, "_TIMEOUT_S", 0.05)
    with pytest.raises(ToolError, match="name the collector's whole address"):
        write_trace(timeline, "http://127.0.0.1:9/v1/traces")


def test_a_trace_that_cannot_be_made_is_refused(
    timeline: Timeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(LedgerError, match="nothing to trace"):
        timeline_of("small", [])
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    with pytest.raises(ConfigError, match="unset OTEL_SDK_DISABLED"):
        write_trace(timeline, str(tmp_path / "trace"))
    assert list(tmp_path.iterdir()) == []
