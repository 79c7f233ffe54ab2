"""A session's students on a vLLM server: on the session's own, or at the address that its configuration gives.

Where the server is and how it is started is read from the session folder and not from the job's request: it may change when a
session is resumed, and the job is still the same job. No model's answers are taken before they were found to agree with those of
transformers.
"""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path

import torch

from proda_core.artifacts import file_digest
from proda_core.config import Config, StudentConfig
from proda_core.ids import digest
from proda_core.session import SessionFolder
from proda_core.students.base_model import base_digest
from proda_core.students.loading import BaseDescription, default_device, describe_base, held_in
from proda_core.students.served.agreement import Agreements, check_agreement
from proda_core.students.served.client import Address
from proda_core.students.served.plan import plan_server
from proda_core.students.served.student import FixedServer, ServedModel, ServedStudent, Server
from proda_core.students.served.users import ServerFolder, SessionServer

KEY = "PRODA_STUDENT_KEY"


def open_served(session: Path, base: str, adapter: Path | None, config: StudentConfig) -> ServedStudent:
    """The student, as ``load_student`` gives it; ``close`` it, or let it end with the worker. ServingError without a server."""
    folder = SessionFolder.open(session)
    described = describe_base(base)
    settings = folder.config.model_copy(update={"student": config})
    files = ServerFolder(folder.student_server)
    server, manner = _server(files, described, settings)
    model = ServedModel(server, described.folder, adapter, timeout_s=settings.vllm.timeout_s)
    name = "base" if adapter is None else adapter.name
    student = ServedStudent(model, described, name=name, batch_size=config.batch_size)
    weights = "" if adapter is None else file_digest(adapter / "adapter_model.safetensors")
    served, known = digest([manner, base_digest(base), weights]), Agreements(files.root / "agreed.json")
    if settings.vllm.compare and not known.holds(served):
        held = held_in(config.dtype, described.folder, default_device())
        dtype = "bf16" if held is torch.bfloat16 else "fp32"
        check_agreement(student, base, adapter, dtype=dtype, threads=config.threads)
        known.note(served)
    return student


def _server(files: ServerFolder, base: BaseDescription, settings: Config) -> tuple[Server, str]:
    """The server, and what makes it this one."""
    url = settings.vllm.url
    if url is not None:
        return FixedServer(Address(url, os.environ.get(KEY, ""))), url
    plan = plan_server(base, settings)
    return SessionServer(files, plan), digest(asdict(plan))
