"""LoRA at the shape of Qwen2.5-7B with random weights in bf16: tokens a second, memory and model FLOPs utilisation, beside TRL.

    python bench/lora_7b.py --steps 20 --out lora_7b.json            on a GPU
    python bench/lora_7b.py --shape tiny --steps 3 --no-trl          anywhere, to see it work

This project's loop and TRL's SFTTrainer train the same LoRA (rank, layers, AdamW, bf16, gradient checkpointing or not) on the
same random rows, each in a process of its own that begins with the same weights, so that neither inherits the other's memory. The
first steps are left out. Utilisation counts the floating-point operations that a step needs by arithmetic: forward 2 a weight and
token, backward 2 more for what flows back through frozen weights, and 6 for LoRA's own; attention's products are added,
recomputing is not. It is a share of --peak (in TFLOP/s, dense bf16; known for H100, H200 and A100). The comparison needs the
extra `bench`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

PEAKS = {"H200": 989.0, "H100": 989.0, "A100": 312.0}  # TFLOP/s, dense bf16, by the vendor's data sheets
SHAPES: dict[str, dict[str, int]] = {
    "7b": {
        "vocab_size": 152064,
        "hidden_size": 3584,
        "intermediate_size": 18944,
        "num_hidden_layers": 28,
        "num_attention_heads": 28,
        "num_key_value_heads": 4,
    },
    "tiny": {
        "vocab_size": 320,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
    },
}


@dataclass(frozen=True, slots=True)
class Figures:
    """What one trainer did; ``mfu`` is None where the peak is not known."""

    trainer: str
    tokens_per_s: float
    seconds_per_step: float
    peak_memory_gb: float
    mfu: float | None
    first_loss: float
    last_loss: float


def flops_per_token(shape: dict[str, int], *, rank: int, length: int) -> float:
    """Floating-point operations of training one token: frozen weights, LoRA on every linear layer, attention, head."""
    hidden, inner, layers = shape["hidden_size"], shape["intermediate_size"], shape["num_hidden_layers"]
    narrow = hidden * shape["num_key_value_heads"] // shape["num_attention_heads"]
    linear = [(hidden, hidden), (hidden, narrow), (hidden, narrow), (hidden, hidden)]
    linear += [(hidden, inner), (hidden, inner), (inner, hidden)]
    frozen = layers * sum(a * b for a, b in linear) + hidden * shape["vocab_size"]
    lora = layers * rank * sum(a + b for a, b in linear)
    attention = (
        layers * 2 * hidden * length / 2
    )  # causal: half of the products of queries and keys, then of values
    return 4.0 * frozen + 6.0 * lora + 6.0 * attention


def make_base(shape: dict[str, int], device: torch.device) -> Any:
    """A Qwen2 with random weights in bf16, the same each time."""
    from transformers import Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(0)
    config = Qwen2Config(**shape, tie_word_embeddings=False, max_position_embeddings=32768)
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    try:
        with device:
            return Qwen2ForCausalLM(config)
    finally:
        torch.set_default_dtype(before)


def make_rows(asked: argparse.Namespace, vocabulary: int) -> list[list[int]]:
    """Random rows of equal length, as many as all steps take: every token is learnt, by both."""
    generator = torch.Generator().manual_seed(1)
    count = asked.rows * asked.steps
    return torch.randint(5, vocabulary, (count, asked.length), generator=generator).tolist()


class Meter:
    """Seconds of each step after the warm-up, and the most memory."""

    def __init__(self, device: torch.device, warmup: int) -> None:
        self._device, self._warmup, self._marks = device, warmup, list[float]()

    def mark(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize()
        self._marks.append(time.perf_counter())

    def seconds_per_step(self) -> float:
        kept = self._marks[self._warmup :]
        return (kept[-1] - kept[0]) / (len(kept) - 1)

    def memory_gb(self) -> float:
        if self._device.type == "cuda":
            return torch.cuda.max_memory_allocated() / 1e9
        import psutil

        return psutil.Process().memory_info().rss / 1e9


def train_here(asked: argparse.Namespace, device: torch.device, meter: Meter) -> list[float]:
    """This project's loop; the loss of every step."""
    from proda_core.config import TrainingConfig
    from proda_core.students.loading import LoadedModel
    from proda_core.students.prompting import EncodedRow
    from proda_core.training.batches import BatchPlan
    from proda_core.training.journal import Journal
    from proda_core.training.loop import Hooks, train
    from proda_core.training.lora import make_trainee

    class _NoTokenizer:
        pad_token_id = 0

    shape = SHAPES[asked.shape]
    config = TrainingConfig(
        layers="all",
        rank=asked.rank,
        alpha=2 * asked.rank,
        optimiser="adamw",
        learning_rate=1e-4,
        weight_decay=0.0,
        distillation=0.0,
        protection=0.0,
        batch_tokens=asked.rows * asked.length,
        max_length=asked.length,
        max_steps=asked.steps,
        precision="bf16",
        checkpoint_steps=asked.steps + 1,
        gradient_checkpointing=asked.gradient_checkpointing,
    )
    loaded = LoadedModel(make_base(shape, device), _NoTokenizer(), Path())
    trainee = make_trainee(loaded, config, seed=0)
    rows = [
        EncodedRow(tuple(row), (False, *[True] * (len(row) - 1)))
        for row in make_rows(asked, shape["vocab_size"])
    ]
    plan = BatchPlan(rows, batch_tokens=config.batch_tokens, seed=0)
    with tempfile.TemporaryDirectory() as scratch:
        train(
            trainee, plan, config, scratch=Path(scratch), hooks=Hooks(lambda _position, _total: meter.mark())
        )
        return [record.loss for record in Journal(Path(scratch) / "journal.jsonl").loss_curve()]


