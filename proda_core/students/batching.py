"""Batches of rows of like length, so that little is spent on padding, and rows padded on the left into tensors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch


@dataclass(frozen=True, slots=True)
class Padded:
    """Left-padded rows [rows, longest]: ``ids``, ``mask`` (1 on real tokens), ``positions`` from 0 on each row."""

    ids: torch.Tensor
    mask: torch.Tensor
    positions: torch.Tensor


def length_sorted(lengths: Sequence[int], batch_size: int) -> Iterator[list[int]]:
    """Row numbers in batches, longest first (what does not fit in memory fails at once and not at the end)."""
    order = sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))
    for start in range(0, len(order), batch_size):
        yield order[start : start + batch_size]


def pad_left(rows: Sequence[Sequence[int]], pad: int, device: torch.device, *, at_least: int = 0) -> Padded:
    """Rows of token IDs as one tensor, their ends aligned, ``at_least`` so wide."""
    longest = max(at_least, *(len(row) for row in rows))
    ids = torch.tensor([[pad] * (longest - len(row)) + list(row) for row in rows], device=device)
    mask = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in rows], device=device)
    return Padded(ids, mask, positions_of(mask))


def positions_of(mask: torch.Tensor) -> torch.Tensor:
    """Position IDs that count real tokens only."""
    return (mask.cumsum(-1) - 1).clamp(min=0)
