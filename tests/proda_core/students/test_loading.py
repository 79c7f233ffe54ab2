"""What can be loaded, what is refused, and what a base's digest depends on."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from proda_core.errors import StudentError
from proda_core.students import ScriptedStudent, base_digest, load_student, resolve_base


@pytest.fixture
def llama(models: dict[str, Path], tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return Path(shutil.copytree(models["llama-chat"], tmp_path / "llama"))


def test_a_student_without_an_adapter_is_called_base(models: dict[str, Path]) -> None:
    assert load_student(str(models["qwen2-plain"]), threads=1).name == "base"


def test_a_folder_of_garbage_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"\x00garbage\xff" * 9)
    with pytest.raises(StudentError, match="cannot load"):
        load_student(str(tmp_path), threads=1)


def test_truncated_weights_are_refused(llama: Path) -> None:
    weights = llama / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(StudentError, match="cannot load"):
        load_student(str(llama), threads=1)


def test_weights_that_are_missing_are_refused_and_not_drawn_at_random(llama: Path) -> None:
    config = json.loads((llama / "config.json").read_text())
    config["num_hidden_layers"] = 3
    (llama / "config.json").write_text(json.dumps(config))
    with pytest.raises(StudentError, match="lacks"):
        load_student(str(llama), threads=1)


def test_a_folder_without_tokenizer_is_refused(llama: Path) -> None:
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (llama / name).unlink()
    with pytest.raises(StudentError):
        load_student(str(llama), threads=1)


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors"])
def test_a_folder_without_configuration_or_weights_says_so(llama: Path, missing: str) -> None:
    (llama / missing).unlink()
    with pytest.raises(StudentError, match=r"config\.json|weights"):
        resolve_base(str(llama))


@pytest.mark.parametrize("name", ["no/such-model", "not a valid id at all", "/no/such/folder"])
def test_an_unknown_base_is_refused_without_a_download(name: str) -> None:
    with pytest.raises(StudentError, match="nothing is downloaded"):
        resolve_base(name)


def test_an_adapter_folder_that_is_none_is_refused(models: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(StudentError, match="no PEFT adapter"):
        load_student(str(models["llama-chat"]), tmp_path, threads=1)
    (tmp_path / "adapter_config.json").write_text('{"peft_type": "LORA"}')
    with pytest.raises(StudentError, match="does not fit"):
        load_student(str(models["llama-chat"]), tmp_path, threads=1)


@pytest.mark.parametrize(
    "name", ["model.safetensors", "config.json", "tokenizer.json", "chat_template.jinja"]
)
def test_the_digest_changes_with_every_file_that_makes_the_base(llama: Path, name: str) -> None:
    before = base_digest(str(llama))
    assert base_digest(str(llama)) == before
    with (llama / name).open("ab") as handle:
        handle.write(b" ")
    assert base_digest(str(llama)) != before


def test_the_digest_is_of_content_and_not_of_place(llama: Path, models: dict[str, Path]) -> None:
    assert base_digest(str(llama)) == base_digest(str(models["llama-chat"]))


def test_importing_students_and_probing_needs_no_torch() -> None:
    code = "import sys, proda_core.students, proda_core.probing, proda_core.training; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_scripted_student_answers_by_its_functions() -> None:
    student = ScriptedStudent(
        lambda prompt: f"echo {prompt} again", lambda prompt, option: -float(len(option))
    )
    assert student.generate(["a"], max_new_tokens=2) == ["echo a"]
    assert student.option_loglikelihoods(["a"], [["xx", "y"]]) == [[-2.0, -1.0]]
