"""G1 lineage: what a row declares is what its text says by the graph, and its ID is its content's.

Relation, contrast and chain rows name at least one concept and one relation; a definition row names exactly one concept; a
general row is what its generator makes again from its seed. Anything else is refused, row by row.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from proda_core.errors import Refusal
from proda_core.guard.case import Case, Reading
from proda_core.guard.general_rows import example_id, regenerated, source_of
from proda_core.guard.lineage import LineageIndex
from proda_core.types import Example, ExampleKind, Mixture, Role

RULE = "G1"
GENERAL_NOTE = "general_sources"


def refuse_false_lineage(case: Case) -> Iterator[Refusal]:
    """One refusal for each row whose ID, form or lineage is not what its text gives."""
    if case.mixture is not None and case.mixture.snapshot_digest != case.index.snapshot.digest:
        detail = f"names snapshot {case.mixture.snapshot_digest[:16]}, the lineage is of {case.index.snapshot.digest[:16]}"
        yield Refusal(RULE, case.mixture.mixture_id, detail)
    for reading in case.readings:
        problem = _problem(reading, case.index)
        if problem:
            yield Refusal(RULE, reading.row_id, problem)


def general_sources(mixture: Mixture) -> str:
    """Generators, seeds and settings of a mixture's general rows as JSON: the note that its manifest carries."""
    found = {source_of(row.example) for row in mixture.rows if row.example.kind is ExampleKind.GENERAL}
    return json.dumps(sorted(found))


def _problem(reading: Reading, index: LineageIndex) -> str:
    example = reading.example
    if example.example_id != example_id(example.kind, example.format, example.messages):
        return "the example ID is not that of its content"
    speakers = [message.role for message in example.messages]
    if not speakers or speakers != ["user", "assistant"] * (len(speakers) // 2):
        return f"messages are by {speakers}, wanted user and assistant in turn"
    if (example.kind is ExampleKind.GENERAL) != (reading.role is Role.GENERAL):
        return f"a row of kind {example.kind.value} in the role {reading.role.value}"
    if example.kind is ExampleKind.GENERAL:
        return _general_problem(example)
    return _knowledge_problem(example, reading, index)


def _general_problem(example: Example) -> str:
    again = regenerated(example.lineage)
    if again is None:
        return f"no generator makes it: {example.lineage.generator!r}, seed {example.lineage.seed}"
    return "" if again == example else "its generator and seed make another row"


def _knowledge_problem(example: Example, reading: Reading, index: LineageIndex) -> str:
    declared, derived = example.lineage, reading.derived
    if example.kind is ExampleKind.DEFINITION:
        if len(declared.l1_ids) != 1 or declared.l1_ids[0] not in index.snapshot.concepts:
            return f"a definition row names {len(declared.l1_ids)} concepts of the graph, wanted exactly one"
        if declared.l1_ids[0] not in index.mentions(example.text):
            return f"the text does not mention the concept it declares, {declared.l1_ids[0]}"
    elif not (declared.l1_ids and declared.l2_ids):
        return f"a {example.kind.value} row declares {len(declared.l1_ids)} l1_ids and {len(declared.l2_ids)} l2_ids"
    if declared.l1_ids != derived.l1_ids:
        return _difference("l1_ids", declared.l1_ids, derived.l1_ids)
    if declared.l2_ids != derived.l2_ids:
        return _difference("l2_ids", declared.l2_ids, derived.l2_ids)
    return _chain_problem(example, index)


def _chain_problem(example: Example, index: LineageIndex) -> str:
    """A chain that a row names must be in the graph, and the row must state some of it."""
    named = example.lineage.chain_id
    if not named:
        return ""
    chain = index.snapshot.chains.get(named)
    if chain is None:
        return f"chain {named} is not in the graph; a walk that is no chain leaves chain_id empty"
    if not set(chain.relation_ids) & set(example.lineage.l2_ids):
        return f"states no relation of the chain it names, {named}"
    return ""


def _difference(name: str, declared: tuple[str, ...], derived: tuple[str, ...]) -> str:
    false, missing = sorted(set(declared) - set(derived)), sorted(set(derived) - set(declared))
    if not false and not missing:
        return f"declared {name} are not sorted, or repeat one"
    parts = [f"declared but not in the text {false[:3]}"] if false else []
    parts += [f"in the text but not declared {missing[:3]}"] if missing else []
    return f"{name}: {'; '.join(parts)}"
