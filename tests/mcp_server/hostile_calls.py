"""Hostile calls on a served session, as data: what is sent over HTTP, by whom, and whether it must be refused.

Those that a list cannot hold are made from what the server offers: an argument too many at every tool, the reading token at every
tool that does more, a sealed ID wherever a tool, a resource template or a completion takes text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from mcp.shared.inbound import encode_header_value

from tools.base import Tool

VERSION = "2026-07-28"
META = {
    "io.modelcontextprotocol/protocolVersion": VERSION,
    "io.modelcontextprotocol/clientInfo": {"name": "hostile", "version": "0"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
NO_ID = "_" + "0" * 16
TRAVERSALS = (
    "../../etc/passwd",
    "..\\..\\access.json",
    "%2e%2e%2faccess.json",
    "file:///etc/passwd",
    "x" + NO_ID + "/..",
    "x" + NO_ID + "\n",
    "x" + NO_ID + "\x00",
)
CYPHER = (
    "' OR 1=1 //",
    "x' MATCH (n) DETACH DELETE n RETURN '",
    'x") CALL show_tables() RETURN *; //',
    "}) LOAD FROM '/etc/passwd' RETURN * //",
)
SHELL = ("$(touch pwned)", "`touch pwned`", "; touch pwned;", "| sh", "&& rm -rf .", "--now")
CONTROL = ("a\x00b", "a\x1b[2Jb", "a\nb", "a\u202eb", "a\x7fb", "\u2028")
TEXT_TAKERS = ("steer_session", "finish_session")
"""Tools whose business is to write down a line that the holder of the steering token gives."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request. ``by`` is the token sent: steer, read or "" for none; ``refused``: it must be, else it may be answered."""

    name: str
    body: bytes = b""
    by: str = "steer"
    refused: bool = True
    method: str = "POST"
    path: str = "/mcp"
    headers: dict[str, str | None] = field(default_factory=dict)
    chunked: bool = False


def rpc(name: str, method: str, params: dict[str, Any], **more: Any) -> Call:
    """A whole request of the modern era, with the headers that go with it."""
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {"_meta": META, **params}}
    named = params.get("name", params.get("uri"))
    headers: dict[str, str | None] = {"Mcp-Method": encode_header_value(method)}
    if isinstance(named, str):
        headers["Mcp-Name"] = encode_header_value(named)
    return Call(name, json.dumps(message).encode(), headers={**headers, **more.pop("headers", {})}, **more)


def tool(name: str, called: str, arguments: Any, **more: Any) -> Call:
    return rpc(name, "tools/call", {"name": called, "arguments": arguments}, **more)


def raw(name: str, text: str | bytes, **more: Any) -> Call:
    body = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    return Call(name, body, headers={"Mcp-Method": "tools/call", "Mcp-Name": "get_status"}, **more)


STATUS = tool("", "get_status", {})


def at_the_door() -> list[Call]:
    """Refused before any message is read."""
    sent, headers = STATUS.body, STATUS.headers

    def with_(name: str, by: str = "steer", **changed: str | None) -> Call:
        return Call(
            name, sent, by, headers={**headers, **{k.replace("_", "-"): v for k, v in changed.items()}}
        )

    return [
        with_("no token", ""),
        with_("a wrong token", "", Authorization="Bearer " + "x" * 43),
        with_("an empty token", "", Authorization="Bearer"),
        with_("another scheme", "", Authorization="Basic c3RlZXI6c3RlZXI="),
        with_("a token that is half right", "half"),
        Call("a token in the address", sent, "", path="/mcp?token={steer}", headers=headers),
        with_("another host", Host="evil.example"),
        with_("a host that begins as ours", Host="127.0.0.1.evil.example:80"),
        with_("a host with another port", Host="127.0.0.1:1"),
        with_("a foreign origin", Origin="https://evil.example"),
        with_("a null origin", Origin="null"),
        with_("an origin on another port", Origin="http://127.0.0.1:1"),
        with_("another's address", "", X_Forwarded_For="$(touch pwned)"),
        with_("a form", Content_Type="text/plain"),
        with_("no accepted type", Accept="text/html"),
        Call("ten megabytes", b" " * 10_000_000, headers=headers),
        Call("two megabytes without a length", b" " * 2_000_000, headers=headers, chunked=True),
        Call("ten megabytes without a token", b" " * 10_000_000, "", headers=headers),
        Call("another path", path="/access.json", method="GET"),
        Call("a path upwards", path="/mcp/../access.json", method="GET"),
        Call("an escaped path upwards", path="/..%2f..%2faccess.json", method="GET"),
        Call("a stream nobody began", method="GET", headers={"Accept": "text/event-stream"}),
        Call("the end of a session nobody began", method="DELETE", headers={"Mcp-Session-Id": "x"}),
        Call("another method", method="PUT", body=sent, headers=headers),
    ]


