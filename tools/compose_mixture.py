"""compose_mixture: choose the exact rows of the next training run and commit them through the guard.

The host chooses everything but the kind: examples, accepted patches and lost items come from its own book. A patch or replay
mixture begins a round and takes one from the budget.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Annotated, Literal

from pydantic import Field

from proda_core.errors import GuardRefusal, ToolError
from proda_core.guard import commit_mixture
from proda_core.records import load_examples, load_patch
from proda_core.synthesis.mixture import (
    Ingredients,
    compose_patch,
    compose_replay,
    compose_v1,
    general_rows,
    general_rows_wanted,
)
from proda_core.types import Mixture, MixtureRow
from tools.base import Tool, ToolModel
from tools.book import Book
from tools.host import Host
from tools.lost_items import lost_items
from tools.work import Performed, book_of, check_budget, perform


class ComposeArguments(ToolModel):
    kind: Literal["v1", "patch", "replay"]
    patch_id: Annotated[
        str, Field(pattern=r"^(p_[0-9a-f]{16})?$", description="the patch, for kind 'patch'")
    ] = ""


class MixtureView(ToolModel):
    """``roles`` counts rows by role; ``notes`` say what fell short."""

    mixture_id: str
    rows: int
    roles: dict[str, int]
    notes: dict[str, str]


async def compose_mixture(host: Host, arguments: ComposeArguments) -> MixtureView:
    return await asyncio.to_thread(_compose, host, arguments)


def _compose(host: Host, arguments: ComposeArguments) -> MixtureView:
    book = book_of(host)
    kind, patch_id = arguments.kind, arguments.patch_id
    if (kind == "patch") != bool(patch_id):
        raise ToolError("patch_id is needed for kind 'patch', and for no other")
    if patch_id and patch_id not in book.patches.values():
        raise ToolError(f"{patch_id} is not a patch of this session: call write_patch first")
    _refuse_rejected(book, patch_id)
    check_budget(host)
    call = {"kind": kind, "patch_id": patch_id, "after": _after(book, kind)}
    made = perform(host, "compose_mixture", call, lambda: _commit(host, book, arguments))
    meta = made.meta
    return MixtureView(
        mixture_id=made.artifacts["mixture"], rows=meta["rows"], roles=meta["roles"], notes=meta["notes"]
    )


def _refuse_rejected(book: Book, patch_id: str) -> None:
    """A patch that was judged and turned down is not tried again under another seed."""
    for entry in book.rounds:
        if patch_id and entry.patch_id == patch_id and entry.verdict_id and not entry.accepted:
            raise ToolError(
                f"{patch_id} was rejected in round {entry.number + 1} and is not tried again: call write_patch for another"
            )


def _after(book: Book, kind: str) -> int:
    """Rounds finished before this one: asked again after a kill, the call has the same key."""
    if kind == "v1":
        return 0
    return sum(1 for entry in book.rounds if entry.verdict_id or entry.kind == "v1")


def _commit(host: Host, book: Book, arguments: ComposeArguments) -> Performed:
    mixture = _mixture(host, book, arguments)
    if arguments.kind != "v1":
        host.own.ledger.reserve("rounds", 1, mixture.mixture_id)
    inputs = {"examples": book.need("examples_id")}
    for number, patch_id in enumerate([arguments.patch_id, *accepted_patches(book)]):
        if patch_id:
            inputs[f"patch{number}"] = patch_id
    try:
        manifest = commit_mixture(
            host.store,
            mixture,
            index=host.lineage(book.need("snapshot_id")),
            benchmark=host.benchmark(book.need("benchmark_id")),
            inputs=inputs,
        )
    except GuardRefusal:
        host.own.ledger.release("rounds", mixture.mixture_id)  # the round was not begun
        raise
    roles = Counter(row.role.value for row in mixture.rows)
    meta = {
        "kind": arguments.kind,
        "rows": len(mixture.rows),
        "roles": dict(sorted(roles.items())),
        "notes": {key: value for key, value in mixture.notes.items() if not key.startswith("rows_")},
    }
    return Performed({"mixture": manifest.artifact_id}, meta)


def _mixture(host: Host, book: Book, arguments: ComposeArguments) -> Mixture:
    config = host.config
    seed = config.seed + len(book.rounds)
    benchmark = host.benchmark(book.need("benchmark_id"))
    examples = load_examples(host.store, book.need("examples_id"))
    wanted = config.synthesis.general_rows if arguments.kind == "v1" else general_rows_wanted(config.mixture)
    general = general_rows(config.seed, wanted, by_heart=arguments.kind == "v1")
    if arguments.kind == "v1":
        return compose_v1(examples, general, benchmark=benchmark, seed=config.seed)
    parts = Ingredients(
        examples=examples,
        general=general,
        patch=load_patch(host.store, arguments.patch_id) if arguments.patch_id else (),
        carried=_carried(host, book),
        lost_items=lost_items(host, book),
    )
    index = host.lineage(book.need("snapshot_id"))
    compose = compose_patch if arguments.kind == "patch" else compose_replay
    return compose(parts, config.mixture, index=index, benchmark=benchmark, seed=seed)


def accepted_patches(book: Book) -> list[str]:
    """Patches of rounds accepted before, oldest first."""
    return [entry.patch_id for entry in book.rounds if entry.accepted and entry.patch_id]


def _carried(host: Host, book: Book) -> tuple[MixtureRow, ...]:
    return tuple(row for patch_id in accepted_patches(book) for row in load_patch(host.store, patch_id))


TOOL = Tool(
    "compose_mixture",
    "Choose the rows of the next training run (kind v1, patch or replay) and commit them through the guard, which refuses the "
    "whole mixture when any row breaks a rule.",
    ComposeArguments,
    MixtureView,
    compose_mixture,
)
