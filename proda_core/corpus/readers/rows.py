"""Files of rows: JSON lines, JSON, Parquet and Arrow (what Hugging Face datasets are on disk). Each row is a text of its own.

The text is the field ``text``, ``content`` or ``body``, or the one that ``corpus.text_field`` names; ``title`` and
``discipline`` are read where given. A bad row is dropped alone; tables are read a batch at a time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from proda_core.corpus.decode import decode_bytes
from proda_core.corpus.raw import RawText, ReadingOptions, Source
from proda_core.corpus.readers.broken import parsing
from proda_core.corpus.readers.plain import decoded
from proda_core.errors import UnreadableFile
from proda_core.types import Dropped

_TEXT_FIELDS = ("text", "content", "body")
_ABOUT_FIELDS = ("title", "discipline")
_BATCH = 1000
# What the datasets library writes beside its tables: about the data, and no text of it.
_ABOUT_DATASET = frozenset({"dataset_info.json", "dataset_infos.json", "state.json", "dataset_dict.json"})


def read_json_lines(source: Source, options: ReadingOptions) -> Iterator[RawText | Dropped]:
    lines = decode_bytes(source.read(), source.name).splitlines()
    if not any(line.strip() for line in lines):
        raise UnreadableFile(source.name, "empty", "no line")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        name = f"{source.name}#{number}"
        try:
            row = json.loads(line)
        except (json.JSONDecodeError, RecursionError) as error:
            yield Dropped(name, "load", "bad_json", str(error).split(": line")[0], line[:80])
            continue
        yield _row(row, name, options)


def read_json(source: Source, options: ReadingOptions) -> Iterator[RawText | Dropped]:
    """An object, a list of objects, or JSON lines under the wrong name."""
    if source.name.rsplit("/", 1)[-1] in _ABOUT_DATASET:
        raise UnreadableFile(source.name, "about_dataset", "it describes a dataset and holds no text")
    try:
        data = json.loads(decoded(source))
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":
            yield from read_json_lines(source, options)
            return
        raise UnreadableFile(source.name, "bad_json", str(error)) from error
    except RecursionError as error:
        raise UnreadableFile(source.name, "bad_json", "nested too deep") from error
    rows = data if isinstance(data, list) else [data]
    if not any(isinstance(_row(row, source.name, options), RawText) for row in rows):
        raise UnreadableFile(
            source.name,
            "no_text",
            f"none of its {len(rows)} rows has {_wanted(options)}; set corpus.text_field",
        )
    if isinstance(data, dict):
        yield _row(data, source.name, options)
        return
    for number, row in enumerate(rows, 1):
        yield _row(row, f"{source.name}#{number}", options)


def read_parquet(source: Source, options: ReadingOptions) -> Iterator[RawText | Dropped]:
    import pyarrow.parquet as parquet

    with source.open() as handle:
        with parsing(source.name, "Parquet"):
            file = parquet.ParquetFile(handle)
            columns = _columns(file.schema_arrow.names, source.name, options)
            batches = file.iter_batches(_BATCH, columns=columns)
        yield from _table_rows(batches, source.name, options)


def read_arrow(source: Source, options: ReadingOptions) -> Iterator[RawText | Dropped]:
    """Both forms of Arrow's IPC: the stream, which the datasets library writes, and the file."""
    import pyarrow as arrow

    with source.open() as handle:
        with parsing(source.name, "Arrow"):
            if source.head(6) == b"ARROW1":
                file = arrow.ipc.open_file(handle)
                batches = (file.get_batch(number) for number in range(file.num_record_batches))
                names = file.schema.names
            else:
                stream = arrow.ipc.open_stream(handle)
                batches, names = iter(stream), stream.schema.names
            columns = _columns(names, source.name, options)
        chosen = (batch.select(columns) for batch in batches)
        yield from _table_rows(chosen, source.name, options)


def _columns(names: list[str], name: str, options: ReadingOptions) -> list[str]:
    text = next((n for n in _text_fields(options) if n in names), None)
    if text is None:
        raise UnreadableFile(
            name,
            "no_text",
            f"no column {_wanted(options)} among {', '.join(names)[:200]}; set corpus.text_field",
        )
    return [text, *(n for n in _ABOUT_FIELDS if n in names and n != text)]


def _table_rows(batches: Iterator[Any], name: str, options: ReadingOptions) -> Iterator[RawText | Dropped]:
    number = 0
    while True:
        with parsing(name, "table"):  # data that ends early does so here
            batch = next(batches, None)
            rows = [] if batch is None else batch.to_pylist()
        if batch is None:
            break
        for row in rows:
            number += 1
            yield _row(row, f"{name}#{number}", options)
    if not number:
        raise UnreadableFile(name, "empty", "no row")


def _row(row: Any, name: str, options: ReadingOptions) -> RawText | Dropped:
    fields: Mapping[str, Any] = row if isinstance(row, Mapping) else {}
    text = next((fields[key] for key in _text_fields(options) if key in fields), None)
    if not isinstance(text, str) or not text.strip():
        sample = json.dumps(row, ensure_ascii=False, default=str)[:80]
        return Dropped(name, "load", "no_text", f"the row has no {_wanted(options)}", sample)
    metadata = {key: str(fields[key]) for key in _ABOUT_FIELDS if fields.get(key) is not None}
    return RawText(name, text, metadata)


def _text_fields(options: ReadingOptions) -> tuple[str, ...]:
    return (options.text_field,) if options.text_field else _TEXT_FIELDS


def _wanted(options: ReadingOptions) -> str:
    return " or ".join(filter(None, (", ".join(_text_fields(options)[:-1]), _text_fields(options)[-1])))
