"""The base's own word on general rows: taken before anything is trained, right token by token, and a part of the loss."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from proda_core.errors import JobError
from proda_core.students.loading import load_model
from proda_core.students.prompting import EncodedRow
from proda_core.training.batches import collate
from proda_core.training.gradients import answer_loss
from proda_core.training.job import run
from proda_core.training.lora import make_trainee
from proda_core.training.soft_targets import TOP, BatchTargets, SoftTargets, ask_base, blended_loss
from tests.proda_core.training.conftest import TrainingSession
from tests.proda_core.training.test_gradients import CONFIG, SEED, rows

CPU = torch.device("cpu")


def asked(base: Path, numbers: list[int], *, weight: float = 1.0) -> SoftTargets:
    found = ask_base(
        load_model(str(base)).model, rows(), numbers, weight=weight, tell=lambda done: None, pad=0
    )
    assert found is not None
    return found


def alone(base: Path, row: EncodedRow) -> torch.Tensor:
    """Probabilities at a row's labels, by the model on that row alone."""
    with torch.no_grad():
        logits = load_model(str(base)).model(input_ids=torch.tensor([row.ids[:-1]])).logits[0]
    return logits[torch.tensor(row.labels[1:])].softmax(-1)


@pytest.mark.parametrize("family", ["llama", "lfm2"])
def test_what_the_base_says_of_a_row_does_not_depend_on_the_rows_beside_it(
    bases: dict[str, Path], family: str
) -> None:
    made = rows()
    soft = asked(bases[family], [7, 2, 30, 11])
    part = [30, 5, 2]
    found = soft.of(made, part, CPU)
    labels = [sum(made[number].labels[1:]) for number in part]
    assert found.weight.tolist() == [1.0] * labels[0] + [0.0] * labels[1] + [1.0] * labels[2]
    for number, start in ((30, 0), (2, labels[0] + labels[1])):
        expected = alone(bases[family], made[number])
        mine = slice(start, start + len(expected))
        torch.testing.assert_close(found.shares[mine], expected.topk(TOP).values, atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(
            expected.gather(-1, found.tokens[mine]), found.shares[mine], atol=1e-5, rtol=1e-4
        )


def test_the_loss_is_a_blend_of_the_written_answer_and_the_bases_word() -> None:
    torch.manual_seed(0)
    logits, base = torch.randn(3, 40), torch.randn(3, 40).softmax(-1)
    targets = torch.tensor([3, 9, 27])
    top = base.topk(TOP)
    weight = torch.tensor([0.0, 0.25, 1.0])
    logs = logits.log_softmax(-1)
    expected = 0.0
    for place in range(3):
        kept = -(top.values[place] * logs[place, top.indices[place]]).sum()
        others = [token for token in range(40) if token not in top.indices[place]]
        kept -= base[place, others].sum() * logs[place, others].exp().sum().log()
        share = float(weight[place])
        expected += float(share * kept - (1 - share) * logs[place, targets[place]]) / 3
    found = blended_loss(logits, targets, BatchTargets(weight, top.indices, top.values))
    assert found.item() == pytest.approx(expected, abs=1e-5)


def test_the_bases_own_word_pulls_an_untrained_adapter_nowhere_and_a_written_answer_does(
    bases: dict[str, Path],
) -> None:
    part = [1, 4, 9]
    trainee = make_trainee(load_model(str(bases["llama"])), CONFIG, seed=SEED)
    batch = collate([rows()[number] for number in part], pad=trainee.pad, device=CPU)
    pulls = []
    for weight in (1.0, 0.0):
        soft = asked(bases["llama"], part, weight=1.0).of(rows(), part, CPU)
        soft = BatchTargets(soft.weight * weight, soft.tokens, soft.shares)
        answer_loss(trainee, batch, soft).backward()
        pulls.append(max(float(p.grad.abs().max()) for p in trainee.model.parameters() if p.grad is not None))
        trainee.model.zero_grad()
    assert pulls[0] < 1e-5 < 1e-3 < pulls[1]
    assert answer_loss(trainee, batch, soft).item() == pytest.approx(
        answer_loss(trainee, batch).item(), abs=1e-6
    )


def test_a_training_job_asks_the_base_about_its_general_rows_alone(
    open_session: Callable[[str], TrainingSession], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, float]] = []

    def watched(
        model: Any, rows_: list[EncodedRow], numbers: list[int], *, weight: float, **more: object
    ) -> None:
        assert not any("lora" in name for name, _ in model.named_parameters())
        seen.append((len(numbers), weight))

    monkeypatch.setattr("proda_core.training.run.ask_base", watched)
    session = open_session("one")
    run(session.context(), session.request(distillation=0.5))
    mixture = session.store.path("mixture", session.mixture_id) / "rows.jsonl"
    roles = [json.loads(line)["role"] for line in mixture.read_text(encoding="utf-8").splitlines()]
    assert seen == [(roles.count("general"), 0.5)] and roles.count("general")


def test_a_job_cancelled_while_the_base_is_asked_ends_there(session: TrainingSession) -> None:
    context = replace(session.context(), should_stop=lambda: True)
    with pytest.raises(JobError, match="before the first step"):
        run(context, session.request())
    assert not list((session.store.root / "adapter").glob("a_*"))
