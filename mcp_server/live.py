"""The live page's routes on a served session: who may see it, what it is sent, and what may be asked through it.

Every route goes through the checks that the MCP endpoint has: Host and Origin, the size of a body, and a token, in a header or as
a cookie that was got for one. Only ``/login`` answers without a token, and says nothing of the session. What changes something
needs the steering token and an Origin of this host. All viewers share one rendering.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.transport_security import (
    RequestBodyLimitMiddleware,
    TransportSecurityMiddleware,
    TransportSecuritySettings,
)
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from mcp_server.access import Access
from mcp_server.page import assets
from mcp_server.page.follow import Follower
from mcp_server.page.gather import ask
from mcp_server.page.render import live_page, render_login, render_part
from mcp_server.server import parse_arguments
from proda_core.errors import ProdaError, SessionError, ToolError
from tools.host import Host
from tools.steer_session import TOOL as STEER
from tools.work import refuse

_BODY_BYTES = 1 << 14
_LOGINS = 64  # browsers signed in at a time; the oldest is signed out
_FIELDS = 12
_LOGIN_FIELDS = 4
_DIGITS = 12
_OPTIONAL = (
    "option",
    "wall_s",
    "rounds",
)  # of the steering form, which sends what goes with another action too
_TAKES = {"veto": ("option",), "prefer": ("option",), "budget": ("wall_s", "rounds")}
_SIGN_IN = "sign in first: open the link that the host printed"
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # never sent elsewhere, and no token is ever in an address that a server sees
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
Answer = Callable[[Request, frozenset[str]], Awaitable[Response]]


@dataclass(slots=True)
class LivePage:
    """The page of one served session: its routes are given the tokens and the names that the server checks."""

    host: Host
    access: Access
    security: TransportSecuritySettings
    port: int
    logins: dict[str, frozenset[str]] = field(default_factory=dict)

    def routes(self) -> list[Route]:
        """``/``, its files, its parts, ``/steer`` and ``/login``."""
        follower = Follower(self.host)
        parts = _Parts(self.host, follower)
        shown = {
            "/": self._page(follower),
            "/static/{name:path}": _file,
            "/sections/{name}": parts.section,
            "/failures": parts.failures,
            "/repairs": parts.repairs,
            "/map/{item_id}/{round}": parts.map,
        }
        return [
            *(self._route(path, "GET", self._for_readers(answer)) for path, answer in shown.items()),
            self._route("/steer", "POST", self._for_steerers(self._steer)),
            self._route("/login", "GET", self._ask_token),
            self._route("/login", "POST", self._login),
        ]

    def _route(self, path: str, method: str, answer: Callable[[Request], Awaitable[Response]]) -> Route:
        checks = TransportSecurityMiddleware(self.security)

        async def checked(request: Request) -> Response:
            found = await checks.validate_request(request) or await _answered(answer, request)
            for name, value in _HEADERS.items():
                found.headers.setdefault(name, value)
            found.headers.setdefault("Content-Security-Policy", assets.live_policy())
            return found

        route = Route(path, checked, methods=[method])
        route.app = RequestBodyLimitMiddleware(route.app, _BODY_BYTES)
        return route

    def _for_readers(self, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
        async def allowed(request: Request) -> Response:
            scopes = self._scopes(request)
            if "read" in scopes:
                return await answer(request, scopes)
            if request.url.path == "/":
                return RedirectResponse("/login", status_code=303)
            return Response(_SIGN_IN, status_code=401)

        return allowed

    def _for_steerers(self, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
        async def allowed(request: Request) -> Response:
            scopes = self._scopes(request)
            if not scopes:
                return Response(_SIGN_IN, status_code=401)
            if _bearer(request) is None and not request.headers.get("origin"):
                return Response("a change has to say which page it comes from", status_code=403)
            if "steer" not in scopes:
                error = SessionError(f"{STEER.name} needs the token that steers; this one reads")
                return HTMLResponse(render_part("asked", error=str(error), posted=None), status_code=403)
            return await answer(request, scopes)

        return allowed

    def _scopes(self, request: Request) -> frozenset[str]:
        """What the request's token may do, or the token for which its browser got a cookie."""
        token = _bearer(request)
        if token is not None:
            return frozenset(token.scopes)
        return self.logins.get(request.cookies.get(self._cookie, ""), frozenset())

    @property
    def _cookie(self) -> str:
        return f"proda_{self.port}"  # a browser sends a machine's cookies to each of its ports

    def _page(self, follower: Follower) -> Answer:
        async def page(_request: Request, scopes: frozenset[str]) -> Response:
            material, sections = await follower.whole()
            return HTMLResponse(live_page(material, sections, may_steer="steer" in scopes))

        return page

    async def _ask_token(self, _request: Request) -> Response:
        return _login_page(refused=False)

    async def _login(self, request: Request) -> Response:
        token = await self.access.verify_token(_token_in(await request.body()))
        if token is None:
            return _login_page(refused=True)
        key = secrets.token_urlsafe(32)
        self.logins[key] = frozenset(token.scopes)
        while len(self.logins) > _LOGINS:
            del self.logins[next(iter(self.logins))]
        found = RedirectResponse("/", status_code=303)
        found.set_cookie(self._cookie, key, httponly=True, samesite="strict", path="/")
        return found

    async def _steer(self, request: Request, _scopes: frozenset[str]) -> Response:
        raw: dict[str, object] = {}
        try:
            raw = _asked(await request.body())
            posted = await STEER.run(self.host, parse_arguments(STEER, raw))
        except ProdaError as error:
            refuse(self.host, STEER.name, dict(raw), error)
            return HTMLResponse(render_part("asked", error=str(error), posted=None), status_code=422)
        said = render_part("asked", error="", posted=posted.model_dump(mode="json"))
        return HTMLResponse(said, headers={"HX-Trigger": "asked"})


