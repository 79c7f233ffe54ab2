"""The controls' figures that ship with the embedded default: what a repair round of this corpus and base was held against.

They were measured once, with ``proda bench repair`` on finished sessions, and say on what: a session is shown them only where its
corpus, base and settings are the same. Seed, budget, policy and verdict may differ, and how the student is run but for the length
of its answers: they are not what the figures are about.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from proda_core.config import Config
from proda_core.ids import digest
from proda_core.student_jobs import student_params

CONTROLS = Path(__file__).parent / "controls.json"
_SECTIONS = (
    "corpus",
    "teacher",
    "benchmark",
    "synthesis",
    "training",
    "mixture",
    "diagnosis",
    "general",
)


def basis_of(config: Config, corpus_digest: str) -> dict[str, str]:
    """What figures of a session's repair rest on: digests of corpus, base and the settings that matter."""
    settings = config.model_dump(mode="json")
    return {
        "corpus_digest": corpus_digest,
        "base_digest": student_params(config)["base_digest"],
        "settings_digest": digest(
            [*(settings[name] for name in _SECTIONS), settings["student"]["max_new_tokens"]]
        ),
    }


def reference_controls(
    config: Config, corpus_digest: str, *, shipped: Path = CONTROLS
) -> dict[str, Any] | None:
    """The shipped figures, as ``proda bench repair --json`` gives them, or None where they are about something else."""
    if not shipped.is_file():
        return None
    figures: dict[str, Any] = json.loads(shipped.read_text(encoding="utf-8"))
    if figures["basis"]["corpus_digest"] != corpus_digest:
        return None  # before a base, which may be large or gone, is read for its digest
    return figures if figures["basis"] == basis_of(config, corpus_digest) else None
