"""The processes that train together, each on its share of a step's batches.

A step is the mean over a fixed number of streams of batches, however many processes share them: one process takes all in turn.
So a run can go on with another number of processes. Started by `torchrun --nproc-per-node N`; alone without it.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import distributed


@dataclass(frozen=True, slots=True)
class Crew:
    """This process's rank among `size` processes."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process is the one that writes."""
        return self.rank == 0

    def share(self, streams: int) -> range:
        """The streams of this process; raises ValueError where the processes cannot share them evenly."""
        if streams % self.size:
            raise ValueError(f"{streams} streams cannot be shared by {self.size} processes")
        return range(self.rank, streams, self.size)

    def wait(self) -> None:
        """Go on when every process is here."""
        if self.size > 1:
            distributed.barrier()

    def least(self, count: int) -> int:
        """The smallest of the processes' counts."""
        if self.size == 1:
            return count
        held = torch.tensor(count)
        distributed.all_reduce(held, distributed.ReduceOp.MIN)
        return int(held)

    def add_gradients(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        """Sum the processes' gradients in place."""
        if self.size == 1:
            return
        gradients = [one.grad for one in parameters if one.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        distributed.all_reduce(flat)
        parts = torch.split(flat, [one.numel() for one in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view_as(gradient))


def join_crew() -> Crew:
    """The crew that torchrun started, or a crew of one."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return Crew()
    distributed.init_process_group("gloo")
    return Crew(distributed.get_rank(), distributed.get_world_size())
