"""What the log keeps of the artifacts that its outcomes name: the digest of each manifest, and through it of every file.

Whoever can write to the session's folder can change a report or an adapter and its manifest with it. Work on one that is not what
was logged is refused (ArtifactError), and an audit names it. Logs of before have no such digests and are passed; mixtures are
left to the trainer, which checks them with every rule in its own process (G6).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from proda_core.errors import ArtifactError
from proda_core.log.completeness import other_than_logged
from proda_core.records import kind_of
from tools.host import Host

_CHECKED_BY_THE_TRAINER = "mixture"


def pins_of(host: Host, artifacts: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """The part of an outcome that says what its artifacts are; nothing where there are none, or none is there any more."""
    there = [key for key in artifacts.values() if kind_of(key) and host.store.exists(kind_of(key), key)]
    return {"pins": {key: host.store.pin(kind_of(key), key) for key in there}} if there else {}


def refuse_changed(host: Host, artifact_ids: Iterable[str]) -> None:
    """ArtifactError for the first artifact that is there and is not what the log was written about."""
    wanted = {key for key in artifact_ids if kind_of(key) not in ("", _CHECKED_BY_THE_TRAINER)}
    for record in host.records():
        pinned = record.body.get("pins", {}) if record.kind == "outcome" else {}
        for key in sorted(wanted & pinned.keys()):
            kind = kind_of(key)
            for problem in other_than_logged(record, host.store, kind, key):
                raise ArtifactError(f"{problem}; restore it from a backup, or start a new session")
            if host.store.exists(kind, key):
                host.store.verify(kind, key)