def train_by_trl(asked: argparse.Namespace, device: torch.device, meter: Meter) -> list[float]:
    """TRL's SFTTrainer with the same settings; the loss of every step."""
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import TrainerCallback
    from trl import SFTConfig, SFTTrainer

    class Marks(TrainerCallback):
        def on_step_end(self, *_told: Any, **_named: Any) -> None:
            meter.mark()

    shape = SHAPES[asked.shape]
    rows = make_rows(asked, shape["vocab_size"])
    with tempfile.TemporaryDirectory() as scratch:
        settings = SFTConfig(
            output_dir=scratch,
            max_steps=asked.steps,
            per_device_train_batch_size=asked.rows,
            learning_rate=1e-4,
            lr_scheduler_type="cosine",
            warmup_steps=round(0.1 * asked.steps),
            max_grad_norm=1.0,
            bf16=True,
            use_cpu=device.type == "cpu",
            gradient_checkpointing=asked.gradient_checkpointing,
            max_length=None,
            packing=False,
            logging_steps=1,
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
            seed=0,
        )
        trainer = SFTTrainer(
            model=make_base(shape, device),
            args=settings,
            train_dataset=Dataset.from_dict({"input_ids": rows, "labels": rows}),
            processing_class=_plain_tokenizer(shape["vocab_size"]),
            peft_config=LoraConfig(
                r=asked.rank,
                lora_alpha=2 * asked.rank,
                target_modules="all-linear",
                bias="none",
                task_type="CAUSAL_LM",
            ),
            callbacks=[Marks()],
        )
        trainer.train()
        return [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]


def _plain_tokenizer(vocabulary: int) -> Any:
    """TRL wants a tokenizer; the rows are tokens already, so it is asked for its pad and end tokens alone."""
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    words = {"<pad>": 0, "<end>": 1, **{f"w{number}": number for number in range(2, vocabulary)}}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<pad>"))
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<end>")


TRAINERS = {"proda": train_here, "trl": train_by_trl}


def measure(trainer: str, asked: argparse.Namespace) -> Figures:
    """Train in this process and say what it took."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    meter = Meter(device, min(asked.warmup, asked.steps - 2))
    losses = TRAINERS[trainer](asked, device, meter)
    seconds = meter.seconds_per_step()
    rate = asked.rows * asked.length / seconds
    peak = asked.peak or _known_peak(device)
    needed = flops_per_token(SHAPES[asked.shape], rank=asked.rank, length=asked.length)
    return Figures(
        trainer=trainer,
        tokens_per_s=rate,
        seconds_per_step=seconds,
        peak_memory_gb=meter.memory_gb(),
        mfu=rate * needed / (peak * 1e12) if peak else None,
        first_loss=losses[0],
        last_loss=losses[-1],
    )


def _known_peak(device: torch.device) -> float | None:
    if device.type != "cuda":
        return None
    name = torch.cuda.get_device_name()
    return next((peak for part, peak in PEAKS.items() if part in name), None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", choices=list(SHAPES), default="7b")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--warmup", type=int, default=5, help="steps left out of the timing")
    parser.add_argument("--rows", type=int, default=8, help="rows in a batch")
    parser.add_argument("--length", type=int, default=1024, help="tokens in a row")
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--gradient-checkpointing", action="store_true")
    parser.add_argument(
        "--peak", type=float, help="TFLOP/s of the device, dense bf16, where it is not known here"
    )
    parser.add_argument("--no-trl", action="store_true", help="measure this project's loop alone")
    parser.add_argument("--out", type=Path, help="file for the figures as JSON")
    parser.add_argument("--one", choices=list(TRAINERS), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.steps < 3:
        parser.error("--steps must be 3 at least: the first is left out, and one alone is no rate")
    if asked.rows * asked.length < 128:
        parser.error("--rows times --length must be 128 at least: less is no batch")
    if asked.one:
        print(json.dumps(asdict(measure(asked.one, asked))))
        return
    print(json.dumps(compare(asked), indent=1))


def compare(asked: argparse.Namespace) -> dict[str, Any]:
    """Every trainer in a process of its own; written to --out as well, after each."""
    trainers = [name for name in TRAINERS if name == "proda" or not asked.no_trl]
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    settings = {
        key: value for key, value in vars(asked).items() if key not in ("out", "one") and value is not None
    }
    found: dict[str, Any] = {"gpu": gpu, "torch": torch.__version__, "settings": settings, "trainers": []}
    for name in trainers:
        print(f"{name}: {asked.steps} steps", file=sys.stderr)
        done = subprocess.run(
            [sys.executable, __file__, *sys.argv[1:], "--one", name], stdout=subprocess.PIPE, check=True
        )
        found["trainers"].append(json.loads(done.stdout.splitlines()[-1]))
        if asked.out is not None:
            asked.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return found


if __name__ == "__main__":
    main()
