"""What an adapter was made from, as an in-toto Statement v1 with SLSA provenance v1 in a signed DSSE envelope.

Its subjects are the adapter's files and its card by their SHA-256, its dependencies the artifacts of the session and the base,
its by-products the two records of the log that tell of the training. The key is the one that signs the log.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from proda_core.artifacts import ArtifactStore, Manifest
from proda_core.errors import LedgerError
from proda_core.log import Record
from proda_core.log.keys import PublicKey, SigningKey
from tools.book import call_behind
from tools.host import Host
from tools.work import book_of

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT, PROVENANCE = "https://in-toto.io/Statement/v1", "https://slsa.dev/provenance/v1"
BUILD_TYPE, BUILDER = "tag:proda-agent,2026:train_adapter/v1", "tag:proda-agent,2026:session-host"
RECORD = "decisions.jsonl record "
BASE = "base "
_DEPENDS_ON = {"mixture": "mixture", "snapshot": "snapshot", "benchmark": "benchmark", "incumbent": "adapter"}


def provenance(host: Host, adapter_id: str, subjects: Mapping[str, str]) -> dict[str, Any]:
    """The statement about one adapter and the files of it that ``subjects`` names with their digests."""
    manifest = host.store.manifest("adapter", adapter_id)
    intent, outcome = call_behind(host.records(), "adapter", adapter_id)
    parts = dependencies(manifest, book_of(host).corpus_id)
    inputs = {name: key for name, key in manifest.inputs.items() if name in _DEPENDS_ON}
    base = manifest.meta["adapter"]
    materials = [one for kind, key in parts for one in _files(host.store, kind, key)]
    materials.append({"name": f"{BASE}{base['base']}", "digest": {"sha256": base["base_digest"]}})
    return {
        "_type": STATEMENT,
        "subject": [_named(name, digest) for name, digest in sorted(subjects.items())],
        "predicateType": PROVENANCE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {
                    "session": host.folder.name,
                    **inputs,
                    "config": manifest.meta["config"],
                },
                "internalParameters": {
                    "seed": manifest.meta["seed"],
                    "corpus_digest": host.corpus_digest,
                    **_code(host.records(), outcome),
                },
                "resolvedDependencies": materials,
            },
            "runDetails": {
                "builder": {"id": BUILDER},
                "metadata": {
                    "invocationId": intent.body["job_id"],
                    "startedOn": intent.at,
                    "finishedOn": outcome.at,
                },
                "byproducts": [_named(f"{RECORD}{one.seq}", one.hash) for one in (intent, outcome)],
            },
        },
    }


def dependencies(manifest: Manifest, corpus_id: str) -> list[tuple[str, str]]:
    """Kind and ID of each artifact that an adapter was made from."""
    found = [(kind, manifest.inputs[name]) for name, kind in _DEPENDS_ON.items() if name in manifest.inputs]
    return [*found, ("corpus", corpus_id)]


def _code(records: tuple[Record, ...], until: Record) -> dict[str, str]:
    """Which code trained: version and tools as the last opening of the session before it has them."""
    opened = [r for r in records[: until.seq] if r.body.get("event") == "opened"]
    last = opened[-1].body if opened else {}
    return {name: str(last[name]) for name in ("version", "tools_digest") if name in last}


def _files(store: ArtifactStore, kind: str, key: str) -> list[dict[str, Any]]:
    files = store.manifest(kind, key).files
    return [_named(f"{kind}/{key}/{name}", digest) for name, digest in sorted(files.items())]


def _named(name: str, digest: str) -> dict[str, Any]:
    return {"name": name, "digest": {"sha256": digest}}


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


def opened(data: bytes, keys: Mapping[str, PublicKey]) -> dict[str, Any]:
    """The statement in an envelope that one of ``keys`` (by fingerprint) signed. LedgerError says what is wrong with it."""
    try:
        sealed = json.loads(data)
        payload = base64.b64decode(sealed["payload"], validate=True)
        (signature,) = sealed["signatures"]
        signed, keyid = base64.b64decode(signature["sig"], validate=True), str(signature["keyid"])
        kind = sealed["payloadType"]
    except (ValueError, TypeError, KeyError, binascii.Error, RecursionError) as error:
        raise LedgerError("is no DSSE envelope with one signature") from error
    if kind != PAYLOAD_TYPE:
        raise LedgerError(f"holds {str(kind)[:80]!r} and no in-toto statement")
    if keyid not in keys:
        raise LedgerError(f"is signed by {keyid[:60]}, which is no key to be believed")
    if not keys[keyid].verifies(signed, to_sign(payload)):
        raise LedgerError(f"was changed: it is not what {keyid} signed")
    try:
        statement = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise LedgerError("holds no JSON") from error
    if not isinstance(statement, dict) or (statement.get("_type"), statement.get("predicateType")) != (
        STATEMENT,
        PROVENANCE,
    ):
        raise LedgerError("is no in-toto Statement v1 with SLSA provenance v1")
    return statement
