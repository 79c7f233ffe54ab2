"""Whether a decision log can be believed, from its bytes alone and, given the artifacts, from what they say.

*Integrity*: every byte is what was written, up to the first bad record. *Completeness*: every intent has exactly one outcome
after it; every adapter, mixture, report and verdict on disk comes from an outcome, and what outcomes name is on disk and whole.
*Authenticity* and *anchoring* need signatures and are said to be missing. Nothing is repaired; what cannot be seen is stated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from proda_core.artifacts import ArtifactStore
from proda_core.errors import ArtifactError, LedgerError
from proda_core.log.chain import Broken, read_chain
from proda_core.log.record import Record, RecordKind
from proda_core.records import PREFIX

WITNESSED = ("adapter", "mixture", "report", "verdict")
"""Kinds of artifact that must come from a logged call."""

CANNOT_DETECT = (
    "a log rewritten whole with new hashes (not signed)",
    "records cut off the end at a line end, as far as no artifact tells of them (not anchored)",
    "a false statement that was logged as it stands",
    "times: they are the host's own clock",
)
_KIND_OF = {prefix: kind for kind, prefix in PREFIX.items()}


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """``ok`` when integrity and completeness hold. ``first_bad`` names the first bad record, ``first_bad_seq`` numbers it.

    ``completeness`` is "not judged" when integrity is broken, for what stands behind the first bad record cannot be read.
    """

    ok: bool
    records: int
    integrity: str
    completeness: str
    authenticity: str
    anchoring: str
    first_bad: str
    first_bad_seq: int | None
    head: str
    problems: tuple[str, ...]
    cannot_detect: tuple[str, ...] = CANNOT_DETECT


def verify(path: Path, store: ArtifactStore | None = None) -> VerifyReport:
    """Check a log; ``store`` adds the comparison with the artifacts on disk. Never raises for a bad log: it reports."""
    try:
        chain = read_chain(path)
    except LedgerError as error:
        return _report((), Broken(1, str(error)), [])
    broken = chain.broken
    if broken is None and not chain.records:
        broken = Broken(1, "the log is empty")
    if broken is not None:
        return _report(chain.records, broken, [])
    problems = _pairs(chain.records)
    if store is not None:
        problems += _artifacts(chain.records, store)
    return _report(chain.records, None, problems)


def _report(records: Sequence[Record], broken: Broken | None, gaps: list[str]) -> VerifyReport:
    return VerifyReport(
        ok=broken is None and not gaps,
        records=len(records),
        integrity="intact" if broken is None else "broken",
        completeness="not judged" if broken is not None else "incomplete" if gaps else "complete",
        authenticity="not signed",
        anchoring="not anchored",
        first_bad="" if broken is None else str(broken),
        first_bad_seq=None if broken is None else broken.line,
        head=records[-1].hash if records else "",
        problems=(*([] if broken is None else [str(broken)]), *gaps),
    )


def _pairs(records: Sequence[Record]) -> list[str]:
    """Every intent has one outcome after it, and nothing is said twice."""
    problems: list[str] = []
    outcomes: dict[str, int] = {}
    intents: dict[str, int] = {}
    for record in records:
        if record.kind == RecordKind.INTENT:
            if record.key in intents:
                problems.append(
                    f"record {record.seq}: intent {record.key} stands at {intents[record.key]} already"
                )
            intents.setdefault(record.key, record.seq)
        elif record.kind == RecordKind.OUTCOME:
            if record.key in outcomes:
                problems.append(
                    f"record {record.seq}: outcome {record.key} stands at {outcomes[record.key]} already"
                )
            if record.key not in intents:
                problems.append(f"record {record.seq}: outcome {record.key} has no intent before it")
            outcomes.setdefault(record.key, record.seq)
    problems += [
        f"record {seq}: intent {key} has no outcome" for key, seq in intents.items() if key not in outcomes
    ]
    return problems


def _artifacts(records: Sequence[Record], store: ArtifactStore) -> list[str]:
    """What the outcomes name against what is on disk, both ways."""
    problems: list[str] = []
    named: set[str] = set()
    for record in records:
        if record.kind != RecordKind.OUTCOME:
            continue
        made = record.body.get("artifacts", {})
        for artifact_id in made.values() if isinstance(made, dict) else ():
            kind = _KIND_OF.get(str(artifact_id)[:1], "")
            if kind and artifact_id not in named:
                problems += _unwhole(store, kind, artifact_id, record.seq)
            named.add(str(artifact_id))
    for kind in WITNESSED:
        problems += [
            f"{kind} {key} is on disk, and no outcome names it"
            for key in store.list(kind)
            if key not in named
        ]
    return problems


def _unwhole(store: ArtifactStore, kind: str, artifact_id: str, seq: int) -> list[str]:
    try:
        store.verify(kind, artifact_id)
    except ArtifactError as error:
        return [f"record {seq}: {error}"]
    return []
