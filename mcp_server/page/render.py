"""Render the report's data as one HTML page.

Everything that comes from a corpus or a model is escaped by the template engine and stands in labelled data fields.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from mcp_server.page.plots import ladder_svg, loss_svg


def render_page(view: dict[str, Any]) -> str:
    """``view`` is report_session's result in plain form."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    environment.filters["percent"] = lambda i: f"{100 * i['value']:.1f}"
    environment.filters["interval"] = lambda i: f"{100 * i['low']:.0f} to {100 * i['high']:.0f}"
    environment.filters["pretty"] = lambda v: json.dumps(v, ensure_ascii=False)
    page = environment.get_template("report.html.j2")
    ladder = view["ladder"]
    return page.render(
        view=view,
        ladder_svg=Markup(ladder_svg(ladder)) if ladder else "",
        loss_svg=Markup(loss_svg(ladder)) if any(row["loss"] for row in ladder) else "",
    )
