"""The page in a browser: it signs in by its link, follows a run, steers it, and never asks anybody but its host for anything.

Needs Chromium and playwright; ``make browser`` says how to get both. These tests are no part of the default suite, and fail where
there is no browser.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from mcp_server.access import access_to
from mcp_server.hosting import page_links
from tests.browser.visiting import SIZES, Scheme, served, visit
from tests.sessions import Bench, FinishedSession, copied, overrides, proda, records_of

pytestmark = pytest.mark.browser
WAIT_MS = 240_000  # for a step of a session on a busy machine
WIDER = """() => [...document.querySelectorAll("main *")]
  .filter((one) => !one.closest(".wide, svg") && one.getClientRects().length)
  .filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
  .map((one) => one.outerHTML.slice(0, 120))"""
"""What reaches beyond the screen, but for tables that scroll by themselves and what is inside a drawing."""
OVERPRINTED = """() => [...document.querySelectorAll(".neighbourhood svg")].flatMap((svg) => {
  const names = [...svg.querySelectorAll("[aria-label=text] text")].map((one) => [one.textContent, one.getClientRects()[0]]);
  return names.flatMap(([name, a], at) => names.slice(at + 1).filter(([, b]) =>
    Math.min(a.right, b.right) > Math.max(a.left, b.left) + 1 && Math.min(a.bottom, b.bottom) > Math.max(a.top, b.top) + 1)
    .map(([other]) => [name, other]));
})"""
"""Names in a drawing that are written over each other."""


def test_a_run_is_followed_and_steered_from_its_link(browser: Browser, bench: Bench, tmp_path: Path) -> None:
    folder = bench.session(tmp_path, budget={"rounds": 2})
    options = overrides(folder.config)
    command = ("run", str(bench.corpus), "--serve", "--sessions", str(tmp_path), *options)
    with served(folder, *command) as url, visit(browser) as seen:
        page = seen.page
        page.goto(page_links(folder, url)["steer"])
        page.wait_for_url("**/")
        assert access_to(folder.access).steer not in page.content() + page.url
        page.evaluate("window.loadedOnce = true")
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
        assert page.url.endswith("/") and page.evaluate("window.loadedOnce")  # never loaded anew
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
        assert brightness(page) > 0.8 if scheme == "light" else brightness(page) < 0.2
        assert (
            page.evaluate("document.documentElement.scrollWidth <= innerWidth") and page.evaluate(WIDER) == []
        )
        page.keyboard.press("Tab")
        expect(page.locator(".skip")).to_be_focused()
        failure = page.locator(".failure summary").nth(1)
        failure.focus()
        page.keyboard.press("Enter")
        page.locator(".failure [data-keep]").nth(1).scroll_into_view_if_needed()
        expect(page.locator(".failure").nth(1).locator(".neighbourhood svg")).to_be_visible()
        assert page.evaluate(OVERPRINTED) == []
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


def brightness(page: Page) -> float:
    """Of the page's background, 0 to 1."""
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return sum(int(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(",")) / (3 * 255)
