"""The same content has the same ID everywhere, and different content another."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proda_core import ids

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
).filter(lambda value: "\\ud" not in ascii(value))


@given(st.dictionaries(st.text(alphabet=st.characters(codec="utf-8")), st.integers()))
def test_the_canonical_form_does_not_depend_on_the_order_of_keys(value: dict[str, int]) -> None:
    assert ids.canonical_json(value) == ids.canonical_json(dict(reversed(value.items())))


@given(JSON)
def test_the_canonical_form_is_its_own(value: object) -> None:
    import json

    text = ids.canonical_json(value)
    assert ids.canonical_json(json.loads(text)) == text


def test_what_is_not_json_has_no_canonical_form() -> None:
    for value in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="JSON"):
            ids.canonical_json(value)


def test_an_id_is_a_prefix_and_sixteen_hex_digits_and_nothing_around_it() -> None:
    key = ids.make_id("x", "a", 1)
    assert ids.ID_PATTERN.match(key)
    for wrong in (key + "\n", " " + key, key[:-1], key.upper(), "../" + key):
        assert not ids.ID_PATTERN.match(wrong)


def test_parts_are_not_run_together() -> None:
    assert len({ids.make_id("x", "ab", "c"), ids.make_id("x", "a", "bc"), ids.make_id("x", "abc")}) == 3


def test_an_id_is_the_same_in_another_process() -> None:
    program = "from proda_core.ids import concept_id, relation_id, chain_id; a, b = concept_id('Gas'), concept_id('Heat');"
    program += "print(a, relation_id(a, 'CAUSAL', b), chain_id([relation_id(a, 'CAUSAL', b)]))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    gas, heat = ids.concept_id("Gas"), ids.concept_id("Heat")
    relation = ids.relation_id(gas, "CAUSAL", heat)
    assert done.stdout.split() == [gas, relation, ids.chain_id([relation])]


@pytest.mark.parametrize(
    "term", ["gross  domestic product", "Gross Domestic Product ", "gross\u00a0domestic product"]
)
def test_a_concepts_id_ignores_case_space_and_compatibility_forms(term: str) -> None:
    assert ids.concept_id(term) == ids.concept_id("Gross Domestic Product")
    assert ids.concept_id(term, "sense 2") != ids.concept_id(term)


def test_relations_are_told_apart_by_direction_and_type_and_chains_by_order() -> None:
    assert ids.relation_id("c_1", "CAUSAL", "c_2") != ids.relation_id("c_2", "CAUSAL", "c_1")
    assert ids.relation_id("c_1", "CAUSAL", "c_2") != ids.relation_id("c_1", "PART_OF", "c_2")
    assert ids.chain_id(["r_1", "r_2"]) != ids.chain_id(["r_2", "r_1"])
    assert ids.pair_key("c_2", "c_1") == ids.pair_key("c_1", "c_2") == ("c_1", "c_2")
