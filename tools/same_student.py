"""The student of a session: what a job is told of it, held to the base that the session's first job was told of.

Scores of two bases must never be compared as one, and a tokenizer or chat template is part of a base.
"""

from __future__ import annotations

from typing import Any

from proda_core.errors import StudentError
from proda_core.student_jobs import student_params
from tools.host import Host


def session_student(host: Host) -> dict[str, Any]:
    """``student_params``; StudentError when the base on disk is not the one that the session began with."""
    params = student_params(host.config)
    _refuse_other_base(host, params["base_digest"])
    return params


def _refuse_other_base(host: Host, found: str) -> None:
    for record in host.records():
        request = record.body.get("request") if record.kind == "intent" else None
        known = request["params"].get("base_digest") if isinstance(request, dict) else None
        if known is not None and known != found:
            raise StudentError(
                f"base {host.config.student.base!r} has digest {found[:16]}, the session began with {known[:16]} (record "
                f"{record.seq}); restore it or start a new session"
            )
