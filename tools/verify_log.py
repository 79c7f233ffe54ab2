"""verify_log: whether the session's log can be believed: its bytes, its signatures, log against disk, its witness elsewhere,
and what was attested of its adapters.

Nothing is repaired. The keys believed are the user's own unless who asks names others, which an MCP client cannot.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

from proda_core.log import Witnesses, verify
from proda_core.log.keys import trusted_keys
from tools.base import NoArguments, Tool, ToolModel
from tools.exports.attested import Attested, check_attestations
from tools.host import Host


class VerifyView(ToolModel):
    """``first_bad`` names the first thing that is wrong ("" when none); ``cannot_detect`` what this check is blind to.

    ``signed_to`` and ``anchored_to`` are the last records vouched for, ``keys`` fingerprints of the signers; ``attested`` of
    ``adapters`` have a card and a statement that hold.
    """

    ok: bool
    records: int
    integrity: str
    authenticity: str
    completeness: str
    anchoring: str
    attestation: str
    signed_to: int
    anchored_to: int
    adapters: int
    attested: int
    keys: list[str]
    first_bad: str
    problems: list[str]
    cannot_detect: list[str]


async def verify_log(host: Host, _arguments: NoArguments) -> VerifyView:
    return await asyncio.to_thread(verify_with, host)


def verify_with(
    host: Host, keys: Iterable[str] = (), sink: Path | None = None, *, handed_on: Path | None = None
) -> VerifyView:
    """Verify by these ``keys`` (fingerprints or files; none: the user's own) and this ``sink`` (None: the session's own).

    ``handed_on``: a folder of exported adapters to check as well.
    """
    folder, named = host.folder, tuple(keys)
    configured = folder.config.audit.sink
    if sink is None and configured is not None:
        sink = Path(configured).expanduser()
    trusted = trusted_keys(named)
    witnesses = Witnesses(folder.signatures, trusted, demanded=bool(named), sink=sink)
    report = verify(folder.decisions, host.store, jobs=folder.jobs, witnesses=witnesses)
    if report.integrity == "intact":
        attested = check_attestations(host, trusted, handed_on=handed_on)
    else:  # what the records say of the adapters cannot be read
        attested = Attested(0, 0, (), judged=False)
    problems = [*report.problems, *attested.problems]
    return VerifyView(
        ok=not problems,
        records=report.records,
        integrity=report.integrity,
        authenticity=report.authenticity,
        completeness=report.completeness,
        anchoring=report.anchoring,
        attestation=attested.standing,
        signed_to=report.signed_to,
        anchored_to=report.anchored_to,
        adapters=attested.adapters,
        attested=attested.good,
        keys=list(report.keys),
        first_bad=problems[0] if problems else "",
        problems=problems,
        cannot_detect=list(report.cannot_detect),
    )


TOOL = Tool(
    "verify_log",
    "Verify the decision log: integrity of every byte, authenticity by its signed checkpoints, completeness against artifacts "
    "and jobs on disk, anchoring by the sink where there is one, the statements beside adapters; names the first bad record.",
    NoArguments,
    VerifyView,
    verify_log,
    scope="read",
)
