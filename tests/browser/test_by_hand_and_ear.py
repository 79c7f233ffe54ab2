"""The page as people use it: by keyboard alone, on a phone, by ear, with the wrong token, with a host in trouble."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from mcp_server.access import access_to
from mcp_server.hosting import page_links
from proda_core.session import SessionFolder, SteerKind
from tests.browser.test_live_page import WIDER
from tests.browser.visiting import Visit, served, visit
from tests.sessions import FinishedSession, copied

pytestmark = pytest.mark.browser
MOST_TABS = 150


@pytest.fixture
def folder(finished_session: FinishedSession, tmp_path: Path) -> SessionFolder:
    return copied(finished_session.folder, tmp_path)


@contextmanager
def opened(
    browser: Browser, folder: SessionFolder, *, link: str = "steer", size: str = "desktop"
) -> Iterator[Visit]:
    """The page of the served session, signed in by its link."""
    with served(folder, "serve", str(folder.root)) as url, visit(browser, size=size) as seen:
        seen.page.goto(page_links(folder, url)[link])
        expect(seen.page.locator("#ladder .chart svg")).to_be_visible()
        yield seen


def tab_to(page: Page, css: str) -> None:
    """Press Tab until what the keyboard is at fits ``css``."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if page.evaluate("css => document.activeElement.matches(css)", css):
            return
    raise AssertionError(f"{MOST_TABS} times Tab do not reach {css}")


def test_a_veto_and_a_budget_are_asked_for_by_keyboard_alone(browser: Browser, folder: SessionFolder) -> None:
    with opened(browser, folder) as seen:
        page = seen.page
        tab_to(page, "#steer summary")
        page.keyboard.press("Enter")
        tab_to(page, 'input[name="action"]')
        while not page.evaluate("document.activeElement.value === 'veto'"):
            page.keyboard.press("ArrowDown")
        tab_to(page, 'select[name="option"]')
        page.keyboard.type("replay")
        tab_to(page, "#why")
        page.keyboard.type("not today")
        tab_to(page, 'input[name="by"]')
        page.keyboard.type("bob")
        page.keyboard.press("Enter")
        expect(page.locator("#asked")).to_contain_text("Asked.")
        page.locator('input[value="budget"]').check()
        page.locator('input[name="rounds"]').fill("3")
        page.locator('input[name="wall_s"]').fill("900")
        page.locator("#why").fill("it may go on")
        page.locator('#steer button[type="submit"]').click()
        expect(page.locator("#why")).to_have_value("")
    veto, budget = folder.steering.requests()
    assert (veto.kind, veto.option, veto.by, veto.why) == (SteerKind.VETO, "replay", "bob", "not today")
    assert (budget.kind, budget.by, budget.limits) == (
        SteerKind.BUDGET,
        "bob",
        {"rounds": 3.0, "wall_s": 900.0},
    )


def test_the_steering_form_fits_a_phone_and_is_used_by_touch(browser: Browser, folder: SessionFolder) -> None:
    with opened(browser, folder, size="phone") as seen:
        page = seen.page
        page.locator("#steer summary").tap()
        page.locator('input[value="budget"]').tap()
        expect(page.locator('input[name="rounds"]')).to_be_visible()
        assert page.evaluate("matchMedia('(pointer: coarse)').matches")
        assert (
            page.evaluate("document.documentElement.scrollWidth <= innerWidth") and page.evaluate(WIDER) == []
        )
        page.locator('input[value="note"]').tap()
        page.locator("#why").fill("from the tram")
        page.locator('#steer input[name="by"]').fill("ann")
        page.locator('#steer button[type="submit"]').tap()
        expect(page.locator("#asked")).to_contain_text("Asked.")
    assert [(one.kind, one.why) for one in folder.steering.requests()] == [(SteerKind.NOTE, "from the tram")]


