"""A session's timeline as OTLP: into a file of JSON lines, or to a collector over HTTP.

By OpenTelemetry's own SDK and exporters. Nothing of the process or its surroundings goes into the trace, so that a file has the
same bytes each time. Refused: an address that nobody answers at, and a trace that the SDK was told not to make.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.json.file import FileSpanExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import Span as OpenSpan
from opentelemetry.trace import StatusCode, set_span_in_context

from proda_core import __version__
from proda_core.artifacts import write_atomic
from proda_core.errors import ConfigError, ToolError
from tools.exports.timeline import Timeline

SCOPE = "proda"
_TIMEOUT_S = 10.0


class _Given(IdGenerator):
    """Hands out the IDs of the timeline, each when its span begins."""

    def __init__(self, trace_id: int) -> None:
        self.trace_id, self.span_id = trace_id, 0

    def generate_trace_id(self) -> int:
        return self.trace_id

    def generate_span_id(self) -> int:
        return self.span_id


def write_trace(timeline: Timeline, to: str) -> str:
    """Write the trace to a file, or send it to ``http://…`` or ``https://…``; where it went."""
    spans = _spans(timeline)
    if to.startswith(("http://", "https://")):
        _send(spans, to)
    else:
        write_atomic(Path(to), _as_json(spans).encode())
    return to


def _spans(timeline: Timeline) -> list[ReadableSpan]:
    kept, given = InMemorySpanExporter(), _Given(timeline.trace_id)
    resource = Resource({"service.name": SCOPE, "service.version": __version__})
    provider = TracerProvider(ALWAYS_ON, resource, shutdown_on_exit=False, id_generator=given)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    tracer = provider.get_tracer(SCOPE, __version__)
    contexts: dict[int, Context] = {}
    opened: list[tuple[OpenSpan, int]] = []
    for span in timeline.spans:
        given.span_id = span.span_id
        parent = Context() if span.parent is None else contexts[span.parent.span_id]
        made = tracer.start_span(span.name, parent, attributes=span.attributes, start_time=span.start)
        contexts[span.span_id] = set_span_in_context(made, Context())
        for event in span.events:
            made.add_event(event.name, event.attributes, event.at)
        if span.failed:
            made.set_attribute("error.type", span.failed)
            made.set_status(StatusCode.ERROR)
        opened.append((made, span.end))
    for made, end in opened:
        made.end(end)
    found = list(kept.get_finished_spans())
    if len(found) != len(timeline.spans):
        raise ConfigError("OpenTelemetry was told to make no spans; unset OTEL_SDK_DISABLED")
    return found


def _as_json(spans: list[ReadableSpan]) -> str:
    text = io.StringIO()
    with _heard() as said:
        done = FileSpanExporter(stream=text).export(spans)
    if done is not SpanExportResult.SUCCESS:
        raise ToolError(f"the trace cannot be written as OTLP: {said}")
    return text.getvalue()


def _send(spans: list[ReadableSpan], endpoint: str) -> None:
    exporter = OTLPSpanExporter(endpoint, timeout=_TIMEOUT_S)
    try:
        with _heard() as said:
            done = exporter.export(spans)
    finally:
        exporter.shutdown()  # type: ignore[no-untyped-call]  # the package leaves it untyped
    if done is not SpanExportResult.SUCCESS:
        why = said.text() or "it did not take it"
        raise ToolError(
            f"the trace did not reach {endpoint} ({why}); name the collector's whole address, as in http://127.0.0.1:4318/v1/traces"
        )


class _Heard(logging.Handler):
    """What the exporter logs instead of raising."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self._said.append(record.getMessage())

    def text(self) -> str:
        return self._said[-1] if self._said else ""

    def __str__(self) -> str:
        return self.text()


@contextmanager
def _heard() -> Iterator[_Heard]:
    handler, logger = _Heard(), logging.getLogger("opentelemetry")
    before = logger.propagate
    logger.addHandler(handler)
    logger.propagate = False  # the refusal says it, once
    try:
        yield handler
    finally:
        logger.propagate = before
        logger.removeHandler(handler)
