"""The train job: check the mixture again, compile it to LoRA weights, keep the adapter with its loss and mastery curves.

Before a single step the guard reads everything from disk again in this process (G6); a changed mixture is refused, as is
a base with another digest. The same request makes the same adapter ID; a killed run goes on from its checkpoint. V1
(``probe``) stops when probes stop improving; every other run goes to the end of its epochs.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from proda_core.artifacts import ArtifactStore
from proda_core.config import StudentConfig, TrainingConfig
from proda_core.errors import JobError
from proda_core.guard import recheck_for_training
from proda_core.ids import make_id
from proda_core.jobs.contract import JobContext, JobRequest, JobResult, Progress
from proda_core.knowledge.snapshot import load_snapshot
from proda_core.serialize import to_plain
from proda_core.student_jobs import check_base
from proda_core.students.hf import context_of
from proda_core.students.prompting import encode_row
from proda_core.training.checkpoint import Position
from proda_core.training.journal import Journal
from proda_core.training.lora import Trainee, save_adapter
from proda_core.training.processes import together
from proda_core.training.run import Observer, TrainingRun, load_base, train_run
from proda_core.training.stopping import mastery_probe
from proda_core.types import Adapter, Mixture, Role

FINAL_STEPS = 50  # the loss at the end is their mean; a single batch says little


@dataclass(frozen=True, slots=True)
class TrainRequest:
    """A train job's request, read and checked."""

    mixture_id: str
    snapshot_id: str
    benchmark_id: str
    base: str
    base_digest: str
    config: TrainingConfig
    student: StudentConfig
    seed: int
    probe: bool
    incumbent: str | None  # set when the run goes on with it
    wall_s: float | None  # wall time the run may take

    @property
    def adapter_id(self) -> str:
        """Made from what is compiled and how; checkpoints, threads and clocks have no part in it."""
        extra = [part for part in (self.probe and "probe", self.incumbent, self.wall_s) if part]
        return make_id("a", self.mixture_id, self.base_digest, self.config.model_dump(), self.seed, *extra)


def run(context: JobContext, request: JobRequest) -> JobResult:
    """Train one adapter. GuardRefusal, StudentError and JobError end it with nothing written to the store."""
    wanted = read_request(request)
    if not context.store.exists("adapter", wanted.adapter_id):
        mixture = recheck_for_training(
            context.store, wanted.mixture_id, snapshot_id=wanted.snapshot_id, benchmark_id=wanted.benchmark_id
        )
        check_base(wanted.base, wanted.base_digest)
        _compile(context, wanted, mixture)
    meta = context.store.manifest("adapter", wanted.adapter_id).meta
    figures = {key: meta["adapter"][key] for key in ("steps", "tokens", "wall_s", "final_loss")}
    return JobResult(
        {"adapter": wanted.adapter_id}, {**figures, "mastery": meta["mastery"], "stopped": meta["stopped"]}
    )


def read_request(request: JobRequest) -> TrainRequest:
    """The typed form of a request; JobError names what is missing."""
    try:
        params, inputs = request.params, request.inputs
        config = TrainingConfig.model_validate(params["config"])
        return TrainRequest(
            mixture_id=inputs["mixture"],
            snapshot_id=inputs["snapshot"],
            benchmark_id=inputs["benchmark"],
            base=params["base"],
            base_digest=params["base_digest"],
            config=config,
            student=StudentConfig.model_validate(params["student"]),
            seed=int(params["seed"]),
            probe=bool(params.get("probe", False)),
            incumbent=inputs.get("incumbent") if config.continue_incumbent else None,
            wall_s=params.get("wall_s"),
        )
    except KeyError as error:
        raise JobError(
            f"train request without {error}; see the entry point's list of inputs and params"
        ) from error