def at_the_page(item_id: str) -> list[Call]:
    """The live page beside the endpoint: looked at without a token, steered from elsewhere, asked for what is not there."""

    def look(name: str, path: str, by: str = "read", **headers: str | None) -> Call:
        return Call(f"page: {name}", by=by, method="GET", path=path, headers=dict(headers))

    def steer(name: str, form: str, by: str = "steer", **headers: str | None) -> Call:
        given = {"Content-Type": "application/x-www-form-urlencoded", **headers}
        return Call(f"page: {name}", form.encode(), by, path="/steer", headers=given)

    note = "action=note&by=eve&why=so"
    forged = {"Cookie": "proda_80=" + "x" * 43, "Origin": "https://evil.example"}
    return [
        look("a section without a token", "/sections/now", ""),
        look("the failures without a token", "/failures", ""),
        look("a file without a token", "/static/page.css", ""),
        look("another host", "/sections/now", Host="evil.example"),
        look("a foreign origin", "/sections/now", Origin="https://evil.example"),
        look("a file upwards", "/static/..%2f..%2f..%2faccess.json"),
        look("a section that is none", "/sections/__class__"),
        look("failures from below nothing", "/failures?first=-1"),
        look("failures in words", "/failures?first=two"),
        look("a place given twice", "/failures?first=0&first=12"),
        look("an argument too many", "/failures?allow_overlap=true"),
        look("the map of a sealed item", f"/map/{item_id}/1"),
        look("a map upwards", "/map/..%2f..%2faccess.json/1"),
        steer("a note without a token", note, ""),
        steer("a note with the reading token", note, "read"),
        steer("a note from elsewhere", note, Origin="https://evil.example"),
        steer("a note to another host", note, Host="evil.example"),
        steer("a note with a made-up cookie", note, "", **forged),
        steer("an action that is none", "action=explode&by=eve&why=so"),
        steer("a field too many", note + "&allow_overlap=true"),
        steer("a field twice", note + "&why=other"),
        steer("a control character", "action=note&by=eve&why=a%00b"),
        steer("a hundred fields", "&".join(f"f{n}=1" for n in range(100))),
        steer("a megabyte", "action=note&by=eve&why=" + "x" * 1_000_000),
        Call("page: a wrong token", b"token=" + b"x" * 43, "", path="/login"),
        Call("page: no token among many fields", b"a&b&c&d&e", "", path="/login"),
    ]


