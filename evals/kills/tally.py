"""The count of kills, a file that the operator names: a JSON line for every session that was killed and came to its end.

A line says what hit it (host or worker, and where) and what was different afterwards from the session never killed: nothing, if
the project keeps its word. A line is written when its session has ended, so a bench that is killed loses that session's kills
from the count and nothing else.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from proda_core import __version__
from proda_core.artifacts import write_atomic
from proda_core.errors import ArtifactError
from proda_core.serialize import from_plain


@dataclass(frozen=True, slots=True)
class Life:
    """One session, or one job's worker, from its start through its kills to its end.

    ``phase`` is "boundary" (each kind of boundary once) or "random"; ``hits`` has "role what path" for each death.
    """

    phase: str
    session: str
    about: str
    hits: tuple[str, ...]
    problems: tuple[str, ...]
    seconds: float
    seed: int
    version: str = __version__


class Tally:
    """The lives in a file. ArtifactError for a file that is none of these."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.lives: list[Life] = []
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        whole = text[: text.rfind("\n") + 1]
        if whole != text:  # a kill tore the last line: what it told of is killed again
            write_atomic(path, whole.encode())
        for number, line in enumerate(whole.splitlines(), 1):
            try:
                self.lives.append(from_plain(Life, json.loads(line)))
            except (ValueError, ArtifactError) as error:
                raise ArtifactError(
                    f"{path.name}:{number} is no line of a count of kills ({error}); name another file with --into"
                ) from error

    def add(self, life: Life) -> None:
        """Write one line down, on disk before this returns."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("ab") as handle:
            handle.write(json.dumps(asdict(life), sort_keys=True, ensure_ascii=False).encode() + b"\n")
            handle.flush()
            os.fsync(handle.fileno())
        self.lives.append(life)

    def count(self, phase: str) -> int:
        return sum(len(life.hits) for life in self.lives if life.phase == phase)

    def boundaries(self) -> list[str]:
        """Every kind of boundary hit so far, by whichever kill."""
        found = {hit for life in self.lives for hit in life.hits if not hit.endswith(" a moment")}
        return sorted(found)

    def figures(self) -> dict[str, Any]:
        """What the file adds up to."""
        hits = [hit for life in self.lives for hit in life.hits]
        failed = [life for life in self.lives if life.problems]
        return {
            "kills": len(hits),
            "random": self.count("random"),
            "boundaries": len(self.boundaries()),
            "by_role": dict(Counter(hit.partition(" ")[0] for hit in hits)),
            "sessions": len(self.lives),
            "failed": [{"about": one.about, "hits": one.hits, "problems": one.problems} for one in failed],
            "seconds": round(sum(life.seconds for life in self.lives), 1),
        }
