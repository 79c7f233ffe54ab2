"""What a person sees: the report in 80 columns, summaries in plain words, bars on a terminal and one line a stage without."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from rich.console import Console

from agent.cli.ladder import cells, headings, ladder_markdown
from agent.cli.show import show_report, spent
from agent.summaries import describe_result, duration, subject
from agent.view import SessionView
from proda_core.types import Decision, DecisionKind, OptionConsidered
from tests.report_views import finished_view, interval, stages, started_view


def shown(view: dict[str, Any], width: int) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False)
    show_report(view, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def plain(text: str) -> str:
    """With ordinary spaces."""
    return text.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize("width", [80, 100, 160])
def test_the_report_keeps_to_the_width_and_cuts_no_figure(width: int) -> None:
    text = shown(finished_view(), width)
    assert "the controls, for reference not of this session" in " ".join(text.split())
    assert max(len(line) for line in text.splitlines()) <= width
    assert "…" not in text
    for row in finished_view()["ladder"]:
        line = next(line for line in text.splitlines() if re.match(rf"\s*(▸ )?\s*{row['label']}\s+\d", line))
        assert all(cell in line for cell in cells(row))


def test_the_report_marks_the_incumbent_and_not_the_last_round() -> None:
    marked = [
        line.split()[1] for line in shown(finished_view(), 80).splitlines() if line.lstrip().startswith("▸")
    ]
    assert marked == ["V2"]


def test_general_skill_is_shown_by_kind_for_base_v1_and_incumbent_the_greatest_loss_first() -> None:
    view = finished_view()
    rows = {row["label"]: row for row in view["ladder"]}
    rows["Base"]["general_by"] = {"copy": interval(50, 60), "quiz": interval(40, 60)}
    long = "high school european history"
    rows["V1"]["general_by"] = {"copy": interval(45, 60), "quiz": interval(20, 60)}
    rows["V2"]["general_by"] = {"copy": interval(53, 60), "quiz": interval(31, 60)}
    for row in view["ladder"]:
        row["general_by"][long] = interval(6, 60)
    text = shown(view, 80)
    table = text[text.index("general skill, before and after") :].splitlines()
    quiz, copy = (next(line for line in table if line.split()[:1] == [name]) for name in ("quiz", "copy"))
    assert table.index(quiz) < table.index(copy)
    assert quiz.split() == ["quiz", "60", "66.7", "33.3", "51.7", "-15.0"]
    assert any(long in line for line in table)
    assert copy.split() == ["copy", "60", "83.3", "75.0", "88.3", "+5.0"]


def test_the_report_follows_the_case_from_failed_answer_to_sentence() -> None:
    text = " ".join(shown(finished_view(), 80).split())
    order = [
        "V1 said root pressure",
        "reasoning deficit: Asked 10 probes",
        "patch row What does phototropism lead to",
        "V2 says cell elongation",
        "“A shoot bends towards light only when auxin can reach its shaded side.” Plant hormones",
    ]
    places = [text.find(part) for part in order]
    assert -1 not in places
    assert places == sorted(places)


def test_the_report_says_who_steered_and_which_decision_was_an_operators() -> None:
    view = finished_view()
    view["decisions"][2]["chosen_by"] = "operator"
    text = " ".join(shown(view, 80).split())
    assert "prefer replay: what was lost comes first; asked by ann@lab" in text
    assert text.count("chosen by the operator") == 1


def test_a_session_without_rounds_has_a_report() -> None:
    text = shown(started_view(), 80)
    assert "not finished" in text
    assert "No patch round was run." in text


def test_text_of_corpus_and_model_is_no_markup() -> None:
    view = finished_view()
    view["case"]["stem"] = "[red]What[/red] is [link=file:x]this[/link]?"
    view["decisions"][0]["reason"] = "[bold]because[/nothing]"
    text = shown(view, 100)
    assert "[red]What[/red] is [link=file:x]this[/link]?" in text
    assert "[bold]because[/nothing]" in text


def test_the_markdown_table_has_the_columns_and_rows_of_the_ladder() -> None:
    view = finished_view()
    lines = ladder_markdown(view).splitlines()
    assert [part.strip() for part in lines[0].strip("|").split("|")] == headings(view)
    assert len(lines[2 : lines.index("")]) == len(view["ladder"])
    assert "| **V2** ▸ | 70.0 (61–77) |" in lines[4]
    assert "*budget rounds*" in lines[-1]


RESULTS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "curate_corpus": (
        stages()["curate_corpus"],
        ["27,430 words", "2 dedup: near duplicate, 1 filter: too short"],
    ),
    "extract_knowledge": (stages()["extract_knowledge"], ["535 concepts", "0 orphans", "14 %"]),
    "build_benchmark": (stages()["build_benchmark"], ["120 dev and 120 sealed", "at most 31 %"]),
    "synthesise_examples": (
        stages()["synthesise_examples"],
        ["1,102 open questions", "100 % of the concepts"],
    ),
    "compose_mixture": (
        {"rows": 1600, "roles": {"patch": 600, "replay": 1000}, "notes": {}},
        ["1,000 replay, 600 patch"],
    ),
    "train_adapter": (
        {"steps": 42, "tokens": 163755, "final_loss": 0.507, "mastery": [0.31, 0.62], "stopped": "plateau"},
        ["42 steps", "loss 0.51", "31 → 62 %", "no longer rose"],
    ),
    "diagnose_failures": (
        {
            "failures": 70,
            "diagnoses": {"concept_gap": 31, "item_defect": 0, "unstable": 39},
            "patchable": 31,
            "unpatchable_sealed": 2,
            "not_recalled_in_chain": 4,
        },
        ["70 dev failures", "39 unstable, 31 concept gap (4 with a fact", "31 can be patched", "2 held back"],
    ),
    "write_patch": (
        {
            "rows": 90,
            "patched": 31,
            "rows_by_kind": {"chain": 50, "contrast": 40},
            "scaffold_walks": 7,
            "unpatchable": {},
        },
        ["90 rows for 31", "50 chain, 40 contrast", "7 scaffold walks"],
    ),
}


@pytest.mark.parametrize("tool", RESULTS)
def test_every_stage_says_what_came_of_it(tool: str) -> None:
    meta, parts = RESULTS[tool]
    said = describe_result({"tool": tool, "meta": meta})
    assert [part for part in parts if part not in said] == []
    assert subject(tool) != tool


def test_a_result_of_another_form_falls_back_to_its_plain_figures() -> None:
    assert describe_result({"tool": "train_adapter", "meta": {"steps": 3}}) == "steps 3"
    assert describe_result({"tool": "unheard_of", "meta": {}}) == "done"


def test_durations_and_budgets_read_as_people_say_them() -> None:
    assert [plain(duration(s)) for s in (0.4, 59, 125, 3725)] == ["0 s", "59 s", "2:05 min", "1:02 h"]
    assert plain(spent(finished_view()["budget"])) == "6:41 min, 3 of 3 rounds, 41 MB of 2,000 MB"


PATCH = Decision(
    DecisionKind.PATCH,
    "64 of 70 failures are patchable.",
    (
        OptionConsidered(DecisionKind.PATCH, True, "64 of 70 failures are patchable."),
        OptionConsidered(DecisionKind.STOP, False, "The target is far."),
    ),
)


class Ticks:
    """A clock that is ten seconds on at every look."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 10
        return self.now


