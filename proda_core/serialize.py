"""Frozen dataclasses to JSON lines and back, validated on the way in (an unknown or missing field is an ArtifactError)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from proda_core.errors import ArtifactError

T = TypeVar("T")


@cache
def _adapter(cls: Any) -> TypeAdapter[Any]:
    return TypeAdapter(cls)


def to_plain(value: Any) -> Any:
    """JSON-able form of a dataclass (enums as values, tuples as lists)."""
    return _adapter(type(value)).dump_python(value, mode="json")


def from_plain(cls: type[T], data: Any) -> T:
    """Build ``cls`` from its JSON form; ArtifactError names the first wrong field."""
    try:
        return cast(T, _adapter(cls).validate_python(data))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ArtifactError(f"not a {cls.__name__}: field {where!r}: {first['msg']}") from error


def dump_lines(rows: Iterable[Any]) -> str:
    """One JSON object a line, keys sorted; deterministic, so that a file's digest is its content's."""
    return "".join(
        json.dumps(to_plain(row), sort_keys=True, ensure_ascii=False, separators=(",", ":")) + "\n"
        for row in rows
    )


def write_lines(path: Path, rows: Iterable[Any]) -> None:
    """Write ``rows`` as JSON lines. Atomicity is the artifact store's business: call it inside an artifact being made."""
    path.write_text(dump_lines(rows), encoding="utf-8")


def read_lines(path: Path, cls: type[T]) -> Iterator[T]:
    """Yield ``cls`` from a JSON lines file; ArtifactError names file and line."""
    try:
        handle = path.open(encoding="utf-8")
    except OSError as error:
        raise ArtifactError(
            f"cannot read {path.name}: {error.strerror}; rerun the stage that makes it"
        ) from error
    with handle:
        for number, line in enumerate(handle, 1):
            try:
                data = json.loads(line)
            except json.JSONDecodeError as error:
                raise ArtifactError(f"{path.name}:{number}: not JSON ({error.msg})") from error
            yield from_plain(cls, data)
