"""Option log-likelihoods against lm-eval-harness, item by item, on the same model: the same sums and the same choices.

lm-eval runs in a process of its own, offline, on a task made of local JSON. The plain form is asked as the question and its
"Answer:", the chat form through the model's own template.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from evals.scorers import score_items
from proda_core.config import load_config
from proda_core.corpus.curate import curate
from proda_core.demo import DEMO_CONFIG, DEMO_CORPUS
from proda_core.embeddings import Embedder
from proda_core.extraction.build import extract
from proda_core.knowledge import make_snapshot
from proda_core.layout import choice_prompt
from proda_core.students import load_student, resolve_base
from proda_core.synthesis.benchmark import build_benchmark
from proda_core.teachers import RulesTeacher
from proda_core.types import Item, Scoring, Split
from tests.models import tiny_llama, tiny_qwen2

ITEMS = 120
_WORDS = (
    "heat",
    "magma",
    "core",
    "fluid",
    "sediment",
    "basin",
    "convection",
    "cooling",
    "crust",
    "ridge",
    "mantle",
    "rock",
)
_TASK = """task: {name}
dataset_path: json
dataset_kwargs:
  data_files:
    test: {data}
test_split: test
output_type: multiple_choice
doc_to_text: "{text}"
doc_to_choice: options
doc_to_target: gold
metric_list:
  - metric: acc
"""


def items(seed: int = 0) -> list[Item]:
    """Four-option items over random phrases of unlike length."""
    rng = random.Random(seed)
    made = []
    for number in range(ITEMS):
        options = tuple(" ".join(rng.sample(_WORDS, rng.randint(1, 4))) for _ in range(4))
        stem = f"What does {' '.join(rng.sample(_WORDS, rng.randint(1, 6)))} lead to?"
        made.append(
            Item(
                item_id=f"i_{number:016x}",
                chain_id="",
                group_id="",
                split=Split.DEV,
                stem=stem if number % 2 else choice_prompt(stem, options),
                options=options if number % 2 else ("A", "B", "C", "D"),
                gold_index=rng.randrange(4),
                operators=(),
                option_concept_ids=(),
                discipline="000",
                hops=2,
                template="",
                l1_ids=(),
                l2_ids=(),
            )
        )
    return made


def lm_eval(model: Path, asked: list[Item], folder: Path, *, chat: bool) -> list[list[float]]:
    """lm-eval's log-likelihood of every option, in the order of the items."""
    data = folder / "items.json"
    rows = [
        {"number": n, "stem": i.stem, "options": list(i.options), "gold": i.gold_index}
        for n, i in enumerate(asked)
    ]
    data.write_text("\n".join(json.dumps(row) for row in rows))
    text = "{{stem}}" if chat else "Question: {{stem}}\\nAnswer:"
    (folder / "parity.yaml").write_text(_TASK.format(name="parity", data=data, text=text))
    command = [
        *(sys.executable, "-m", "lm_eval", "--model", "hf", "--device", "cpu", "--batch_size", "16"),
        *("--model_args", f"pretrained={model},dtype=float32", "--include_path", str(folder)),
        *("--tasks", "parity", "--log_samples", "--output_path", str(folder / "out")),
        *(["--apply_chat_template"] if chat else []),
    ]
    environment = {
        **os.environ,
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "HF_HOME": str(folder / "home"),
    }
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    (samples,) = (folder / "out").rglob("samples_parity_*.jsonl")
    found = [json.loads(line) for line in samples.read_text().splitlines()]
    by_number = {row["doc"]["number"]: [float(r[0][0]) for r in row["resps"]] for row in found}
    return [by_number[n] for n in range(len(asked))]


@pytest.mark.slow
@pytest.mark.parametrize("form", ["llama-chat", "qwen2-plain"])
def test_option_scores_agree_with_lm_eval_on_every_item(tmp_path: Path, form: str) -> None:
    chat = form == "llama-chat"
    model = tiny_llama(tmp_path / "model") if chat else tiny_qwen2(tmp_path / "model", chat=False)
    asked = items()
    theirs = lm_eval(model, asked, tmp_path, chat=chat)
    student = load_student(str(model), threads=1)
    ours = student.option_loglikelihoods([i.stem for i in asked], [i.options for i in asked])
    for mine, other in zip(ours, theirs, strict=True):
        assert mine == pytest.approx(other, abs=1e-3)
        assert mine.index(max(mine)) == other.index(max(other))


def demo_dev_items() -> list[Item]:
    """The dev items that `proda run` freezes for the shipped corpus."""
    config = load_config(DEMO_CONFIG)
    curated = curate(DEMO_CORPUS, config.corpus)
    found = extract(curated.chunks, RulesTeacher(), encoder=Embedder(), config=config.teacher)
    snapshot = make_snapshot(found.concepts, found.relations, found.chains)
    return list(build_benchmark(snapshot, config.benchmark, seed=config.seed).benchmark.of(Split.DEV))


@pytest.mark.slow
def test_option_scores_of_pocket_agree_with_lm_eval_on_every_dev_item_of_the_demo(tmp_path: Path) -> None:
    asked = demo_dev_items()
    assert len(asked) >= 100
    theirs = lm_eval(resolve_base("pocket"), asked, tmp_path, chat=True)
    scores = score_items(
        load_student("pocket", threads=1), asked, scoring=Scoring.LOGLIKELIHOOD, max_new_tokens=1
    )
    for score, other in zip(scores, theirs, strict=True):
        assert json.loads(score.output) == pytest.approx(other, abs=1e-3)
        assert score.answer == other.index(max(other))
