"""Real vLLM servers on this machine: a session asks its students through one, and every score is the one transformers gives.

vLLM lives in the environment whose python ``$PRODA_VLLM_PYTHON`` names (``make vllm`` makes one and says so). Without it these
tests fail: what was not tried is not known to work.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import psutil
import pytest
from openai import AsyncOpenAI
from pydantic import BaseModel, Field
from pydantic_ai import Agent, NativeOutput, models
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.vllm import VLLMProvider

from agent.drive import Outcome
from evals.scorers import score_items
from proda_core.errors import StudentError
from proda_core.records import load_benchmark
from proda_core.session import SessionFolder
from proda_core.students import load_student
from proda_core.students.served.opening import open_served
from proda_core.students.served.student import TOLERANCE, ServedStudent
from proda_core.students.served.users import ServerFolder, held_up
from proda_core.types import Item, Scoring
from tests.models import servable_llama
from tests.sessions import Bench, outcomes_of, run_to_end

pytestmark = pytest.mark.vllm


@pytest.fixture(scope="module")
def python() -> str:
    named = os.environ.get("PRODA_VLLM_PYTHON", "")
    if not Path(named).is_file():
        pytest.fail("no environment with vLLM: run make vllm, or name its python by PRODA_VLLM_PYTHON")
    return named


@dataclass(frozen=True, slots=True)
class Served:
    """A session that asked its students through vLLM, and how it ended."""

    folder: SessionFolder
    outcome: Outcome
    base: Path

    @property
    def files(self) -> ServerFolder:
        return ServerFolder(self.folder.student_server)

    @property
    def adapters(self) -> list[Path]:
        return [
            self.folder.artifacts / "adapter" / done["artifacts"]["adapter"]
            for done in outcomes_of(self.folder, "train_adapter")
        ]

    @property
    def items(self) -> list[Item]:
        (built,) = outcomes_of(self.folder, "build_benchmark")
        return list(load_benchmark(self.folder.store, built["artifacts"]["benchmark"]).items)

    def open(self, adapter: Path | None) -> ServedStudent:
        return open_served(self.folder.root, str(self.base), adapter, self.folder.config.student)


@pytest.fixture(scope="module")
def served(python: str, bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One session from its corpus to its end; its server is held up by nobody after that."""
    root = tmp_path_factory.mktemp("served")
    bench = replace(bench, base=servable_llama(root / "base"))
    folder = bench.session(root, "served", student={"served_by": "vllm"}, vllm={"python": python})
    outcome = run_to_end(folder)
    assert ServerFolder(folder.student_server).keeper_pid() is None  # stopped at the session's end
    made = Served(folder, outcome, bench.base)
    with held_up(made.files):
        yield made
    assert made.files.keeper_pid() is None
    assert _processes_of(folder) == []


def _processes_of(folder: SessionFolder) -> list[psutil.Process]:
    """Every process of a server of this session's: its own group has the key of one in its environment, or its folder."""
    found = []
    for process in psutil.process_iter():
        try:
            of_ours = process.name().startswith("VLLM") or str(folder.root.parent) in " ".join(
                process.cmdline()
            )
            if of_ours and process.status() != psutil.STATUS_ZOMBIE:  # ended, and not yet waited for by init
                found.append(process)
        except psutil.Error:
            continue
    return [process for process in found if process.pid != os.getpid()]


def test_all_rounds_of_a_session_are_scored_through_one_server_that_loads_its_adapters(
    served: Served,
) -> None:
    assert served.outcome.stop_reason == "budget_rounds", served.outcome
    assert len(served.adapters) == 2  # V1 and one round
    scored = outcomes_of(served.folder, "evaluate_model")
    assert [done["arguments"]["model"] for done in scored] == ["base", *(a.name for a in served.adapters)]
    log = served.files.log.read_text(encoding="utf-8")  # a server that starts begins its log anew
    assert [log.count(f"Loaded new LoRA adapter: name '{adapter.name}-") for adapter in served.adapters] == [
        1,
        1,
    ]


