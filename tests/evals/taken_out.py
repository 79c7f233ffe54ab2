"""For each attack of the red team, the very check that stops it, taken out of this process. In tests alone: the product cannot.

Where two checks stop an attack one behind the other, both are taken out. A name without an entry fails the suite.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import evals.pairing
import evals.verdict
import mcp_server.hosting
import proda_core.guard.case as case
import proda_core.guard.commit as commit
import proda_core.guard.lineage_rule as lineage_rule
import proda_core.guard.normalise as normalise
import proda_core.guard.orthogonality as orthogonality
import proda_core.guard.registry as registry
import proda_core.log.completeness as completeness
import proda_core.records
import proda_core.session.inbox as inbox
import tools.compose_mixture
import tools.judge_candidate
import tools.replaying
import tools.same_student
import tools.trace_source
import tools.work
from evals.redteam.asking import BackwardsClock
from proda_core.guard.lineage import DerivedLineage
from proda_core.ledger import Ledger
from proda_core.log import DecisionLog
from proda_core.log.authenticity import Finding, Standing
from proda_core.records import load_benchmark
from proda_core.serialize import from_plain
from proda_core.types import ExampleKind, Split
from tools.book import Book

Patch = pytest.MonkeyPatch
verify = import_module("proda_core.log.verify")  # the package has a function of that name
NEVER = re.compile(r"(?!)")


def nothing(*_given: Any, **_named: Any) -> None:
    """In place of a check that raises."""


def none_found(*_given: Any, **_named: Any) -> tuple[()]:
    """In place of a check that gives what is wrong."""
    return ()


def without_rule(patch: Patch, name: str) -> None:
    patch.setattr(registry, "RULES", tuple(rule for rule in registry.RULES if rule.__name__ != name))


def g4(patch: Patch) -> None:
    without_rule(patch, "refuse_repeated_items")


def words_as_written(patch: Patch) -> None:
    patch.setattr(orthogonality, "_packed", lambda text: text)
    patch.setattr(orthogonality, "_plain_words", str.split)


def look_alikes(patch: Patch) -> None:
    patch.setattr(normalise, "lookalikes", dict)


def unicodes_look_alikes(patch: Patch) -> None:
    patch.setattr(normalise, "lookalikes", lambda: {k: chr(v) for k, v in normalise._SURE.items()})


def invisible(patch: Patch) -> None:
    patch.setattr(normalise, "_INVISIBLE", NEVER)


def compatibility(patch: Patch) -> None:
    patch.setattr(normalise, "unicodedata", SimpleNamespace(normalize=lambda _form, text: text))
    look_alikes(patch)  # they know full-width letters as well


def marks(patch: Patch) -> None:
    patch.setattr(normalise, "_MARKS", NEVER)


def other_ways_to_read(patch: Patch) -> None:
    first = orthogonality._readings
    patch.setattr(orthogonality, "_readings", lambda example: [next(iter(first(example)))])


def holding(patch: Patch) -> None:
    patch.setattr(orthogonality.ItemIndex, "held", nothing)


def derived_lineage(patch: Patch) -> None:
    """Labels are believed."""
    patch.setattr(
        case,
        "read_lineage",
        lambda row, _index: DerivedLineage(row.lineage.l1_ids, row.lineage.l2_ids),
    )


def lineage_whole(patch: Patch) -> None:
    derived_lineage(patch)
    without_rule(patch, "refuse_false_lineage")


def general_rows(patch: Patch) -> None:
    found = lineage_rule._problem
    patch.setattr(
        lineage_rule,
        "_problem",
        lambda reading, index: "" if reading.example.kind is ExampleKind.GENERAL else found(reading, index),
    )


def mixtures_of_the_log(patch: Patch) -> None:
    patch.setattr(Book, "round_of", lambda book, **_of: book.rounds[-1])


def named_sources(patch: Patch) -> None:
    patch.setattr(commit, "refuse_unnamed_sources", none_found)


def one_base(patch: Patch) -> None:
    patch.setattr(tools.same_student, "_refuse_other_base", nothing)


def rejected_stays_rejected(patch: Patch) -> None:
    patch.setattr(tools.compose_mixture, "_refuse_rejected", nothing)


def pins_at_work(patch: Patch) -> None:
    patch.setattr(tools.work, "refuse_changed", nothing)


def pins_at_the_verdict(patch: Patch) -> None:
    patch.setattr(tools.judge_candidate, "refuse_changed", nothing)


def alpha(patch: Patch) -> None:
    patch.setattr(evals.verdict, "next_share", lambda _before, _looks: 1.0)


def margins(patch: Patch) -> None:
    patch.setattr(evals.verdict, "_margin", lambda *_: evals.verdict.Check(True, "not asked"))


def enough(patch: Patch) -> None:
    patch.setattr(evals.verdict, "_enough", lambda *_: evals.verdict.Check(True, "not asked"))


def freeze(patch: Patch) -> None:
    patch.setattr(proda_core.records, "_refuse_thawed", nothing)


def freeze_and_pins(patch: Patch) -> None:
    freeze(patch)
    pins_at_the_verdict(patch)


def late_withdrawals(patch: Patch) -> None:
    patch.setattr(tools.judge_candidate, "in_time", lambda found, _candidate: list(found))


def signatures(patch: Patch) -> None:
    patch.setattr(verify, "judge_signatures", lambda records, *_: Finding(Standing.SIGNED, len(records)))


def hashes_and_signatures(patch: Patch) -> None:
    def unhashed(line: bytes) -> Any:
        import json

        from proda_core.log.record import Record

        return Record(**json.loads(line))

    signatures(patch)
    patch.setattr("proda_core.log.chain.parse_line", unhashed)


def own_keys_alone(patch: Patch) -> None:
    from dataclasses import replace

    judge = verify.judge_signatures
    patch.setattr(
        verify,
        "judge_signatures",
        lambda records, whole, witnesses, seen: judge(
            records, whole, replace(witnesses, trusted=frozenset()), seen
        ),
    )


def sink(patch: Patch) -> None:
    patch.setattr(verify, "judge_anchoring", lambda records, *_: Finding(Standing.ANCHORED, len(records)))


def witnessed_adapters(patch: Patch) -> None:
    patch.setattr(completeness, "WITNESSED", ("mixture", "report", "verdict"))


def pins_in_the_audit(patch: Patch) -> None:
    patch.setattr(completeness, "other_than_logged", none_found)


def ends_of_jobs(patch: Patch) -> None:
    patch.setattr(completeness, "_other_end", none_found)


def replayed_operators(patch: Patch) -> None:
    patch.setattr(tools.replaying, "OURS", ("rule",))


def hidden_items(patch: Patch) -> None:
    from dataclasses import replace

    def shown(*given: Any) -> Any:
        found = load_benchmark(*given)
        return replace(found, items=tuple(replace(item, split=Split.DEV) for item in found.items))

    patch.setattr(tools.trace_source, "load_benchmark", shown)


def nameless_refusals(patch: Patch) -> None:
    patch.setattr(orthogonality, "_name", lambda item: f"item {item.item_id}")


def scopes(patch: Patch) -> None:
    patch.setattr(mcp_server.hosting, "caller_scopes", lambda: {"read", "steer"})


def names_after_content(patch: Patch) -> None:
    def read(path: Path) -> Any:
        import json

        return from_plain(inbox.SteerRequest, json.loads(path.read_bytes()))

    patch.setattr(inbox.Inbox, "_read", staticmethod(read))


def one_printable_line(patch: Patch) -> None:
    patch.setattr(inbox.SteerRequest, "check", nothing)


def observation_needed(patch: Patch) -> None:
    find = DecisionLog.find
    patch.setattr(
        DecisionLog,
        "find",
        lambda log, kind, key: log.records[0] if kind == "observation" else find(log, kind, key),
    )


def reservation(patch: Patch) -> None:
    patch.setattr(Ledger, "reserve", nothing)


def ledger_against_log(patch: Patch) -> None:
    patch.setattr(mcp_server.hosting, "_refuse_forgotten_rounds", nothing)


def running_time(patch: Patch) -> None:
    patch.setattr(BackwardsClock, "monotonic", lambda clock: clock.now().timestamp())


TAKEN_OUT: dict[str, Callable[[Patch], None]] = {
    "item-verbatim": g4,
    "dev-item-verbatim": g4,
    "item-shouted": words_as_written,
    "item-in-cyrillic": look_alikes,
    "item-in-armenian": unicodes_look_alikes,
    "item-with-zero-width": words_as_written,
    "item-with-fillers": invisible,
    "item-in-full-width": compatibility,
    "item-with-accents": marks,
    "item-backwards": other_ways_to_read,
    "item-over-messages": other_ways_to_read,
    "item-options-reordered": g4,
    "item-in-the-reasoning": g4,
    "item-among-padding": holding,
    "ids-of-another-row": derived_lineage,
    "names-in-the-plural": derived_lineage,
    "relation-turned-round": derived_lineage,
    "relation-called-definition": derived_lineage,
    "relation-called-general": general_rows,
    "row-without-concepts": lineage_whole,
    "patched-and-replayed": derived_lineage,
    "mixture-dropped-in": mixtures_of_the_log,
    "rows-before-the-test": named_sources,
    "base-swapped": one_base,
    "rejected-patch-again": rejected_stays_rejected,
    "weights-dropped-in": pins_at_work,
    "seeds-shopped-for": alpha,
    "dev-by-heart": margins,
    "hard-items-unscored": enough,
    "benchmark-shrunk": freeze_and_pins,
    "items-withdrawn-to-win": late_withdrawals,
    "scores-edited": pins_at_the_verdict,
    "sealed-relabelled-dev": freeze,
    "golds-relabelled": freeze,
    "log-edited": hashes_and_signatures,
    "outcome-forged": signatures,
    "record-dropped": signatures,
    "log-signed-anew": own_keys_alone,
    "tail-cut": sink,
    "adapter-dropped-in": witnessed_adapters,
    "weights-replaced": pins_in_the_audit,
    "verdict-edited": pins_in_the_audit,
    "job-result-edited": ends_of_jobs,
    "operator-made-up": replayed_operators,
    "sealed-item-asked-for": hidden_items,
    "sealed-item-by-refusal": nameless_refusals,
    "steered-with-reading-token": scopes,
    "inbox-file-edited": names_after_content,
    "line-broken-in-a-reason": one_printable_line,
    "decided-without-looking": observation_needed,
    "round-beyond-budget": reservation,
    "ledger-edited": ledger_against_log,
    "clock-set-back": running_time,
}
"""In this process. What a worker process checks is taken out there: see IN_THE_WORKER."""

IN_THE_WORKER = {
    "mixture-swapped-after-check": """
import proda_core.guard as guard
from proda_core.records import read_lines
from proda_core.types import Mixture, MixtureRow


def unchecked(store, mixture_id, **_against):
    meta = store.manifest("mixture", mixture_id).meta
    rows = tuple(read_lines(store.path("mixture", mixture_id) / "rows.jsonl", MixtureRow))
    named = meta["benchmark_digest"], meta["snapshot_digest"]
    return Mixture(mixture_id, meta["digest"], *named, rows, meta["seed"], dict(meta["notes"]))


guard.recheck_for_training = unchecked
"""
}
"""What a worker runs as it starts (its sitecustomize), without the check."""
