"""Fixtures that ask their client: by requests of their own in the handshake era, by an InputRequiredResult since 2026-07-28.

An answer that is missing, or of another kind than what was asked, is asked for again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mcp import MCPError
from mcp.shared.message import ServerMessageMetadata
from mcp_types import (
    INVALID_PARAMS,
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    CallToolRequestParams,
    CallToolResult,
    CreateMessageRequest,
    CreateMessageRequestParams,
    CreateMessageResult,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    GetPromptRequestParams,
    GetPromptResult,
    InputRequest,
    InputRequiredResult,
    InputResponse,
    ListRootsRequest,
    ListRootsResult,
    PromptMessage,
    SamplingMessage,
    TextContent,
)

from mcp_server.conformance.fixture import Answer, Fixture, object_schema, saying
from mcp_server.tasks import Context

_TEXT = {"type": "string"}
_ANSWERS: dict[type[Any], type[Any]] = {
    ElicitRequest: ElicitResult,
    CreateMessageRequest: CreateMessageResult,
    ListRootsRequest: ListRootsResult,
}


def form(message: str, **properties: Mapping[str, Any]) -> ElicitRequest:
    """A form that needs all of ``properties``."""
    schema = object_schema(**properties)
    return ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=schema))


def _sampling(text: str, tokens: int) -> CreateMessageRequest:
    message = SamplingMessage(role="user", content=TextContent(type="text", text=text))
    return CreateMessageRequest(params=CreateMessageRequestParams(messages=[message], max_tokens=tokens))


def answers_to(
    asked: Mapping[str, InputRequest], params: CallToolRequestParams | GetPromptRequestParams
) -> dict[str, InputResponse] | None:
    """The client's answers to all that was asked; None while one is missing or is an answer to something else."""
    given = params.input_responses or {}
    found = {
        key: given[key]
        for key, request in asked.items()
        if isinstance(given.get(key), _ANSWERS[type(request)])
    }
    return found if len(found) == len(asked) else None


def field_of(answer: InputResponse, name: str) -> str:
    """A field of a form's answer; empty where the form was not filled in."""
    return str((answer.content or {}).get(name, "")) if isinstance(answer, ElicitResult) else ""


NAME = {"user_name": form("What is your name?", name=_TEXT)}
_CAPITAL = {"capital_question": _sampling("What is the capital of France?", 100)}
_ROOTS = {"client_roots": ListRootsRequest(params=None)}
_CONFIRM = {"confirm": form("Please confirm", ok={"type": "boolean"})}
_ALL: dict[str, InputRequest] = {**NAME, "greeting": _sampling("Generate a greeting", 50), **_ROOTS}
_STEPS: tuple[dict[str, ElicitRequest], ...] = (
    {"step1": form("Step 1: What is your name?", name=_TEXT)},
    {"step2": form("Step 2: What is your favorite color?", color=_TEXT)},
)
_PROMPT = {"user_context": form("What context should the prompt use?", context=_TEXT)}


def asking(asked: Mapping[str, InputRequest], state: str | None = None) -> InputRequiredResult:
    """Ask, with a state to be handed back."""
    return InputRequiredResult(input_requests=dict(asked), request_state=state)


async def _name(_context: Context, params: CallToolRequestParams) -> Answer:
    found = answers_to(NAME, params)
    return asking(NAME) if found is None else saying(f"Hello, {field_of(found['user_name'], 'name')}!")


async def _capital(_context: Context, params: CallToolRequestParams) -> Answer:
    found = answers_to(_CAPITAL, params)
    return asking(_CAPITAL) if found is None else saying(found["capital_question"].model_dump_json())


async def _roots(_context: Context, params: CallToolRequestParams) -> Answer:
    found = answers_to(_ROOTS, params)
    return asking(_ROOTS) if found is None else saying(found["client_roots"].model_dump_json())


async def _state(_context: Context, params: CallToolRequestParams) -> Answer:
    """The state comes back as it was given: the boundary refuses any other before this is called."""
    if answers_to(_CONFIRM, params) is None or params.request_state != "asked":
        return asking(_CONFIRM, "asked")
    return saying("state-ok")


async def _several(_context: Context, params: CallToolRequestParams) -> Answer:
    found = answers_to(_ALL, params)
    return asking(_ALL, "asked") if found is None else saying("All answered: " + ", ".join(sorted(found)))


async def _rounds(_context: Context, params: CallToolRequestParams) -> Answer:
    """The state says how many rounds were answered, and what came of the first."""
    done, _, name = (params.request_state or "0:").partition(":")
    found = answers_to(_STEPS[int(done)], params)
    if found is None:
        return asking(_STEPS[int(done)], params.request_state or "0:")
    if done == "0":
        return asking(_STEPS[1], "1:" + field_of(found["step1"], "name"))
    return saying(f"{name} likes {field_of(found['step2'], 'color')}")


