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
from proda_core.training.pocket.pretrain import Plan, Pretraining
from proda_core.training.pocket.rows import RowMaker, pocket_names
from proda_core.training.pocket.setup import new_model, prepare

PLAN = "plan.json"
BUDGET = {"minutes", "steps"}


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
        help="go on with the run in the folder, with its own plan; --minutes or --steps given now replace its budget",
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
    path: Path = options.out / PLAN
    plan = Plan(**given)
    if path.exists():
        if not options.resume:
            sys.stderr.write(f"{options.out} holds a run already: pass --resume or another folder\n")
            return 2
        if fixed := sorted(given.keys() - BUDGET):
            sys.stderr.write(
                f"a resumed run keeps its plan but for its budget: leave out {', '.join(fixed)}\n"
            )
            return 2
        plan = replace(Plan(**json.loads(path.read_text(encoding="utf-8"))), **given)
    options.out.mkdir(parents=True, exist_ok=True)
    write_atomic(path, json.dumps(asdict(plan), indent=2).encode())
    torch.set_num_threads(options.threads)
    training = open_run(options.out, plan)
    training.restore()
    training.run()
    return 0


def open_run(folder: Path, plan: Plan) -> Pretraining:
    """A run at its beginning, with the tokenizer and words of its folder."""
    tokenizer, words = prepare(folder, plan)
    maker = RowMaker(tokenizer, pocket_names(tokenizer, words), plan.context, tuple(words))
    return Pretraining(plan, folder, new_model(plan, tokenizer), maker, time.monotonic)


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
    plan = Plan(**json.loads((options.run / PLAN).read_text(encoding="utf-8")))
    training = open_run(options.run, plan)
    if not training.restore():
        sys.stderr.write(f"{options.run} has no checkpoint yet\n")
        return 2
    measured = export(training, options.out, measure=partial(measure_abilities, tasks=options.tasks))
    sys.stdout.write(json.dumps(measured, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
