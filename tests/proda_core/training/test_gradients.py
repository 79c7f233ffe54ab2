"""A step's gradient in parts: whoever computes them, a run takes the same steps."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from proda_core.config import TrainingConfig
from proda_core.jobs.process import start_token
from proda_core.students.loading import load_model
from proda_core.students.prompting import EncodedRow
from proda_core.training import gradients as module
from proda_core.training.batches import BatchPlan, collate
from proda_core.training.gradients import Gradients, HelperSpec, answer_loss
from proda_core.training.loop import Hooks, train
from proda_core.training.lora import Trainee, make_trainee
from proda_core.training.soft_targets import SoftTargets, ask_base

CONFIG = TrainingConfig(rank=4, precision="fp32", batch_tokens=256, max_steps=6, learning_rate=0.05)
SEED = 3


def rows() -> list[EncodedRow]:
    generator = torch.Generator().manual_seed(0)
    made = []
    for number in range(41):
        length, answer = 9 + number % 23, 1 + number % 5
        ids = torch.randint(5, 300, (length,), generator=generator).tolist()
        made.append(EncodedRow(tuple(ids), tuple(place >= length - answer for place in range(length))))
    return made


def trainee(base: Path, config: TrainingConfig = CONFIG) -> Trainee:
    return make_trainee(load_model(str(base)), config, seed=SEED)


def spec(base: Path, config: TrainingConfig = CONFIG) -> HelperSpec:
    return HelperSpec(str(base), config, SEED, None, rows(), bases_word(base) if base.exists() else None)


def bases_word(base: Path) -> SoftTargets | None:
    """What the base says of every other row."""
    model = load_model(str(base)).model
    return ask_base(model, rows(), range(0, 41, 2), weight=0.9, tell=lambda done: None, pad=0)


def ready(base: Path, config: TrainingConfig = CONFIG) -> tuple[Trainee, Gradients]:
    """A trainee and its gradients, without a helper yet."""
    made = trainee(base, config)
    return made, Gradients(made, rows(), bases_word(base))


def weights(made: Trainee) -> dict[str, torch.Tensor]:
    return {name: p.detach().clone() for name, p in made.model.named_parameters() if p.requires_grad}


def run(made: Trainee, gradients: Gradients, scratch: Path) -> dict[str, torch.Tensor]:
    scratch.mkdir()
    plan = BatchPlan(rows(), batch_tokens=CONFIG.batch_tokens, seed=1)
    train(made, plan, CONFIG, scratch=scratch, hooks=Hooks(lambda position, total: None), gradients=gradients)
    return weights(made)


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.fixture
def helped(bases: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> tuple[Trainee, Gradients]:
    """A trainee with a helper that is ready."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1})
    made, gradients = ready(bases["llama"])
    assert gradients.call_helper(spec(bases["llama"]), steps=1000)
    gradients.wait_for_helper()
    return made, gradients


def helper_pid(gradients: Gradients) -> int:
    helper = gradients._helper
    assert helper is not None
    pid = helper._process.pid
    assert pid is not None
    return pid


def test_the_parts_add_up_to_the_gradient_of_the_mean_over_the_batch(bases: dict[str, Path]) -> None:
    made, batch = trainee(bases["llama"]), [0, 1, 2, 3, 4]
    sample = rows()
    loss = Gradients(made, sample).add(batch)
    found = {name: p.grad.clone() for name, p in made.model.named_parameters() if p.grad is not None}
    made.wrapper.zero_grad()
    whole = answer_loss(made, collate([sample[i] for i in batch], pad=made.pad, device=torch.device("cpu")))
    whole.backward()
    assert loss == pytest.approx(whole.item(), rel=1e-5)
    wanted = {name: p.grad for name, p in made.model.named_parameters() if p.grad is not None}
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        assert torch.allclose(found[name], value, atol=1e-6), name


