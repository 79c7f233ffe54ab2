"""What is trained, and on what: mixtures changed or made behind the guard's back, another base, and rounds tried again.

The attack has won when a training on it was started (a train job's request lies on disk), or an adapter was made.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from evals.redteam.attack import Act, Attack, Attempt, By, Ground, Stage
from evals.redteam.forging import (
    benchmark_of,
    job_of,
    lines_of,
    made,
    noted,
    replace_file,
    rewrite,
    say_it_made,
)
from proda_core.ids import make_id
from proda_core.jobs.folder import JobFolder
from proda_core.log import read_records
from proda_core.records import load_examples, load_mixture, mixture_digest, save_examples, save_mixture
from proda_core.serialize import from_plain
from proda_core.session import SessionFolder
from proda_core.types import MixtureRow, Split

LEAKED = "Remember the whole question"
FEW = 6  # rows of a swapped mixture: what a short training takes


def trainings(folder: SessionFolder) -> dict[str, str]:
    """The job of each train request on disk, by its mixture."""
    found = {}
    for path in sorted(folder.jobs.glob("j_*")):
        request = JobFolder.of(folder.jobs, path.name).request()
        if request is not None and request.kind == "train":
            found[request.inputs["mixture"]] = path.name
    return found


async def swapped_after_the_check(ground: Ground) -> Attempt:
    """The guard has looked and the host has logged it; before the trainer reads, the rows are swapped with their digests."""
    folder = await ground.session(Stage.WRITING)
    item = benchmark_of(folder).of(Split.SEALED)[0]
    async with ground.hosted(folder) as tools:
        await tools.done("synthesise_examples")
        mixture = (await tools("compose_mixture", kind="v1")).body["mixture_id"]
        shutil.rmtree(
            folder.artifacts / "adapter"
        )  # of the session that this is a copy of, with its training
        shutil.rmtree(folder.jobs / trainings(folder)[mixture])
        _swap(folder, mixture, f" {LEAKED}: {item.stem} {item.gold}")
        handle = await tools.done("train_adapter", mixture_id=mixture)
    won = bool(handle.body.get("artifacts", {}).get("adapter"))
    said = str(handle.body.get("error") or handle.error)
    saw = "an adapter was trained on the swapped rows" if won else f"no adapter ({said[:100]})"
    return Attempt(won, saw, noted(folder, mixture))


def _swap(folder: SessionFolder, mixture: str, leak: str) -> None:
    """Few rows in place of the mixture's, one of them with a leak; the manifest names their digest."""
    path = folder.store.path("mixture", mixture) / "rows.jsonl"
    lines = lines_of(path)[:FEW]
    lines[0]["example"]["messages"][-1]["content"] += leak
    meta = folder.store.manifest("mixture", mixture).meta
    rows = [from_plain(MixtureRow, line) for line in lines]
    found = mixture_digest(rows, meta["benchmark_digest"], meta["snapshot_digest"], meta["seed"])
    rewrite(path, lines, digest=found)


async def mixture_dropped_in(ground: Ground) -> Attempt:
    """A mixture of one's own, consistent and under its digest, written beside the composed ones and given to the trainer."""
    folder = await ground.session(Stage.PATCHING)
    honest = load_mixture(folder.store, made(folder, "compose_mixture", "mixture"))
    rows = honest.rows[:FEW]
    found = mixture_digest(rows, honest.benchmark_digest, honest.snapshot_digest, honest.seed)
    mixture = make_id("m", found)
    save_mixture(folder.store, replace(honest, mixture_id=mixture, digest=found, rows=rows))
    async with ground.hosted(folder) as tools:
        answer = await tools("train_adapter", mixture_id=mixture)
    won = mixture in trainings(folder)
    return Attempt(
        won, "its training was started" if won else f"no training ({answer.error})", noted(folder, mixture)
    )


async def rows_before_the_test(ground: Ground) -> Attempt:
    """Examples that were written under another benchmark than the frozen one."""
    folder = await ground.session(Stage.WRITING)
    job = job_of(folder, "synthesise")
    result = job.result()
    honest = load_examples(folder.store, result.artifacts["examples"]) if result else ()
    other = replace(benchmark_of(folder), digest="0" * 64)
    examples = save_examples(folder.store, honest[:FEW], benchmark=other)
    say_it_made(job, examples=examples.artifact_id)
    async with ground.hosted(folder) as tools:
        await tools.done("synthesise_examples")
        answer = await tools("compose_mixture", kind="v1")
    won = answer.ok and bool(list(folder.store.list("mixture")))
    saw = "V1 was composed of them" if won else f"no mixture ({answer.error})"
    return Attempt(won, saw, noted(folder, examples.artifact_id))


