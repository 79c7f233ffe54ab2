"""What the page shows, asked of the session's read tools in this process: the same answers that any MCP client gets.

A part that the session has not come to yet is empty. Nothing is computed here, and no sealed item comes by: no tool shows one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from mcp_server.page.render import Material, Plain
from mcp_server.server import parse_arguments
from proda_core.errors import ToolError
from tools.host import Host
from tools.registry import TOOLS
from tools.report_session import LISTS

_READ = {tool.name: tool for tool in TOOLS if tool.scope == "read"}
_FROZEN_FAILURES = 60
_FROZEN_CASES = 12
_FROZEN_MAPS = 12
NO_FAILURES: Plain = {"model": "", "total": 0, "failures": [], "next": None}


async def ask(host: Host, name: str, arguments: Plain | None = None) -> Plain:
    """One read tool's answer in plain form. ToolError as the tool raises it, or for arguments that it does not take."""
    tool = _READ[name]
    answer = await tool.run(host, parse_arguments(tool, arguments or {}))
    return answer.model_dump(mode="json")


async def whole_report(ask_page: Callable[[int], Awaitable[Plain]]) -> Plain:
    """The report's pages as one. ``ask_page`` gives the page that begins at a row."""
    view = await ask_page(0)
    while view["next"] is not None:
        more = await ask_page(view["next"])
        view = {**view, **{name: [*view[name], *more[name]] for name in LISTS}, "next": more["next"]}
    return view


async def gather(host: Host, status: Plain) -> Material:
    """The material of a live page: first pages, without maps, which a reader asks for one by one."""
    records = host.records()
    return Material(
        view=await whole_report(lambda first: ask(host, "report_session", {"first": first})),
        status=status,
        failures=await _failures(host),
        repairs=await ask(host, "show_repairs"),
        maps={},
        verified=await ask(host, "verify_log") if records else None,
        log={"records": len(records), "head": records[-1].hash, "at": records[-1].at} if records else {},
    )


async def gather_all(host: Host) -> Material:
    """The material of a frozen page, which can ask for nothing more: further pages and the maps of the first failures."""
    found = await gather(host, await ask(host, "get_status"))
    failures = await _rest(host, "show_failures", found.failures, ("failures", _FROZEN_FAILURES))
    repairs = await _rest(host, "show_repairs", found.repairs, ("cases", _FROZEN_CASES))
    diagnosed = [one["item_id"] for one in failures["failures"] if one["diagnosis"]]
    maps = {one: await ask(host, "map_failure", {"item_id": one}) for one in diagnosed[:_FROZEN_MAPS]}
    return Material(found.view, found.status, failures, repairs, maps, found.verified, found.log)


async def _failures(host: Host) -> Plain:
    try:
        return await ask(host, "show_failures")
    except ToolError:  # no model was scored yet
        return NO_FAILURES


async def _rest(host: Host, tool: str, page: Plain, rows: tuple[str, int]) -> Plain:
    """``page`` with the pages after it, up to a number of rows; its ``next`` is that of the last."""
    name, most = rows
    while page["next"] is not None and len(page[name]) < most:
        more = await ask(host, tool, {"first": page["next"]})
        page = {**page, name: [*page[name], *more[name]], "next": more["next"]}
    return page
