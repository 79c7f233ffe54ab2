"""The page: one file without network or script, everything escaped, every state of a session rendered."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest
from mcp_server.page.plots import gains_svg, ladder_svg, loss_svg, mastery_svg

from mcp_server.page import render_bench, render_page
from mcp_server.page.render import rounds
from tests.report_views import controls_view, finished_view, started_view

HOSTILE = (
    "<script>alert('x')</script><img src=http://evil.example/a.png onerror=\"alert(1)\"> \"' & {{ 7*7 }}"
)
VOID = {"meta", "br"}


class Reader(HTMLParser):
    """Collects tags and attributes, and refuses a page whose tags do not close."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open and self._open[-1] == tag, f"</{tag}> closes {self._open[-3:]}"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def finish(self) -> Reader:
        self.close()
        assert self._open == []
        return self


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    return reader.finish()


def poisoned(value: Any) -> Any:
    """The same view with hostile text behind every string and in the keys of every table of counts."""
    if isinstance(value, str):
        return value + HOSTILE
    if isinstance(value, list):
        return [poisoned(one) for one in value]
    if isinstance(value, dict):
        counts = (
            value and all(isinstance(one, int) for one in value.values()) and value.keys().isdisjoint(FIXED)
        )
        return {
            key + HOSTILE if counts else key: one if key == "kind" else poisoned(one)
            for key, one in value.items()
        }
    return value


# Names that are the project's own: tables with them keep their keys, and a rung's or a decision's kind stays what it is.
FIXED = ("rows", "failures", "rows_without_ids", "dev", "documents")
STATES = {"finished": finished_view, "started": started_view}


@pytest.mark.parametrize("state", STATES)
def test_the_page_loads_nothing_and_runs_nothing(state: str) -> None:
    page = render_page(STATES[state]())
    reader = read(page)
    assert not {tag for tag, _ in reader.tags} & {
        "script",
        "img",
        "link",
        "iframe",
        "object",
        "embed",
        "base",
        "form",
    }
    targets = [
        attrs[name] for _, attrs in reader.tags for name in ("href", "src", "xlink:href") if name in attrs
    ]
    assert all(target and target.startswith("#") for target in targets)
    assert not re.search(r"https?://|//[a-z]|@import|url\(", page)
    policies = [
        a["content"]
        for tag, a in reader.tags
        if tag == "meta" and a.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'"]


def test_hostile_text_in_any_field_stays_text() -> None:
    view = poisoned(finished_view())
    honest, hostile = (
        read(render_page(finished_view())),
        read(render_page(view, {"records": 1, "head": HOSTILE, "at": HOSTILE})),
    )
    assert "<script>" in "".join(hostile.text)
    assert {tag for tag, _ in hostile.tags} <= {tag for tag, _ in honest.tags}
    assert not [attrs for _, attrs in hostile.tags if any(name.startswith("on") for name in attrs)]
    assert "49" not in {text.strip() for text in hostile.text}


@pytest.mark.parametrize(
    "change", ["no rounds", "base only", "no case", "no verdict", "no figures of the stages"]
)
def test_a_session_cut_short_anywhere_has_a_page(change: str) -> None:
    view = finished_view()
    if change == "no rounds":
        view["ladder"], view["decisions"], view["case"] = [], [], None
    elif change == "base only":
        view["ladder"], view["decisions"], view["case"] = view["ladder"][:1], [], None
    elif change == "no case":
        view["case"] = None
    elif change == "no verdict":
        view["ladder"][2] |= {"verdict": None, "accepted": False, "loss": [], "training": {}}
    else:
        view["stages"] = {"curate_corpus": view["stages"]["curate_corpus"]}
    assert view["session"] in "".join(read(render_page(view)).text)


def test_the_page_tells_the_whole_story() -> None:
    text = " ".join(
        " ".join(
            read(render_page(finished_view(), {"records": 58, "head": "f" * 64, "at": "now"})).text
        ).split()
    )
    told = [
        "stopped: budget rounds",
        "70.0",  # dev of V2
        "31 concept gap",
        "640 patch contrast",
        "dev improved significantly",
        "64 of 70 failures are patchable",
        "not replay: Not now",
        "A shoot bends towards light only when auxin can reach its shaded side.",
        "2 dedup: near duplicate",
        "Guessing without knowledge",
        "Contextualized",
        "f" * 64,
        "proda audit verify demo-0123456789ab",
    ]
    assert [part for part in told if part not in text] == []


def test_a_patch_round_shows_the_diagnoses_of_the_incumbent_it_repairs_and_not_of_a_rejected_one() -> None:
    found = {
        row["label"]: row["repairs"] and row["repairs"]["label"] for row in rounds(finished_view()["ladder"])
    }
    assert found == {"V1": None, "V2": "V1", "V3": "V2", "V4": None}


@pytest.mark.parametrize("plot", [ladder_svg, loss_svg, mastery_svg])
def test_a_plot_is_well_formed_and_inside_its_frame(plot: Any) -> None:
    root = ElementTree.fromstring(plot(finished_view()["ladder"]))
    _, _, width, height = (float(part) for part in root.attrib["viewBox"].split())
    for text in root.iter("text"):
        assert 0 <= float(text.attrib["x"]) <= width
        assert 0 <= float(text.attrib["y"]) <= height


def test_the_ladder_plot_marks_what_was_rejected() -> None:
    svg = ladder_svg(finished_view()["ladder"])
    assert svg.count("dev full") == 3
    assert svg.count("dev hollow") == 2


def test_the_benchs_page_shows_every_gain_with_its_interval_and_loads_nothing() -> None:
    found = read(render_bench(controls_view()))
    said = " ".join(found.text)
    assert "+17.0" in said and "+12 to +23" in said and "−12.0" in said and "+29.0" in said
    assert "1 of 2" in said and "ten times the rows of V1's data" in said
    assert not {"script", "img", "link", "iframe"} & {tag for tag, _ in found.tags}


def test_a_report_shows_the_controls_where_they_are_known_and_says_that_they_are_not_its_own() -> None:
    said = " ".join(read(render_page(finished_view())).text)
    assert "Measured once over 2 sessions" in said and "+29.0" in said
    assert "Measured once" not in " ".join(read(render_page(finished_view() | {"controls": None})).text)


def test_the_plot_of_gains_keeps_its_marks_and_intervals_inside_the_frame() -> None:
    root = ElementTree.fromstring(gains_svg(controls_view()["recipes"]))
    _, _, width, height = (float(part) for part in root.attrib["viewBox"].split())
    circles = list(root.iter("circle"))
    assert len(circles) == 2
    assert float(circles[0].attrib["cy"]) < float(circles[1].attrib["cy"])  # the larger gain stands higher
    bars = [re.findall(r"[\d.]+", e.attrib["d"]) for e in root.iter("path") if "bar" in e.attrib["class"]]
    assert len(bars) == 6
    for x, low, high, *_ in bars:
        assert 0 < float(x) < width and 0 < float(high) < float(low) < height


def test_the_same_session_gives_the_same_bytes() -> None:
    assert render_page(finished_view()) == render_page(finished_view())
