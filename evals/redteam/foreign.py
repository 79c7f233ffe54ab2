"""The leaks of the red team looked for in somebody else's training set and benchmark, JSON lines both.

Each disguise is put on each of their items and looked for in their rows as it would be written: that needs no guard, and finds
codes that no guard reads. Beside it stands what the guard's own scan refuses, and whether that scan sees their items in each
disguise when some are planted, so that "nothing found" means something.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from evals.redteam.attack import Attack
from evals.redteam.leaks import LEAKS, Leak
from proda_core.errors import Refusal
from proda_core.guard.foreign import check_foreign, items_in, texts_in
from proda_core.types import Item

PLANTED = 8  # items planted of each disguise, to see whether the scan sees them
_SHORTEST = 24  # characters of what is looked for: less is found by chance


@dataclass(frozen=True, slots=True)
class ForeignLeak:
    """One disguise: rows that hold an item so (``lines``, at most fifty), and how many of the ``planted`` the scan sees."""

    attack: Attack
    lines: tuple[int, ...]
    planted: int
    seen: int


@dataclass(frozen=True, slots=True)
class ForeignFindings:
    """``refused``: what G4 refuses of their rows, whatever the disguise."""

    leaks: tuple[ForeignLeak, ...]
    refused: tuple[Refusal, ...]
    rows: int
    items: int


def leaks_in(rows: Path, benchmark: Path, scratch: Path) -> ForeignFindings:
    """Every leak in their rows. ArtifactError names the first line that has none of the common forms."""
    items = items_in(benchmark)
    texts = _texts(rows)
    found = tuple(_looked_for(attack, items, texts, benchmark, scratch) for attack in LEAKS if _whole(attack))
    return ForeignFindings(found, _g4(rows, benchmark), len(texts), len(items))


def _whole(attack: Attack) -> bool:
    """Leaks that one row holds."""
    return type(attack.act) is Leak


def _texts(rows: Path) -> list[str]:
    lines = rows.read_text(encoding="utf-8").splitlines()
    return ["\n".join(texts_in(json.loads(line))) for line in lines if line.strip()]


def _looked_for(
    attack: Attack, items: Sequence[Item], texts: Sequence[str], benchmark: Path, scratch: Path
) -> ForeignLeak:
    written = [_written(attack, item) for item in items]
    lines = [
        number
        for number, text in enumerate(texts, 1)
        if any(all(part in text for part in parts) for parts in written if parts)
    ]
    planted = list(items[:PLANTED])
    file = scratch / f"{attack.name}.jsonl"
    file.write_text("".join(_row(attack, item) for item in planted), encoding="utf-8")
    seen = {refusal.row_id for refusal in _g4(file, benchmark)}
    return ForeignLeak(attack, tuple(lines[:50]), len(planted), len(seen))


def _written(attack: Attack, item: Item) -> list[str]:
    """What a row with this item in this disguise must hold: its questions; nothing where they are too short to tell."""
    parts = [text.strip() for speaker, text in _said(attack, item) if speaker == "user"]
    if attack.name == "item-in-the-reasoning":
        parts = [text.strip() for speaker, text in _said(attack, item) if speaker == "assistant"]
    return parts if min(map(len, parts)) >= _SHORTEST else []


def _said(attack: Attack, item: Item) -> Sequence[tuple[str, str]]:
    return attack.act.disguise(item, "") if isinstance(attack.act, Leak) else ()


def _row(attack: Attack, item: Item) -> str:
    said = [{"role": speaker, "content": text} for speaker, text in _said(attack, item)]
    return json.dumps({"messages": said, "id": item.item_id}, ensure_ascii=False) + "\n"


def _g4(rows: Path, benchmark: Path) -> tuple[Refusal, ...]:
    found: Iterable[Refusal] = next(f.refusals for f in check_foreign(rows, benchmark) if f.rule == "G4")
    return tuple({refusal.row_id: refusal for refusal in found}.values())
