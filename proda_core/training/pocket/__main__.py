"""Command line of pocket's pretraining: train (the default), or export the newest checkpoint with its model card."""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from proda_core.artifacts import write_atomic
from proda_core.errors import StudentError
from proda_core.training.pocket.crew import Crew, join_crew
from proda_core.training.pocket.pretrain import Plan, Pretraining
from proda_core.training.pocket.rows import RowMaker, pocket_names
from proda_core.training.pocket.setup import first_model, prepare

PLAN = "plan.json"
ALONE = Crew()
BUDGET = {"steps"}


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, call, print; 0 when done, 2 when the run folder and the arguments do not fit."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["export"]:
        return _export(arguments[1:])
    return _train(arguments)


def _train(arguments: Sequence[str]) -> int:
    """Start or resume a run."""
    parser = argparse.ArgumentParser(prog="python -m proda_core.training.pocket", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="run folder")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on with the run in the folder, with its own plan; --steps given now replaces its budget",
    )
    for spec in fields(Plan):
        flag, kind = f"--{spec.name.replace('_', '-')}", type(spec.default)
        about: dict[str, Any] = {"default": argparse.SUPPRESS, "help": f"{spec.default} when left out"}
        if kind is bool:
            parser.add_argument(flag, action=argparse.BooleanOptionalAction, **about)
        else:
            parser.add_argument(flag, type=kind, **about)
    options = parser.parse_args(arguments)
    given = {spec.name: getattr(options, spec.name) for spec in fields(Plan) if hasattr(options, spec.name)}
    crew = join_crew()
    if crew.leads and (reason := _settle(options.out, given, resume=options.resume)):
        sys.stderr.write(reason + "\n")
        return 2
    crew.wait()
    torch.set_num_threads(options.threads)
    try:
        training = open_run(options.out, _plan_of(options.out), crew)
    except StudentError as refused:
        sys.stderr.write(f"{refused}\n")
        return 2
    training.restore()
    training.run()
    return 0


def _settle(folder: Path, given: dict[str, Any], *, resume: bool) -> str:
    """Write the run's plan, tokenizer and words, or say why these arguments do not fit the folder."""
    plan = Plan(**given)
    if (folder / PLAN).exists():
        if not resume:
            return f"{folder} holds a run already: pass --resume or another folder"
        if fixed := sorted(given.keys() - BUDGET):
            return f"a resumed run keeps its plan but for its budget: leave out {', '.join(fixed)}"
        plan = replace(_plan_of(folder), **given)
    folder.mkdir(parents=True, exist_ok=True)
    write_atomic(folder / PLAN, json.dumps(asdict(plan), indent=2).encode())
    prepare(folder, plan)
    return ""


def _plan_of(folder: Path) -> Plan:
    return Plan(**json.loads((folder / PLAN).read_text(encoding="utf-8")))


def open_run(folder: Path, plan: Plan, crew: Crew = ALONE) -> Pretraining:
    """A run at its beginning, with the tokenizer and words of its folder."""
    tokenizer, words = prepare(folder, plan)
    maker = RowMaker(tokenizer, pocket_names(tokenizer, words), plan.context, tuple(words))
    return Pretraining(plan, folder, first_model(plan, tokenizer), maker, time.monotonic, crew)


def _export(arguments: Sequence[str]) -> int:
    """Measure and write the newest checkpoint of a run as a student folder with its card."""
    from proda_core.training.pocket.abilities import measure_abilities
    from proda_core.training.pocket.export import export

    parser = argparse.ArgumentParser(prog="python -m proda_core.training.pocket export")
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tasks", type=int, default=100, help="heldout tasks measured per kind")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    training = open_run(options.run, _plan_of(options.run))
    if not training.restore():
        sys.stderr.write(f"{options.run} has no checkpoint yet\n")
        return 2
    measured = export(training, options.out, measure=partial(measure_abilities, tasks=options.tasks))
    sys.stdout.write(json.dumps(measured, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
