"""What was refused without the session having anything to do with it: a line each, in a file that cannot grow beyond its bound.

Callers without a token, from elsewhere, with a body too large, or who ask for something that there is not, may come as often as
they like: they get no line in the decision log and no word of theirs is repeated. ``nth`` counts each kind since the host
started, so lines that had to make room are still counted. Once a request, however many checks it falls through.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from contextvars import ContextVar
from dataclasses import dataclass
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from mcp import MCPError
from mcp.server import ServerRequestContext
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.context import CallNext, HandlerResult
from mcp_types import METHOD_NOT_FOUND
from pydantic import ValidationError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from proda_core.clock import Clock, SystemClock, stamp
from proda_core.errors import ProdaError

MOST_BYTES = 1 << 19  # of each of two files: the one written to and the one before it
_SIGN_IN = "/login"  # where a token comes in the body
_BY_STATUS = {
    400: "malformed",
    403: "forbidden",
    404: "not_found",
    413: "too_large",
    421: "wrong_host",
}


@dataclass(slots=True)
class _Request:
    """The HTTP request in hand: who asks, and whether its refusal was noted."""

    scope: Scope
    noted: bool = False

    @property
    def by(self) -> str:
        """The token's name; "" for nobody's."""
        user = self.scope.get("user")
        return str(user.access_token.client_id) if isinstance(user, AuthenticatedUser) else ""

    @property
    def peer(self) -> str:
        return str((self.scope.get("client") or ("",))[0])


_in_hand: ContextVar[_Request | None] = ContextVar("request", default=None)


class Refusals:
    """The file of refusals of one served session. ``with Refusals(path) as refusals:``"""

    def __init__(self, path: Path, *, most_bytes: int = MOST_BYTES, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._file = RotatingFileHandler(
            path, maxBytes=most_bytes, backupCount=1, encoding="utf-8", delay=True
        )
        self._counts: Counter[str] = Counter()

    def __enter__(self) -> Refusals:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def note(self, kind: str, *, tool: str = "", error: str = "", status: int = 0) -> None:
        """Write a line, unless the request in hand has one. ``tool`` and ``error`` are our names, never the caller's words."""
        request = _in_hand.get()
        if request is not None and request.noted:
            return
        self._counts[kind] += 1
        line: dict[str, Any] = {"at": stamp(self._clock), "kind": kind, "nth": self._counts[kind]}
        if request is not None:
            request.noted = True
            line |= {"by": request.by, "from": request.peer}
        line |= {name: said for name, said in (("tool", tool), ("error", error), ("status", status)) if said}
        self._file.emit(logging.makeLogRecord({"msg": json.dumps(line)}))

    def watching(self, app: ASGIApp) -> ASGIApp:
        """``app`` with every answer of 4xx noted."""

        async def watched(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            request = _Request(scope)
            token = _in_hand.set(request)

            async def noting(message: Message) -> None:
                if message["type"] == "http.response.start" and 400 <= message["status"] < 500:
                    self.note(_kind(scope, message["status"]), status=message["status"])
                await send(message)

            try:
                await app(scope, receive, noting)
            finally:
                _in_hand.reset(token)

        return watched

    async def watch_call(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """A server's middleware: notes calls that no tool of the session was reached by."""
        try:
            return await call_next(ctx)
        except MCPError as error:
            if isinstance(
                error.__cause__, ProdaError
            ):  # of the tool behind a resource, a prompt or a completion
                self.note("tool", error=type(error.__cause__).__name__)
            else:
                self.note("unknown_method" if error.code == METHOD_NOT_FOUND else "malformed")
            raise
        except ValidationError:
            self.note("malformed")
            raise


def _kind(scope: Scope, status: int) -> str:
    if status == 401:
        given = scope["path"] == _SIGN_IN or any(name == b"authorization" for name, _ in scope["headers"])
        return "wrong_token" if given else "no_token"
    return _BY_STATUS.get(status, "refused")
