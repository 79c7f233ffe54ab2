"""Resources: what the read tools answer, under a URI each, so that a client can attach, list and watch it.

A URI is only another way to call a tool: the tool is named here and nothing is computed. IDs and numbers have one pattern each
and a URI one spelling; anything else, and whatever is not there, is a protocol error that does not repeat what was asked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mcp import MCPError
from mcp.shared.uri_template import UriTemplate
from mcp_types import INVALID_PARAMS, Resource, ResourceTemplate, TextResourceContents

from proda_core.errors import ProdaError
from tools import (
    get_status,
    graph_stats,
    report_session,
    show_budget,
    show_concept,
    show_decisions,
    show_failures,
    show_item,
    show_jobs,
    show_mastery,
    show_repairs,
    show_rounds,
    trace_source,
    verify_log,
)
from tools.base import Tool, ToolModel
from tools.host import Host

JSON = "application/json"
RECORD, PROGRESS, INBOX = "record", "progress", "inbox"
"""What a watched resource may be changed by; beside these a record's kind, and for an outcome its tool."""
_EVALUATED = frozenset({"evaluate_model", "diagnose_failures", "judge_candidate"})
_ROUND = _EVALUATED | {"compose_mixture", "train_adapter", "write_patch"}
_EXTRACTED = frozenset({"extract_knowledge"})
_LONGEST_URI = 400
UNKNOWN = "no such resource in this session; resources/list and resources/templates/list name those there are"


@dataclass(frozen=True, slots=True)
class View:
    """One look at the session: the tool that answers, whether it is paged, and what changes it."""

    tool: Tool
    title: str
    changed_by: frozenset[str]
    paged: bool = True


