"""Which functions a worker may run, those of this project's own packages named ``package.module:function``, and what they return.

A request may come from a client, so the name is refused by pattern and prefix before anything is imported.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable
from typing import cast

from proda_core.artifacts import ArtifactStore
from proda_core.errors import JobError
from proda_core.ids import ID_PATTERN
from proda_core.jobs.contract import JobContext, JobRequest, JobResult

ALLOWED_PREFIXES = ("proda_core.", "evals.")
_NAME = re.compile(r"[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)+:[a-z_][a-z0-9_]*")
EntryPoint = Callable[[JobContext, JobRequest], JobResult]


def check_entry_point(name: str) -> None:
    """JobError unless ``name`` is well-formed and lies under an allowed package."""
    if not _NAME.fullmatch(name) or not name.startswith(ALLOWED_PREFIXES):
        allowed = " or ".join(prefix + "..." for prefix in ALLOWED_PREFIXES)
        raise JobError(
            f"entry point {name!r} is not allowed; name a function of {allowed} as module:function"
        )


def resolve_entry_point(name: str) -> EntryPoint:
    """Import the function; JobError when there is none, or when it was only imported into that module from elsewhere."""
    check_entry_point(name)
    module_name, _, function_name = name.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise JobError(f"entry point {name!r}: no module {error.name!r}") from error
    function = getattr(module, function_name, None)
    if not inspect.isfunction(function) or not f"{function.__module__}.".startswith(ALLOWED_PREFIXES):
        raise JobError(f"entry point {name!r}: {module_name} has no such function of its own")
    return cast(EntryPoint, function)


def missing_artifacts(store: ArtifactStore, result: JobResult) -> list[str]:
    """The artifact IDs of a result that no kind of the store holds whole."""
    kinds = (
        sorted(p.name for p in store.root.iterdir() if p.name.isidentifier()) if store.root.is_dir() else []
    )
    return sorted(
        key
        for key in result.artifacts.values()
        if not ID_PATTERN.match(key) or not any(store.exists(kind, key) for kind in kinds)
    )
