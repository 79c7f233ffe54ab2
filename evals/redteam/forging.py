"""The cheaters' tools: reading a session's artifacts, changing them with their manifests, and lying for a worker.

Nothing here asks a guard. What is looked for afterwards is looked for as text in files.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from proda_core.artifacts import MANIFEST, Manifest, file_digest
from proda_core.errors import JobError
from proda_core.guard import LineageIndex, example_id
from proda_core.ids import canonical_json, digest
from proda_core.jobs.contract import JobRequest
from proda_core.jobs.folder import JobFolder
from proda_core.knowledge.snapshot import load_snapshot
from proda_core.log import Record, read_records
from proda_core.phi import verbalise
from proda_core.records import load_benchmark
from proda_core.serialize import from_plain, to_plain
from proda_core.session import SessionFolder
from proda_core.types import (
    Benchmark,
    Example,
    ExampleKind,
    Format,
    KnowledgeSnapshot,
    Lineage,
    Message,
    Relation,
)

Line = dict[str, Any]


def made(folder: SessionFolder, tool: str, kind: str, *, first: bool = False) -> str:
    """The artifact that the newest (or first) good outcome of ``tool`` names."""
    found = [
        str(r.body["artifacts"][kind])
        for r in read_records(folder.decisions)
        if r.kind == "outcome" and r.body["tool"] == tool and r.body["ok"]
    ]
    return found[0 if first else -1]


def benchmark_of(folder: SessionFolder) -> Benchmark:
    return load_benchmark(folder.store, made(folder, "build_benchmark", "benchmark"))


def snapshot_of(folder: SessionFolder) -> KnowledgeSnapshot:
    return load_snapshot(folder.store, made(folder, "extract_knowledge", "snapshot"))


def statement(snapshot: KnowledgeSnapshot, relation: Relation) -> str:
    """A relation as a plain sentence."""
    return verbalise(relation.type, snapshot.term(relation.subject_id), snapshot.term(relation.object_id))


def row(kind: ExampleKind, messages: Sequence[tuple[str, str]], lineage: Lineage) -> Example:
    """An Example under its own content's ID, with whatever lineage."""
    said = tuple(Message(role, text) for role, text in messages)
    return Example(example_id(kind, Format.QA, said), kind, Format.QA, said, lineage)


def truthful(index: LineageIndex, messages: Sequence[tuple[str, str]]) -> Example:
    """An Example that declares what its text says."""
    said = "\n".join(text for _, text in messages)
    found = index.derive(said)
    return row(ExampleKind.RELATION, messages, Lineage(found.l1_ids, found.l2_ids))


def job_of(folder: SessionFolder, kind: str, **inputs: str) -> JobFolder:
    """The job of a kind, with these inputs, that lies finished in the session's folder."""
    for path in sorted(folder.jobs.glob("j_*")):
        job = JobFolder.of(folder.jobs, path.name)
        request: JobRequest | None = job.request()
        if request is not None and request.kind == kind and inputs.items() <= request.inputs.items():
            return job
    raise JobError(f"the session has no {kind} job with {inputs}; it did not come that far")


def say_it_made(job: JobFolder, **artifacts: str) -> None:
    """Let a worker's result name other artifacts than it made: what a lying worker would have written."""
    result = job.result()
    if result is None:
        raise JobError(f"job {job.job_id} has no result")
    job.write_result(replace(result, artifacts={**result.artifacts, **artifacts}))


def lines_of(path: Path) -> list[Line]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def rewrite(path: Path, lines: Iterable[Line], **meta: Any) -> None:
    """Change a data file of an artifact, and its manifest with it, as somebody would who knows the store."""
    text = "".join(json.dumps(line, ensure_ascii=False, sort_keys=True) + "\n" for line in lines)
    replace_file(path, text.encode(), **meta)


def replace_file(path: Path, data: bytes, **meta: Any) -> None:
    path.write_bytes(data)
    kept = from_plain(Manifest, json.loads((path.parent / MANIFEST).read_text(encoding="utf-8")))
    files, said = {**kept.files, path.name: file_digest(path)}, {**kept.meta, **meta}
    forged: Line = to_plain(replace(kept, files=files, meta=said).sealed())
    (path.parent / MANIFEST).write_text(json.dumps(forged, sort_keys=True), encoding="utf-8")


def rebuilt(folder: SessionFolder, change: Callable[[list[Line]], None]) -> None:
    """The log with its records changed, numbered and chained anew: what anybody can do who has no key."""
    plain = [json.loads(record.line()) for record in read_records(folder.decisions)]
    change(plain)
    prev, lines = "0" * 64, []
    for seq, one in enumerate(plain, 1):
        body = {**{name: part for name, part in one.items() if name != "hash"}, "seq": seq, "prev": prev}
        prev = digest(body)
        lines.append(canonical_json({**body, "hash": prev}) + b"\n")
    folder.decisions.write_bytes(b"".join(lines))


def trained_on(folder: SessionFolder, text: str) -> str:
    """The mixture on disk that holds a row with this very text; "" for none. Read as text, by no rule of the guard."""
    for path in sorted(folder.artifacts.glob("mixture/m_*/rows.jsonl")):
        for line in lines_of(path):
            if text in "\n".join(message["content"] for message in line["example"]["messages"]):
                return path.parent.name
    return ""


def noted(folder: SessionFolder, *words: str, after: int = 0) -> str:
    """The newest record after ``after`` that refuses and holds all these words, in words; "" for none."""
    for record in reversed(read_records(folder.decisions)):
        if record.seq <= after:
            break
        if _refuses(record) and all(word in str(record.body) for word in words):
            said = record.body.get("error") or record.body.get("event") or ""
            return f"record {record.seq}: {record.kind}, {str(said)[:90]}"
    return ""


def _refuses(record: Record) -> bool:
    return record.kind in ("refusal", "note") or (record.kind == "outcome" and not record.body["ok"])
