"""What a failed sending means: whose trouble it is, whether it may have been charged, and what is to be done.

Told from the kinds of error that pydantic-ai makes of what each provider says. Only status and code are repeated, never a
server's own words: they may quote the key or the text.
"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic_ai.exceptions import (
    AgentRunError,
    ModelAPIError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelContextWindowExceededError,
    ModelHTTPError,
    ModelNotFoundError,
    ModelQuotaExceededError,
    ModelRateLimitError,
    ModelRequestRejectedError,
    ModelRequestTimeout,
    ModelUnavailableError,
)

_NOT_SENT = ("pool", "connect")
_GATEWAYS = (502, 504)  # the server behind may have answered, and charged
_ABOUT_SCHEMAS = ("response_format", "json_schema", "guided", "structured")


@dataclass(frozen=True, slots=True)
class Trouble:
    """``reason`` is one word for a drop list, ``said`` a few. ``fatal``: nothing more can be asked; ``rejected``: this request
    will never be answered; ``everybody``: the server is gone or limits, whatever is asked; ``no_schemas``: ask without one."""

    reason: str
    said: str
    maybe_charged: bool = False
    fatal: bool = False
    rejected: bool = False
    everybody: bool = False
    no_schemas: bool = False
    after_s: float | None = None
    remedy: str = ""


def trouble_of(error: AgentRunError, *, native: bool) -> Trouble:
    """The trouble that an error stands for. ``native``: the request held the answer to a schema."""
    said = _said(error)
    if isinstance(error, ModelAuthenticationError):
        return Trouble("key", said, fatal=True, remedy="check the key in the environment, then proda resume")
    if isinstance(error, ModelQuotaExceededError):
        return Trouble("quota", said, fatal=True, remedy="raise the account's quota, then proda resume")
    if isinstance(error, ModelNotFoundError):
        return Trouble("model", said, fatal=True, remedy="check teacher.model and calls.base_url")
    if isinstance(error, ModelContextWindowExceededError):
        return Trouble("too_long", said, rejected=True)
    if isinstance(error, ModelRequestRejectedError):
        schemas = native and any(word in str(error.body).lower() for word in _ABOUT_SCHEMAS)
        return Trouble("rejected", said, rejected=not schemas, no_schemas=schemas)
    if isinstance(error, ModelRateLimitError):
        return Trouble("limits", said, everybody=True, after_s=error.retry_after)
    if isinstance(error, ModelUnavailableError):
        return Trouble("unavailable", said, everybody=True, after_s=error.retry_after)
    if isinstance(error, ModelRequestTimeout):
        return Trouble("hang", said, maybe_charged=True)
    if isinstance(error, ModelConnectionError):
        sent = error.phase not in _NOT_SENT
        return Trouble("cut" if sent else "gone", said, maybe_charged=sent, everybody=not sent)
    if isinstance(error, ModelHTTPError):
        charged = error.status_code in _GATEWAYS
        said_when = error.retry_after is not None
        return Trouble(
            "server_error", said, maybe_charged=charged, everybody=said_when, after_s=error.retry_after
        )
    return Trouble("unreadable", said, maybe_charged=True)  # an answer came, and it was none


def _said(error: AgentRunError) -> str:
    if isinstance(error, ModelHTTPError):
        code = error.provider_error_code or error.provider_error_type
        known = f" ({code})" if code and len(code) <= 60 and code.replace("_", "").isalnum() else ""
        return f"the server answered {error.status_code}{known}"
    if isinstance(error, ModelRequestTimeout):
        return f"the server gave no whole answer within {error.timeout:g} s (calls.timeout_s)"
    if isinstance(error, ModelConnectionError):
        return (
            "the server cannot be reached"
            if error.phase in _NOT_SENT
            else "the connection broke before the answer"
        )
    kind = "an API error" if isinstance(error, ModelAPIError) else type(error).__name__
    return f"what the server answered cannot be read ({kind})"