def watched(*, terminal: bool, width: int = 100) -> tuple[str, list[str]]:
    """What a short session prints, and how the bar stood after each report of progress."""
    console = Console(file=io.StringIO(), force_terminal=terminal, width=width, color_system=None)
    bars = []
    with SessionView(console, clock=Ticks()) as view:
        view.tell("stage", {"tool": "compose_mixture", "arguments": {"kind": "v1"}})
        view.tell("composed", RESULTS["compose_mixture"][0] | {"mixture_id": "m_1"})
        view.tell("stage", {"tool": "train_adapter", "arguments": {"mixture_id": "m_1"}})
        for done, eta in ((21.0, 63.0), (42.0, None)):
            view.tell(
                "progress", {"progress": {"done": done, "total": 84.0, "eta_s": eta, "note": "loss [0.5]"}}
            )
            bars += [
                f"{task.description} {task.percentage:.0f} {task.fields['left']}"
                for task in view._progress.tasks
            ]
        view.tell(
            "done",
            {"tool": "train_adapter", "meta": RESULTS["train_adapter"][0], "artifacts": {"adapter": "a_1"}},
        )
        view.tell("stage", {"tool": "evaluate_model", "arguments": {"model": "a_1"}})
        view.tell("decision", {"decision": PATCH})
    assert isinstance(console.file, io.StringIO)
    return plain(console.file.getvalue()), [plain(bar) for bar in bars]


def test_a_terminal_shows_a_bar_with_an_estimate_for_the_stage() -> None:
    text, bars = watched(terminal=True)
    assert bars == ["training V1 25 about 1:03 min left", "training V1 50 about 10 s left"]
    assert "━" in text
    assert "✓ trained V1" in text


def test_without_a_terminal_a_stage_is_one_line_and_a_decision_has_its_reasons() -> None:
    text, bars = watched(terminal=False)
    assert bars == []
    assert text.splitlines() == [
        "  composing the mixture (v1) … 1,600 rows pass the guard: 1,000 replay, 600 patch (10 s)",
        f"  training V1 … {describe_result({'tool': 'train_adapter', 'meta': RESULTS['train_adapter'][0]})} (10 s)",
        "  scoring V1 … ",
        "  decision: patch: 64 of 70 failures are patchable.",
        "    not stop: The target is far.",
    ]
