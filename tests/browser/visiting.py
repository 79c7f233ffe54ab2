"""A browser at the page of a served session: what the tests of this folder share.

Chromium is the program that PRODA_CHROMIUM names, or chromium. Every visit is checked when it is left: nothing complained, and
nobody but the session's host was asked for anything.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from mcp_server.http import url_of_host
from proda_core.session import SessionFolder
from tests.sessions import FinishedSession, proda

SIZES = {"desktop": (1200, 900), "phone": (360, 740)}
Scheme = Literal["light", "dark"]
BAD = ("error", "warning")


@pytest.fixture(scope="package")
def browser(finished_session: FinishedSession) -> Iterator[Browser]:
    """Chromium without a window. The finished session is made first: playwright's event loop leaves room for no other here."""
    assert finished_session.folder.decisions.exists()
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield started
        started.close()


def chromium() -> str:
    """The program to start."""
    program = shutil.which(os.environ.get("PRODA_CHROMIUM", "chromium"))
    assert program, "no chromium: apt-get install chromium, or name it by PRODA_CHROMIUM"
    return program


@dataclass(slots=True)
class Visit:
    """An open page, what its console said against it, and every address that it asked."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def another(self) -> Page:
        """One more page of the same browser: it shares the cookies."""
        return self.page.context.new_page()

    def forgive(self, *statuses: int) -> None:
        """Drop the browser's own complaints of answers with these statuses, which the test is about."""
        told = [f"status of {status}" for status in statuses]
        self.complaints[:] = [one for one in self.complaints if not any(word in one for word in told)]

    def check(self) -> None:
        """Nothing was complained of and nobody but the host was asked."""
        assert self.complaints == []
        hosts = {urlsplit(url).hostname for url in self.asked if urlsplit(url).scheme not in ("data", "file")}
        assert hosts <= {"127.0.0.1"}


@contextmanager
def visit(browser: Browser, *, size: str = "desktop", scheme: Scheme = "light") -> Iterator[Visit]:
    """A page of its own, as a person with this screen has it (a phone's is touched); checked when it is left."""
    width, height = SIZES[size]
    phone = size == "phone"
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, has_touch=phone, is_mobile=phone
    )
    seen = Visit(context.new_page())
    seen.page.set_default_timeout(30_000)
    seen.page.on("console", lambda said: seen.complaints.append(said.text) if said.type in BAD else None)
    seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    seen.page.on("request", lambda request: seen.asked.append(request.url))
    yield seen
    seen.check()
    context.close()


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
