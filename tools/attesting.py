"""A session's adapters as folders to hand on: the weights, a model card, and a signed statement of what they were made from.

The statement is an in-toto Statement v1 with SLSA provenance v1 in a DSSE envelope, signed with the user's key. Its subjects are
the files beside it by their SHA-256, its dependencies the artifacts that the log names. Sealed items appear in figures only.
"""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path
from string import Template
from typing import Any

from evals.summary import accuracy
from proda_core.artifacts import ArtifactStore, file_digest, write_atomic
from proda_core.errors import ToolError
from proda_core.log import Record
from proda_core.log.keys import SigningKey
from proda_core.records import load_adapter, load_mixture, load_report, load_verdict
from proda_core.types import Interval
from tools.book import Book, Round
from tools.host import Host
from tools.work import book_of

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT, PROVENANCE = "https://in-toto.io/Statement/v1", "https://slsa.dev/provenance/v1"
BUILD_TYPE, BUILDER = "tag:proda-agent,2026:train_adapter/v1", "tag:proda-agent,2026:session-host"
STATEMENT_FILE, CARD_FILE = "provenance.intoto.json", "README.md"
_WEIGHTS = ("adapter_config.json", "adapter_model.safetensors")
_CARD = Template(Path(__file__).with_name("model_card.md").read_text(encoding="utf-8"))
_DEPENDS_ON = ("mixture", "snapshot", "benchmark", "incumbent")
_KINDS = {"incumbent": "adapter"}


def export_adapters(host: Host, out: Path, key: SigningKey) -> list[Path]:
    """Write a folder for each trained adapter under ``out``; the folders. ToolError when there is none."""
    book = book_of(host)
    trained = [entry for entry in book.rounds if entry.adapter_id]
    if not trained:
        raise ToolError("this session has trained no adapter yet: there is nothing to export")
    return [_export(host, book, entry, (out, key)) for entry in trained]


def _export(host: Host, book: Book, entry: Round, to: tuple[Path, SigningKey]) -> Path:
    out, key = to
    folder = out / f"V{entry.number + 1}-{entry.adapter_id}"
    folder.mkdir(parents=True, exist_ok=True)
    for name in _WEIGHTS:
        shutil.copyfile(host.store.file("adapter", entry.adapter_id, name), folder / name)
    write_atomic(folder / CARD_FILE, model_card(host, book, entry).encode())
    subjects = {name: file_digest(folder / name) for name in (*_WEIGHTS, CARD_FILE)}
    statement = provenance(host, entry, subjects)
    write_atomic(folder / STATEMENT_FILE, json.dumps(envelope(statement, key), indent=1).encode())
    return folder


def provenance(host: Host, entry: Round, subjects: dict[str, str]) -> dict[str, Any]:
    """The statement about one adapter, from its manifest and the two records of its training."""
    manifest = host.store.manifest("adapter", entry.adapter_id)
    intent, outcome = _training(host, entry)
    inputs = {name: manifest.inputs[name] for name in _DEPENDS_ON if name in manifest.inputs}
    dependencies = [
        dependency
        for name, key in inputs.items()
        for dependency in _dependencies(host.store, _KINDS.get(name, name), key)
    ]
    base = manifest.meta["adapter"]
    dependencies.append({"name": f"base {base['base']}", "digest": {"sha256": base["base_digest"]}})
    return {
        "_type": STATEMENT,
        "subject": [
            {"name": name, "digest": {"sha256": digest}} for name, digest in sorted(subjects.items())
        ],
        "predicateType": PROVENANCE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {
                    "session": host.folder.name,
                    **inputs,
                    "config": manifest.meta["config"],
                },
                "internalParameters": {"seed": manifest.meta["seed"], "corpus_digest": host.corpus_digest},
                "resolvedDependencies": dependencies,
            },
            "runDetails": {
                "builder": {"id": BUILDER},
                "metadata": {
                    "invocationId": intent.body["job_id"],
                    "startedOn": intent.at,
                    "finishedOn": outcome.at,
                },
                "byproducts": [
                    {"name": f"decisions.jsonl record {one.seq}", "digest": {"sha256": one.hash}}
                    for one in (intent, outcome)
                ],
            },
        },
    }


