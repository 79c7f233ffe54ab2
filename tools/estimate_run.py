"""What a session on a corpus would ask of a model, as teacher and as policy, told before there is a session: nothing is asked and
nothing written.

Not offered over MCP: a server serves a session that exists.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from proda_core.config import Config
from proda_core.corpus import curate
from tools.create_session import corpus_at


@dataclass(frozen=True, slots=True)
class RunEstimate:
    """The corpus as it would be curated, and the calls for it. ``limit`` is the budget's money."""

    documents: int
    chunks: int
    words: int
    teacher: str
    policy: str
    calls: dict[str, Any]
    limit: float | None


def estimate_run(root: Path, config: Config, corpus: Path | str) -> RunEstimate:
    """Curate the corpus in memory and count. What a URL names is fetched below ``root``, as for the session itself."""
    from proda_core.teachers.llm.estimating import estimate_calls  # the teachers are a worker's to load

    curated = curate(corpus_at(root, corpus), config.corpus)
    calls = estimate_calls(curated.chunks, config)
    return RunEstimate(
        documents=len(curated.documents),
        chunks=len(curated.chunks),
        words=curated.words,
        teacher=(config.teacher.kind == "llm" and config.teacher.model) or config.teacher.kind,
        policy=(config.policy.kind == "llm" and config.teacher.model) or config.policy.kind,
        calls=asdict(calls),
        limit=config.budget.money,
    )
