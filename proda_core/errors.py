"""Every error the project raises on purpose, named for the boundary that was crossed.

ProdaError
├── ConfigError            a configuration key or value is wrong
├── CorpusError            the corpus cannot be read or holds nothing usable
│   └── UnreadableFile     one file, with its reason (data for the drop list, not a crash)
├── KnowledgeError         the graph is missing, locked or violates an invariant
├── BenchmarkError         no honest benchmark can be built from this graph
│   └── TooFewGroups       not enough independent chain groups for a dev/sealed split
├── GuardRefusal           a commit would break one of G1 to G6; carries the rows
├── ReplayTooSmall         not enough disjoint rows are left for a mixture
├── ArtifactError          an artifact is missing, truncated or has another digest
├── JobError               a worker process failed, hung or was cancelled
│   └── JobFailed          one job's recorded end; carries the worker's error class and exit code
├── StudentError           a base model or adapter cannot be loaded or scored
├── ServingError           the vLLM server that asks the students does not start, or is gone
├── TeacherError           a teacher model cannot be reached, or may not be asked any more
├── SetAside               a teacher gave no good answer for one piece of text (data for the drop list, not a crash)
├── LedgerError            the ledger or the decision log cannot be trusted
├── BudgetExhausted        a reservation would pass the session's budget; names which
├── SessionError           the session folder is in use, unknown or of another configuration
└── ToolError              a tool call was malformed or named something unknown

Every message says what happened, the value, and what to do.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass


class ProdaError(Exception):
    """Base of all expected errors. ``exit_code`` is what the command line returns for it."""

    exit_code: int = 1


class ConfigError(ProdaError):
    exit_code = 2


class CorpusError(ProdaError):
    exit_code = 3


class UnreadableFile(CorpusError):
    """One file that cannot be read; ``reason`` is a short machine-readable word."""

    def __init__(self, path: str, reason: str, detail: str = "") -> None:
        super().__init__(f"{path}: {reason}{': ' + detail if detail else ''}")
        self.path, self.reason, self.detail = path, reason, detail


class KnowledgeError(ProdaError):
    exit_code = 4


class BenchmarkError(ProdaError):
    exit_code = 5


class TooFewGroups(BenchmarkError):
    pass


@dataclass(frozen=True, slots=True)
class Refusal:
    """One row refused by one rule. ``rule`` is G1 to G6; ``row_id`` may be an artifact's ID."""

    rule: str
    row_id: str
    detail: str


class GuardRefusal(ProdaError):
    """The guard refused a commit. Nothing was written."""

    exit_code = 6

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        self.refusals = tuple(refusals)
        shown = "; ".join(f"{r.rule} {r.row_id}: {r.detail}" for r in self.refusals[:5])
        more = f" (+{len(self.refusals) - 5} more)" if len(self.refusals) > 5 else ""
        super().__init__(f"the guard refused {len(self.refusals)} row(s): {shown}{more}")


class ReplayTooSmall(ProdaError):
    exit_code = 6


class ArtifactError(ProdaError):
    exit_code = 7


class JobError(ProdaError):
    exit_code = 8


class JobFailed(JobError):
    """A job ended in an error or was cancelled. ``error_class`` is the class raised in the worker, ``exit_code`` that class's."""

    def __init__(self, job_id: str, error_class: str, message: str, *, exit_code: int = 8) -> None:
        self.job_id, self.error_class, self.message = job_id, error_class, message
        self.reason = f"{error_class}: {message}"
        self.exit_code = exit_code
        super().__init__(f"job {job_id}: {self.reason}")


class StudentError(ProdaError):
    exit_code = 9


class ServingError(ProdaError):
    """The students' server, and so no answer to anything: never one item's failure."""

    exit_code = 15


class TeacherError(ProdaError):
    """Nothing more can be asked: server gone, key refused, quota out. What was answered is kept."""

    exit_code = 14


class SetAside(ProdaError):
    """One Task without a good answer after bounded retries; ``reason`` is a short machine-readable word."""

    exit_code = 14

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}{': ' + detail if detail else ''}")
        self.reason, self.detail = reason, detail


class LedgerError(ProdaError):
    exit_code = 10


_EXHAUSTED = re.compile(r"(\w+) asked ([\d.e+-]+), left ([\d.e+-]+)")


class BudgetExhausted(ProdaError):
    """A reservation would pass the budget; ``resource`` is wall_s, rounds, disk_bytes or money."""

    exit_code = 11

    def __init__(self, resource: str, asked: float, left: float) -> None:
        super().__init__(
            f"budget exhausted: {resource} asked {asked:g}, left {left:g}; raise it with --budget or --set budget.{resource}=..."
        )
        self.resource, self.asked, self.left = resource, asked, left

    @classmethod
    def said(cls, message: str) -> BudgetExhausted:
        """The error again from its message, on the other side of a boundary that lets only words through."""
        found = _EXHAUSTED.search(message)
        return cls("wall_s", 1, 0) if found is None else cls(found[1], float(found[2]), float(found[3]))


class SessionError(ProdaError):
    exit_code = 12


class ToolError(ProdaError):
    exit_code = 13
