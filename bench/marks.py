"""Two readers' marks on a review: precision with its interval, their agreement, and the form that may be committed.

    python -m bench.marks review/relations.places.json reader1.csv reader2.csv --out docs/marks/relations.csv

A file of marks has lines ``number,mark``; marks are right, partly and wrong (docs/rubric.md). Refused are marks that are none of
these, and files that do not mark every number once. ``--out`` writes document, offsets, hash of the quote and both marks.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evals.statistics import wilson
from proda_core.errors import BenchmarkError

MARKS = ("right", "partly", "wrong")


def read_marks(path: Path, *, count: int) -> list[str]:
    """The marks in the order of their numbers, 1 to ``count``."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.reader(file) if row and row[0].strip().lower() != "number"]
    marks: dict[int, str] = {}
    for row in rows:
        number, mark = (row[0].strip(), row[1].strip().lower()) if len(row) > 1 else (row[0], "")
        if not number.isdigit() or mark not in MARKS or int(number) in marks:
            raise BenchmarkError(
                f"{path}: {','.join(row)!r} is not a number once and one of {', '.join(MARKS)}"
            )
        marks[int(number)] = mark
    if sorted(marks) != list(range(1, count + 1)):
        raise BenchmarkError(f"{path} marks {len(marks)} numbers; mark each from 1 to {count} once")
    return [marks[number] for number in range(1, count + 1)]


def kappa(first: Sequence[str], second: Sequence[str]) -> float:
    """Cohen's kappa: agreement beyond chance; 1 where both gave one and the same mark throughout."""
    n = len(first)
    agreed = sum(a == b for a, b in zip(first, second, strict=True)) / n
    one, two = Counter(first), Counter(second)
    chance = sum(one[mark] * two[mark] for mark in MARKS) / (n * n)
    return 1.0 if chance == 1 else (agreed - chance) / (1 - chance)


def judged(first: Sequence[str], second: Sequence[str]) -> dict[str, Any]:
    """Each reader's precision with Wilson's interval, and how far they agree."""
    return {
        "n": len(first),
        "reader_1": _precision(first),
        "reader_2": _precision(second),
        "right_by_both": sum(a == b == "right" for a, b in zip(first, second, strict=True)),
        "agreement": round(sum(a == b for a, b in zip(first, second, strict=True)) / len(first), 3),
        "kappa": round(kappa(first, second), 3),
    }


def _precision(marks: Sequence[str]) -> dict[str, Any]:
    counts = Counter(marks)
    strict = wilson(counts["right"], len(marks))
    return {
        **{mark: counts[mark] for mark in MARKS},
        "precision": round(strict.value, 3),
        "interval": [round(strict.low, 3), round(strict.high, 3)],
        "right_or_partly": round((counts["right"] + counts["partly"]) / len(marks), 3),
    }


def main() -> None:
    """Judge, write, print."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("places", type=Path)
    ask.add_argument("marks", type=Path, nargs=2)
    ask.add_argument("--out", type=Path, help="CSV of places and marks, without text")
    given = ask.parse_args()
    places = json.loads(given.places.read_text(encoding="utf-8"))
    first, second = (read_marks(path, count=len(places)) for path in given.marks)
    if given.out:
        given.out.parent.mkdir(parents=True, exist_ok=True)
        with given.out.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow([*places[0], "reader_1", "reader_2"])
            writer.writerows(
                [*place.values(), a, b] for place, a, b in zip(places, first, second, strict=True)
            )
    print(json.dumps(judged(first, second), indent=1))


if __name__ == "__main__":
    main()
