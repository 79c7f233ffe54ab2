"""Where playwright is not installed these tests are not collected: ``make browser`` installs it and runs them."""

from __future__ import annotations

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("playwright") else ["test_*.py"]
if find_spec("playwright"):
    from tests.browser.visiting import browser

    __all__ = ["browser"]  # a fixture, for the tests of this folder
