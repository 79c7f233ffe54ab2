"""Whether a decision log can be believed: four questions answered apart, and what the answers cannot know.

*Integrity*: every byte is what was written, up to the first bad record. *Authenticity*: the checkpoints signed beside it are of
this log and by a key to be believed. *Completeness*: log and disk say the same, both ways. *Anchoring*: a sink elsewhere saw the
same log. Nothing is repaired, and nothing is raised for a bad log: it is reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from proda_core.artifacts import ArtifactStore
from proda_core.errors import LedgerError
from proda_core.log.authenticity import (
    Finding,
    Sighting,
    Standing,
    Witnesses,
    judge_anchoring,
    judge_signatures,
)
from proda_core.log.chain import Chain, read_chain
from proda_core.log.completeness import artifact_problems, budget_problems, job_problems, pair_problems
from proda_core.log.problem import Problem
from proda_core.log.record import Record


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """``ok`` when nothing is wrong. ``first_bad`` names the first thing that is, ``first_bad_seq`` its record where it has one.

    ``completeness`` is "not judged" when integrity is broken, for what stands behind the first bad record cannot be read.
    ``signed_to`` and ``anchored_to`` are the last records vouched for, ``keys`` the fingerprints of who signed.
    """

    ok: bool
    records: int
    integrity: str
    completeness: str
    authenticity: str
    anchoring: str
    signed_to: int
    anchored_to: int
    keys: tuple[str, ...]
    first_bad: str
    first_bad_seq: int | None
    head: str
    problems: tuple[str, ...]
    cannot_detect: tuple[str, ...]


def verify(
    path: Path,
    store: ArtifactStore | None = None,
    *,
    jobs: Path | None = None,
    witnesses: Witnesses | None = None,
) -> VerifyReport:
    """Check a log; ``store`` and ``jobs`` add the comparison with what is on disk, ``witnesses`` that with what was signed."""
    chain, broken = _read(path)
    signed = anchored = Finding(Standing.NOT_JUDGED)
    if witnesses is not None:
        seen = Sighting.of(chain.records, witnesses)
        chain, broken = _read(path)
        signed = judge_signatures(chain.records, broken is None, witnesses, seen)
        anchored = judge_anchoring(chain.records, broken is None, witnesses, seen)
    records = chain.records
    gaps = [] if broken is not None else _gaps(records, store, jobs)
    problems = [*([] if broken is None else [broken]), *signed.problems, *anchored.problems, *gaps]
    return VerifyReport(
        ok=not problems,
        records=len(records),
        integrity="intact" if broken is None else "broken",
        completeness="not judged" if broken is not None else "incomplete" if gaps else "complete",
        authenticity=signed.standing.value,
        anchoring=anchored.standing.value,
        signed_to=signed.upto,
        anchored_to=anchored.upto,
        keys=signed.keys,
        first_bad=str(problems[0]) if problems else "",
        first_bad_seq=next((p.seq for p in problems if p.seq is not None), None),
        head=records[-1].hash if records else "",
        problems=tuple(str(problem) for problem in problems),
        cannot_detect=tuple(_blind_spots(len(records), signed, anchored)),
    )


def _read(path: Path) -> tuple[Chain, Problem | None]:
    """The log as far as it holds, and what is wrong with its bytes."""
    try:
        chain = read_chain(path)
    except LedgerError as error:
        return Chain((), 0, None), Problem(str(error), 1, line=True)
    if chain.broken is not None:
        return chain, Problem(chain.broken.reason, chain.broken.line, line=True)
    return chain, None if chain.records else Problem("the log is empty", 1, line=True)


def _gaps(records: Sequence[Record], store: ArtifactStore | None, jobs: Path | None) -> list[Problem]:
    return [
        *pair_problems(records),
        *budget_problems(records),
        *(artifact_problems(records, store) if store is not None else ()),
        *(job_problems(records, jobs) if jobs is not None else ()),
    ]


def _blind_spots(records: int, signed: Finding, anchored: Finding) -> list[str]:
    """What a log of this standing could hide from this check."""
    vouched = max(signed.upto, anchored.upto)
    said = []
    if signed.standing is Standing.UNVOUCHED:
        said.append(
            "a log written anew and signed by somebody else: nobody vouched for the key, name it with --key"
        )
    elif not vouched:
        said.append("a log rewritten whole with new hashes (not signed)")
    elif vouched < records:
        said.append(f"a change of records {vouched + 1} to {records}, which no checkpoint covers yet")
    if anchored.upto < records:
        behind = (
            f"record {anchored.upto}"
            if anchored.upto
            else "an earlier checkpoint"
            if vouched
            else "any record"
        )
        said.append(
            f"everything after {behind} cut off, checkpoints included, as far as nothing on disk tells of it (not anchored)"
        )
    said.append(
        "a false statement that was logged as it stands: a signature proves who wrote it, not that it is true"
    )
    if vouched:
        said.append("what was done with the signing key by whoever could read it")
    return [*said, "times: they are the host's own clock"]
