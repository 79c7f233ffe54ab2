"""What the log keeps of the artifacts that its outcomes name: the digest of each manifest, and through it of every file.

Whoever can write to the session's folder can change a report or an adapter and its manifest with it. Work on one that is not what
was logged is refused (ArtifactError), and an audit names it. Logs of before have no such digests and are passed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from proda_core.errors import ArtifactError
from proda_core.log.completeness import other_than_logged
from proda_core.records import kind_of
from tools.host import Host


def pins_of(host: Host, artifacts: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """The part of an outcome that says what its artifacts are; nothing where there are none."""
    found = {key: host.store.pin(kind_of(key), key) for key in artifacts.values() if kind_of(key)}
    return {"pins": found} if found else {}


def refuse_changed(host: Host, artifact_ids: Iterable[str]) -> None:
    """ArtifactError for the first artifact that is not what the log was written about."""
    wanted = set(artifact_ids)
    for record in host.records():
        made = record.body.get("artifacts") if record.kind == "outcome" else None
        for key in sorted(wanted & set(made.values())) if isinstance(made, dict) else ():
            for problem in other_than_logged(record, host.store, kind_of(key), key):
                raise ArtifactError(f"{problem}; restore it from a backup, or start a new session")
