"""Whether the statements beside a session's adapters can be believed: each signature, and each claim against log and disk.

A statement that is missing proves nothing and is not held against the session: who takes one away hides no adapter. One that is
there must be signed by a key to be believed and true in everything it names. Nothing is repaired.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proda_core.artifacts import file_digest
from proda_core.errors import ArtifactError, LedgerError, ToolError
from proda_core.log import Record, named_keys
from proda_core.log.keys import PublicKey, key_path, read_key
from tools.book import call_behind
from tools.exports.adapters import CARD_FILE, STATEMENT_FILE, WEIGHTS
from tools.exports.statement import BASE, RECORD, dependencies, opened
from tools.host import Host


@dataclass(frozen=True, slots=True)
class Attested:
    """``adapters`` trained so far, of which ``good`` have a card and a statement that hold; what is wrong with the others."""

    adapters: int
    good: int
    problems: tuple[str, ...]
    judged: bool = True

    @property
    def standing(self) -> str:
        if not self.judged:
            return "not judged"
        if self.problems:
            return "contradicted"
        return "attested" if self.good else "not attested"


def check_attestations(host: Host, trusted: frozenset[str], *, handed_on: Path | None = None) -> Attested:
    """Check the session's own attestations and, if given, a folder of adapters that were handed on."""
    records = host.records()
    adapters, corpora = set(_made(records, "adapter")), list(_made(records, "corpus"))
    checker = _Checker(host, records, corpora[-1] if corpora else "", _believed(host, records, trusted))
    places = [(host.folder.attestations, False), *([] if handed_on is None else [(handed_on, True)])]
    if handed_on is not None and not handed_on.is_dir():
        raise ToolError(f"there is no folder {handed_on}; name the one that proda audit export wrote to")
    good, problems = set[str](), list[str]()
    for place, with_weights in places:
        for folder in sorted(place.iterdir()) if place.is_dir() else []:
            if folder.name.startswith("."):  # being written
                continue
            adapter_id = folder.name.partition("-")[2]
            known = adapter_id if adapter_id in adapters else None
            found = list(checker.problems(folder, known, with_weights=with_weights))
            problems += [f"{place.name}/{folder.name}: {one}" for one in found]
            if not found:
                good.add(adapter_id)
    return Attested(len(adapters), len(good), tuple(problems))


def _made(records: tuple[Record, ...], kind: str) -> Iterator[str]:
    """The artifacts of a kind that outcomes name; whoever wrote the log may have written anything into them."""
    for record in records:
        made = record.body.get("artifacts") if record.kind == "outcome" else None
        if isinstance(made, dict) and kind in made:
            yield str(made[kind])


def _believed(host: Host, records: tuple[Record, ...], trusted: frozenset[str]) -> dict[str, PublicKey]:
    """The keys that may have signed: of those that the log names, and of the user's own, the ones that are trusted."""
    known = named_keys(records)
    with suppress(LedgerError):
        own = read_key(key_path(host.config.audit.key)).public
        known[own.fingerprint] = own
    return {name: key for name, key in known.items() if not trusted or name in trusted}


@dataclass(frozen=True, slots=True)
class _Checker:
    host: Host
    records: tuple[Record, ...]
    corpus_id: str
    keys: Mapping[str, PublicKey]

    def problems(self, folder: Path, adapter_id: str | None, *, with_weights: bool) -> Iterator[str]:
        """What is wrong with one folder."""
        if adapter_id is None:
            yield "no call of this session made such an adapter"
            return
        try:
            statement = opened((folder / STATEMENT_FILE).read_bytes(), self.keys)
            yield from self._subjects(statement, folder, adapter_id, with_weights=with_weights)
            yield from self._dependencies(statement, adapter_id)
            yield from self._records(statement, adapter_id)
        except (LedgerError, ArtifactError, ToolError) as error:
            yield f"{STATEMENT_FILE} {error}"
        except OSError as error:
            if not folder.is_dir():
                return  # taken away or written anew meanwhile
            yield f"{STATEMENT_FILE} or a file it names cannot be read ({error.strerror})"
        except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
            yield f"{STATEMENT_FILE} does not have the fields of such a statement ({type(error).__name__})"

    def _subjects(
        self, statement: dict[str, Any], folder: Path, adapter_id: str, *, with_weights: bool
    ) -> Iterator[str]:
        """Its subjects are the adapter's files and the card, as they are now."""
        said = _digests(statement["subject"])
        if set(said) != {*WEIGHTS, CARD_FILE}:
            yield f"the statement is about {', '.join(sorted(said))} and not about {', '.join((*WEIGHTS, CARD_FILE))}"
            return
        store = self.host.store.path("adapter", adapter_id)
        for name in (*WEIGHTS, CARD_FILE):
            places = [folder] if name == CARD_FILE else [store, *([folder] if with_weights else [])]
            if any(file_digest(place / name) != said[name] for place in places):
                yield f"{name} is not the file that was attested"

    def _dependencies(self, statement: dict[str, Any], adapter_id: str) -> Iterator[str]:
        """What it says the adapter was made from is what the adapter's manifest says, file by file."""
        manifest = self.host.store.manifest("adapter", adapter_id)
        said = _digests(statement["predicate"]["buildDefinition"]["resolvedDependencies"])
        adapter = manifest.meta["adapter"]
        real = {f"{BASE}{adapter['base']}": adapter["base_digest"]}
        for kind, key in dependencies(manifest, self.corpus_id):
            files = self.host.store.manifest(kind, key).files
            real |= {f"{kind}/{key}/{name}": digest for name, digest in files.items()}
        for name in sorted({*said, *real}):
            if said.get(name) != real.get(name):
                yield f"the statement does not tell the truth about {name}"

    def _records(self, statement: dict[str, Any], adapter_id: str) -> Iterator[str]:
        """The two records it names are those of the training."""
        told = _digests(statement["predicate"]["runDetails"]["byproducts"])
        made = call_behind(self.records, "adapter", adapter_id)
        if told != {f"{RECORD}{one.seq}": one.hash for one in made}:
            yield f"the statement does not name the records of the training ({made[0].seq} and {made[1].seq})"


def _digests(named: list[dict[str, Any]]) -> dict[str, str]:
    return {str(one["name"]): str(one["digest"]["sha256"]) for one in named}