async def _answered(answer: Callable[[Request], Awaitable[Response]], request: Request) -> Response:
    """The answer, or why there is none: 400 for what was asked, 500 for a session that cannot be read."""
    try:
        return await answer(request)
    except ToolError as error:
        return Response(str(error), status_code=400)
    except ProdaError as error:
        return Response(str(error), status_code=500)


@dataclass(frozen=True, slots=True)
class _Parts:
    """What the page asks for after it was loaded."""

    host: Host
    follower: Follower

    async def section(self, request: Request, _scopes: frozenset[str]) -> Response:
        """A section as it is now; 204 to a client that has it. With ``now`` goes word that the others changed."""
        name, seen = request.path_params["name"], request.query_params.get("seen", "")
        found = await self.follower.section(name)
        if found is None:
            return Response("no such section", status_code=404)
        version = request.query_params.get("version", "")
        grown = {"HX-Trigger": "grown"} if version not in ("", str(self.follower.version)) else {}
        if found.digest == seen:
            return Response(status_code=204, headers=grown)
        return HTMLResponse(found.html, headers=grown)

    async def failures(self, request: Request, _scopes: frozenset[str]) -> Response:
        """A page of failures, of one kind where asked."""
        arguments = _query(request)
        page = await ask(self.host, "show_failures", arguments)
        said = {"kind": arguments.get("diagnosed", ""), "more": "first" in arguments}
        return HTMLResponse(render_part("failures", page=page, **said))

    async def repairs(self, request: Request, _scopes: frozenset[str]) -> Response:
        """A page of repaired cases."""
        arguments = _query(request)
        page = await ask(self.host, "show_repairs", arguments)
        return HTMLResponse(render_part("repairs", page=page, more="first" in arguments))

    async def map(self, request: Request, _scopes: frozenset[str]) -> Response:
        """The neighbourhood of a failure."""
        asked = {name: _plain(text) for name, text in request.path_params.items()}
        return HTMLResponse(render_part("map", map=await ask(self.host, "map_failure", asked)))


async def _file(request: Request, _scopes: frozenset[str]) -> Response:
    """One of the page's own files, by its exact name."""
    kind = assets.SERVED.get(request.path_params["name"])
    if kind is None:
        return Response("no such file", status_code=404)
    return Response(assets.text_of(request.path_params["name"]), media_type=kind)


def _login_page(*, refused: bool) -> Response:
    return HTMLResponse(
        render_login(refused=refused),
        status_code=401 if refused else 200,
        headers={"Content-Security-Policy": assets.login_policy()},
    )


def _token_in(body: bytes) -> str:
    """The sign-in form's token; "" where it has none or is another form."""
    try:
        return dict(parse_qsl(body.decode("latin-1"), max_num_fields=_LOGIN_FIELDS)).get("token", "")
    except ValueError:  # more fields than that
        return ""


def _bearer(request: Request) -> AccessToken | None:
    """The token of the request's Authorization header, as the server's middleware found it."""
    user = request.scope.get("user")
    return user.access_token if isinstance(user, AuthenticatedUser) else None


def _query(request: Request) -> dict[str, Any]:
    """The query's arguments; ToolError for one given twice."""
    return _fields(request.query_params.multi_items(), numbers=("first", "round"))


def _asked(body: bytes) -> dict[str, Any]:
    """The steering form's fields; those left empty were not asked."""
    try:
        pairs = parse_qsl(body.decode("utf-8"), max_num_fields=_FIELDS)
    except ValueError as error:
        raise ToolError("the form is not readable: send it again from the page") from error
    asked = _fields(pairs, numbers=("wall_s", "rounds"))
    takes = _TAKES.get(asked.get("action", ""), ())
    return {name: value for name, value in asked.items() if name not in _OPTIONAL or name in takes}


def _fields(pairs: list[tuple[str, str]], *, numbers: tuple[str, ...]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) < len(pairs):
        raise ToolError("an argument was given twice")
    return {name: _plain(text) if name in numbers else text for name, text in pairs}


def _plain(text: str) -> int | str:
    """A number where digits were written, else the text, which the tool's schema judges."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else text