async def base_swapped(ground: Ground) -> Attempt:
    """The base's chat template is changed between the incumbent and the candidate."""
    folder = await ground.session(Stage.PATCHING)
    async with ground.hosted(folder) as tools:
        patch = await tools.done("write_patch", diagnosis_id=made(folder, "diagnose_failures", "diagnosis"))
        composed = await tools("compose_mixture", kind="patch", patch_id=patch.body["artifacts"]["patch"])
        mixture = composed.body["mixture_id"]
        with _changed(Path(folder.config.student.base) / "tokenizer_config.json"):
            answer = await tools("train_adapter", mixture_id=mixture)
    won = mixture in trainings(folder) and _bases(folder) > 1
    saw = "a round is trained on another base than V1" if won else f"one base ({answer.error})"
    return Attempt(won, saw, noted(folder, mixture))


def _bases(folder: SessionFolder) -> int:
    """Different bases that jobs of this session's log were told of."""
    requests = [r.body["request"] for r in read_records(folder.decisions) if "request" in r.body]
    return len({r["params"]["base_digest"] for r in requests if "base_digest" in r["params"]})


@contextlib.contextmanager
def _changed(path: Path) -> Iterator[None]:
    """A file with another end, put back afterwards."""
    data = path.read_bytes()
    path.write_bytes(data + b"\n")
    try:
        yield
    finally:
        path.write_bytes(data)


async def rejected_again(ground: Ground) -> Attempt:
    """A patch that was judged and rejected is composed once more: another seed, the same rows."""
    folder = await ground.session(Stage.ENDED)
    patch = made(folder, "write_patch", "patch")
    folder = folder.raise_budget({"rounds": 5.0})  # an operator's honest new budget
    async with ground.hosted(folder) as tools:
        answer = await tools("compose_mixture", kind="patch", patch_id=patch)
    won = answer.ok
    return Attempt(
        won, "the same patch has another round" if won else f"no round ({answer.error})", noted(folder, patch)
    )


async def incumbent_replaced(ground: Ground) -> Attempt:
    """Trained elsewhere and dropped in: the weights of the candidate are replaced, with their manifest, before it is scored."""
    folder = await ground.session(Stage.PATCHING)
    adapter = made(folder, "train_adapter", "adapter")
    weights = folder.store.path("adapter", adapter) / "adapter_model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    replace_file(weights, bytes(data))
    after = len(read_records(folder.decisions))
    async with ground.hosted(folder) as tools:
        patch = await tools.done("write_patch", diagnosis_id=made(folder, "diagnose_failures", "diagnosis"))
        composed = await tools("compose_mixture", kind="patch", patch_id=patch.body["artifacts"]["patch"])
        answer = await tools("train_adapter", mixture_id=composed.body["mixture_id"])
    won = composed.body["mixture_id"] in trainings(folder) and answer.ok
    saw = "the next round goes on from the other weights" if won else f"no training ({answer.error})"
    return Attempt(won, saw, noted(folder, adapter, after=after))


def _attack(name: str, by: By, wants: str, guard: str, success: str, act: Act) -> Attack:
    return Attack(name, "training", by, wants, guard, success, act)


TRAINING = (
    _attack(
        "mixture-swapped-after-check",
        "insider",
        "other rows trained on than were checked",
        "G6: the trainer checks again in its own process",
        "an adapter was trained on the swapped rows",
        swapped_after_the_check,
    ),
    _attack(
        "mixture-dropped-in",
        "controller",
        "a mixture of one's own trained on",
        "only mixtures that the log's calls made are trained",
        "a train job for it lies on disk",
        mixture_dropped_in,
    ),
    _attack(
        "rows-before-the-test",
        "writer",
        "rows that were written under another test",
        "G5: rows lie in artifacts that name the frozen benchmark",
        "V1 was composed of them",
        rows_before_the_test,
    ),
    _attack(
        "base-swapped",
        "insider",
        "a better base or template for the candidate alone",
        "every job of a session is told of the base that its first job was told of",
        "jobs of one session were told of two bases",
        base_swapped,
    ),
    _attack(
        "rejected-patch-again",
        "controller",
        "a rejected patch tried until a seed is lucky",
        "a patch that was rejected is not composed again",
        "it has another round",
        rejected_again,
    ),
    _attack(
        "weights-dropped-in",
        "insider",
        "weights trained elsewhere under the name of the session's own",
        "outcomes pin the artifacts that they name",
        "the next round goes on from the other weights",
        incumbent_replaced,
    ),
)