def misshapen() -> list[Call]:
    """JSON that is no call, and calls that are no JSON."""
    one = json.loads(STATUS.body)
    twice = STATUS.body.decode().replace(
        '"arguments": {}', '"arguments": {}, "arguments": {"allow_overlap": true}'
    )
    back = STATUS.body.decode().replace(
        '"arguments": {}', '"arguments": {"allow_overlap": true}, "arguments": {}'
    )
    assert twice != back
    digits = STATUS.body.decode().replace('"arguments": {}', '"arguments": {"n": %s}' % ("9" * 5000))
    nested = b"[" * 900 + b"]" * 900
    call = {"name": "get_status", "arguments": {}}
    return [
        raw("no JSON", "{not json"),
        raw("nothing", ""),
        raw("a NUL", b"\x00"),
        raw("not UTF-8", b'{"jsonrpc": "\xff\xfe"}'),
        raw("null", "null"),
        raw("a string", '"get_status"'),
        raw("a batch", json.dumps([one, one])),
        raw("an empty batch", "[]"),
        raw("a hundred thousand arrays", "[" * 100_000),
        raw("arrays in an argument", STATUS.body.replace(b'"arguments": {}', b'"arguments": {"a": %s}' % nested)),
        raw("endless digits", digits),
        raw("NaN", STATUS.body.replace(b'"arguments": {}', b'"arguments": {"n": NaN}')),
        raw("arguments twice, the bad ones last", twice),
        raw("arguments twice, the bad ones first", back, refused=False),
        raw("another version of JSON-RPC", json.dumps({**one, "jsonrpc": "1.0"})),
        raw("an object as its number", json.dumps({**one, "id": {"a": 1}})),
        raw("a method that is a number", json.dumps({**one, "method": 5})),
        raw("params that are a list", json.dumps({**one, "params": [1]})),
        raw("an answer", json.dumps({"jsonrpc": "2.0", "id": 1, "result": {}})),
        raw("a call as a notification", json.dumps({k: v for k, v in one.items() if k != "id"}), refused=False),
        rpc("no such method", "session/stop", {}),
        rpc("a method that would shut down", "shutdown", {}),
        rpc("a private method", "__init__", {}),
        rpc("a call of nothing", "tools/call", {"arguments": {}}),
        rpc("a call of a list", "tools/call", {"name": ["get_status"], "arguments": {}}),
        rpc("a call of another tool than the header says", "tools/call", call, headers={"Mcp-Name": "verify_log"}),
        rpc("a flag beside the arguments", "tools/call", {**call, "allow_overlap": True}, refused=False),
        tool("arguments that are a list", "get_status", []),
        tool("arguments that are a string", "get_status", "{}"),
        tool("no such tool", "drop_guard", {}),
        tool("a tool upwards", "../tools/finish_session", {}),
        tool("a tool with a NUL", "get_status\x00", {}),
        tool("a private tool", "__class__", {}),
        tool("a tool of endless name", "x" * 100_000, {}),
    ]  # fmt: skip


