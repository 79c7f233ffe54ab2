"""The page in a browser: it signs in by its link, follows a run, steers it, and never asks anybody but its host for anything.

Needs Chromium (PRODA_CHROMIUM names the program where it is not called chromium) and playwright; ``make browser`` says how to
get both. These tests are no part of the default suite, and fail where there is no browser.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from mcp_server.access import access_to
from mcp_server.hosting import page_links
from mcp_server.http import url_of_host
from proda_core.session import SessionFolder
from tests.sessions import Bench, FinishedSession, copied, overrides, proda, records_of

pytestmark = pytest.mark.browser
WAIT_MS = 240_000  # for a step of a session on a busy machine
SIZES = {"desktop": (1200, 900), "phone": (360, 740)}


@pytest.fixture(scope="module")
def browser(finished_session: FinishedSession) -> Iterator[Browser]:
    """Chromium without a window. The finished session is made first: playwright's event loop leaves room for no other here."""
    assert finished_session.folder.decisions.exists()
    program = shutil.which(os.environ.get("PRODA_CHROMIUM", "chromium"))
    assert program, "no chromium: apt-get install chromium, or name it by PRODA_CHROMIUM"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield chromium
        chromium.close()


Scheme = Literal["light", "dark"]


@dataclass(slots=True)
class Visit:
    """An open page, what its console said against it, and every address that it asked."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def check(self) -> None:
        """Nothing was complained of and nobody but the host was asked."""
        assert self.complaints == []
        hosts = {urlsplit(url).hostname for url in self.asked if urlsplit(url).scheme not in ("data", "file")}
        assert hosts <= {"127.0.0.1"}


@contextmanager
def visit(browser: Browser, *, size: str = "desktop", scheme: Scheme = "light") -> Iterator[Visit]:
    """A page of its own, as a person with this screen has it; checked when it is left."""
    width, height = SIZES[size]
    viewport: ViewportSize = {"width": width, "height": height}
    context = browser.new_context(viewport=viewport, color_scheme=scheme)
    seen = Visit(context.new_page())
    seen.page.set_default_timeout(30_000)
    seen.page.on("console", lambda said: seen.complaints.append(said.text) if said.type in BAD else None)
    seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    seen.page.on("request", lambda request: seen.asked.append(request.url))
    yield seen
    seen.check()
    context.close()


BAD = ("error", "warning")


@contextmanager
def served(folder: SessionFolder, *command: str) -> Iterator[str]:
    """The command line as a host of the session; its URL. It is ended with SIGTERM."""
    process = proda(*command, cwd=folder.root.parent)
    try:
        url = ""
        while not url and process.poll() is None:
            url = url_of_host(folder)
        assert url, process.communicate()
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


def test_a_run_is_followed_and_steered_from_its_link(browser: Browser, bench: Bench, tmp_path: Path) -> None:
    folder = bench.session(tmp_path, budget={"rounds": 2})
    options = overrides(folder.config)
    command = ("run", str(bench.corpus), "--serve", "--sessions", str(tmp_path), *options)
    with served(folder, *command) as url, visit(browser) as seen:
        page = seen.page
        page.goto(page_links(folder, url)["steer"])
        page.wait_for_url("**/")
        assert access_to(folder.access).steer not in page.content() + page.url
        expect(page.locator("#ladder")).to_be_hidden()
        page.locator("#steer summary").focus()
        page.keyboard.press("Enter")
        page.locator('#steer input[value="pause"]').focus()
        page.keyboard.press("Space")
        page.locator("#why").fill("to look <b>closely</b>")
        page.locator('#steer input[name="by"]').fill("ann")
        page.keyboard.press("Enter")
        expect(page.locator("#asked")).to_contain_text("Asked.")
        page.locator("#steer summary").click()
        expect(page.locator("#now progress")).to_be_visible(timeout=WAIT_MS)
        expect(page.locator("#ladder .chart svg")).to_be_visible(timeout=WAIT_MS)
        expect(page.locator("#now")).to_contain_text("ann: to look <b>closely</b>", timeout=WAIT_MS)
        page.locator("#failures [data-keep]").first.scroll_into_view_if_needed(timeout=WAIT_MS)
        expect(page.locator("#failures .neighbourhood svg").first).to_be_visible()
        expect(page.locator("#decisions")).to_contain_text("asked by ann", timeout=WAIT_MS)
        assert (
            page.url.endswith("/") and page.evaluate("performance.getEntriesByType('navigation').length") == 1
        )
    assert [r.body["kind"] for r in records_of(folder, "steering")] == ["pause"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_a_finished_session_is_read_on_any_screen_and_by_keyboard(
    browser: Browser, finished_session: FinishedSession, tmp_path: Path, size: str, scheme: Scheme
) -> None:
    folder = copied(finished_session.folder, tmp_path)
    with (
        served(folder, "serve", str(folder.root)) as url,
        visit(browser, size=size, scheme=scheme) as seen,
    ):
        page = seen.page
        page.goto(page_links(folder, url)["read"])
        expect(page.locator("#ladder .chart svg")).to_be_visible()
        assert page.locator("#steer").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.keyboard.press("Tab")
        expect(page.locator(".skip")).to_be_focused()
        failure = page.locator(".failure summary").nth(1)
        failure.focus()
        page.keyboard.press("Enter")
        page.locator(".failure [data-keep]").nth(1).scroll_into_view_if_needed()
        expect(page.locator(".failure").nth(1).locator(".neighbourhood svg")).to_be_visible()
        expect(page.locator("#proof")).to_contain_text("nothing wrong found")


def test_the_frozen_page_draws_the_same_without_a_host(
    browser: Browser, finished_session: FinishedSession, tmp_path: Path
) -> None:
    folder = copied(finished_session.folder, tmp_path)
    said = proda("report", str(folder.root), cwd=tmp_path).communicate(timeout=120)
    report = folder.report
    assert report.exists(), said
    with visit(browser) as seen:
        seen.page.goto(report.as_uri())
        expect(seen.page.locator("#ladder .chart svg")).to_be_visible()
        expect(seen.page.locator("#failures .neighbourhood svg").first).to_be_visible()
        assert seen.asked == [report.as_uri()]


def test_a_wrong_token_opens_nothing_and_a_lost_host_is_said(
    browser: Browser, finished_session: FinishedSession, tmp_path: Path
) -> None:
    folder = copied(finished_session.folder, tmp_path)
    with visit(browser) as seen:
        with served(folder, "serve", str(folder.root)) as url:
            seen.page.goto(page_links(folder, url)["read"] + "x")
            expect(seen.page.get_by_role("alert")).to_contain_text("opens nothing")
            seen.page.get_by_label("token").fill(access_to(folder.access).read)
            seen.page.keyboard.press("Enter")
            expect(seen.page.locator("#ladder .chart svg")).to_be_visible()
            assert [one for one in seen.complaints if "401" not in one] == []
        expect(seen.page.locator("#lost")).to_contain_text("no longer answers")
        seen.complaints.clear()  # that its host is gone is what they say
