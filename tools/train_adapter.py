"""train_adapter: compile a mixture to LoRA weights; the trainer checks every guard rule again in its own process (G6)."""

from __future__ import annotations

from proda_core.jobs import JobRequest
from tools.base import ID, Tool, ToolModel
from tools.host import Host
from tools.same_student import session_student
from tools.work import JobHandle, book_of, start_job


class TrainArguments(ToolModel):
    mixture_id: ID


async def train_adapter(host: Host, arguments: TrainArguments) -> JobHandle:
    book = book_of(host)
    entry = book.round_of(mixture_id=arguments.mixture_id)
    inputs = {
        "mixture": arguments.mixture_id,
        "snapshot": book.need("snapshot_id"),
        "benchmark": book.need("benchmark_id"),
    }
    training = host.config.training
    if training.continue_incumbent and book.incumbent is not None:
        inputs["incumbent"] = book.incumbent.adapter_id
        training = training.going_on()
    params = {
        **session_student(host),
        "config": training.model_dump(mode="json"),
        "probe": entry.kind == "v1",
        "wall_s": wall_share(host, first=entry.kind == "v1"),
    }
    request = JobRequest("train", "proda_core.training.job:run", params, inputs)
    return await start_job(host, "train_adapter", {"mixture_id": arguments.mixture_id}, request)


def wall_share(host: Host, *, first: bool) -> float | None:
    """Seconds this training may take: a fixed share of the wall time left, or None without a wall budget.

    V1 gets 30 % of what is left, every later round 60 % of an equal share of it. It is written into the intent, so a resumed
    session trains under the same limit.
    """
    left = host.own.ledger.left("wall_s")
    if left is None:
        return None
    if first:
        return max(1.0, round(0.30 * left, 1))
    rounds_left = host.own.ledger.left("rounds")
    rounds = 1 + min(3.0, rounds_left if rounds_left is not None else 3.0)
    return max(1.0, round(0.60 * left / rounds, 1))


TOOL = Tool(
    "train_adapter",
    "Train a LoRA adapter on one of this session's mixtures: V1 from the session's base, a round from the incumbent's adapter "
    "where training.continue_incumbent says so. Returns a job handle.",
    TrainArguments,
    JobHandle,
    train_adapter,
)