def bad_values(job_id: str) -> list[Call]:
    """Values of another type, beyond their bounds, or that would mean something to a shell, a database or a terminal."""
    steer = {"action": "note", "by": "eve", "why": "so"}
    odd: list[tuple[str, str, dict[str, Any]]] = [
        ("text for a number", "wait_for_job", {"job_id": job_id, "timeout_s": "2"}),
        ("true for a number", "wait_for_job", {"job_id": job_id, "timeout_s": True}),
        ("a number beyond its bound", "wait_for_job", {"job_id": job_id, "timeout_s": 1e300}),
        ("text for a place", "show_failures", {"first": "0"}),
        ("1.0 for 1", "show_failures", {"first": 1.5}),
        ("a number below its bound", "show_failures", {"round": -1}),
        ("a list for a term", "show_concept", {"term": ["x"]}),
        ("an object for a term", "show_concept", {"term": {"$ne": ""}}),
        ("nothing for a term", "show_concept", {"term": None}),
        ("an endless term", "show_concept", {"term": "x" * 500_000}),
        ("1 for true", "steer_session", {**steer, "action": 1}),
        ("an endless reason", "steer_session", {**steer, "why": "x" * 500_000}),
        ("a limit of infinity", "steer_session", {**steer, "action": "budget", "wall_s": 1e999}),
        ("a limit below nothing", "steer_session", {**steer, "action": "budget", "wall_s": -1}),
        ("a limit in words", "steer_session", {**steer, "action": "budget", "rounds": "99"}),
        ("a budget without limits", "steer_session", {**steer, "action": "budget"}),
        ("a veto of nothing", "steer_session", {**steer, "action": "veto"}),
        ("an unknown kind", "compose_mixture", {"kind": "V1"}),
        ("a verdict of one's own", "judge_candidate", {"report_id": "q" + NO_ID, "accepted": True}),
        ("a decision out of turn", "record_decision", {"key": "decision-99", "decision": {"kind": "stop"}}),
        ("a lone surrogate", "show_concept", {"term": "\ud800"}),
    ]
    calls = [tool(name, called, given) for name, called, given in odd]
    calls += [tool(f"Cypher {i}", "show_concept", {"term": text}) for i, text in enumerate(CYPHER)]
    calls += [
        tool(f"Cypher in a path {i}", "find_path", {"start": text, "end": text})
        for i, text in enumerate(CYPHER)
    ]
    calls += [
        tool(f"control characters as {part} {i}", "steer_session", {**steer, part: text})
        for part in ("by", "why")
        for i, text in enumerate(CONTROL)
    ]
    calls += [
        tool(f"shell with the reading token {i}", "steer_session", {**steer, "why": text}, by="read")
        for i, text in enumerate(SHELL)
    ]
    return calls  # fmt: skip


def at_every_tool(tools: Iterable[Tool], valid: dict[str, dict[str, Any]]) -> Iterator[Call]:
    """An argument too many; the reading token at what does more than read; paths instead of IDs."""
    for one in tools:
        right = valid.get(one.name, {})
        yield tool(f"an argument too many: {one.name}", one.name, {**right, "allow_overlap": True})
        yield tool(f"two too many: {one.name}", one.name, {**right, "host": {"owner": None}, "path": "/etc"})
        if one.scope != "read":
            yield tool(f"the reading token: {one.name}", one.name, right, by="read")
        for field_name, told in one.arguments.model_json_schema().get("properties", {}).items():
            if "pattern" in json.dumps(told) and field_name.endswith("id"):
                for i, text in enumerate(TRAVERSALS):
                    yield tool(
                        f"a path as {field_name} {i}: {one.name}", one.name, {**right, field_name: text}
                    )


def sealed_texts(
    tools: Iterable[Tool], valid: dict[str, dict[str, Any]], texts: dict[str, str]
) -> Iterator[Call]:
    """What names a sealed item, wherever a tool takes text. It may be refused or answered, but tells nothing."""
    for one in tools:
        if one.name in TEXT_TAKERS:
            continue
        for field_name, told in one.arguments.model_json_schema().get("properties", {}).items():
            if '"string"' in json.dumps(told):
                for what, text in texts.items():
                    given = {**valid.get(one.name, {}), field_name: text}
                    yield tool(f"{what} as {field_name}: {one.name}", one.name, given, refused=False)


def sealed_reads(templates: Iterable[str], item_id: str) -> Iterator[Call]:
    """A sealed item in every place of every resource template, and asked of its completion."""
    for template in templates:
        uri = re.sub(r"\{[^}]*\}", item_id, template)
        yield rpc(f"a sealed item: {template}", "resources/read", {"uri": uri}, refused=False)
        if uri != template:
            path = re.sub(r"\{[^}]*\}", "..%2f..%2faccess.json", template)
            yield rpc(f"a path: {template}", "resources/read", {"uri": path})
        for name in re.findall(r"\{\W?(\w+)[^}]*\}", template):
            for start in ("", item_id[:4], item_id):
                asked = {
                    "ref": {"type": "ref/resource", "uri": template},
                    "argument": {"name": name, "value": start},
                }
                yield rpc(f"completion of {start!r}: {template}", "completion/complete", asked, refused=False)
