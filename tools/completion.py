"""What an argument could be: the IDs, numbers and terms of this session that go on with what was typed.

Of items those of dev alone, so that nothing here tells that a sealed one exists. A session in which nothing was made yet
completes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from proda_core.ids import normalise_term
from proda_core.records import load_benchmark
from proda_core.types import Split
from tools.book import Book
from tools.host import Host
from tools.work import book_of

_LONGEST = 200  # of what was typed


def completions(host: Host, argument: str, typed: str) -> list[str]:
    """Every value that ``argument`` may have and that fits; none for an argument that is not one of COMPLETED."""
    if argument not in COMPLETED or len(typed) > _LONGEST:
        return []
    book = book_of(host)
    return COMPLETED[argument](host, book, typed)


def _beginning(values: Iterable[str], typed: str) -> list[str]:
    return [value for value in values if value.startswith(typed)]


def _session(host: Host, _book: Book, typed: str) -> list[str]:
    return _beginning([host.folder.name], typed)


def _round(_host: Host, book: Book, typed: str) -> list[str]:
    base = ["0"] if book.base_report_id else []
    return _beginning([*base, *(str(one.number + 1) for one in book.rounds if one.report_id)], typed)


def _decision(_host: Host, book: Book, typed: str) -> list[str]:
    return _beginning([str(number + 1) for number in range(book.decisions)], typed)


def _item(host: Host, book: Book, typed: str) -> list[str]:
    if not book.benchmark_id:
        return []
    items = load_benchmark(host.store, book.benchmark_id).of(Split.DEV)
    return _beginning(sorted(item.item_id for item in items), typed)


def _chain(host: Host, book: Book, typed: str) -> list[str]:
    return _beginning(sorted(host.snapshot(book.snapshot_id).chains), typed) if book.snapshot_id else []


def _concept(host: Host, book: Book, typed: str) -> list[str]:
    """IDs that begin so, or of concepts whose term does: whoever types a term gets the ID that an URI needs."""
    if not book.snapshot_id:
        return []
    concepts = host.snapshot(book.snapshot_id).concepts
    by_id = _beginning(sorted(concepts), typed)
    return by_id or [key for _, key in _terms(host, book, typed)]


def _term(host: Host, book: Book, typed: str) -> list[str]:
    return [term for term, _ in _terms(host, book, typed)] if book.snapshot_id else []


def _terms(host: Host, book: Book, typed: str) -> list[tuple[str, str]]:
    """Terms with their IDs: those that begin with what was typed, then those that hold it."""
    wanted = normalise_term(typed)
    found = [(one.term, key) for key, one in host.snapshot(book.snapshot_id).concepts.items()]
    fitting = [(term, key) for term, key in found if wanted in normalise_term(term)]
    return sorted(fitting, key=lambda pair: (not normalise_term(pair[0]).startswith(wanted), pair))


COMPLETED: dict[str, Callable[[Host, Book, str], list[str]]] = {
    "session": _session,
    "round": _round,
    "decision": _decision,
    "item": _item,
    "concept": _concept,
    "chain": _chain,
    "term": _term,
}
