"""Made-up benchmarks and reports for verdict tests: items in chain groups, scores from lists of right and wrong."""

from __future__ import annotations

from collections.abc import Sequence

from proda_core.ids import make_id
from proda_core.records import benchmark_digest
from proda_core.types import Benchmark, EvalReport, Item, Score, Scoring, Split

DISCIPLINES = ("001", "006", "007", "011")


def item(place: int, split: Split, *, per_group: int = 2) -> Item:
    options = ("alpha ray", "beta ray", "gamma ray", "delta ray")
    return Item(
        item_id=make_id("i", split.value, place),
        chain_id=make_id("g", split.value, place),
        group_id=make_id("g", "group", split.value, place // per_group),
        split=split,
        stem=f"{split.value} question {place}?",
        options=options,
        gold_index=place % 4,
        operators=("gold",) * 4,
        option_concept_ids=("",) * 4,
        discipline=DISCIPLINES[place // per_group % len(DISCIPLINES)],
        hops=2 + place % 2,
        template="fixture",
        l1_ids=(),
        l2_ids=(),
    )


def benchmark(
    dev: int = 40, sealed: int = 40, *, scoring: Scoring = Scoring.COT, per_group: int = 2
) -> Benchmark:
    items = tuple(
        item(place, split, per_group=per_group)
        for split, count in ((Split.DEV, dev), (Split.SEALED, sealed))
        for place in range(count)
    )
    found = benchmark_digest(items, (), scoring, "s" * 64)
    return Benchmark(make_id("b", found), found, "s" * 64, scoring, items, ())


def scores(ids: Sequence[str], right: Sequence[bool | None], *, kind: str = "") -> tuple[Score, ...]:
    """True right, False wrong, None unscored."""
    slices = {"kind": kind} if kind else {}
    return tuple(
        Score(
            key,
            None if value is None else float(value),
            None,
            0,
            "engine: down" if value is None else "",
            "",
            slices,
        )
        for key, value in zip(ids, right, strict=True)
    )


def report(
    bench: Benchmark,
    model: str,
    *,
    dev: Sequence[bool | None],
    sealed: Sequence[bool | None] | None = None,
    general: Sequence[bool | None] = (True,) * 60,
) -> EvalReport:
    dev_ids = [i.item_id for i in bench.of(Split.DEV)]
    sealed_ids = [i.item_id for i in bench.of(Split.SEALED)]
    same = sealed if sealed is not None else [place % 2 == 0 for place in range(len(sealed_ids))]
    return EvalReport(
        report_id=make_id("q", model, bench.digest),
        model=model,
        benchmark_digest=bench.digest,
        scoring=bench.scoring.value,
        dev=scores(dev_ids, dev),
        sealed=scores(sealed_ids, same),
        general=scores([f"t_{place}" for place in range(len(general))], general, kind="open"),
    )
