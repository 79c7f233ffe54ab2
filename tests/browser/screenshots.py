"""The pictures of docs/img, taken anew from a finished session of the demo:

    python -m tests.browser.screenshots SESSION

It serves a copy of the session's folder, whose page is opened in Chromium, and writes page-light, page-dark and page-phone.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright

from mcp_server.hosting import page_links
from proda_core.session import SessionFolder
from tests.browser.visiting import Scheme, chromium, served
from tests.sessions import REPOSITORY, copied

PICTURES: dict[str, tuple[Scheme, int, int, str]] = {
    "light": ("light", 1100, 1240, ""),
    "dark": ("dark", 1100, 820, "#failures"),
    "phone": ("light", 360, 740, ".neighbourhood"),
}


def take(browser: Browser, link: str, name: str) -> None:
    """One picture: the page as it opens, or with the part named at the top."""
    scheme, width, height, part = PICTURES[name]
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": height})
    page = context.new_page()
    page.goto(link)
    expect(page.locator("#ladder .chart svg")).to_be_visible()
    if part:
        page.locator(".failure [data-keep]").first.scroll_into_view_if_needed()
        expect(page.locator(".neighbourhood svg").first).to_be_visible()
        page.locator(part).first.evaluate("one => one.scrollIntoView({ behavior: 'instant' })")
    page.screenshot(path=REPOSITORY / "docs" / "img" / f"page-{name}.png")
    context.close()


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = copied(SessionFolder.open(Path(sys.argv[1])), Path(temporary))
        with served(folder, "serve", str(folder.root)) as url, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
            for name in PICTURES:
                take(browser, page_links(folder, url)["read"], name)
            browser.close()


if __name__ == "__main__":
    main()
