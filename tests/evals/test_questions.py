"""Questions of the operator's own as general skill: read, or refused by line; drawn by seed, scored, told apart by subject."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evals.questions import (
    Question,
    find_question,
    general_params,
    questions_of,
    read_questions,
    score_questions,
)
from proda_core.config import GeneralConfig
from proda_core.errors import ConfigError
from proda_core.students.scripted import ScriptedStudent

ROWS = [
    {"question": "What is 2 + 2?", "options": ["3", "4", "5"], "answer": "B", "subject": "arithmetic"},
    {"question": "Which is a planet?", "choices": ["Mars", "Rome"], "answer": "Mars", "subject": "astronomy"},
    {"question": "Which letter comes first?", "options": ["B", "A"], "answer": "A"},
    {"question": "What is 3 + 3?", "options": ["6", "7"], "answer": 0, "subject": "arithmetic"},
]


def written(path: Path, rows: list[Any]) -> Path:
    path.write_text(
        "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), encoding="utf-8"
    )
    return path


def test_an_answer_may_be_a_letter_a_place_or_the_option_itself_which_comes_before_a_letter(
    tmp_path: Path,
) -> None:
    found = read_questions(written(tmp_path / "quiz.jsonl", ROWS))
    assert [q.options[q.gold] for q in found] == ["4", "Mars", "A", "6"]
    assert [q.subject for q in found] == ["arithmetic", "astronomy", "quiz", "arithmetic"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("{not json", "line 2 is not JSON"),
        ([1], "line 2 is no object"),
        ({"options": ["a", "b"], "answer": 0}, "line 2 has no question"),
        ({"question": "Q?", "options": ["a"], "answer": 0}, "line 2 needs two different options"),
        ({"question": "Q?", "options": ["a", "a"], "answer": 0}, "line 2 needs two different options"),
        ({"question": "Q?", "options": ["a", "b"], "answer": 2}, "answer 2 names none"),
        ({"question": "Q?", "options": ["a", "b"], "answer": "C"}, "answer 'C' names none"),
        ({"question": "Q?", "options": ["a", "b"], "answer": True}, "answer True names none"),
        ({"question": "Q?", "options": ["a", "b"]}, "answer None names none"),
    ],
)
def test_a_row_that_is_no_question_is_refused_by_its_line(tmp_path: Path, row: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read_questions(written(tmp_path / "quiz.jsonl", [ROWS[0], row]))


def test_a_file_that_is_empty_or_gone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no question"):
        read_questions(written(tmp_path / "none.jsonl", [""]))
    with pytest.raises(ConfigError, match="cannot read"):
        general_params(GeneralConfig(questions=(str(tmp_path / "gone.jsonl"),)))


def test_of_a_large_file_as_many_as_wanted_are_drawn_by_the_seed_and_in_their_order(tmp_path: Path) -> None:
    rows = [{"question": f"Q{n}?", "options": ["a", "b"], "answer": 0} for n in range(50)]
    config = GeneralConfig(questions=(str(written(tmp_path / "q.jsonl", rows)),), items_per_source=10)
    one, again, other = (questions_of(config, seed=seed) for seed in (1, 1, 2))
    assert one == again and len(one) == 10 and one != other
    numbers = [int(q.prompt[1:-1]) for q in one]
    assert numbers == sorted(numbers)
    assert find_question(config, one[3].question_id, seed=1) == one[3]
    assert find_question(config, "t_" + "0" * 16, seed=1) is None


def test_a_changed_file_is_another_request(tmp_path: Path) -> None:
    path = written(tmp_path / "q.jsonl", ROWS)
    config = GeneralConfig(questions=(str(path),))
    before = general_params(config)
    written(path, ROWS[:2])
    assert general_params(config) != before


def test_the_likeliest_option_is_the_answer_and_a_failing_engine_leaves_a_question_unscored() -> None:
    asked = [
        Question.of("right?", ["no", "yes"], 1, subject="s", source="f"),
        Question.of("wrong?", ["no", "yes"], 0, subject="s", source="f"),
        Question.of("broken?", ["no", "yes"], 0, subject="s", source="f"),
    ]
    student = ScriptedStudent(
        reply=lambda prompt: "",
        score=lambda prompt, option: float("nan") if "broken" in prompt else float(option == "yes"),
    )
    scores = score_questions(student, asked)
    assert [score.value for score in scores] == [1.0, 0.0, None]
    assert scores[0].slices == {"kind": "s", "source": "f"} and "not finite" in scores[2].reason


TASK = """task: {name}
dataset_path: json
dataset_kwargs:
  data_files:
    test: {data}
test_split: test
output_type: {kind}
doc_to_text: "Question: {{{{stem}}}}\\nAnswer:"
doc_to_choice: options
doc_to_target: gold
metric_list:
  - metric: acc
"""


@pytest.fixture
def tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    folder = tmp_path / "tasks"
    folder.mkdir()
    rows = [{"stem": "Is iron a metal?", "options": ["yes", "no"], "gold": 0}]
    data = written(tmp_path / "data.json", rows)
    (folder / "own.yaml").write_text(TASK.format(name="own_metals", data=data, kind="multiple_choice"))
    (folder / "gone.yaml").write_text(
        TASK.format(name="own_gone", data=tmp_path / "no.json", kind="multiple_choice")
    )
    (folder / "free.yaml").write_text(TASK.format(name="own_free", data=data, kind="generate_until"))
    return folder


def test_a_task_of_the_harness_is_asked_in_the_students_own_form_under_its_name(tasks: Path) -> None:
    config = GeneralConfig(tasks=("own_metals",), task_folder=str(tasks))
    (question,) = questions_of(config, seed=0)
    assert (question.prompt, question.options, question.gold) == ("Is iron a metal?", ("yes", "no"), 0)
    assert question.subject == "own_metals"


@pytest.mark.parametrize(
    ("name", "said"), [("own_gone", "is not at hand"), ("own_free", "only multiple_choice tasks")]
)
def test_a_task_without_its_data_or_without_options_is_refused(tasks: Path, name: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        questions_of(GeneralConfig(tasks=(name,), task_folder=str(tasks)), seed=0)