def _training(host: Host, entry: Round) -> tuple[Record, Record]:
    """The intent and the outcome of an adapter's training."""
    records = host.records()
    outcome = next(
        r
        for r in records
        if r.kind == "outcome" and r.body.get("artifacts", {}).get("adapter") == entry.adapter_id
    )
    return next(r for r in records if r.kind == "intent" and r.key == outcome.key), outcome


def _dependencies(store: ArtifactStore, kind: str, key: str) -> list[dict[str, Any]]:
    files = store.manifest(kind, key).files
    return [
        {"name": f"{kind}/{key}/{name}", "digest": {"sha256": digest}}
        for name, digest in sorted(files.items())
    ]


def envelope(statement: dict[str, Any], key: SigningKey) -> dict[str, Any]:
    """A DSSE envelope around a statement."""
    payload = json.dumps(statement, sort_keys=True, ensure_ascii=False).encode()
    signature = base64.b64encode(key.sign(to_sign(payload))).decode()
    return {
        "payloadType": PAYLOAD_TYPE,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [{"keyid": key.public.fingerprint, "sig": signature}],
    }


def to_sign(payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding: what is signed of a payload."""
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def model_card(host: Host, book: Book, entry: Round) -> str:
    """The adapter in words and figures; front matter as model hubs read it."""
    adapter = load_adapter(host.store, entry.adapter_id)
    mixture = load_mixture(host.store, entry.mixture_id)
    roles: dict[str, int] = {}
    for row in mixture.rows:
        roles[row.role.value] = roles.get(row.role.value, 0) + 1
    rows = ", ".join(f"{count:,} {role}" for role, count in sorted(roles.items()))
    return _CARD.substitute(
        base_model=json.dumps(adapter.base),
        label=f"V{entry.number + 1}",
        session=host.folder.name,
        base=adapter.base,
        base_digest=adapter.base_digest[:16],
        kind=entry.kind,
        steps=adapter.steps,
        tokens=f"{adapter.tokens:,}",
        standing=_standing(book, entry),
        mixture=entry.mixture_id,
        rows=f"{len(mixture.rows):,} rows ({rows})",
        figures="\n".join(_figures(host, book, entry)),
        verdict="\n".join(_reasons(host, entry)),
        statement=STATEMENT_FILE,
        adapter=entry.adapter_id,
    )


def _standing(book: Book, entry: Round) -> str:
    if book.incumbent is entry:
        return "It is the session's incumbent."
    return "It was accepted, and another one after it." if entry.accepted else "It was not accepted."


def _figures(host: Host, book: Book, entry: Round) -> list[str]:
    base = load_report(host.store, book.base_report_id) if book.base_report_id else None
    own = load_report(host.store, entry.report_id) if entry.report_id else None
    rows = []
    for name in ("dev", "sealed", "general"):
        cells = ["–" if report is None else _said(accuracy(getattr(report, name))) for report in (base, own)]
        rows.append(f"| {name} | {cells[0]} | {cells[1]} |")
    return rows


def _said(found: Interval) -> str:
    return f"{100 * found.value:.1f} ({100 * found.low:.0f}–{100 * found.high:.0f}, n = {found.n})"


def _reasons(host: Host, entry: Round) -> list[str]:
    if not entry.verdict_id:
        return []
    verdict = load_verdict(host.store, entry.verdict_id)
    said = "accepted" if verdict.accepted else "rejected"
    return [
        "",
        f"The verdict against `{verdict.incumbent}`: {said}.",
        "",
        *(f"- {one}" for one in verdict.reasons),
    ]