def test_a_run_with_a_helper_takes_the_steps_of_a_run_alone(
    bases: dict[str, Path], helped: tuple[Trainee, Gradients], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = run(*ready(bases["llama"]), tmp_path / "alone")
    made, gradients = helped
    helper = gradients._helper
    assert helper is not None
    collect, taken = helper.collect, list[float | None]()

    def noted() -> float | None:
        taken.append(collect())
        return taken[-1]

    monkeypatch.setattr(helper, "collect", noted)
    with gradients:
        together = run(made, gradients, tmp_path / "together")
    assert same(alone, together)
    plan = BatchPlan(rows(), batch_tokens=CONFIG.batch_tokens, seed=1)
    assert len(taken) == sum(len(plan.at(step)) > 1 for step in range(6)) >= 4
    assert all(loss for loss in taken)


def test_a_run_that_loses_its_helper_goes_on_alone_to_the_same_weights(
    bases: dict[str, Path], helped: tuple[Trainee, Gradients], tmp_path: Path
) -> None:
    alone = run(*ready(bases["llama"]), tmp_path / "alone")
    made, gradients = helped
    os.kill(helper_pid(gradients), signal.SIGKILL)
    with gradients:
        assert same(alone, run(made, gradients, tmp_path / "lost"))


def test_a_helper_that_cannot_load_its_base_is_done_without(
    bases: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1})
    alone = run(*ready(bases["llama"]), tmp_path / "alone")
    made, gradients = ready(bases["llama"])
    with gradients:
        assert gradients.call_helper(spec(tmp_path / "no such folder"), steps=1000)
        gradients.wait_for_helper()
        assert same(alone, run(made, gradients, tmp_path / "lost"))


def test_a_limited_run_waits_for_its_helper_before_its_clock_starts(
    bases: dict[str, Path], helped: tuple[Trainee, Gradients], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, gradients = helped
    seconds = [0.0]
    monkeypatch.setattr(gradients, "wait_for_helper", lambda: seconds.__setitem__(0, 1000.0))
    hooks = Hooks(lambda position, total: None, clock=lambda: seconds[0], limit_s=5.0)
    plan = BatchPlan(rows(), batch_tokens=CONFIG.batch_tokens, seed=1)
    with gradients:
        position = train(made, plan, CONFIG, scratch=tmp_path, hooks=hooks, gradients=gradients)
    assert position.wall_s == 0.0  # by this clock nothing but waiting takes time


def test_a_machine_without_shared_memory_trains_without_a_helper(
    bases: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refuse(tensor: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("unable to allocate shared memory")

    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1})
    monkeypatch.setattr(module, "_share", refuse)
    alone = run(*ready(bases["llama"]), tmp_path / "alone")
    made, gradients = ready(bases["llama"])
    with gradients:
        assert not gradients.call_helper(spec(bases["llama"]), steps=1000)
        assert same(alone, run(made, gradients, tmp_path / "without"))
    assert "unable to allocate shared memory" in capsys.readouterr().err


def test_the_helper_ends_with_its_run(helped: tuple[Trainee, Gradients]) -> None:
    _, gradients = helped
    pid = helper_pid(gradients)
    with pytest.raises(KeyboardInterrupt), gradients:
        raise KeyboardInterrupt
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_no_helper_is_called_where_none_pays_or_chance_is_drawn(
    bases: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1})
    plan = spec(bases["llama"])
    made = trainee(bases["llama"])
    assert not Gradients(made, rows()).call_helper(plan, steps=module.HELP_FROM_STEPS - 1)
    dropping = trainee(bases["llama"], CONFIG.model_copy(update={"dropout": 0.1}))
    assert not Gradients(dropping, rows()).call_helper(plan, steps=1000)
    made.model.config.hidden_size = 4096
    assert not Gradients(made, rows()).call_helper(plan, steps=1000)
    made.model.config.hidden_size = 32
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0})
    assert not Gradients(made, rows()).call_helper(plan, steps=1000)


def test_a_killed_run_leaves_no_helper_behind(bases: dict[str, Path], tmp_path: Path) -> None:
    script = tmp_path / "first.py"
    script.write_text(
        "import os, time\n"
        "from pathlib import Path\n"
        "from tests.proda_core.training import test_gradients as t\n"
        "if __name__ == '__main__':\n"
        "    os.sched_getaffinity = lambda pid: {0, 1}\n"
        f"    base = Path({str(bases['llama'])!r})\n"
        "    made = t.trainee(base)\n"
        "    gradients = t.Gradients(made, t.rows())\n"
        "    gradients.call_helper(t.spec(base), steps=1000)\n"
        "    gradients.wait_for_helper()\n"
        "    print(t.helper_pid(gradients), flush=True)\n"
        "    time.sleep(60)\n",
        encoding="utf-8",
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    command = [sys.executable, str(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as first:
        assert first.stdout is not None
        pid = int(first.stdout.readline())
        first.kill()
    deadline = time.monotonic() + 20
    while start_token(pid) is not None and time.monotonic() < deadline:
        time.sleep(0.1)
    assert start_token(pid) is None
