"""Asking a server: by token IDs, in batches, by index; one question's fault and the server's told apart; no wrong server.

The server is a stand-in for vLLM whose log-probabilities are a known function of the tokens; the tokenizer is real.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from proda_core.answering import ChoiceQuestion, answer_choices
from proda_core.config import load_config
from proda_core.errors import ConfigError, ServingError, StudentError
from proda_core.students.loading import BaseDescription, describe_base
from proda_core.students.prompting import encode_options, encode_prompt
from proda_core.students.served.agreement import check_agreement
from proda_core.students.served.client import Address
from proda_core.students.served.plan import plan_server
from proda_core.students.served.student import FixedServer, ServedModel, ServedStudent
from proda_core.students.served.users import PORT, ServerFolder, ServerPlan, SessionServer
from proda_core.types import Scoring
from tests.models import tiny_llama
from tests.vllm_stand_in import FAILING, FATAL, REFUSED, logprob

STAND_IN = Path(__file__).parents[3] / "vllm_stand_in.py"
PROMPTS = ["What does heat lead to?", "Which of these?", "heat"]
OPTIONS = [["cooling", "a basin of sediment"], ["magma"], ["A", "B", "C"]]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> BaseDescription:
    return describe_base(str(tiny_llama(tmp_path_factory.mktemp("base") / "base", chat=False)))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, base: BaseDescription) -> Iterator[SessionServer]:
    folder = tmp_path_factory.mktemp("server")
    command = (sys.executable, str(STAND_IN), "--port", PORT, "--model", str(base.folder))
    plan = ServerPlan((*command, "--grandchild", str(folder / "grandchildren")), {"PYTHONPATH": None}, 20)
    yield (made := SessionServer(ServerFolder(folder), plan))
    made.close()
    ServerFolder(folder).kill_keeper()


def student(
    server: SessionServer | FixedServer, base: BaseDescription, *, batch_size: int = 2
) -> ServedStudent:
    model = ServedModel(server, base.folder, None, timeout_s=20)
    return ServedStudent(model, base, name="base", batch_size=batch_size)


def test_an_options_likelihood_is_the_sum_over_its_own_tokens_after_the_prompts(
    server: SessionServer, base: BaseDescription
) -> None:
    wanted = []
    for row in encode_options(base.tokenizer, PROMPTS, OPTIONS):
        wanted.append([])
        for pair in row:
            tokens = [pair.context[-1], *pair.continuation]
            values = [logprob(t, b, "base") for b, t in pairwise(tokens)]
            wanted[-1].append(sum(values))
    asked = student(server, base)
    assert asked.option_loglikelihoods(PROMPTS, OPTIONS) == [pytest.approx(row) for row in wanted]


def test_a_reply_is_decoded_without_the_token_that_stopped_it(
    server: SessionServer, base: BaseDescription
) -> None:
    last = [encode_prompt(base.tokenizer, prompt)[-1] for prompt in PROMPTS]
    wanted = [base.tokenizer.decode([token] * 3).strip() for token in last]
    assert student(server, base).generate(PROMPTS, max_new_tokens=4) == wanted


def beginning_with(base: BaseDescription, token: int) -> str:
    """The plain form puts words before a prompt: a tokenizer that puts nothing is what these two need."""
    return str(base.tokenizer.decode([token]))


@pytest.fixture
def bare(base: BaseDescription, monkeypatch: pytest.MonkeyPatch) -> BaseDescription:
    """The base asked with nothing before the prompt."""
    monkeypatch.setattr(base.tokenizer, "chat_template", "{{ messages[0]['content'] }}")
    return base


def test_one_refused_question_is_unanswered_and_the_others_of_its_batch_are_answered(
    server: SessionServer, bare: BaseDescription
) -> None:
    stems = ["heat", beginning_with(bare, REFUSED) + "eat", "magma"]
    questions = [ChoiceQuestion(stem, stem, ("cooling", "basin")) for stem in stems]
    found = answer_choices(
        student(server, bare, batch_size=8), questions, scoring=Scoring.LOGLIKELIHOOD, max_new_tokens=1
    )
    assert [answer.choice is None for answer in found] == [False, True, False]
    assert "this prompt is refused" in found[1].failure


def test_a_question_that_kills_every_server_ends_the_asking_and_is_no_items_failure(
    server: SessionServer, bare: BaseDescription
) -> None:
    asked = student(server, bare)
    questions = [ChoiceQuestion("q", beginning_with(bare, FATAL) + "eat", ("cooling", "basin"))]
    with pytest.raises(ServingError, match="failed 3 times on one batch: exit code 1"):
        answer_choices(asked, questions, scoring=Scoring.LOGLIKELIHOOD, max_new_tokens=1)
    assert asked.generate(["heat"], max_new_tokens=2)  # and the next question has a server again


def test_an_engine_that_says_it_failed_is_the_servers_trouble_too(
    server: SessionServer, bare: BaseDescription
) -> None:
    asked = student(FixedServer(server.address()), bare)
    questions = [ChoiceQuestion("q", beginning_with(bare, FAILING) + "eat", ("cooling", "basin"))]
    with pytest.raises(ServingError, match=r"answered 500.*this engine fails"):
        answer_choices(asked, questions, scoring=Scoring.LOGLIKELIHOOD, max_new_tokens=1)


def test_a_question_longer_than_the_server_takes_is_refused_and_not_cut(
    server: SessionServer, base: BaseDescription
) -> None:
    with pytest.raises(StudentError, match=r"the server 64; raise vllm\.max_length"):
        student(server, base).generate(["heat " * 100], max_new_tokens=4)


def test_a_server_of_another_base_is_refused_by_name(server: SessionServer, base: BaseDescription) -> None:
    with pytest.raises(ServingError, match=f"serves {base.folder}, the student is"):
        ServedModel(FixedServer(server.address()), base.folder.parent, None, timeout_s=20)


def test_a_server_whose_likelihoods_are_not_the_bases_is_refused(
    server: SessionServer, base: BaseDescription, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stand-in computes anything but this base."""
    monkeypatch.setattr(ServedStudent, "_check_fits", lambda self, longest: None)
    with pytest.raises(ServingError, match="differ by up to"):
        check_agreement(student(server, base), str(base.folder), None, dtype="fp32", threads=1)


