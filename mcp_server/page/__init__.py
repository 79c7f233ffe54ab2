"""The session's page: ``report.html``, one file with its plots inside that needs no network."""

from mcp_server.page.render import render_page

__all__ = ["render_page"]
