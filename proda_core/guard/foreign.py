"""A training set and a benchmark of somebody else's, JSON lines of common forms, held to the guard's rules as far as they can be.

G4 needs the texts alone. With a graph to read knowledge by, G1 is judged for rows that declare relations, G2 where rows have
roles, G3 where sealed items name chains of that graph. What cannot be judged is said, with the reason: it is not passed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from proda_core.errors import ArtifactError, Refusal
from proda_core.guard.case import Case
from proda_core.guard.disjointness import refuse_shared_relations
from proda_core.guard.general_rows import example_id
from proda_core.guard.lineage import LineageIndex
from proda_core.guard.lineage_rule import refuse_false_lineage
from proda_core.guard.orthogonality import refuse_repeated_items
from proda_core.guard.sealed import refuse_sealed_relations
from proda_core.ids import make_id
from proda_core.knowledge.snapshot import make_snapshot
from proda_core.layout import LETTERS
from proda_core.types import (
    Benchmark,
    Example,
    ExampleKind,
    Format,
    Item,
    Lineage,
    Message,
    MixtureRow,
    Role,
    Scoring,
    Split,
)

ROW_FORMS = (
    "messages, conversations, instruction and output, prompt and completion, question and answer, or text"
)
ITEM_FORMS = (
    "question with options (or A, B, C, D) and answer (letter, index or text), or question and answer"
)
_SPEAKERS = {"human": "user", "gpt": "assistant", "user": "user", "assistant": "assistant"}
_PAIRS = (("instruction", "output"), ("prompt", "completion"), ("question", "answer"))


@dataclass(frozen=True, slots=True)
class RuleFinding:
    """One rule over the whole set: judged with its refusals, whose rows are named by line, or not and why."""

    rule: str
    judged: bool
    why_not: str
    refusals: tuple[Refusal, ...] = ()


def check_foreign(train: Path, benchmark: Path, index: LineageIndex | None = None) -> tuple[RuleFinding, ...]:
    """Every rule's finding. ArtifactError names the first line that has none of the forms."""
    rows, items = _read(train, _row), _read(benchmark, _item)
    frozen = Benchmark("foreign", "", "", Scoring.LETTER, tuple(items), ())
    empty = LineageIndex(make_snapshot([], [], []))
    case = Case(rows, index or empty, frozen)
    lines = {row.example.example_id: f"line {number}" for number, row in reversed(list(enumerate(rows, 1)))}

    def judged(rule: str, check: Callable[[Case], Iterator[Refusal]], over: Case) -> RuleFinding:
        found = [Refusal(r.rule, lines.get(r.row_id, r.row_id), r.detail) for r in check(over)]
        return RuleFinding(rule, True, "", tuple(dict.fromkeys(found)))

    declared = [row for row in rows if row.example.lineage.l2_ids or row.example.lineage.l1_ids]
    sealed = [item for item in items if item.split is Split.SEALED]
    chained = index is not None and all(item.chain_id in index.snapshot.chains for item in sealed)
    no_graph = "" if index is not None else "no graph was given to read knowledge by"
    open_rules = {
        "G1": no_graph or ("" if declared else "no row declares concepts or relations"),
        "G2": no_graph or ("" if any(_has_role(row) for row in rows) else "no row has a role"),
        "G3": no_graph
        or (
            "no item is sealed"
            if not sealed
            else ""
            if chained
            else "sealed items name no chains of the graph"
        ),
    }
    checks: dict[str, tuple[Callable[[Case], Iterator[Refusal]], Case]] = {
        "G1": (refuse_false_lineage, Case(declared, case.index, frozen)),
        "G2": (refuse_shared_relations, case),
        "G3": (refuse_sealed_relations, case),
    }
    findings = [
        RuleFinding(rule, False, why) if why else judged(rule, *checks[rule])
        for rule, why in open_rules.items()
    ]
    findings.append(
        judged("G4", refuse_repeated_items, Case([*rows, *_read_elsewhere(train)], case.index, frozen))
    )
    findings.append(RuleFinding("G5", False, "a foreign benchmark was not frozen under a digest"))
    findings.append(RuleFinding("G6", False, "a foreign training set was not checked under a digest before"))
    return tuple(findings)


