"""A session over streamable HTTP, on this machine unless told otherwise, for holders of its tokens.

Whatever address is served, Host and Origin headers have to name it or one that was allowed, and every request carries a token.
Where the session is served stands in ``serving.json`` as long as it is.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import ipaddress
import json
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import uvicorn
from mcp.server import Server
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.settings import AuthSettings
from mcp.server.transport_security import TransportSecuritySettings
from pydantic import AnyHttpUrl
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcp_server.access import access_to
from mcp_server.live import LivePage
from mcp_server.refusals import Refusals
from proda_core.artifacts import write_atomic
from proda_core.errors import SessionError
from proda_core.session import SessionFolder
from tools.host import Host

PATH = "/mcp"
_BODY_BYTES = 1 << 20
_ENDING_S = 3  # for answers under way when the host ends; streams that clients hold open are then cut
_KEEP_ALIVE_S = (
    75  # longer than anybody's pause between two polls: who asks just as a connection is closed gets an error
)
_RARER_COLLECTIONS = (
    20_000,
    20,
    50,
)  # by default a fourth of an answer's time goes into looking for cycles (docs/LOG.md)
_LOCAL_NAMES = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True, slots=True)
class Address:
    """Where to serve; port 0 takes a free one. ``allowed`` are further names by which clients may call it."""

    host: str = "127.0.0.1"
    port: int = 0
    allowed: tuple[str, ...] = ()

    def check(self) -> None:
        """SessionError for an address beyond this machine that nobody said by which name it is to be called."""
        if not _is_loopback(self.host) and not self.allowed:
            raise SessionError(
                f"serving on {self.host} needs the name by which clients will call it: --allow-host NAME"
            )

    def listen(self) -> socket.socket:
        """A socket at the address. SessionError when it cannot be had."""
        self.check()
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((self.host, self.port))
        except OSError as error:
            listener.close()
            raise SessionError(
                f"cannot serve on {self.host}:{self.port}: {error.strerror}; give another --port"
            ) from error
        return listener


def caller_scopes() -> frozenset[str]:
    """What the token of the request in hand may do; nothing without one."""
    token = get_access_token()
    return frozenset(token.scopes if token else ())


@asynccontextmanager
async def served(
    server: Server[Any], host: Host, address: Address, *, refusals: Refusals, live: bool = True
) -> AsyncIterator[str]:
    """Serve until the block ends, the ``live`` page beside the MCP endpoint, whose URL is given. What is refused is noted.

    SessionError when the address cannot be had.
    """
    logging.getLogger("mcp.server.transport_security").setLevel(logging.ERROR)  # it repeats what callers sent
    gc.set_threshold(*_RARER_COLLECTIONS)
    folder = host.folder
    access = access_to(folder.access)
    listener = address.listen()
    port = int(listener.getsockname()[1])
    names = [*_LOCAL_NAMES, _in_url(address.host), *address.allowed]
    known = [
        form for name in names for form in (name, f"{name}:{port}")
    ]  # without: behind a proxy, or at port 80
    security = TransportSecuritySettings(
        allowed_hosts=known,
        allowed_origins=[f"{scheme}://{form}" for form in known for scheme in ("http", "https")],
    )
    app = server.streamable_http_app(
        streamable_http_path=PATH,
        host=address.host,
        max_request_body_size=_BODY_BYTES,
        transport_security=security,
        auth=AuthSettings(
            issuer_url=AnyHttpUrl("http://localhost"), resource_server_url=None, required_scopes=["read"]
        ),
        token_verifier=access,
        custom_starlette_routes=LivePage(host, access, security, port).routes() if live else [],
    )
    runner = _Runner(
        uvicorn.Config(
            _ended_whole(_trimmed(refusals.watching(app))),
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,  # a caller does not say where it comes from
            timeout_graceful_shutdown=_ENDING_S,
            timeout_keep_alive=_KEEP_ALIVE_S,
        )
    )
    serving = asyncio.create_task(runner.serve(sockets=[listener]))
    url = f"http://{'[::1]' if address.host == '::' else _in_url(address.host)}:{port}{PATH}"
    try:
        while not runner.started and not serving.done():
            await asyncio.sleep(0.01)
        if not runner.started:
            raise SessionError(f"cannot serve on {address.host}:{port}: the server ended as it started")
        with _announced(folder.serving, url):
            yield url
    finally:
        runner.should_exit = True
        await serving


def _trimmed(app: ASGIApp) -> ASGIApp:
    """``app`` without the spaces around header values, which mean nothing (RFC 9110, 5.5); httptools leaves those behind."""

    async def trimmed(scope: Scope, receive: Receive, send: Send) -> None:
        if "headers" in scope:
            scope["headers"] = [(name, value.strip(b" \t")) for name, value in scope["headers"]]
        await app(scope, receive, send)

    return trimmed


def _ended_whole(app: ASGIApp) -> ASGIApp:
    """``app`` whose answers end as answers do when they are cut off, which is what a host that ends does to streams held open."""

    async def ended_whole(scope: Scope, receive: Receive, send: Send) -> None:
        begun = more = False

        async def watched(message: Message) -> None:
            nonlocal begun, more
            begun, more = True, bool(message.get("more_body", message["type"] == "http.response.start"))
            await send(message)

        try:
            await app(scope, receive, watched)
        except asyncio.CancelledError:
            if begun and more:
                await send({"type": "http.response.body", "body": b"", "more_body": False})

    return ended_whole


class _Runner(uvicorn.Server):
    """uvicorn without its signal handlers: signals are the host's business."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def page_links(folder: SessionFolder, url: str) -> dict[str, str]:
    """Links that open the live page beside the MCP endpoint at ``url``, by what their token may do: read, steer.

    The token stands behind the #, which no browser sends to a server; the page takes it from its address at once.
    """
    access, page = access_to(folder.access), url.removesuffix(PATH)
    return {"read": f"{page}/login#{access.read}", "steer": f"{page}/login#{access.steer}"}


@contextlib.contextmanager
def _announced(path: Path, url: str) -> Iterator[None]:
    me = psutil.Process()
    write_atomic(path, json.dumps({"url": url, "pid": me.pid, "since": me.create_time()}).encode())
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def url_of_host(folder: SessionFolder) -> str:
    """Where the session is served now; "" where it is not.

    A host that was killed leaves its address behind, and another's process may listen there: it must not be shown a token.
    """
    try:
        said = json.loads(folder.serving.read_bytes())
        alive = psutil.Process(int(said["pid"])).create_time() == said["since"]
        return str(said["url"]) if alive else ""
    except (OSError, ValueError, LookupError, TypeError, psutil.Error):
        return ""


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