async def _declared(context: Context, _params: CallToolRequestParams) -> Answer:
    """Ask for no more than the client says that it can do."""
    has = context.session.client_capabilities
    asked: dict[str, InputRequest] = {}
    if has is not None:
        asked |= NAME if has.elicitation is not None else {}
        asked |= _CAPITAL if has.sampling is not None else {}
        asked |= _ROOTS if has.roots is not None else {}
    return asking(asked) if asked else saying("This client cannot be asked.")


async def _needs_sampling(context: Context, _params: CallToolRequestParams) -> Answer:
    has = context.session.client_capabilities
    if has is None or has.sampling is None:
        needed: dict[str, Any] = {"requiredCapabilities": {"sampling": {}}}
        raise MCPError(MISSING_REQUIRED_CLIENT_CAPABILITY, "Client did not declare sampling", needed)
    return asking(_CAPITAL)


async def _sample_now(context: Context, params: CallToolRequestParams) -> CallToolResult:
    request = _sampling(_given(params, "prompt"), 100)
    related = ServerMessageMetadata(related_request_id=context.request_id)
    answer = await context.session.send_request(request, CreateMessageResult, metadata=related)
    text = answer.content.text if isinstance(answer.content, TextContent) else ""
    return saying(f"LLM response: {text}")


async def _fill(
    context: Context, message: str, properties: dict[str, Any], *, needed: bool
) -> CallToolResult:
    schema = object_schema(**properties) | ({} if needed else {"required": []})
    answer = await context.session.elicit_form(message, schema, related_request_id=context.request_id)
    return saying(f"Elicitation completed: action={answer.action}, content={answer.content or {}}")


async def _elicit(context: Context, params: CallToolRequestParams) -> CallToolResult:
    fields = {
        "username": {**_TEXT, "description": "User's response"},
        "email": {**_TEXT, "description": "E-mail"},
    }
    return await _fill(context, _given(params, "message"), fields, needed=True)


async def _elicit_defaults(context: Context, _params: CallToolRequestParams) -> CallToolResult:
    fields = {
        "name": {"type": "string", "default": "John Doe"},
        "age": {"type": "integer", "default": 30},
        "score": {"type": "number", "default": 95.5},
        "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
        "verified": {"type": "boolean", "default": True},
    }
    return await _fill(context, "Please look through these", fields, needed=False)


async def _elicit_enums(context: Context, _params: CallToolRequestParams) -> CallToolResult:
    plain = ["option1", "option2", "option3"]
    titled = [
        {"const": f"value{n}", "title": f"{word} Option"} for n, word in enumerate(("First", "Second"), 1)
    ]
    fields = {
        "untitledSingle": {"type": "string", "enum": plain},
        "titledSingle": {"type": "string", "oneOf": titled},
        "legacyEnum": {"type": "string", "enum": ["opt1", "opt2"], "enumNames": ["Option One", "Option Two"]},
        "untitledMulti": {"type": "array", "items": {"type": "string", "enum": plain}},
        "titledMulti": {"type": "array", "items": {"anyOf": titled}},
    }
    return await _fill(context, "Please choose", fields, needed=False)


def _given(params: CallToolRequestParams, name: str) -> str:
    value = (params.arguments or {}).get(name)
    if not isinstance(value, str):
        raise MCPError(INVALID_PARAMS, f"{name} is a text and is needed")
    return value


async def prompt(params: GetPromptRequestParams) -> GetPromptResult | InputRequiredResult:
    """The prompt that asks for its context first."""
    found = answers_to(_PROMPT, params)
    if found is None:
        return asking(_PROMPT)
    text = TextContent(type="text", text=f"In this context: {field_of(found['user_context'], 'context')}")
    return GetPromptResult(messages=[PromptMessage(role="user", content=text)])


_PREFIX = "test_input_required_result_"
TOOLS: dict[str, Fixture] = {
    "test_sampling": Fixture("Asks the client's model.", _sample_now, object_schema(prompt=_TEXT)),
    "test_elicitation": Fixture("Asks the client's user.", _elicit, object_schema(message=_TEXT)),
    "test_elicitation_sep1034_defaults": Fixture("Asks with defaults.", _elicit_defaults),
    "test_elicitation_sep1330_enums": Fixture("Asks with choices.", _elicit_enums),
    "test_missing_capability": Fixture("Needs a client that samples.", _needs_sampling),
    "test_streaming_elicitation": Fixture("Asks within its answer.", _name),
    _PREFIX + "elicitation": Fixture("Asks for a name.", _name),
    _PREFIX + "sampling": Fixture("Asks for a sample.", _capital),
    _PREFIX + "list_roots": Fixture("Asks for the roots.", _roots),
    _PREFIX + "request_state": Fixture("Asks, with a state.", _state),
    _PREFIX + "tampered_state": Fixture("Asks, with a state that must come back unchanged.", _state),
    _PREFIX + "multiple_inputs": Fixture("Asks for three things at once.", _several),
    _PREFIX + "multi_round": Fixture("Asks twice.", _rounds),
    _PREFIX + "capabilities": Fixture("Asks for what the client can do.", _declared),
}
