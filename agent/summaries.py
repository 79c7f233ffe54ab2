"""Plain words for each stage and for what came of it, from the figures that its outcome recorded.

``describe_stage`` names the work, ``subject`` what it is about, ``describe_result`` says the result in one sentence without
repeating either. A figure that is missing or of another form falls back to the plain figures: a summary never ends a session.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Meta = dict[str, Any]

_STAGE = {
    "curate_corpus": "reading and curating the corpus",
    "extract_knowledge": "extracting chains, relations and concepts",
    "build_benchmark": "building and freezing the benchmark",
    "synthesise_examples": "writing the initial examples",
    "compose_mixture": "composing the mixture",
    "train_adapter": "training",
    "evaluate_model": "scoring",
    "diagnose_failures": "diagnosing the failures",
    "write_patch": "writing the patch",
}
_SUBJECT = {
    "curate_corpus": "corpus",
    "extract_knowledge": "knowledge",
    "build_benchmark": "benchmark",
    "synthesise_examples": "examples",
    "compose_mixture": "mixture",
    "train_adapter": "trained",
    "evaluate_model": "scored",
    "diagnose_failures": "diagnosis",
    "write_patch": "patch",
}
_FORMATS = {"qa": "open questions", "choice": "multiple choice", "true_false": "true/false"}


def describe_stage(tool: str, arguments: Mapping[str, Any], model: str = "") -> str:
    """What is being done; ``model`` is the name of the rung it is done to, where there is one."""
    if tool == "compose_mixture":
        return f"{_STAGE[tool]} ({arguments.get('kind', '')})"
    return f"{_STAGE.get(tool, words(tool))} {model}".rstrip()


def subject(tool: str) -> str:
    """What a stage's result is about, in one word."""
    return _SUBJECT.get(tool, words(tool))


def describe_result(handle: Mapping[str, Any]) -> str:
    """What came of a stage. ``handle`` is a finished job's, or compose_mixture's result, which names no tool."""
    tool = str(handle.get("tool", "compose_mixture"))
    meta = dict(handle.get("meta", handle))
    writer = _RESULT.get(tool, _plain)
    try:
        return writer(meta)
    except (KeyError, TypeError, ValueError, AttributeError):
        return _plain(meta)


def percent(interval: Mapping[str, Any]) -> str:
    """A share with its interval, in percent: 41.2 (33–50)."""
    return f"{100 * interval['value']:.1f} ({100 * interval['low']:.0f}–{100 * interval['high']:.0f})"


def points(gain: Mapping[str, Any]) -> str:
    """A difference of shares in percentage points: +3.0."""
    return f"{100 * gain['value']:+.1f}"


def counts(table: Mapping[str, Any]) -> str:
    """Name and figure, in the table's order: "CAUSAL 181, PART OF 57"."""
    return ", ".join(f"{words(name)} {_figure(value)}" for name, value in table.items())


def tally(table: Mapping[str, int], names: Mapping[str, str] | None = None) -> str:
    """Figure and name, the largest first, zeros left out: "59 concept gap, 17 format error"."""
    rows = sorted(((n, name) for name, n in table.items() if n), key=lambda row: (-row[0], row[1]))
    return ", ".join(f"{n:,} {(names or {}).get(name, words(name))}" for n, name in rows)


def words(name: str) -> str:
    """An identifier as it is spoken: reasoning_deficit is "reasoning deficit", filter:too_short "filter: too short"."""
    return name.replace("_", " ").replace(":", ": ")


