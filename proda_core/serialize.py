"""Frozen dataclasses to JSON lines and back, validated on the way in (an unknown or missing field is an ArtifactError)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from proda_core.errors import ArtifactError

T = TypeVar("T")
_LEAVES = (str, int, float, type(None))  # what nothing lies below: by far the most of any file


@cache
def _adapter(cls: Any) -> TypeAdapter[Any]:
    return TypeAdapter(cls)


def to_plain(value: Any) -> Any:
    """JSON-able form of a dataclass (enums as values, tuples as lists)."""
    return _adapter(cast(Any, type(value))).dump_python(value, mode="json")


def from_plain(cls: type[T], data: Any) -> T:
    """Build ``cls`` from its JSON form; ArtifactError names the first wrong field."""
    try:
        value = cast(T, _adapter(cast(Any, cls)).validate_python(data))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ArtifactError(f"not a {cls.__name__}: field {where!r}: {first['msg']}") from error
    _refuse_unknown(value, data, cls.__name__)
    return value


@cache
def _names(cls: type) -> frozenset[str]:
    return frozenset(field.name for field in fields(cls))


def _refuse_unknown(value: Any, data: Any, where: str) -> None:
    """Pydantic drops what a plain dataclass has no field for; here it is an error, at any depth."""
    if isinstance(data, _LEAVES):
        return
    if is_dataclass(value) and isinstance(data, Mapping):
        names = _names(cast(type, type(value)))
        if unknown := sorted(map(str, data.keys() - names)):
            raise ArtifactError(f"not a {where}: unknown field {unknown[0]!r}")
        for name, plain in data.items():
            if not isinstance(plain, _LEAVES):
                _refuse_unknown(getattr(value, name), plain, f"{where}.{name}")
    elif isinstance(value, tuple | list) and isinstance(data, tuple | list):
        for inner, plain in zip(value, data, strict=False):
            _refuse_unknown(inner, plain, where)
    elif isinstance(value, dict) and isinstance(data, Mapping):
        for key, inner in value.items():
            _refuse_unknown(inner, data.get(key), where)


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