STATUS = View(get_status.TOOL, "What it is doing now", frozenset({RECORD, PROGRESS, INBOX}), paged=False)
VIEWS: dict[str, View] = {
    "rounds": View(show_rounds.TOOL, "The ladder of rounds", _ROUND),
    "decisions": View(show_decisions.TOOL, "The decisions and why", frozenset({"decision"})),
    "jobs": View(show_jobs.TOOL, "The jobs and how far they are", frozenset({"intent", "outcome", PROGRESS})),
    "budget": View(show_budget.TOOL, "The budget", frozenset({RECORD}), paged=False),
    "failures": View(show_failures.TOOL, "What the incumbent gets wrong", _EVALUATED),
    "repairs": View(show_repairs.TOOL, "What a patch round repaired", _ROUND | {"build_benchmark"}),
    "mastery": View(show_mastery.TOOL, "What the incumbent knows", _EVALUATED | _EXTRACTED),
    "knowledge": View(graph_stats.TOOL, "The knowledge in figures", _EXTRACTED, paged=False),
    "report": View(report_session.TOOL, "The report", frozenset({RECORD})),
    "log": View(verify_log.TOOL, "The log, verified", frozenset({RECORD}), paged=False),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A template with one variable, given to its tool as ``argument``; a number where ``counted``."""

    variable: str
    pattern: re.Pattern[str]
    argument: str
    tool: Tool
    title: str
    changed_by: frozenset[str]
    counted: bool = False

    @property
    def value(self) -> type[int] | type[str]:
        return int if self.counted else str


def _id(prefix: str) -> re.Pattern[str]:
    return re.compile(rf"{prefix}_[0-9a-f]{{16}}")


NUMBER = re.compile(r"0|[1-9][0-9]{0,3}")
_FIRST = re.compile(r"0|[1-9][0-9]{0,5}")
ENTRIES: dict[str, Entry] = {
    "round": Entry("round", NUMBER, "round", show_rounds.TOOL, "One round", _ROUND, counted=True),
    "decision": Entry(
        "decision",
        re.compile(r"[1-9][0-9]{0,3}"),
        "decision",
        show_decisions.TOOL,
        "One decision",
        frozenset({"decision"}),
        counted=True,
    ),
    "item": Entry("item", _id("i"), "id", show_item.TOOL, "One dev item", _EVALUATED | {"build_benchmark"}),
    "concept": Entry("concept", _id("c"), "term", show_concept.TOOL, "One concept", _EXTRACTED),
    "mastery": Entry(
        "concept", _id("c"), "term", show_mastery.TOOL, "Mastery of one concept", _EVALUATED | _EXTRACTED
    ),
    "chain": Entry("chain", _id("g"), "id", trace_source.TOOL, "One chain with its sentences", _EXTRACTED),
}
SESSION = UriTemplate.parse("proda://session/{session}")
VIEW = UriTemplate.parse("proda://session/{session}/{view}{?first}")
BY_ID = {name: UriTemplate.parse(f"proda://{name}/{{{one.variable}}}") for name, one in ENTRIES.items()}


@dataclass(frozen=True, slots=True)
class Target:
    """What a URI asks for: a tool with its arguments, and what changes the answer."""

    tool: Tool
    arguments: dict[str, Any]
    changed_by: frozenset[str]


def target_of(uri: str, session: str) -> Target | None:
    """The target of a URI of this session; None for any other, and for another spelling of one."""
    if len(uri) > _LONGEST_URI:
        return None
    if _match(SESSION, uri) == {"session": session}:
        return Target(STATUS.tool, {}, STATUS.changed_by)
    asked = _match(VIEW, uri)
    if asked.get("session") == session and asked.get("view") in VIEWS:
        return _view_target(VIEWS[asked["view"]], asked.get("first"))
    for name, entry in ENTRIES.items():
        value = _match(BY_ID[name], uri).get(entry.variable, "")
        if entry.pattern.fullmatch(value):
            return Target(entry.tool, {entry.argument: entry.value(value)}, entry.changed_by)
    return None


def _view_target(view: View, first: str | None) -> Target | None:
    if first is None:
        return Target(view.tool, {}, view.changed_by)
    if not view.paged or not _FIRST.fullmatch(first):
        return None
    return Target(view.tool, {"first": int(first)}, view.changed_by)


def _match(template: UriTemplate, uri: str) -> dict[str, str]:
    """The variables of a URI in the template's own spelling; {} when it is not one."""
    found = {name: value for name, value in (template.match(uri) or {}).items() if isinstance(value, str)}
    return found if found and template.expand(found) == uri else {}


def session_uri(session: str, view: str = "") -> str:
    """The URI of a session's status, or of one of its VIEWS."""
    return VIEW.expand({"session": session, "view": view}) if view else SESSION.expand({"session": session})


def entry_uri(name: str, value: str) -> str:
    """The URI of one of ENTRIES."""
    return BY_ID[name].expand({ENTRIES[name].variable: value})


async def read_resource(host: Host, uri: str) -> TextResourceContents:
    """What the tool behind a URI answers, as JSON. MCPError, in the tool's words, when it cannot."""
    target = target_of(uri, host.folder.name)
    if target is None:
        raise MCPError(INVALID_PARAMS, UNKNOWN, {"uri": uri})  # the protocol says so (SEP-2164)
    try:
        result = await target.tool.run(host, target.tool.arguments.model_validate(target.arguments))
    except ProdaError as error:
        raise MCPError(INVALID_PARAMS, str(error)) from error
    return TextResourceContents(uri=uri, mime_type=JSON, text=json_text(result))


def json_text(result: ToolModel) -> str:
    """A tool's result as text, the same wherever it is asked for."""
    return json.dumps(result.model_dump(mode="json"), ensure_ascii=False)


def resources_of(session: str) -> list[Resource]:
    """The resources that have no ID of their own: the session's status and its views."""
    listed: Mapping[str, View] = {"": STATUS, **VIEWS}
    return [
        Resource(
            name=name or "status",
            title=view.title,
            uri=session_uri(session, name),
            description=f"{view.tool.description} The same as the tool {view.tool.name}.",
            mime_type=JSON,
        )
        for name, view in listed.items()
    ]


def templates() -> list[ResourceTemplate]:
    """Every form of URI that there is."""
    views = ", ".join(VIEWS)
    forms = {
        "session": (SESSION, STATUS.title, STATUS.tool.description),
        "view": (VIEW, "A view of a session", f"Views are {views}; paged ones go on with ?first=."),
        **{name: (BY_ID[name], one.title, one.tool.description) for name, one in ENTRIES.items()},
    }
    return [
        ResourceTemplate(
            name=name, title=title, uri_template=str(form), description=description, mime_type=JSON
        )
        for name, (form, title, description) in forms.items()
    ]
