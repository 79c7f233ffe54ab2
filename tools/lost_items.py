"""Lost items: dev items that an accepted model before the incumbent had right and the incumbent has wrong."""

from __future__ import annotations

from proda_core.records import load_report
from tools.book import Book
from tools.host import Host


def lost_items(host: Host, book: Book) -> tuple[str, ...]:
    """Their IDs, sorted; none without an incumbent."""
    incumbent = book.incumbent
    if incumbent is None or not incumbent.report_id:
        return ()
    report = load_report(host.store, incumbent.report_id)
    wrong = {s.item_id for s in report.dev if s.value is not None and not s.correct}
    once: set[str] = set()
    for entry in book.rounds:
        if entry.accepted and entry.report_id and entry.report_id != incumbent.report_id:
            once |= {s.item_id for s in load_report(host.store, entry.report_id).dev if s.correct}
    return tuple(sorted(wrong & once))