def _compile(context: JobContext, wanted: TrainRequest, mixture: Mixture) -> None:
    """Everything from the loaded base to the adapter in the store."""
    loaded = load_base(wanted.base, wanted.student, wanted.config)
    limit = min(wanted.config.max_length, context_of(loaded.model.config))
    probe = None
    if wanted.probe:
        snapshot = load_snapshot(context.store, wanted.snapshot_id)
        probe = mastery_probe(snapshot, mixture, wanted.config, seed=wanted.seed)
    run = TrainingRun(
        base=wanted.base,
        student=wanted.student,
        config=wanted.config,
        seed=random.Random(f"train:{wanted.seed}:{wanted.mixture_id}").getrandbits(31),
        incumbent=context.store.checked("adapter", wanted.incumbent) if wanted.incumbent else None,
        rows=[encode_row(loaded.tokenizer, row.example.messages).cut(limit) for row in mixture.rows],
        general=[number for number, row in enumerate(mixture.rows) if row.role is Role.GENERAL],
        probe=probe,
        limit_s=wanted.wall_s,
        scratch=context.scratch,
    )
    context.scratch.mkdir(parents=True, exist_ok=True)
    observer = Observer(_after_rows(context, len(run.general)), _after_step(context))
    with together(run):
        trainee, position = train_run(run, loaded, observer)
        _save(context, wanted, trainee, position)


def _after_rows(context: JobContext, total: int) -> Callable[[int], None]:
    began = time.monotonic()

    def after_rows(done: int) -> None:
        left = (time.monotonic() - began) / done * (total - done)
        context.report(Progress(0, 1, left, f"the base on general rows, {done} of {total}"))
        if context.should_stop():
            raise JobError("cancelled before the first step; the same request begins again")

    return after_rows


def _after_step(context: JobContext) -> Callable[[Position, int], None]:
    def after_step(position: Position, total: int) -> None:
        left = position.wall_s / position.step * (total - position.step)
        mastery = f", mastery {position.mastery[-1]:.2f}" if position.mastery else ""
        context.report(Progress(position.step, total, left, f"loss {position.loss:.3f}{mastery}"))
        if context.should_stop():
            raise JobError(
                f"cancelled at step {position.step} of {total}; the same request goes on from its last checkpoint"
            )

    return after_step


def _save(context: JobContext, wanted: TrainRequest, trainee: Trainee, position: Position) -> None:
    journal = Journal(context.scratch / "journal.jsonl")
    curve = journal.loss_curve()
    adapter = Adapter(
        adapter_id=wanted.adapter_id,
        mixture_id=wanted.mixture_id,
        base=wanted.base,
        base_digest=wanted.base_digest,
        path=_relative(context.store, wanted.adapter_id, context.session),
        steps=position.step,
        tokens=position.tokens,
        wall_s=round(position.wall_s, 3),
        final_loss=fmean(record.loss for record in curve[-FINAL_STEPS:]),
    )

    def write(folder: Path) -> None:
        save_adapter(trainee, folder, base=wanted.base)
        _write_rows(folder / "loss.jsonl", [asdict(record) for record in curve])
        _write_rows(folder / "journal.jsonl", [asdict(record) for record in journal.records()])

    inputs = {"mixture": wanted.mixture_id, "snapshot": wanted.snapshot_id, "benchmark": wanted.benchmark_id}
    if wanted.incumbent:
        inputs["incumbent"] = wanted.incumbent
    meta = {
        "adapter": to_plain(adapter),
        "config": wanted.config.model_dump(),
        "seed": wanted.seed,
        "mastery": list(position.mastery),
        "processes": trainee.accelerator.num_processes,
        "stopped": "plateau" if position.stopped else "end",
    }
    context.store.make("adapter", wanted.adapter_id, write, inputs=inputs, meta=meta)


def _write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def _relative(store: ArtifactStore, adapter_id: str, session: Path) -> str:
    folder = store.path("adapter", adapter_id)
    return str(folder.relative_to(session)) if folder.is_relative_to(session) else folder.name
