"""The frozen page: one file that loads nothing and runs its own scripts alone, everything escaped, every state rendered."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import re
import tomllib
from html.parser import HTMLParser
from typing import Any

import pytest

from mcp_server.page import Material, freeze_page, render_bench
from mcp_server.page.assets import DRAWING, LIVE, STATIC, text_of
from mcp_server.page.render import rounds
from mcp_server.page.words import stacked
from tests.report_views import (
    FAILED,
    controls_view,
    finished_material,
    finished_view,
    started_material,
)

HOSTILE = (
    "<script>alert('x')</script><img src=http://evil.example/a.png onerror=\"alert(1)\"> \"' & {{ 7*7 }}"
)
VOID = {"meta", "br", "input", "link"}


class Reader(HTMLParser):
    """Collects tags, attributes, text and the insides of scripts and styles; refuses a page whose tags do not close."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.raw: dict[str, list[str]] = {"script": [], "style": []}
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)
        if tag in self.raw:
            self.raw[tag].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open and self._open[-1] == tag, f"</{tag}> closes {self._open[-3:]}"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] in self.raw:
            self.raw[self._open[-1]][-1] += data
        else:
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
FIXED = ("rows", "failures", "rows_without_ids", "dev", "documents", "records")
STATES = {"finished": finished_material, "started": started_material}


def poisoned_material() -> Material:
    """Hostile text behind every string of everything that the tools said."""
    clean = finished_material()
    parts = {f.name: getattr(clean, f.name) for f in dataclasses.fields(clean)}
    bad = {name: poisoned(part) for name, part in parts.items() if name not in ("maps", "status", "failures")}
    failures = poisoned(parts["failures"]) | {"model": "V2"}
    for failure in failures["failures"]:
        failure["item_id"] = failure["item_id"].removesuffix(HOSTILE)
    status = poisoned(parts["status"]) | {"budget": parts["status"]["budget"]}
    return Material(**bad, failures=failures, status=status, maps={FAILED: poisoned(parts["maps"][FAILED])})


def policy_of(reader: Reader) -> dict[str, list[str]]:
    """The page's content policy, by directive."""
    (policy,) = [
        a["content"] or ""
        for tag, a in reader.tags
        if tag == "meta" and a.get("http-equiv") == "Content-Security-Policy"
    ]
    return {part.split()[0]: part.split()[1:] for part in policy.split("; ")}


def digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@pytest.mark.parametrize("state", STATES)
def test_the_frozen_page_loads_nothing_and_runs_its_own_scripts_alone(state: str) -> None:
    reader = read(freeze_page(STATES[state]()))
    forbidden = {"img", "link", "iframe", "object", "embed", "base", "form"}
    assert not {tag for tag, _ in reader.tags} & forbidden
    names = ("href", "src", "xlink:href", "action", "srcset")
    targets = [attrs[name] for _, attrs in reader.tags for name in names if name in attrs]
    assert all(target and target.startswith("#") for target in targets)
    asking = [
        name
        for _, attrs in reader.tags
        for name in attrs
        if name.startswith(("hx-", "data-hx-", "on")) or name == "style"
    ]
    assert asking == []
    policy = policy_of(reader)
    assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == ["'none'"]
    assert policy["script-src"] == [digest(script) for script in reader.raw["script"]]
    assert reader.raw["script"] == [text_of(name) for name in DRAWING]
    assert policy["style-src"][0] == digest(reader.raw["style"][0]) and len(policy["style-src"]) == 2
    assert not {"connect-src", "img-src", "frame-src"} & policy.keys()
    assert "unsafe" not in str(policy)


def test_hostile_text_in_any_field_stays_text() -> None:
    honest, hostile = read(freeze_page(finished_material())), read(freeze_page(poisoned_material()))
    assert "<script>alert" in "".join(hostile.text)
    assert {tag for tag, _ in hostile.tags} <= {tag for tag, _ in honest.tags}
    assert hostile.raw == honest.raw and policy_of(hostile) == policy_of(honest)
    assert not [attrs for _, attrs in hostile.tags if any(name.startswith("on") for name in attrs)]
    assert "49" not in {text.strip() for text in hostile.text}
    figures = [attrs["data-figures"] for _, attrs in hostile.tags if "data-figures" in attrs]
    assert len(figures) == 5 and HOSTILE in str(json.loads(figures[1] or "")["concepts"][0]["term"])


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
    assert view["session"] in "".join(read(freeze_page(finished_material(view))).text)


