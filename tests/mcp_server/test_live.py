"""The live page's routes: nobody looks without a token, nobody steers without the other one, and all look at one rendering."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable
from html import unescape
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client

from mcp_server.access import access_to
from mcp_server.hosting import Address, Serving, own_session, page_links, reading_host
from mcp_server.page.follow import Follower
from proda_core.errors import LedgerError, ProdaError
from proda_core.log import DecisionLog
from proda_core.records import load_benchmark
from proda_core.session import SessionFolder, SteerKind
from proda_core.types import Split
from tests.sessions import Bench, FinishedSession, copied, done, outcomes_of, records_of
from tests.tools.test_sealed_stays_sealed import texts_of

PATHS = [
    "/",
    "/static/page.css",
    "/static/charts.js",
    "/sections/now",
    "/failures",
    "/repairs",
    "/map/i_0123456789abcdef/1",
]
NOTE = {"action": "note", "by": "ann", "why": "looking"}
Act = Callable[[httpx2.AsyncClient], Awaitable[Any]]


@pytest.fixture
def fresh(bench: Bench, tmp_path: Path) -> SessionFolder:
    """A session in which nothing was done yet."""
    return bench.session(tmp_path)


def visiting(folder: SessionFolder, act: Act) -> Any:
    """Run ``act`` on a browser of a kind: it knows the address, keeps cookies and follows no redirect."""

    async def run() -> Any:
        urls: list[str] = []
        async with own_session(folder, serving=Serving(Address(), False, urls.append)):
            base = urls[0].removesuffix("/mcp")
            async with httpx2.AsyncClient(base_url=base, trust_env=False, timeout=60) as browser:
                return await act(browser)

    return asyncio.run(run())


async def sign_in(browser: httpx2.AsyncClient, token: str) -> httpx2.Response:
    return await browser.post("/login", data={"token": token}, headers=origin(browser))


def origin(browser: httpx2.AsyncClient) -> dict[str, str]:
    return {"Origin": str(browser.base_url).rstrip("/")}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Cookie": "proda_1=x"}, 401),
        ({"Host": "evil.example", "Authorization": "Bearer {steer}"}, 421),
        ({"Origin": "https://evil.example", "Authorization": "Bearer {steer}"}, 403),
    ],
)
def test_no_path_answers_a_stranger_or_a_page_from_elsewhere(
    fresh: SessionFolder, headers: dict[str, str], status: int
) -> None:
    async def act(browser: httpx2.AsyncClient) -> list[tuple[str, int, str]]:
        steer = access_to(fresh.access).steer
        given = {name: text.replace("{steer}", steer) for name, text in headers.items()}
        found = [(path, await browser.get(path, headers=given)) for path in PATHS]
        found.append(("/steer", await browser.post("/steer", data=NOTE, headers=given)))
        return [(path, answer.status_code, answer.headers.get("location", "")) for path, answer in found]

    for path, found, location in visiting(fresh, act):
        to_sign_in = path == "/" and status == 401
        assert (found, location) == ((303, "/login") if to_sign_in else (status, "")), path
    assert not fresh.steering.requests()


def test_a_token_becomes_a_cookie_that_no_script_reads_and_stands_nowhere_else(fresh: SessionFolder) -> None:
    async def act(browser: httpx2.AsyncClient) -> None:
        access = access_to(fresh.access)
        empty, wrong = await browser.get("/login"), await sign_in(browser, "wrong" * 9)
        assert (empty.status_code, wrong.status_code, len(browser.cookies)) == (200, 401, 0)
        signed = await sign_in(browser, access.read)
        cookie = signed.headers["set-cookie"]
        assert (signed.status_code, signed.headers["location"]) == (303, "/")
        assert cookie.startswith(f"proda_{browser.base_url.port}=")
        assert {"HttpOnly", "SameSite=strict"} <= {part.strip() for part in cookie.split(";")}
        page = await browser.get("/")
        everything = page.text + cookie + str(page.headers) + str(signed.headers)
        assert page.status_code == 200 and fresh.name in page.text
        assert access.read not in everything and access.steer not in everything
        links = page_links(fresh, f"{browser.base_url}".rstrip("/") + "/mcp")
        assert links["steer"].endswith(f"/login#{access.steer}") and "/mcp" not in links["read"]

    visiting(fresh, act)


def test_every_answer_forbids_what_is_not_the_pages_own(fresh: SessionFolder) -> None:
    async def act(browser: httpx2.AsyncClient) -> None:
        await sign_in(browser, access_to(fresh.access).read)
        for path in [*PATHS, "/login", "/steer"]:
            answer = await browser.get(path)
            if answer.status_code == 405:
                continue
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy
            assert answer.headers["referrer-policy"] == "same-origin"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["cache-control"] == "no-store"

    visiting(fresh, act)


def test_the_reading_token_shows_no_form_and_steers_nothing_and_the_other_does(fresh: SessionFolder) -> None:
    async def act(browser: httpx2.AsyncClient) -> None:
        access = access_to(fresh.access)
        await sign_in(browser, access.read)
        assert "hx-post" not in (await browser.get("/")).text
        refused = await browser.post("/steer", data=NOTE, headers=origin(browser))
        assert refused.status_code == 403 and "needs the token that steers" in refused.text
        await sign_in(browser, access.steer)
        assert 'hx-post="/steer"' in (await browser.get("/")).text
        veto = {"action": "veto", "option": "patch", "by": "ann", "why": "so <b>", "wall_s": "", "rounds": ""}
        asked = await browser.post("/steer", data=veto, headers=origin(browser))
        assert asked.status_code == 200 and "Asked." in asked.text

    visiting(fresh, act)
    (request,) = fresh.steering.requests()
    assert (request.kind, request.option, request.by, request.why) == (
        SteerKind.VETO,
        "patch",
        "ann",
        "so <b>",
    )


def test_a_budget_asked_for_on_the_page_is_numbers_and_nothing_of_another_action_goes_with_it(
    fresh: SessionFolder,
) -> None:
    async def act(browser: httpx2.AsyncClient) -> int:
        await sign_in(browser, access_to(fresh.access).steer)
        budget = {"action": "budget", "option": "patch", "wall_s": "900", "rounds": "", "by": "a", "why": "b"}
        return (await browser.post("/steer", data=budget, headers=origin(browser))).status_code

    assert visiting(fresh, act) == 200
    (request,) = fresh.steering.requests()
    assert (request.kind, request.option, request.limits) == (SteerKind.BUDGET, None, {"wall_s": 900.0})


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (NOTE, {}, 403),  # a cookie, and no word of where it comes from
        (NOTE, {"Origin": "null"}, 403),
        (NOTE, {"Origin": "http://127.0.0.1:1"}, 403),
        ({**NOTE, "action": "erase"}, None, 422),
        ({**NOTE, "allow_overlap": "true"}, None, 422),
        ({"action": "note", "by": "ann"}, None, 422),
        ({**NOTE, "action": "budget", "wall_s": "1e9"}, None, 422),
        ({**NOTE, "why": "x" * 20_000}, None, 413),
    ],
)
def test_a_forged_or_malformed_request_changes_nothing(
    fresh: SessionFolder, body: dict[str, str], headers: dict[str, str] | None, status: int
) -> None:
    async def act(browser: httpx2.AsyncClient) -> tuple[int, str]:
        await sign_in(browser, access_to(fresh.access).steer)
        sent = origin(browser) if headers is None else headers
        answer = await browser.post("/steer", data=body, headers=sent)
        return answer.status_code, answer.text

    found, said = visiting(fresh, act)
    assert found == status and not fresh.steering.requests()
    assert status != 422 or "Refused: steer_session" in said
    assert len(records_of(fresh, "refusal")) == (status == 422)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/static/../render.py", 404),
        ("/static/vendor/versions.toml", 404),
        ("/static/%2e%2e/%2e%2e/http.py", 404),
        ("/sections/nothing", 404),
        ("/session.toml", 404),
        ("/failures?first=-1", 400),
        ("/failures?first=0&first=1", 400),
        ("/failures?diagnosed=%3Cscript%3E", 400),
        ("/failures?allow_overlap=true", 400),
        ("/map/i_0123456789abcdeX/1", 400),
        ("/map/i_0123456789abcdef/one", 400),
    ],
)
def test_what_is_not_a_path_or_an_argument_of_the_page_is_refused_without_an_echo(
    fresh: SessionFolder, path: str, status: int
) -> None:
    async def act(browser: httpx2.AsyncClient) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {access_to(fresh.access).read}"}
        return await browser.get(path, headers=headers)

    answer = visiting(fresh, act)
    assert answer.status_code == status
    assert "script" not in answer.text and "abcdeX" not in answer.text


def test_a_client_that_has_a_section_is_sent_nothing_and_one_behind_hears_of_it(fresh: SessionFolder) -> None:
    async def act(browser: httpx2.AsyncClient) -> None:
        await sign_in(browser, access_to(fresh.access).read)
        page = (await browser.get("/")).text
        asks = [unescape(one) for one in re.findall(r'hx-get="(/sections/[^"]+)"', page)]
        assert len(asks) == 9
        assert {(await browser.get(one)).status_code for one in asks if "/now" not in one} == {204}
        (now,) = (one for one in asks if "/now" in one)
        assert "hx-trigger" not in (await browser.get(now)).headers
        behind = await browser.get(re.sub(r"version=\d+", "version=0", now))
        assert behind.headers["hx-trigger"] == "grown"
        assert (await browser.get("/sections/proof?seen=old")).text.startswith('<section id="proof"')

    visiting(fresh, act)


def test_a_session_is_gathered_once_for_all_and_again_only_when_it_went_on_and_a_rest_is_over(
    fresh: SessionFolder,
) -> None:
    ticks = [0.0]

    def clock() -> float:
        ticks[0] += 0.5
        return ticks[0]

    async def settled(follower: Follower) -> int:
        for _ in range(400):
            await follower.section("now")
            if follower._gathering is None or follower._gathering.done():
                break
            await asyncio.sleep(0.01)
        return follower.version

    async def run() -> None:
        async with own_session(fresh) as server, Client(server) as client:
            follower = Follower(reading_host(fresh), clock=clock)
            await asyncio.gather(*(follower.whole() for _ in range(8)))
            assert follower.version == 1
            ticks[0] += 1000
            assert await settled(follower) == 1  # nothing came of anything
            fresh.steering.post(SteerKind.NOTE, by="ann", why="a note <i>")
            await done(client, "apply_steering")
            follower._rest_until = ticks[0] + 500
            assert await settled(follower) == 1
            ticks[0] += 1000
            await follower.section("now")
            assert await settled(follower) == 2
            decisions = await follower.section("decisions")
            assert decisions is not None and "a note &lt;i&gt;" in decisions.html

    asyncio.run(run())


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("kind", [LedgerError, KeyError])
def test_a_gathering_that_failed_is_not_the_last(
    finished_session: FinishedSession, tmp_path: Path, kind: type[Exception], first: bool
) -> None:
    folder, ticks = copied(finished_session.folder, tmp_path), [0.0]
    good = folder.decisions.read_bytes()
    with DecisionLog(tmp_path / "odd.jsonl") as log:
        log.append("decision", "no decision's body", {})
    bad = b"torn apart\n" if kind is LedgerError else (tmp_path / "odd.jsonl").read_bytes()

    async def shown(follower: Follower) -> bool:
        ticks[0] += 1000
        with contextlib.suppress(ProdaError, kind):
            await follower.section("now")
        if follower._gathering is not None:
            await asyncio.wait({follower._gathering})
        with contextlib.suppress(ProdaError, kind):
            now = await follower.section("now")
            return now is not None and "cannot be read" not in now.html
        return False

    async def run() -> list[bool]:
        follower = Follower(reading_host(folder), clock=lambda: ticks[0])
        found = [] if first else [await shown(follower)]
        folder.decisions.write_bytes(bad)
        found += [await shown(follower), await shown(follower)]
        folder.decisions.write_bytes(good)
        await shown(follower)  # may tell of the one that failed
        return [*found, await shown(follower)]

    assert asyncio.run(run()) == [True, False, False, True][first:]


def test_the_page_of_a_finished_session_shows_its_failures_maps_and_repairs_and_no_sealed_item(
    finished_session: FinishedSession, tmp_path: Path
) -> None:
    folder = copied(finished_session.folder, tmp_path)

    async def act(browser: httpx2.AsyncClient) -> list[str]:
        await sign_in(browser, access_to(folder.access).read)
        seen = [(await browser.get("/")).text]
        for path in ("/failures?first=0", "/failures?first=12", "/repairs?first=0"):
            answer = await browser.get(path)
            assert answer.status_code == 200
            seen.append(answer.text)
        maps = set(re.findall(r'hx-get="(/map/[^"]+)"', "".join(seen)))
        assert maps
        for path in maps:
            answer = await browser.get(path)
            assert answer.status_code == 200 and 'data-chart="neighbourhood"' in answer.text
            seen.append(answer.text)
        return seen

    seen = unescape("".join(visiting(folder, act)))
    key = outcomes_of(folder, "build_benchmark")[0]["artifacts"]["benchmark"]
    benchmark = load_benchmark(folder.store, key)
    assert any(item.stem in seen for item in benchmark.of(Split.DEV))
    stems = {item.stem for item in benchmark.of(Split.DEV)}
    for item in benchmark.of(Split.SEALED):
        for text in texts_of(item):
            assert text in stems or text not in seen, text
