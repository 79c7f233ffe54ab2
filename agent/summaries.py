"""One line of plain words for each stage and its result, from the figures its outcome recorded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Meta = dict[str, Any]

_STAGE = {
    "curate_corpus": "reading and curating the corpus",
    "extract_knowledge": "extracting chains, relations and concepts",
    "build_benchmark": "building and freezing the benchmark (test first)",
    "synthesise_examples": "writing the initial examples",
    "compose_mixture": "composing the mixture under the guard",
    "train_adapter": "training the adapter (LoRA)",
    "evaluate_model": "evaluating",
    "diagnose_failures": "diagnosing failures by probing the student",
    "write_patch": "writing the patch",
}


def describe_stage(tool: str, arguments: dict[str, Any]) -> str:
    """What is being done."""
    text = _STAGE.get(tool, tool)
    what = arguments.get("model") or arguments.get("kind") or ""
    return f"{text} {what}".rstrip()


def describe_result(handle: dict[str, Any]) -> str:
    """What came of it; falls back to the tool's name and its plain figures."""
    tool, meta = str(handle.get("tool", "compose_mixture")), dict(handle.get("meta", {}))
    writer = _RESULT.get(tool, _plain)
    try:
        return writer(meta)
    except (KeyError, TypeError):
        return f"{_STAGE.get(tool, tool)}: {_plain(meta)}"


def percent(interval: dict[str, Any]) -> str:
    """A share with its interval, in percent: 41.2 [33.0, 49.9]."""
    return f"{100 * interval['value']:.1f} % [{100 * interval['low']:.0f}, {100 * interval['high']:.0f}]"


def counts(table: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in table.items())


def _plain(meta: Meta) -> str:
    flat = {k: v for k, v in meta.items() if isinstance(v, int | float | str)}
    return counts(flat) or "done"


def _evaluated(meta: Meta) -> str:
    sets = (f"{name} {percent(meta[name]['accuracy'])}" for name in ("dev", "sealed", "general"))
    errors = meta["dev"]["format_errors"] + meta["sealed"]["format_errors"]
    return f"{meta['model']}: {'  '.join(sets)}  format errors {errors}"


def _curated(meta: Meta) -> str:
    kept = f"{meta['documents']} documents, {meta['words']} words, {meta['chunks']} chunks kept"
    dropped = counts(meta["dropped"])
    return f"corpus: {kept}; dropped: {dropped or 'nothing'}"


def _extracted(meta: Meta) -> str:
    return (
        f"knowledge: L1 {meta['concepts']} concepts, L2 {meta['relations']} relations"
        f" ({meta['relations_per_1000_words']:g} per 1,000 words), L3 {meta['chains']} chains, {meta['orphans']} orphans,"
        f" largest component {100 * meta['largest_component_share']:.0f} %"
    )


def _frozen(meta: Meta) -> str:
    return (
        f"benchmark frozen: {meta['items']['dev']} dev and {meta['items']['sealed']} sealed items"
        f" in {meta['groups']} chain groups ({counts(meta['hops'])} by hops)"
    )


_RESULT: dict[str, Callable[[Meta], str]] = {
    "curate_corpus": _curated,
    "extract_knowledge": _extracted,
    "build_benchmark": _frozen,
    "evaluate_model": _evaluated,
}
