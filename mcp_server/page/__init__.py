"""The page of a session, live and frozen as ``report.html``, and a bench's ``repair.html``: nothing from elsewhere."""

from mcp_server.page.gather import ask, gather, gather_all
from mcp_server.page.render import Material, freeze_page, render_bench

__all__ = ["Material", "ask", "freeze_page", "gather", "gather_all", "render_bench"]
