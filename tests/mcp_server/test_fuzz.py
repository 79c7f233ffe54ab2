"""Every tool under inputs made from its own schema, right and nearly right: each answer is a result or a typed error of ours.

Owner and reader, on a copy of a finished session. Derandomised: the same inputs each time. What a call may do to the session is
another test's business (test_hostile.py); here nothing may be unhandled, and the log has to stay whole.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from mcp import Client

from mcp_server.hosting import own_session, read_session
from proda_core import errors
from proda_core.knowledge.snapshot import load_snapshot
from proda_core.records import load_benchmark
from proda_core.session import SessionFolder
from proda_core.types import Split
from tests.mcp_server.test_server import VALID
from tests.sessions import FinishedSession, Listener, copied, done, outcomes_of
from tools.base import Tool
from tools.registry import TOOLS

EXAMPLES = 15
"""Inputs a tool and host; some 30 tools twice over have to pass in about a minute."""
LONGEST_S = 25  # that wait_for_job waits
STARTS_WORK = frozenset(
    ("evaluate_model", "train_adapter", "diagnose_failures", "write_patch", "compose_mixture")
)
"""Tools whose valid calls on a finished session would run a worker for minutes: nearly valid inputs alone."""
TYPED = {name for name, kind in vars(errors).items() if isinstance(kind, type)}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


ODD = (math.nan, math.inf, -1, 2**63, "\ud800", "x" * 100_000, [[[]]], {"": None}, None)
"""What a schema does not allow, or hardly; each is put in each place of each tool."""


def values_of(
    told: dict[str, Any], root: dict[str, Any], known: dict[str, list[str]]
) -> st.SearchStrategy[Any]:
    """What a schema allows; for IDs also those of the session itself. AssertionError for a word that is not known here."""
    if "$ref" in told:
        return values_of(root["$defs"][told["$ref"].rsplit("/", 1)[-1]], root, known)
    if "anyOf" in told:
        return st.one_of([values_of(one, root, known) for one in told["anyOf"]])
    if "enum" in told or "const" in told:
        return st.sampled_from(told.get("enum") or [told["const"]])
    if told.get("type") == "string":
        return text_of(told, known)
    if told.get("type") == "integer":
        least, most = told.get("minimum", -(10**6)), told.get("maximum", 10**6)
        return st.integers(least, least + 3) | st.integers(least, most)
    if told.get("type") == "number":
        above = told.get("minimum", told.get("exclusiveMinimum", 0.0))
        return st.floats(
            above,
            told.get("maximum", 1e9),
            exclude_min="exclusiveMinimum" in told,
            allow_nan=False,
            allow_infinity=False,
        )
    if told.get("type") == "boolean":
        return st.booleans()
    if told.get("type") == "null":
        return st.none()
    if told.get("type") == "array":
        return st.lists(values_of(told["items"], root, known), max_size=told.get("maxItems", 4))
    assert told.get("type") == "object", f"a schema that this test does not know: {told}"
    return st.dictionaries(st.text(max_size=8), JSON, max_size=4)


def text_of(told: dict[str, Any], known: dict[str, list[str]]) -> st.SearchStrategy[str]:
    if "pattern" in told:
        made = st.from_regex(told["pattern"], fullmatch=True).map(lambda text: text.rstrip("\n"))
        return made | st.sampled_from(known["ids"])
    free = st.text(min_size=told.get("minLength", 0), max_size=min(told.get("maxLength", 40), 40))
    return free | st.sampled_from(known["texts"])


def inputs_of(tool: Tool, known: dict[str, list[str]]) -> st.SearchStrategy[Any]:
    """Valid arguments, and valid ones with one thing wrong: a value, a name missing, a name too many."""
    schema = tool.arguments.model_json_schema()
    fields = {name: values_of(one, schema, known) for name, one in schema.get("properties", {}).items()}
    needed = set(schema.get("required", ()))
    valid = st.fixed_dictionaries(
        {name: one for name, one in fields.items() if name in needed},
        optional={name: one for name, one in fields.items() if name not in needed},
    )
    wrong = [st.builds(lambda right, name, value: {**right, name: value}, valid, st.text(max_size=12), JSON)]
    if fields:
        names = st.sampled_from(sorted(fields))
        wrong.append(st.builds(lambda right, name, value: {**right, name: value}, valid, names, JSON))
        wrong.append(
            st.builds(lambda right, name: {k: v for k, v in right.items() if k != name}, valid, names)
        )
    return st.one_of(wrong) if tool.name in STARTS_WORK else st.one_of([valid, valid, *wrong])


def known_of(folder: SessionFolder) -> dict[str, list[str]]:
    """IDs and words of the session that inputs are drawn from beside made-up ones."""
    outcomes = [outcome for tool in TOOLS for outcome in outcomes_of(folder, tool.name)]
    ids = [made for outcome in outcomes for made in outcome["artifacts"].values()]
    ids += [path.name for path in sorted(folder.jobs.iterdir()) if path.is_dir()]
    (snapshot_id,) = (path.name for path in (folder.artifacts / "snapshot").iterdir())
    snapshot = load_snapshot(folder.store, snapshot_id)
    chain = next(iter(snapshot.chains.values()))
    terms = [snapshot.term(one) for one in chain.concept_ids]
    benchmark = load_benchmark(
        folder.store, outcomes_of(folder, "build_benchmark")[0]["artifacts"]["benchmark"]
    )
    items = [benchmark.of(split)[0].item_id for split in (Split.DEV, Split.SEALED)]
    ids += [chain.chain_id, *chain.relation_ids, *chain.concept_ids, *items]
    return {
        "ids": sorted(set(ids)),
        "texts": [*terms, "decision-0", "\x00", "a" * 300, "'; MATCH (n) DELETE n"],
    }


def inputs_for(tool: Tool, known: dict[str, list[str]]) -> list[Any]:
    """The same inputs each time."""
    made: list[Any] = []

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(inputs_of(tool, known))
    def collect(arguments: Any) -> None:
        made.append(arguments)

    collect()
    return [*made, *swept(tool, known)]


def swept(tool: Tool, known: dict[str, list[str]]) -> Iterator[dict[str, Any]]:
    """Valid arguments with odd values in each place, and with each thing that the session knows where text is taken."""
    right = VALID.get(tool.name, {})
    told = tool.arguments.model_json_schema().get("properties", {})
    yield from (
        {**right, place: odd} for place in (*told, "surprise") for odd in ODD if place in right or odd
    )
    if tool.name in STARTS_WORK:
        return
    places = [
        name for name, one in told.items() if '"string"' in json.dumps(one) and "enum" not in json.dumps(one)
    ]
    for value in (*known["ids"], *known["texts"]):
        yield from ({**right, place: value} for place in places)
        yield {**right, **dict.fromkeys(places, value)}


@pytest.fixture
def unhandled() -> Iterator[list[logging.LogRecord]]:
    """What the server's own loggers said of exceptions."""
    listener = Listener(logging.ERROR)
    logging.getLogger().addHandler(listener)
    yield listener.heard
    logging.getLogger().removeHandler(listener)