@pytest.mark.parametrize("which", ["base", "V1", "V2"])
def test_the_benchmark_scored_through_vllm_is_that_of_transformers_item_by_item(
    served: Served, which: str
) -> None:
    adapter = None if which == "base" else served.adapters[int(which[1]) - 1]
    through, here = served.open(adapter), load_student(str(served.base), adapter, threads=1)
    items = served.items
    stems, options = [item.stem for item in items], [item.options for item in items]
    theirs, ours = (model.option_loglikelihoods(stems, options) for model in (through, here))
    pairs = [pair for one, other in zip(theirs, ours, strict=True) for pair in zip(one, other, strict=True)]
    furthest = max(abs(one - other) for one, other in pairs)
    print(f"{which}: {len(pairs)} log-likelihoods of {len(items)} items, largest difference {furthest:.2g}")
    assert furthest <= TOLERANCE
    for scoring in Scoring:
        one, other = (
            score_items(model, items, scoring=scoring, max_new_tokens=40) for model in (through, here)
        )
        assert [(s.value, s.answer, s.reason) for s in one] == [(s.value, s.answer, s.reason) for s in other]
        if scoring is not Scoring.LOGLIKELIHOOD:
            assert [s.output for s in one] == [s.output for s in other]
    through.close()


def test_adapters_differ_from_the_base_and_from_each_other_as_served(served: Served) -> None:
    stem, options = [served.items[0].stem], [served.items[0].options]
    found = []
    for adapter in (None, *served.adapters):
        student = served.open(adapter)
        found.append(student.option_loglikelihoods(stem, options)[0][0])
        student.close()
    assert min(abs(a - b) for a in found for b in found if a is not b) > 10 * TOLERANCE


def test_an_engine_that_dies_is_followed_by_another_and_the_answers_are_the_same(served: Served) -> None:
    student = served.open(served.adapters[0])
    before = student.generate(["What does heat lead to?"], max_new_tokens=8)
    first = served.files.keeper_pid()
    assert first is not None
    (engine,) = [p for p in psutil.Process(first).children(recursive=True) if "EngineCore" in p.name()]
    engine.send_signal(signal.SIGKILL)
    assert student.generate(["What does heat lead to?"], max_new_tokens=8) == before
    assert served.files.keeper_pid() not in (None, first)
    student.close()


def test_a_question_longer_than_the_context_is_cut_and_an_option_longer_is_refused(served: Served) -> None:
    student = served.open(None)
    (values,) = student.option_loglikelihoods(["heat " * 1200], [["cooling", "a basin"]])
    assert len(values) == 2
    with pytest.raises(StudentError, match="does not fit"):
        student.option_loglikelihoods(["heat"], [["cooling " * 1200]])
    student.close()


class Reading(BaseModel):
    """What a text says."""

    kind: Literal["causal", "part_of", "contrast"]
    strength: int = Field(ge=0, le=9)
    negated: bool


def test_a_schema_is_obeyed_by_a_model_that_knows_nothing_of_it(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """xgrammar holds a random model to the schema through pydantic-ai's own path for vLLM."""
    monkeypatch.setattr(models, "ALLOW_MODEL_REQUESTS", True)
    student = served.open(None)  # holds the server up
    state = served.files.state()
    assert state is not None

    async def ask() -> set[str]:
        async with AsyncOpenAI(base_url=f"{state.url}/v1", api_key=state.key) as client:
            model = OpenAIChatModel("base", provider=VLLMProvider(openai_client=client))
            agent = Agent(model, output_type=NativeOutput(Reading), retries={"output": 0})
            kinds: set[str] = set()
            for text in (
                "Heat leads to cooling.",
                "A fluid is part of a basin.",
                "Magma differs from sediment.",
            ):
                found = (await agent.run(text, model_settings={"max_tokens": 64, "temperature": 1.0})).output
                assert isinstance(found, Reading)
                kinds.add(found.kind)
            return kinds

    kinds = asyncio.run(ask())
    assert kinds
    student.close()


def test_the_shipped_base_is_served_as_transformers_has_it(python: str, bench: Bench, served: Served) -> None:
    """An LFM2, which vLLM by its defaults gets wrong on a CPU."""
    shipped = replace(bench, base="pocket")
    folder = shipped.session(
        served.folder.root.parent, "pocket", student={"served_by": "vllm"}, vllm={"python": python}
    )
    stems, options = [item.stem for item in served.items], [item.options for item in served.items]
    with held_up(ServerFolder(folder.student_server)):
        through = open_served(folder.root, "pocket", None, folder.config.student)
        theirs = through.option_loglikelihoods(stems, options)
        through.close()
    ours = load_student("pocket", threads=1).option_loglikelihoods(stems, options)
    assert [pytest.approx(row, abs=TOLERANCE) for row in ours] == theirs
