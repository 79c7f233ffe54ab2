"""Pages with their plots inside that need no network: a session's ``report.html`` and a bench's ``repair.html``."""

from mcp_server.page.render import render_bench, render_page

__all__ = ["render_bench", "render_page"]