def test_a_wrong_key_and_a_server_that_is_gone_say_what_to_do(
    server: SessionServer, base: BaseDescription
) -> None:
    url = server.address().url
    with pytest.raises(ServingError, match="PRODA_STUDENT_KEY"):
        ServedModel(FixedServer(Address(url, "wrong")), base.folder, None, timeout_s=20)
    with pytest.raises(ServingError, match=r"failed 3 times.*transformers"):
        ServedModel(FixedServer(Address("http://127.0.0.1:9")), base.folder, None, timeout_s=5)


def test_the_plan_offers_lora_for_the_blocks_layers_and_leaves_this_environment_behind(
    base: BaseDescription,
) -> None:
    config = load_config(
        None,
        ["student.served_by=vllm", f"vllm.python={sys.executable}", "training.rank=24", "student.threads=1"],
    )
    plan = plan_server(base, config)
    words = list(plan.command)
    names = words[words.index("--lora-target-modules") + 1 :]
    assert names == ["down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj"]
    assert words[words.index("--max-lora-rank") + 1] == "32"  # the next that vLLM knows
    assert words[words.index("--max-model-len") + 1] == "256"  # the base's own context
    assert plan.environment["PYTHONPATH"] is None and plan.environment["OMP_NUM_THREADS"] == "1"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ([], r"vllm\.python"),
        (["vllm.python=python3", "vllm.url=http://127.0.0.1:8000"], "one of the two"),
        (["vllm.python=python3", "training.method=dora", "training.optimiser=adamw"], "dora"),
        (["vllm.python=python3", "training.rank=600"], "up to rank 512"),
        (["vllm.url=http://me:secret@127.0.0.1:8000"], "keys come from the environment"),
    ],
)
def test_settings_that_cannot_be_served_are_refused_at_once(settings: list[str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        load_config(None, ["student.served_by=vllm", *settings])


def test_an_interpreter_that_is_none_is_named(base: BaseDescription) -> None:
    config = load_config(None, ["student.served_by=vllm", "vllm.python=no/such/python"])
    with pytest.raises(ServingError, match="'no/such/python' is no program"):
        plan_server(base, config)