def test_the_page_tells_the_whole_story() -> None:
    text = " ".join(" ".join(read(freeze_page(finished_material())).text).split())
    told = [
        "stopped: budget rounds",
        "6:41 min of unlimited",
        "70.0",  # dev of V2
        "31 concept gap",
        "640 patch contrast",
        "dev improved significantly",
        "64 of 70 failures are patchable",
        "not replay: Not now",
        "asked by ann@lab",
        "15 dev items",
        "Said ice , right is steam",
        "Heat leads to steam. 20 % known",
        "13 more are not shown here",
        "A shoot bends towards light only when auxin can reach its shaded side.",
        "2 dedup: near duplicate",
        "Guessing without knowledge",
        "Contextualized",
        "nothing wrong found over 58 records",
        "that the whole log was rewritten",
        "f" * 64,
        "proda audit verify demo-0123456789ab",
    ]
    assert [part for part in told if part not in text] == []


def test_a_running_session_says_what_it_does_how_far_it_is_and_how_long_it_takes() -> None:
    text = " ".join(" ".join(read(freeze_page(started_material())).text).split())
    assert "running train adapter" in text and "4 %, about 1:28 min left" in text and "loss 1.2" in text


def test_a_patch_round_shows_the_diagnoses_of_the_incumbent_it_repairs_and_not_of_a_rejected_one() -> None:
    found = {
        row["label"]: row["repairs"] and row["repairs"]["label"] for row in rounds(finished_view()["ladder"])
    }
    assert found == {"V1": None, "V2": "V1", "V3": "V2", "V4": None}


def test_the_drawings_are_given_every_rung_with_its_intervals_and_what_became_of_it() -> None:
    reader = read(freeze_page(finished_material()))
    drawn = {
        attrs["data-chart"]: json.loads(attrs["data-figures"] or "")
        for _, attrs in reader.tags
        if attrs.get("data-chart")
    }
    assert set(drawn) == {"ladder", "neighbourhood", "loss", "mastery", "gains"}
    assert [(row["label"], row["said"]) for row in drawn["ladder"]] == [
        ("Base", ""),
        ("V1", ""),
        ("V2", "patch"),
        ("V3", "patch ✗"),
        ("V4", "replay ✗"),
    ]
    assert drawn["ladder"][2]["dev"] == finished_view()["ladder"][2]["dev"]
    assert [one["mastery"] for one in drawn["neighbourhood"]["concepts"]] == [0.9, 0.1, None]
    assert drawn["mastery"] == [0.31, 0.62, 0.81, 0.83, 0.83]
    assert [row["label"] for row in drawn["loss"]] == ["V1", "V2", "V3", "V4"]


def test_a_stacked_bar_is_filled_once_from_end_to_end() -> None:
    parts = stacked({"replay": 30, "patch": 10, "general": 0, "carried": 60})
    assert [part.name for part in parts] == ["patch", "carried", "replay"]
    assert [part.start for part in parts] == pytest.approx([0.0, 0.1, 0.7])
    assert parts[-1].start + parts[-1].share == pytest.approx(1.0)


def test_the_benchs_page_shows_every_gain_with_its_interval_and_loads_nothing() -> None:
    found = read(render_bench(controls_view()))
    said = " ".join(found.text)
    assert "+17.0" in said and "+12 to +23" in said and "−12.0" in said and "+29.0" in said
    assert "1 of 2" in said and "ten times the rows of V1's data" in said
    assert not {"img", "link", "iframe"} & {tag for tag, _ in found.tags}
    assert policy_of(found)["script-src"] == [digest(script) for script in found.raw["script"]]


def test_a_report_shows_the_controls_where_they_are_known_and_says_that_they_are_not_its_own() -> None:
    said = " ".join(read(freeze_page(finished_material())).text)
    assert "Measured once over 2 sessions" in said and "+29.0" in said
    without = finished_material(finished_view() | {"controls": None})
    assert "Measured once" not in " ".join(read(freeze_page(without)).text)


def test_the_same_session_gives_the_same_bytes() -> None:
    assert freeze_page(finished_material()) == freeze_page(finished_material())


def test_the_libraries_are_those_that_were_published_with_their_licences() -> None:
    listed = tomllib.loads(text_of("vendor/versions.toml"))
    folder = STATIC / "vendor"
    for name, library in listed.items():
        assert hashlib.sha256((folder / library["file"]).read_bytes()).hexdigest() == library["sha256"]
        assert re.search(
            "permission", (folder / f"{name}.LICENSE").read_text(encoding="utf-8"), re.IGNORECASE
        )
    there = {path.name for path in folder.iterdir()}
    files = {library["file"] for library in listed.values()}
    assert there == files | {f"{name}.LICENSE" for name in listed} | {"versions.toml"}
    assert files == {name.removeprefix("vendor/") for name in LIVE if name.startswith("vendor/")}


def test_no_script_of_the_page_can_end_its_element_early_or_make_markup_of_text() -> None:
    for name in LIVE:
        assert not re.search(r"</script|<!--", text_of(name), re.IGNORECASE)
    for name in ("charts.js", "live.js", "login.js"):
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", text_of(name))