def test_more_failures_are_reached_by_tab_and_the_keyboard_goes_on_at_the_first_of_them(
    browser: Browser, folder: SessionFolder
) -> None:
    with opened(browser, folder, link="read") as seen:
        page = seen.page
        before = page.locator(".failure > summary").count()
        page.locator("#failures").scroll_into_view_if_needed()
        page.locator(".failure > summary").nth(before - 2).focus()
        tab_to(page, "#failure-list button")
        page.keyboard.press("Enter")
        expect(page.locator(".failure > summary").nth(before)).to_be_focused()
        assert page.locator(".failure > summary").count() > before


def test_a_kind_of_failure_is_chosen_and_left_again_and_the_choice_is_said(
    browser: Browser, folder: SessionFolder
) -> None:
    with opened(browser, folder, link="read") as seen:
        page = seen.page
        every, kinds = page.locator(".kinds button").first, page.locator(".kinds button")
        expect(every).to_have_text("all")
        expect(every).to_have_attribute("aria-pressed", "true")
        only = kinds.nth(1)
        kind = only.inner_text().removeprefix("only ")
        only.click()
        expect(only).to_have_attribute("aria-pressed", "true")
        expect(every).to_have_attribute("aria-pressed", "false")
        said = page.locator("#failure-count")
        expect(said).to_have_attribute("role", "status")
        expect(said).to_contain_text(f": {kind}")
        shown = page.locator("#failure-list .failure .tag")
        expect(shown.filter(has_not_text=kind)).to_have_count(0)
        read_on(page)
        assert said.inner_text().split()[0] == str(shown.count())
        every.click()
        expect(page.locator("#failure-list button")).to_be_visible()  # more than a page, of all kinds
        read_on(page)
        assert said.inner_text() == f"all {shown.count()} are shown"


def read_on(page: Page) -> None:
    """Ask for more failures until all are there."""
    shown, more = page.locator(".failure > summary"), page.locator("#failure-list button")
    while more.count():
        before = shown.count()
        more.click()
        expect(shown.nth(before)).to_be_visible()


def test_a_form_left_open_by_one_who_may_only_read_now_says_which_token_it_needs(
    browser: Browser, folder: SessionFolder
) -> None:
    with served(folder, "serve", str(folder.root)) as url, visit(browser) as seen:
        page, links = seen.page, page_links(folder, url)
        page.goto(links["steer"])
        page.locator("#steer summary").click()
        other = seen.another()
        other.goto(links["read"])
        expect(other.locator("#ladder .chart svg")).to_be_visible()
        page.locator('input[value="note"]').check()
        page.locator("#why").fill("a word")
        page.locator('#steer input[name="by"]').fill("ann")
        page.locator('#steer button[type="submit"]').click()
        expect(page.locator("#asked")).to_contain_text("needs the token that steers")
        seen.forgive(403)
    assert folder.steering.requests() == ()


def test_a_link_pasted_where_the_sign_in_is_open_signs_in_and_leaves_no_token_in_the_address(
    browser: Browser, folder: SessionFolder
) -> None:
    with served(folder, "serve", str(folder.root)) as url, visit(browser) as seen:
        link = page_links(folder, url)["read"]
        seen.page.goto(link.partition("#")[0])
        expect(seen.page.get_by_label("token")).to_be_visible()
        seen.page.evaluate(
            "link => { location.href = link }", link
        )  # the same page: only what is behind the # changes
        expect(seen.page.locator("#ladder .chart svg")).to_be_visible()
        assert access_to(folder.access).read not in seen.page.content() + seen.page.url


def test_a_section_that_cannot_be_had_is_said_until_it_is_had_again(
    browser: Browser, folder: SessionFolder
) -> None:
    failing = [True]

    def answer(route: Any) -> None:
        if failing[0]:
            route.fulfill(status=500, body="no")
        else:
            route.continue_()

    with opened(browser, folder, link="read") as seen:
        page, lost = seen.page, seen.page.locator("#lost")
        page.route("**/sections/rounds?*", answer)
        with page.expect_response("**/sections/rounds?*"):
            page.evaluate("document.body.dispatchEvent(new Event('grown'))")
        expect(lost).to_contain_text("could not answer")
        for _ in range(2):
            with page.expect_response("**/sections/now?*"):
                pass
        expect(lost).to_contain_text("could not answer")
        failing[0] = False
        expect(lost).to_be_hidden()
        seen.forgive(500)
