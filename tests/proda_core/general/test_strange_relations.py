"""Relations put together from common words: sayable in each of their ways, turned round as often as not, strange to the suite."""

from collections.abc import Iterable
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from proda_core.general.strange_relations import strange_relation
from proda_core.general.wordings import Flavour, wordings_of


@given(seed=st.integers(0, 999))
def test_a_strange_relation_can_be_told_and_asked_in_each_of_its_ways(seed: int) -> None:
    key, ways = strange_relation(Random(seed), True)
    assert key and any(not way.inverted for way in ways)
    assert len({way.phrase for way in ways}) == len(ways)
    for way in ways:
        assert way.say("river", "lamp").startswith("lamp " if way.inverted else "river ")
        assert way.ask_after("river").endswith("?") and "  " not in way.ask_after("river")


def test_half_the_relations_that_leave_their_direction_open_are_told_the_other_way() -> None:
    rng = Random(0)
    single = [ways[0] for _, ways in (strange_relation(rng, False) for _ in range(4000)) if len(ways) == 1]
    assert 0.4 < sum(way.inverted for way in single) / len(single) < 0.5
    assert len({way.phrase for way in single}) > 0.7 * len(single)


def test_strange_relations_use_no_content_word_of_a_heldout_wording() -> None:
    rng = Random(1)

    def words(phrases: Iterable[str]) -> set[str]:
        return {word for phrase in phrases for word in phrase.split()}

    train, heldout = (
        words(way.phrase for flavour in Flavour for way in wordings_of(family, flavour))
        for family in ("train", "heldout")
    )
    told = words(way.phrase for _ in range(5000) for way in strange_relation(rng, False)[1])
    assert len(told) > 500
    assert (told & heldout) - train <= {"at", "its"}
