"""The page's own files and the libraries it ships with: what is inlined or served, and the content policies that go with it.

Nothing is loaded from elsewhere. A frozen page allows exactly its own scripts and styles, by digest; a live page those of its
host. Observable Plot puts one fixed style element into each figure, which both policies allow by its digest.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from pathlib import Path

from markupsafe import Markup

STATIC = Path(__file__).parent / "static"
DRAWING = ("vendor/d3.min.js", "vendor/plot.umd.min.js", "charts.js")
LIVE = ("vendor/htmx.min.js", *DRAWING, "live.js")
SERVED = {"page.css": "text/css", **dict.fromkeys(LIVE, "text/javascript")}
_PLOT_CLASS = "plot-d6a7b5"  # Plot's own, which its style's text names
_NOTHING_ELSE = "base-uri 'none'; object-src 'none'"


@cache
def text_of(name: str) -> str:
    """One of the page's files."""
    return (STATIC / name).read_text(encoding="utf-8")


@cache
def style() -> Markup:
    """The page's style, ready to stand in a style element."""
    return Markup(text_of("page.css"))


@cache
def scripts(names: tuple[str, ...]) -> tuple[Markup, ...]:
    """Scripts ready to stand in script elements."""
    return tuple(Markup(text_of(name)) for name in names)


@cache
def frozen_policy(names: tuple[str, ...]) -> str:
    """The policy of a page with its style and these scripts inside, which may do nothing but run them."""
    allowed = " ".join(_digest(script) for script in scripts(names))
    return (
        f"default-src 'none'; script-src {allowed}; style-src {_digest(style())} {_digest(_plot_style())}; "
        f"{_NOTHING_ELSE}; form-action 'none'"
    )


@cache
def live_policy() -> str:
    """The policy of the live page: files, answers and forms of its own host alone."""
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self' {_digest(_plot_style())}; connect-src 'self'; "
        f"img-src data:; form-action 'self'; frame-ancestors 'none'; {_NOTHING_ELSE}"
    )


@cache
def login_policy() -> str:
    """The policy of the page that asks for a token."""
    (script,) = scripts(("login.js",))
    return (
        f"default-src 'none'; script-src {_digest(script)}; style-src {_digest(style())}; img-src data:; "
        f"form-action 'self'; frame-ancestors 'none'; {_NOTHING_ELSE}"
    )


def _plot_style() -> str:
    """The text of the style element that Plot puts into a figure, read from its source."""
    found = re.search(
        r"`(:where\(\.\$\{\w+\}\) \{\\n  --plot-background.*?)`", text_of("vendor/plot.umd.min.js")
    )
    if found is None:
        raise LookupError("vendor/plot.umd.min.js holds no style of its figures: update _plot_style with it")
    return re.sub(r"\$\{\w+\}", _PLOT_CLASS, found.group(1)).replace("\\n", "\n")


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