def plural(count: int, noun: str) -> str:
    """1 round, 2 rounds."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def duration(seconds: float) -> str:
    """8 s, 2:05 min, 1:02 h, never broken between figure and unit."""
    whole = round(seconds)
    if whole < 60:
        said = f"{whole} s"
    else:
        said = (
            f"{whole // 60}:{whole % 60:02d} min"
            if whole < 3600
            else f"{whole // 3600}:{whole % 3600 // 60:02d} h"
        )
    return said.replace(" ", "\N{NO-BREAK SPACE}")


def mastery_curve(shares: list[float]) -> str:
    """9 → 41 → 55 %: how many of the probed facts were known after each pass."""
    return " → ".join(f"{100 * share:.0f}" for share in shares) + " %"


def _figure(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"


def _plain(meta: Meta) -> str:
    flat = {k: v for k, v in meta.items() if isinstance(v, int | float | str)}
    return counts(flat) or "done"


def _curated(meta: Meta) -> str:
    dropped = tally(meta["dropped"])
    kept = f"{plural(meta['documents'], 'document')}, {meta['words']:,} words kept in {plural(meta['chunks'], 'chunk')}"
    return f"{kept}; dropped: {dropped or 'nothing'}{_languages(meta)}{_refused(meta)}"


def _languages(meta: Meta) -> str:
    """Said when there is another than English."""
    found = meta.get("languages", {})
    return f"; languages: {tally(found)}" if found.keys() - {"en"} else ""


def _refused(meta: Meta) -> str:
    """The first files that could not be read."""
    found = meta.get("refused", [])
    first = ", ".join(f"{row['source']} ({words(row['reason'])})" for row in found[:3])
    more = ", …" if len(found) > 3 else ""
    return f"; not read: {first}{more}" if found else ""


def _extracted(meta: Meta) -> str:
    density, largest = meta["relations_per_1000_words"], 100 * meta["largest_component_share"]
    return (
        f"{meta['concepts']:,} concepts, {meta['relations']:,} relations ({density:.1f} per 1,000 words), "
        f"{meta['chains']:,} chains; {plural(meta['orphans'], 'orphan')}; "
        f"the largest of {plural(meta['components'], 'component')} holds {largest:.0f} %"
    )


def _frozen(meta: Meta) -> str:
    hops = ", ".join(f"{count} of {hop} hops" for hop, count in sorted(meta["hops"].items()))
    frozen = f"{meta['items']['dev']} dev and {meta['items']['sealed']} sealed items in {meta['groups']} chain groups ({hops})"
    best = max(share for split in meta["guesses"].values() for share in split.values())
    short = f"; {meta['shortage']}" if meta.get("shortage") else ""
    return f"{frozen}, frozen; guessing without knowledge gets at most {100 * best:.0f} %{short}"


def _synthesised(meta: Meta) -> str:
    organized = meta["report"]["organized"]
    relations, concepts = 100 * organized["relations_covered"], 100 * organized["concepts_covered"]
    return (
        f"{meta['rows']:,} rows: {tally(organized['by_format'], _FORMATS)}; "
        f"they cover {relations:.0f} % of the relations and {concepts:.0f} % of the concepts"
    )


def _composed(meta: Meta) -> str:
    short = meta.get("notes", {}).get("replay_short")
    return f"{meta['rows']:,} rows pass the guard: {tally(meta['roles'])}{f'; replay is short: {short}' if short else ''}"


def _trained(meta: Meta) -> str:
    said = f"{plural(meta['steps'], 'step')} over {meta['tokens']:,} tokens, loss {meta['final_loss']:.2f}"
    if not meta.get("mastery"):
        return said
    why = "; stopped when it no longer rose" if meta.get("stopped") == "plateau" else ""
    return f"{said}; probed facts known {mastery_curve(meta['mastery'])}{why}"


def _evaluated(meta: Meta) -> str:
    sets = ", ".join(f"{name} {percent(meta[name]['accuracy'])}" for name in ("dev", "sealed", "general"))
    errors = meta["dev"]["format_errors"] + meta["sealed"]["format_errors"]
    return f"{sets} %; {plural(errors, 'format error')}"


def _diagnosed(meta: Meta) -> str:
    held = meta.get("unpatchable_sealed", 0)
    sealed = f", {held} held back because their relations are sealed" if held else ""
    found = tally(meta["diagnoses"]) or "nothing to diagnose"
    lost = meta.get("not_recalled_in_chain", 0)
    chain = f" ({lost} with a fact known alone and not recalled in a chain)" if lost else ""
    return f"{plural(meta['failures'], 'dev failure')}: {found}{chain}; {meta['patchable']} can be patched{sealed}"


def _patched(meta: Meta) -> str:
    said = f"{meta['rows']:,} rows for {meta['patched']:,} of the diagnoses"
    said += f": {tally(meta['rows_by_kind'])}"
    if meta.get("scaffold_walks"):
        said += f"; {plural(meta['scaffold_walks'], 'scaffold walk')} elsewhere in the graph"
    left = tally({key.removeprefix("nothing_to_teach_"): n for key, n in meta.get("unpatchable", {}).items()})
    return said + (f"; not patched: {left}" if left else "")


_RESULT: dict[str, Callable[[Meta], str]] = {
    "curate_corpus": _curated,
    "extract_knowledge": _extracted,
    "build_benchmark": _frozen,
    "synthesise_examples": _synthesised,
    "compose_mixture": _composed,
    "train_adapter": _trained,
    "evaluate_model": _evaluated,
    "diagnose_failures": _diagnosed,
    "write_patch": _patched,
}
