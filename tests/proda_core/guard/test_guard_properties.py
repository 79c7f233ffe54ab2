"""G2, G3 and G4 hold for any rows hypothesis can draw: wordings, orders, roles, types, disguises and padding."""

from __future__ import annotations

import random
from collections.abc import Sequence

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proda_core.guard import check_mixture, sealed_pairs
from proda_core.ids import pair_key
from proda_core.phi import PHI, verbalise
from proda_core.types import Example, Item, MixtureRow, Relation, Role
from tests import fixtures_knowledge as fx

RELATIONS = sorted(fx.snapshot().relations.values(), key=lambda r: r.relation_id)
TAUGHT = (Role.PATCH, Role.CARRIED, Role.SCAFFOLD)
QUIET = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])

_CYRILLIC = str.maketrans("aeopcxy", "аеорсху")


@st.composite
def sentences(draw: st.DrawFn, relation: Relation) -> str:
    """Any statement of a relation's pair: any type's wording, either way round, in disguise."""
    kind = draw(st.sampled_from(sorted(PHI)))
    form = draw(st.sampled_from((PHI[kind].statement, *PHI[kind].verbalisations)))
    ends = [_surface(draw, relation.subject_id), _surface(draw, relation.object_id)]
    if draw(st.booleans()):
        ends.reverse()
    return disguise(verbalise(kind, *ends, form=form), draw(st.integers(0, 2**16)))


def _surface(draw: st.DrawFn, concept_id: str) -> str:
    concept = fx.snapshot().concepts[concept_id]
    return draw(st.sampled_from((concept.term, *concept.aliases)))


def disguise(text: str, seed: int) -> str:
    """The text with its case, spaces between words, invisible characters and look-alike letters changed."""
    rng = random.Random(seed)
    out = []
    for letter in text:
        letter = rng.choice((letter, letter, letter.upper(), letter.lower()))
        if rng.random() < 0.1:
            letter = letter.translate(_CYRILLIC)
        if letter == " ":
            letter = rng.choice((" ", "  ", "\u00a0", "\t", " \u200b"))
        out.append(letter + ("\u200d" if rng.random() < 0.05 else ""))
    return "".join(out)


@st.composite
def rows(draw: st.DrawFn) -> list[MixtureRow]:
    """One to six honest rows of one to three statements, in any roles but general."""
    made = []
    for _ in range(draw(st.integers(1, 6))):
        told = draw(st.lists(st.sampled_from(RELATIONS), min_size=1, max_size=3, unique=True))
        text = ".\n".join(draw(sentences(relation)) for relation in told)
        role = draw(st.sampled_from((*TAUGHT, Role.REPLAY)))
        made.append(MixtureRow(role, fx.row("Tell what is known.", text)))
    return made


def told_pairs(example: Example) -> set[tuple[str, str]]:
    """Pairs by brute force: every pair of declared concepts that some relation joins."""
    named = set(example.lineage.l1_ids)
    return {
        pair_key(r.subject_id, r.object_id)
        for r in RELATIONS
        if r.subject_id in named and r.object_id in named
    }


def refused_by(rule: str, mixture_rows: Sequence[MixtureRow]) -> set[str]:
    found = check_mixture(fx.mixture(mixture_rows), fx.index(), fx.benchmark())
    return {refusal.row_id for refusal in found if refusal.rule == rule}


@QUIET
@given(st.data())
def test_a_statement_of_a_pair_is_read_as_its_relation_in_any_wording_and_disguise(
    data: st.DataObject,
) -> None:
    relation = data.draw(st.sampled_from(RELATIONS))
    assert relation.relation_id in fx.index().derive(data.draw(sentences(relation))).l2_ids


@QUIET
@given(rows())
def test_g2_refuses_exactly_the_replay_rows_that_share_a_pair(mixture_rows: list[MixtureRow]) -> None:
    taught = {pair for row in mixture_rows if row.role in TAUGHT for pair in told_pairs(row.example)}
    expected = {
        row.example.example_id
        for row in mixture_rows
        if row.role is Role.REPLAY and told_pairs(row.example) & taught
    }
    assert refused_by("G2", mixture_rows) == expected


@QUIET
@given(rows())
def test_g3_refuses_exactly_the_taught_rows_on_a_sealed_pair(mixture_rows: list[MixtureRow]) -> None:
    sealed = sealed_pairs(fx.benchmark(), fx.snapshot())
    expected = {
        row.example.example_id
        for row in mixture_rows
        if row.role in TAUGHT and told_pairs(row.example) & sealed
    }
    assert refused_by("G3", mixture_rows) == expected


@QUIET
@given(
    st.sampled_from(fx.benchmark().items),
    st.integers(0, 2**16),
    st.text(max_size=60),
    st.sampled_from((Role.PATCH, Role.REPLAY, Role.SCAFFOLD)),
)
def test_g4_refuses_an_item_in_any_disguise_and_padding(item: Item, seed: int, pad: str, role: Role) -> None:
    asked = punctuate(disguise(f"{pad} {item.stem} {pad}", seed), seed)
    row = fx.row(asked, disguise(f"I think {item.gold}!", seed + 1))
    assert row.example_id in refused_by("G4", [MixtureRow(role, row)])


def punctuate(text: str, seed: int) -> str:
    rng = random.Random(seed)
    return "".join(letter + (rng.choice(",;-.'") if rng.random() < 0.05 else "") for letter in text)


@QUIET
@given(rows())
def test_g4_lets_statements_of_single_facts_pass(mixture_rows: list[MixtureRow]) -> None:
    assert refused_by("G4", mixture_rows) == set()
