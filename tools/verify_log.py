"""verify_log: whether the session's log can be believed: its bytes, its signatures, log against disk, and its witness elsewhere.

Nothing is repaired. The keys believed are the user's own unless who asks names others, which an MCP client cannot.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

from proda_core.log import Witnesses, verify
from proda_core.log.keys import trusted_keys
from proda_core.serialize import to_plain
from tools.base import NoArguments, Tool, ToolModel
from tools.host import Host


class VerifyView(ToolModel):
    """``first_bad`` names the first thing that is wrong ("" when none); ``cannot_detect`` what this check is blind to.

    ``signed_to`` and ``anchored_to`` are the last records vouched for, ``keys`` fingerprints of the signers.
    """

    ok: bool
    records: int
    integrity: str
    authenticity: str
    completeness: str
    anchoring: str
    signed_to: int
    anchored_to: int
    keys: list[str]
    first_bad: str
    problems: list[str]
    cannot_detect: list[str]


async def verify_log(host: Host, _arguments: NoArguments) -> VerifyView:
    return await asyncio.to_thread(verify_with, host)


def verify_with(host: Host, keys: Iterable[str] = (), sink: Path | None = None) -> VerifyView:
    """Verify by these ``keys`` (fingerprints or files; none: the user's own) and this ``sink`` (None: the session's own)."""
    folder, named = host.folder, tuple(keys)
    configured = folder.config.audit.sink
    if sink is None and configured is not None:
        sink = Path(configured).expanduser()
    witnesses = Witnesses(folder.signatures, trusted_keys(named), demanded=bool(named), sink=sink)
    report = verify(folder.decisions, host.store, jobs=folder.jobs, witnesses=witnesses)
    plain = to_plain(report)
    return VerifyView(**{name: plain[name] for name in VerifyView.model_fields})


TOOL = Tool(
    "verify_log",
    "Verify the decision log: integrity of every byte, authenticity by its signed checkpoints, completeness against artifacts "
    "and jobs on disk, anchoring by the sink where there is one; names the first bad record.",
    NoArguments,
    VerifyView,
    verify_log,
    scope="read",
)