async def fuzz(client: Client, known: dict[str, list[str]]) -> list[str]:
    """Call every tool offered with every input; what was neither a result nor a typed error, in words."""
    offered = {tool.name for tool in (await client.list_tools()).tools}
    wrong, answered, refused = [], set(), set()
    for tool in TOOLS:
        if tool.name not in offered:
            continue
        for arguments in inputs_for(tool, known):
            if tool.name == "wait_for_job" and is_time(arguments.get("timeout_s")):
                arguments = {**arguments, "timeout_s": 0}  # the wait itself is not what is tried here
            try:
                result = await client.call_tool(tool.name, arguments)
            except Exception as error:  # noqa: BLE001  # any: a tool call that is answered with less than a result is the find
                wrong.append(f"{tool.name} {arguments!r:.200}: {type(error).__name__}: {error}")
                continue
            body = result.structured_content or {}
            if result.is_error:
                refused.add(tool.name)
                if body.get("error", {}).get("type") not in TYPED:
                    wrong.append(f"{tool.name} {arguments!r:.200}: {result.content}")
            else:
                answered.add(tool.name)
    assert (
        refused == offered
    )  # each was asked both wrongly and rightly, so far as a right call runs no worker
    assert answered >= {tool.name for tool in TOOLS if tool.scope == "read"}
    return wrong


def is_time(value: Any) -> bool:
    """A time that wait_for_job would wait; whatever else stands there is tried as it is."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= LONGEST_S


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_every_answer_of_the_owner_is_a_result_or_a_typed_error_and_the_log_stays_whole(
    finished_session: FinishedSession, tmp_path: Path, unhandled: list[logging.LogRecord], mode: str
) -> None:
    folder = copied(finished_session.folder, tmp_path)

    async def act() -> list[str]:
        async with own_session(folder) as server, Client(server, mode=mode) as client:
            wrong = await fuzz(client, known_of(folder))
            assert (await done(client, "verify_log"))["integrity"] == "intact"
            return wrong

    assert asyncio.run(act()) == []
    assert unhandled == []


def test_every_answer_of_a_reader_is_a_result_or_a_typed_error(
    finished_session: FinishedSession, tmp_path: Path, unhandled: list[logging.LogRecord]
) -> None:
    folder = copied(finished_session.folder, tmp_path)

    async def act() -> list[str]:
        async with read_session(folder) as server, Client(server) as client:
            return await fuzz(client, known_of(folder))

    assert asyncio.run(act()) == []
    assert unhandled == []


def test_the_inputs_are_the_same_each_time_and_of_both_kinds() -> None:
    known = {"ids": ["j_" + "0" * 16], "texts": ["x"]}
    tool = next(one for one in TOOLS if one.name == "wait_for_job")
    made = inputs_for(tool, known)
    assert repr(made) == repr(inputs_for(tool, known)) and len(made) >= EXAMPLES // 2
    fitting = [one for one in made if fits(tool, one)]
    assert fitting and len(fitting) < len(made)


def fits(tool: Tool, arguments: Any) -> bool:
    try:
        tool.arguments.model_validate_json(json.dumps(arguments))
    except ValueError:
        return False
    return not any(isinstance(one, float) and math.isnan(one) for one in arguments.values())
