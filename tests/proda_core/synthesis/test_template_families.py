"""Items, Examples, Patches, Probes and general tasks share no template, and no written row repeats another family's frame."""

from __future__ import annotations

from dataclasses import fields
from itertools import combinations
from random import Random

from evals.faults import templates as heldout_templates
from proda_core.general import phrasings
from proda_core.general.path_grammar import composed_path
from proda_core.probing import templates as probe_templates
from proda_core.synthesis import example_templates, item_templates, patch_templates


def _general() -> set[str]:
    found: set[str] = set()
    for family in (phrasings.TRAIN, phrasings.HELDOUT):
        for field in fields(family):
            for one in getattr(family, field.name):
                found.add(one if isinstance(one, str) else f"{one.first}|{one.middle}|{one.last}")
    return found


def _paths(family: tuple[item_templates.PathTemplate | patch_templates.WalkTemplate, ...]) -> set[str]:
    return {f"{t.opening}|{t.link}|{t.closing}" for t in family}


FAMILIES = {
    "items": _paths(item_templates.FAMILY),
    "examples": set(example_templates.FAMILY),
    "patches": _paths(patch_templates.FAMILY) | set(patch_templates.FRAMES),
    "probes": set(probe_templates.FAMILY)
    | {f"{t.opening}|{t.link}|{t.closing}" for t in probe_templates.CHAINS},
    "heldout": _paths(heldout_templates.PATHS) | set(heldout_templates.FAMILY),
    "general": _general(),
}


def _plain(template: str) -> str:
    return " ".join(template.replace("{", " ").replace("}", " ").casefold().split())


def test_no_two_families_share_a_template() -> None:
    for (one, left), (other, right) in combinations(FAMILIES.items(), 2):
        shared = {_plain(t) for t in left} & {_plain(t) for t in right}
        assert not shared, f"{one} and {other}: {shared}"


def test_no_two_families_share_the_part_of_a_path_that_asks() -> None:
    closings = [
        {_plain(t.closing) for t in family}
        for family in (
            item_templates.FAMILY,
            patch_templates.FAMILY,
            heldout_templates.PATHS,
            probe_templates.CHAINS,
        )
    ]
    general = {
        _plain(form.last)
        for family in (phrasings.TRAIN, phrasings.HELDOUT)
        for form in (*family.path_forward, *family.path_backward)
    }
    for left, right in combinations([*closings, general], 2):
        assert not left & right


def test_a_path_put_together_at_random_asks_as_no_other_family_does() -> None:
    others = {
        _plain(t.closing) for family in (item_templates.FAMILY, patch_templates.FAMILY) for t in family
    } | {_plain(form.last) for form in (*phrasings.HELDOUT.path_forward, *phrasings.HELDOUT.path_backward)}
    rng = Random(0)
    composed = [composed_path(rng, forward=forward) for forward in (True, False) for _ in range(5000)]
    assert not {_plain(form.last) for form in composed} & others
    assert len(set(composed)) > 5000


def test_template_names_are_told_apart_by_family() -> None:
    assert {t.name.split(".")[0] for t in item_templates.FAMILY} == {"item"}
    assert {t.name.split(".")[0] for t in patch_templates.FAMILY} == {"patch"}
