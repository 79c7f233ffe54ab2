"""What report_session answers for a finished session, made by hand: V1, an accepted patch, a rejected patch, a replay.

Figures are invented and hang together. Every test gets its own copy to change.
"""

from __future__ import annotations

import math
from typing import Any

from mcp_server.page import Material

View = dict[str, Any]
DISCIPLINES = ("001", "006", "008", "011")


def interval(right: int, n: int) -> View:
    """Wilson's 95 % interval."""
    z, p = 1.96, right / n
    middle, spread = (p + z * z / (2 * n)), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return {
        "value": p,
        "low": max(0.0, (middle - spread) / scale),
        "high": min(1.0, (middle + spread) / scale),
        "n": n,
    }


def gain(value: float, n: int, width: float = 0.08) -> View:
    return {"value": value, "low": value - width, "high": value + width, "n": n}


def rung(label: str, kind: str, dev: int, sealed: int, general: int, **more: Any) -> View:
    """One RoundView in plain form: right answers of 120, 120 and 120."""
    slices = {
        "discipline": {
            code: interval(max(0, min(30, dev // 4 + shift)), 30)
            for code, shift in zip(DISCIPLINES, (3, 1, -1, -3), strict=True)
        },
        "hops": {"2": interval(min(80, dev * 3 // 4), 80), "3": interval(min(40, dev // 4), 40)},
    }
    return {
        "label": label,
        "kind": kind,
        "adapter_id": "base" if kind == "base" else f"a_{label.lower():0>16}",
        "dev": interval(dev, 120),
        "sealed": interval(sealed, 120),
        "general": interval(general, 120),
        "accepted": True,
        "format_errors": 4,
        "off_options": 7,
        "unscored": 0,
        "slices": slices,
        "general_by": {"copy": interval(general // 2, 60), "quiz": interval(general - general // 2, 60)},
        "diagnoses": {},
        "patch_rows": {},
        "mixture_rows": {},
        "repaired": 0,
        "verdict": None,
        "loss": [],
        "training": {},
    } | more


def verdict(*, accepted: bool, dev: float, fixed: int, broken: int, reasons: list[str]) -> View:
    return {
        "candidate": "a_0000000000000002",
        "incumbent": "a_0000000000000001",
        "accepted": accepted,
        "reasons": reasons,
        "alpha": 0.0125,
        "p_dev": 0.0004 if accepted else 0.31,
        "dev_fixed": fixed,
        "dev_broken": broken,
        "dev_gain": gain(dev, 120),
        "sealed_gain": gain(0.03, 120),
        "general_gain": gain(-0.01, 120),
        "disciplines_lost": [],
    }


def loss(steps: int, end: float) -> list[list[float]]:
    return [
        [float(n), end + 3.2 * math.exp(-n / (steps / 6)) + 0.15 * math.sin(n * 1.7)]
        for n in range(1, steps, max(1, steps // 120))
    ]


def training(steps: int, mastery: list[float]) -> View:
    return {
        "adapter_id": "a_0000000000000001",
        "base": "pocket",
        "steps": steps,
        "tokens": steps * 4000,
        "wall_s": steps * 0.4,
        "final_loss": 0.41,
        "mastery": mastery,
        "stopped": "plateau" if mastery else "end",
    }


def option(kind: str, reason: str, *, taken: bool = False) -> View:
    return {"kind": kind, "taken": taken, "reason": reason}


def decision(seq: int, kind: str, reason: str) -> View:
    others = [
        option(other, f"Not now: {other} has a reason of its own.")
        for other in ("patch", "replay", "stop")
        if other != kind
    ]
    return {
        "seq": seq,
        "kind": kind,
        "reason": reason,
        "chosen_by": "rule",
        "asked": "",
        "options": [option(kind, reason, taken=True), *others],
    }


CASE: View = {
    "item_id": "i_0000000000000001",
    "stem": "In biology, what does the thing that phototropism requires lead to?",
    "options": ["cell elongation", "root pressure", "gravity", "leaf fall"],
    "gold": "cell elongation",
    "before_model": "V1",
    "before_answer": "root pressure",
    "before_output": "From phototropism: Phototropism requires auxin. Answer: root pressure",
    "diagnosis": "reasoning_deficit",
    "detail": "Asked 10 probes in 3 formats on 5 nodes of the chain, 9 right, all mastered; along phototropism -> auxin -> cell "
    "elongation the answer was 'root pressure' and not 'cell elongation'.",
    "rows": [
        "What does phototropism lead to by way of auxin?\nFrom phototropism: Phototropism requires auxin. "
        "From auxin: Auxin leads to cell elongation. "
        "Answer: cell elongation",
        "Auxin is required by phototropism. What follows from it?\nCell elongation",
        "True or false: auxin leads to cell elongation.\nTrue",
    ],
    "after_model": "V2",
    "after_answer": "cell elongation",
    "after_output": "From phototropism: Phototropism requires auxin. From auxin: Auxin leads to cell elongation. "
    "Answer: cell elongation",
    "steps": [
        {
            "statement": "Phototropism requires auxin.",
            "quote": "A shoot bends towards light only when auxin can reach its shaded side.",
            "document": "Plant hormones",
        },
        {
            "statement": "Auxin leads to cell elongation.",
            "quote": "Auxin loosens the walls of the cells below the tip, and they lengthen.",
            "document": "Plant hormones",
        },
    ],
}


def stages() -> View:
    guesses = {"options_only_fitted": 0.31, "greatest_length": 0.24, "least_degree": 0.28}
    report = {
        "rows": 3004,
        "left_out": {"joins_an_item": 4},
        "benchmark_digest": "ab" * 32,
        "contextualized": {"failures": 0},
        "organized": {
            "concepts_covered": 1.0,
            "relations_covered": 0.998,
            "by_format": {"choice": 982, "qa": 1102, "true_false": 920},
            "by_kind": {"definition": 140, "relation": 2864},
            "by_discipline": {"001": 895, "006": 892, "008": 770, "011": 447},
            "by_type": {"CAUSAL": 1292, "CONTRAST": 131, "PART_OF": 403},
            "by_template": {"example.about": 130, "example.define": 76},
        },
        "rigorous": {
            "gold_letters": {"A": 246, "B": 246, "C": 245, "D": 245},
            "truth_values": {"False": 460, "True": 460},
            "relations_in_every_format": 1.0,
            "rows_a_relation": 7.43,
        },
        "evolving": {"rows_without_ids": 0},
        "words": {"mean": 17.7, "most": 40},
    }
    return {
        "curate_corpus": {
            "documents": 84,
            "words": 27430,
            "chunks": 84,
            "dropped": {"dedup:near_duplicate": 2, "filter:too_short": 1},
            "disciplines": dict.fromkeys(DISCIPLINES, 21),
        },
        "extract_knowledge": {
            "teacher": "rules-1",
            "concepts": 535,
            "relations": 460,
            "chains": 739,
            "words": 27430,
            "relations_per_1000_words": 16.77,
            "components": 83,
            "largest_component_share": 0.14,
            "orphans": 0,
            "defined": 76,
            "relation_types": {"CAUSAL": 181, "CONTRAST": 17, "PART_OF": 57, "SPECIALIZATION": 136},
            "chain_hops": {"2": 470, "3": 200, "4": 69},
            "left_out": {"on_no_chain": 586, "second_type": 1},
            "merged": {"confirmed": 1, "object_generalised": 92},
        },
        "build_benchmark": {
            "items": {"dev": 120, "sealed": 120},
            "groups": 118,
            "hops": {"2": 172, "3": 68},
            "disciplines": dict.fromkeys(DISCIPLINES, 60),
            "operators": {"gold": 240, "sibling": 487, "subst_adj": 130, "truncated": 103},
            "templates": {"item.forward.told": 120, "item.backward.told": 120},
            "left_out": {"direct_relation": 11, "enough_items": 599, "too_few_distractors": 1},
            "guesses": {"dev": guesses, "sealed": guesses},
            "shortage": "",
        },
        "synthesise_examples": {"rows": 3004, "report": report},
    }


def ladder() -> list[View]:
    held = [
        "dev improved significantly: 40 fixed (1 of them format errors before) and 6 broken of 120 pairs.",
        "sealed did not fall beyond its margin: gain +0.030 (-0.050 to +0.110, n = 120).",
    ]
    failed = [
        "dev did not improve significantly: 9 fixed (0 of them format errors before) and 6 broken of 120 pairs."
    ]
    return [
        rung("Base", "base", 30, 29, 99, format_errors=2),
        rung(
            "V1",
            "v1",
            50,
            47,
            96,
            diagnoses={"concept_gap": 31, "reasoning_deficit": 33, "format_error": 4, "unstable": 2},
            mixture_rows={"general": 400, "replay": 3004},
            loss=loss(420, 0.4),
            training=training(420, [0.31, 0.62, 0.81, 0.83, 0.83]),
        ),
        rung(
            "V2",
            "patch",
            84,
            51,
            95,
            diagnoses={"concept_gap": 9, "reasoning_deficit": 25, "item_defect": 1, "format_error": 1},
            patch_rows={"patch contrast": 640, "patch chain": 510, "scaffold chain": 400},
            mixture_rows={"general": 240, "patch": 380, "scaffold": 180, "replay": 800},
            repaired=40,
            verdict=verdict(accepted=True, dev=0.283, fixed=40, broken=6, reasons=held),
            loss=loss(260, 0.5),
            training=training(260, []),
        ),
        rung(
            "V3",
            "patch",
            87,
            49,
            93,
            accepted=False,
            patch_rows={"patch contrast": 120, "patch chain": 390, "scaffold chain": 300},
            mixture_rows={"carried": 200, "general": 240, "patch": 220, "scaffold": 140, "replay": 800},
            repaired=9,
            verdict=verdict(accepted=False, dev=0.025, fixed=9, broken=6, reasons=failed),
            loss=loss(260, 0.45),
            training=training(260, []),
        ),
        rung(
            "V4",
            "replay",
            82,
            50,
            97,
            accepted=False,
            mixture_rows={"carried": 300, "general": 320, "replay": 980},
            repaired=4,
            verdict=verdict(accepted=False, dev=-0.016, fixed=4, broken=6, reasons=failed),
            loss=loss(260, 0.4),
            training=training(260, []),
        ),
    ]


def controls_view() -> dict[str, Any]:
    """Figures of a bench over two sessions."""

    def gains(value: float) -> dict[str, Any]:
        return {
            name: {"value": value, "low": value - 0.05, "high": value + 0.06, "n": 230}
            for name in ("dev", "sealed", "general")
        }

    return {
        "sessions": ["demo-1", "demo-2"],
        "settings": {},
        "level": 0.9,
        "before": {name: {"dev": 0.25, "sealed": 0.26, "general": 0.7} for name in ("base", "V1")},
        "recipes": [
            {
                "recipe": name,
                "rows": rows,
                "roles": {"replay": rows - 300, "patch": 300},
                "wall_s": 61.0,
                "gain": gains(value),
                "p_dev": [0.01, 0.3],
            }
            for name, rows, value in (("diagnosed", 1600, 0.17), ("tenfold", 16000, -0.12))
        ],
        "comparisons": [{"control": "tenfold", "gain": gains(0.29)}],
    }


def finished_view() -> View:
    """A session that ran to its end."""
    patchable = (
        "64 of 70 failures are patchable (concept_gap and reasoning_deficit only), 32.0 repairs expected."
    )
    return {
        "session": "demo-0123456789ab",
        "corpus": "corpus",
        "seed": 0,
        "base": "pocket",
        "scoring": "cot",
        "stop_reason": "budget_rounds",
        "stop_detail": "0 rounds left.",
        "stages": stages(),
        "benchmark": {
            "benchmark_id": "b_0123456789abcdef",
            "digest": "ab" * 32,
            "dev": 120,
            "sealed": 120,
            "groups": 118,
            "left_out": {"direct_relation": 11, "enough_items": 599},
        },
        "ladder": ladder(),
        "decisions": [
            decision(21, "patch", patchable),
            decision(33, "patch", "30 of 36 failures are patchable, 12.0 repairs expected."),
            decision(45, "replay", "6 items once right are lost (replay from 5)."),
            decision(57, "stop", "0 rounds left."),
        ],
        "steering": [
            {
                "seq": 44,
                "kind": "prefer",
                "about": "replay",
                "by": "ann@lab",
                "why": "what was lost comes first",
                "effect": "taken",
            }
        ],
        "case": CASE | {"rows": list(CASE["rows"]), "steps": [dict(step) for step in CASE["steps"]]},
        "controls": controls_view(),
        "budget": {
            "disk_bytes": {"held": 0.0, "limit": 2e9, "used": 4.1e7},
            "rounds": {"held": 0.0, "limit": 3.0, "used": 3.0},
            "wall_s": {"held": 0.0, "limit": None, "used": 401.0},
        },
    }


def started_view() -> View:
    """A session before its first model was scored."""
    return finished_view() | {
        "stop_reason": "",
        "stop_detail": "",
        "stages": {},
        "benchmark": {},
        "controls": None,
        "ladder": [],
        "decisions": [],
        "steering": [],
        "case": None,
        "budget": {},
    }


FAILED = "i_00000000000000fa"


def failure(item_id: str, kind: str) -> View:
    return {
        "item_id": item_id,
        "stem": "In physics, what does heat lead to?",
        "options": ["steam", "ice", "sand", "oil"],
        "right": "steam",
        "answer": "ice",
        "said": "From heat: Heat leads to ice. Answer: ice",
        "diagnosis": kind,
        "detail": "Asked 5 probes on 3 nodes, 2 right.",
        "nodes": [],
    }


def failure_map() -> View:
    """A chain of two concepts, one known and one not, with a neighbour that was not asked about."""
    concepts = [
        {"concept_id": f"c_{n}", "term": term, "on_chain": n < 2, "mastery": mastery, "mastered": mastered}
        for n, (term, mastery, mastered) in enumerate(
            [("heat", 0.9, True), ("steam", 0.1, False), ("water", None, None)]
        )
    ]
    relations = [
        {
            "relation_id": f"r_{n}",
            "subject_id": "c_0",
            "object_id": f"c_{n + 1}",
            "type": "CAUSAL",
            "statement": statement,
            "on_chain": n == 0,
            "mastery": 0.2 if n == 0 else None,
            "mastered": False if n == 0 else None,
        }
        for n, statement in enumerate(["Heat leads to steam.", "Heat leads to water."])
    ]
    return {
        "item_id": FAILED,
        "model": "V2",
        "diagnosis": "concept_gap",
        "concepts": concepts,
        "relations": relations,
        "more": 0,
    }


def status(**more: Any) -> View:
    return {
        "session": "demo-0123456789ab",
        "state": "finished",
        "now": "finished",
        "progress": None,
        "rounds": 3,
        "incumbent": "a_0000000000000002",
        "decisions": 4,
        "last_decision": "stop: 0 rounds left.",
        "stop_reason": "budget_rounds",
        "paused": "",
        "stop_requested": False,
        "waiting_requests": 0,
        "host": "",
        "budget": {"rounds": "3 of 3", "wall_s": "401.2 of unlimited"},
        "artifacts": {},
    } | more


VERIFIED: View = {
    "ok": True,
    "records": 58,
    "integrity": "whole",
    "authenticity": "not signed",
    "completeness": "complete",
    "anchoring": "not anchored",
    "attestation": "attested",
    "first_bad": "",
    "problems": [],
    "cannot_detect": ["that the whole log was rewritten"],
}
LOG: View = {"records": 58, "head": "f" * 64, "at": "now"}


def finished_material(view: View | None = None) -> Material:
    """All that the page of a finished session shows; another ``view`` stands for what its report says."""
    shown = finished_view() if view is None else view
    case = shown["case"]
    return Material(
        view=shown,
        status=status(),
        failures={
            "model": "V2",
            "total": 15,
            "failures": [failure(FAILED, "concept_gap"), failure("i_00000000000000fb", "")],
            "next": 12,
        },
        repairs={"model": "V2", "total": 9, "cases": [case] * 2, "next": 4} if case else NOTHING_REPAIRED,
        maps={FAILED: failure_map()},
        verified=dict(VERIFIED),
        log=dict(LOG),
    )


NOTHING_REPAIRED: View = {"model": "", "total": 0, "cases": [], "next": None}


def started_material() -> Material:
    """What there is before the first model was scored."""
    running = status(
        state="running",
        now="train_adapter 12 of 300 loss 1.2",
        progress={"done": 12.0, "total": 300.0, "eta_s": 88.0, "note": "loss 1.2"},
        rounds=0,
        last_decision="",
        stop_reason="",
    )
    nothing = {"model": "", "total": 0, "failures": [], "next": None}
    return Material(started_view(), running, nothing, NOTHING_REPAIRED, {}, None, {})