def _read_elsewhere(train: Path) -> list[MixtureRow]:
    """The rows that say more than their messages do, with all their text as what is answered: a system prompt, a field of a
    name of its own. What somebody else's trainer makes of it is not known here."""
    return [row for row in _read(train, _whole_row) if row is not None]


def _whole_row(data: Mapping[str, Any], number: int) -> MixtureRow | None:
    row = _row(data, number)
    said = {message.content for message in row.example.messages}
    more = [text for text in texts_in(data) if text not in said]
    whole = (*row.example.messages, Message("assistant", "\n".join(more)))
    return replace(row, example=replace(row.example, messages=whole)) if more else None


def texts_in(value: Any) -> Iterator[str]:
    """Every string in a JSON value, whatever it stands under."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from texts_in(inner)


def items_in(benchmark: Path) -> tuple[Item, ...]:
    """The items of a foreign benchmark. ArtifactError names the first line that is none."""
    return tuple(_read(benchmark, _item))


def _has_role(row: MixtureRow) -> bool:
    return row.role is not Role.GENERAL


def _read(path: Path, read: Callable[[Mapping[str, Any], int], Any]) -> list[Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ArtifactError(f"cannot read {path}: {error}; it is to be JSON lines in UTF-8") from error
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            data = json.loads(line)
            found.append(read(data if isinstance(data, dict) else {}, number))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise ArtifactError(f"{path.name}:{number}: {error}") from error
    if not found:
        raise ArtifactError(f"{path.name} has no lines: there is nothing to check")
    return found


def _row(data: Mapping[str, Any], _number: int) -> MixtureRow:
    messages = tuple(_messages(data))
    about = {**(data.get("metadata") or {}), **data}
    lineage = Lineage(
        tuple(about.get("l1_ids", ())), tuple(about.get("l2_ids", ())), str(about.get("chain_id", ""))
    )
    kind = ExampleKind(about.get("kind", ExampleKind.RELATION.value))
    key = example_id(kind, Format.QA, messages)
    return MixtureRow(
        Role(about.get("role", Role.GENERAL.value)), Example(key, kind, Format.QA, messages, lineage)
    )


def _messages(data: Mapping[str, Any]) -> Iterator[Message]:
    if "messages" in data or "conversations" in data:
        for said in data.get("messages") or data["conversations"]:
            speaker = str(said.get("role") or said.get("from"))
            if speaker in _SPEAKERS:  # what a system message says is no row's own text
                yield Message(_SPEAKERS[speaker], _text(said.get("content", said.get("value"))))
        return
    for asked, answered in _PAIRS:
        if asked in data and answered in data:
            more = f"\n{data['input']}" if data.get("input") else ""
            yield Message("user", _text(data[asked]) + more)
            yield Message("assistant", _text(data[answered]))
            return
    if "text" not in data:
        raise ValueError(f"no row: wanted {ROW_FORMS}")
    yield Message("assistant", _text(data["text"]))


def _item(data: Mapping[str, Any], number: int) -> Item:
    if "question" not in data or "answer" not in data:
        raise ValueError(f"no item: wanted {ITEM_FORMS}")
    options = _options(data)
    gold = _gold(data["answer"], options)
    return Item(
        item_id=f"line {number}",
        chain_id=str(data.get("chain_id", "")),
        group_id=make_id("i", number),
        split=Split(data.get("split", Split.DEV.value)),
        stem=_text(data["question"]),
        options=options or (_text(data["answer"]),),
        gold_index=gold,
        operators=(),
        option_concept_ids=(),
        discipline="000",
        hops=0,
        template="",
        l1_ids=(),
        l2_ids=tuple(data.get("l2_ids", ())),
    )


def _options(data: Mapping[str, Any]) -> tuple[str, ...]:
    if "options" in data:
        return tuple(_text(option) for option in data["options"])
    return tuple(_text(data[letter]) for letter in LETTERS if letter in data)


def _gold(answer: Any, options: Sequence[str]) -> int:
    """The place of the right option, by its index, its text or its letter."""
    if not options:
        return 0
    if isinstance(answer, int) and not isinstance(answer, bool) and 0 <= answer < len(options):
        return answer
    if answer in options:
        return options.index(answer)
    if isinstance(answer, str) and answer.strip() in LETTERS[: len(options)] and answer.strip():
        return LETTERS.index(answer.strip())
    raise ValueError(f"the answer {answer!r} is none of the {len(options)} options")


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{value!r} is no text")
    return value
