"""evaluate_model: score the base or one adapter on dev, sealed and the general suite; sealed is shown in aggregate only."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from evals.questions import general_params
from proda_core.jobs import JobRequest
from tools.base import Tool, ToolModel
from tools.host import Host
from tools.same_student import session_student
from tools.work import JobHandle, book_of, start_job


class EvaluateArguments(ToolModel):
    model: Annotated[str, Field(pattern=r"^(base|a_[0-9a-f]{16})$", description="'base' or an adapter ID")]


async def evaluate_model(host: Host, arguments: EvaluateArguments) -> JobHandle:
    book = book_of(host)
    inputs = {"benchmark": book.need("benchmark_id")}
    if arguments.model != "base":
        book.round_of(adapter_id=arguments.model)
        inputs["adapter"] = arguments.model
    params = {
        **session_student(host),
        **general_params(host.config.general),
    }
    request = JobRequest("score", "evals.job:run", params, inputs)
    return await start_job(host, "evaluate_model", {"model": arguments.model}, request)


TOOL = Tool(
    "evaluate_model",
    "Score the base model or an adapter on the frozen benchmark and on the general suite. Returns a job handle.",
    EvaluateArguments,
    JobHandle,
    evaluate_model,
)
