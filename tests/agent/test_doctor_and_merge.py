"""proda doctor says what is there and what is not; proda merge writes a model that needs no peft."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from typer.testing import CliRunner

from agent.cli.main import app
from mcp_server.merging import merge_round
from proda_core import doctor
from proda_core.config import StudentConfig, VllmConfig
from proda_core.doctor import State, examine
from proda_core.errors import SessionError, StudentError
from proda_core.students.loading import load_model, load_student
from proda_core.students.merging import merge_adapter
from proda_core.training.lora import make_trainee, save_adapter
from tests.models import tiny_llama
from tests.sessions import FinishedSession, outcomes_of, tree


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_llama(tmp_path_factory.mktemp("base") / "base")


@pytest.fixture
def adapter(base: Path, tmp_path: Path) -> Path:
    """An adapter that changes much."""
    from proda_core.config import TrainingConfig

    trainee = make_trainee(load_model(str(base)), TrainingConfig(rank=4, precision="fp32"), seed=0)
    with torch.no_grad():
        for weight in trainee.model.parameters():
            if weight.requires_grad:
                weight.normal_(std=0.2)
    save_adapter(trainee, tmp_path / "adapter", base=str(base))
    return tmp_path / "adapter"


def states(base: str, folder: Path) -> dict[str, State]:
    return {
        found.name.split(" ")[0]: found.state
        for found in examine(StudentConfig(base=base), VllmConfig(), folder)
    }


def test_the_doctor_finds_what_a_session_needs_and_says_what_it_does_without(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(doctor.shutil, "which", lambda name: None)
    found = states(str(base), tmp_path / "not" / "there")
    assert all(found[name] is State.FOUND for name in ("python", "instructions", "disk", "torch", "base"))
    assert [found[name] for name in ("gpu", "vllm", "node")] == [State.ABSENT] * 3
    assert not (tmp_path / "not").exists()


def test_a_base_that_cannot_be_loaded_is_wrong_and_the_exit_code_says_so(tmp_path: Path) -> None:
    shown = CliRunner().invoke(
        app, ["doctor", "--base", str(tmp_path), "--sessions", str(tmp_path), "--json"]
    )
    said = json.loads(shown.stdout)
    (wrong,) = [finding for finding in said["findings"] if finding["state"] == "wrong"]
    assert shown.exit_code == 1 and said["ok"] is False
    assert "config.json" in wrong["advice"]


@pytest.mark.parametrize(
    ("settings", "seen"),
    [
        (VllmConfig(python=sys.executable), "no vLLM in this environment"),
        (VllmConfig(python="no/such/python"), "does not start"),
        (VllmConfig(url="http://127.0.0.1:9"), "nothing answers"),
    ],
)
def test_a_named_vllm_that_is_not_there_is_wrong(settings: VllmConfig, seen: str) -> None:
    found = doctor._vllm(settings)
    assert found.state is State.WRONG and seen in found.seen and found.advice


def test_keys_are_named_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in doctor.KEYS:
        monkeypatch.delenv(name, raising=False)
    assert doctor._keys().state is State.ABSENT
    monkeypatch.setenv("ANTHROPIC_API_KEY", "a-secret-value")
    found = doctor._keys()
    assert found.seen == "ANTHROPIC_API_KEY" and "a-secret" not in repr(found)


def test_a_cpu_build_of_torch_beside_a_gpu_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.version, "cuda", None)
    monkeypatch.setattr(doctor.shutil, "which", lambda name: "somewhere")
    assert doctor._torch().state is State.WRONG


def test_a_merged_model_says_what_base_and_adapter_say_and_loads_without_peft(
    base: Path, adapter: Path, tmp_path: Path
) -> None:
    out = merge_adapter(str(base), adapter, tmp_path / "merged")
    ids = torch.tensor([[5, 9, 30, 41, 7]])
    with torch.no_grad():
        merged = AutoModelForCausalLM.from_pretrained(out, dtype=torch.float32).eval()(ids).logits
        ours = load_student(str(base), adapter, threads=1).model.eval()(ids).logits
        plain = load_student(str(base), threads=1).model.eval()(ids).logits
    assert torch.equal(merged, ours) and not torch.allclose(merged, plain, atol=1e-2)
    assert len(AutoTokenizer.from_pretrained(out)) == len(AutoTokenizer.from_pretrained(base))
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_merged_model_takes_the_format_asked_for(base: Path, adapter: Path, tmp_path: Path) -> None:
    out = merge_adapter(str(base), adapter, tmp_path / "merged", dtype="bf16")
    assert AutoModelForCausalLM.from_pretrained(out, dtype="auto").dtype is torch.bfloat16


def test_a_folder_that_holds_anything_is_not_written_over(base: Path, adapter: Path, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    with pytest.raises(StudentError, match="is there already"):
        merge_adapter(str(base), adapter, tmp_path / "full")
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine.txt"]


def test_a_sessions_model_is_merged_by_the_number_of_its_round(
    finished_session: FinishedSession, tmp_path: Path
) -> None:
    folder, out = finished_session.folder, tmp_path / "model"
    before = tree(folder.root)
    shown = CliRunner().invoke(app, ["merge", str(out), str(folder.root), "--round", "0", "--json"])
    assert shown.exit_code == 0, shown.output
    adapter_id = json.loads(shown.stdout)["adapter_id"]
    first = outcomes_of(folder, "train_adapter")[0]
    assert adapter_id == first["artifacts"]["adapter"]
    assert (out / "config.json").is_file() and (out / "tokenizer.json").is_file()
    assert tree(folder.root) == before
    with pytest.raises(SessionError, match="no model of round 9; rounds with a model: 0"):
        merge_round(folder, tmp_path / "none", number=9)
    assert not (tmp_path / "none").exists()
