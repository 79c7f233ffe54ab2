"""Exporting a run: weights and tokenizer as a plain transformers folder, with a model card of measured abilities.

Weights are rounded to bfloat16 and stored as float32, so that every loader computes with the same values and the
file packs to half its size. The folder is written beside its target and its files renamed into place one by one.
"""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import torch

from proda_core.training.pocket.abilities import Ability, measure_abilities
from proda_core.training.pocket.pretrain import Plan, Pretraining
from proda_core.training.pocket.tokenizer import save_tokenizer

CARD = "MODEL_CARD.md"
NOTES = "notes.md"
Measure = Callable[[Any, Any], list[Ability]]
_CARD_TEMPLATE = Path(__file__).with_name("model_card.md")


def export(training: Pretraining, folder: Path, *, measure: Measure = measure_abilities) -> dict[str, float]:
    """Write the student folder and return its measured abilities by kind and difficulty."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        partial = Path(scratch)
        _round_weights(training.model)
        training.model.save_pretrained(str(partial))
        save_tokenizer(training.maker.tokenizer, partial, context=training.plan.context)
        model = AutoModelForCausalLM.from_pretrained(str(partial)).eval()
        tokenizer = AutoTokenizer.from_pretrained(str(partial))
        abilities = measure(model, tokenizer)
        (partial / CARD).write_text(model_card(training, abilities), encoding="utf-8")
        for path in sorted(partial.iterdir()):
            path.chmod(0o644)
            shutil.move(str(path), str(folder / path.name))
    return {f"{ability.kind}@{ability.difficulty}": round(ability.share, 3) for ability in abilities}


def model_card(training: Pretraining, abilities: list[Ability]) -> str:
    """The card: the template filled with the run's plan, spending, abilities, and the notes in its folder if any."""
    plan, progress = training.plan, training.progress
    notes = training.folder / NOTES
    figures: dict[str, Any] = {
        **asdict(plan),
        "command": _command(plan),
        "parameters": f"{sum(weight.numel() for weight in training.model.parameters()):,}",
        "tokens": f"{progress.tokens / 1e6:.1f} million",
        "steps": f"{progress.step:,}",
        "wall": f"{progress.seconds / 60:.0f}",
        "spent": f"{100 * training.spent:.0f}",
        "optimizer": "Muon for the layers' matrices, AdamW for the rest" if plan.muon else "AdamW",
        "precision": "bfloat16" if training.eager.dtype is torch.bfloat16 else "float32",
        "abilities": _table(abilities),
        "n": abilities[0].n,
        "notes": notes.read_text(encoding="utf-8").strip() if notes.exists() else "",
    }
    return _CARD_TEMPLATE.read_text(encoding="utf-8").format(**figures)


def _command(plan: Plan) -> str:
    """The command of a run with this plan: what is not said is the default, and a folder is no one else's."""
    said = [
        f"--{spec.name.replace('_', '-')} {'FIRST' if spec.name == 'weights' else getattr(plan, spec.name)}"
        for spec in fields(Plan)
        if spec.name in ("steps", "seed") or getattr(plan, spec.name) != spec.default
    ]
    return " ".join(("python -m proda_core.training.pocket --out RUN", *said))


def _table(abilities: list[Ability]) -> str:
    """Abilities as a table: a row for each kind, a column for each difficulty."""
    difficulties = sorted({ability.difficulty for ability in abilities})
    lines = ["| kind | " + " | ".join(f"difficulty {number}" for number in difficulties) + " |"]
    lines.append("| --- |" + " --- |" * len(difficulties))
    by_kind: dict[str, dict[int, str]] = {}
    for ability in abilities:
        by_kind.setdefault(ability.kind, {})[ability.difficulty] = f"{100 * ability.share:.0f} %"
    lines += [
        f"| {kind} | " + " | ".join(row[number] for number in difficulties) + " |"
        for kind, row in by_kind.items()
    ]
    return "\n".join(lines)


def _round_weights(model: Any) -> None:
    """Round every weight to bfloat16 in place, kept as float32."""
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(weight.to(torch.bfloat16).float())
