"""Chain probes from the shared little world: both ends, options that no walk reaches, whatever else is asked."""

from __future__ import annotations

from proda_core.knowledge.adjacency import Adjacency
from proda_core.probing import build_chain_probes
from tests.fixtures_knowledge import snapshot

CHAINS = sorted(snapshot().chains)


def test_a_chain_is_asked_from_both_ends_in_three_wordings_each() -> None:
    counts = []
    for chain_id in CHAINS:
        chain = snapshot().chains[chain_id]
        probes = build_chain_probes(snapshot(), [chain_id], seed=0)
        counts.append(len(probes))
        first, last = (snapshot().term(chain.concept_ids[end]) for end in (0, -1))
        for probe in probes:
            known, gold = (first, last) if probe.options[probe.gold] == last else (last, first)
            assert probe.options[probe.gold] == gold
            assert known in probe.stem and gold not in probe.stem and len(set(probe.options)) == 4
        assert len({probe.stem for probe in probes}) == len(probes)
    assert set(counts) <= {0, 3, 6} and 6 in counts  # a world so small has not always three wrong options


def test_no_wrong_option_is_joined_to_the_named_end_within_the_chains_length() -> None:
    graph, terms = Adjacency(snapshot()), {c.term: key for key, c in snapshot().concepts.items()}
    for chain_id in CHAINS:
        chain = snapshot().chains[chain_id]
        for probe in build_chain_probes(snapshot(), [chain_id], seed=1):
            forward = probe.options[probe.gold] == snapshot().term(chain.concept_ids[-1])
            near = {chain.concept_ids[0 if forward else -1]}
            for _ in chain.relation_ids:
                near |= {other for concept in near for other in graph.neighbours(concept)}
            wrong = [option for n, option in enumerate(probe.options) if n != probe.gold]
            assert not {terms[option] for option in wrong} & near


def test_probes_of_a_chain_do_not_depend_on_what_else_is_asked() -> None:
    alone = build_chain_probes(snapshot(), CHAINS[:1], seed=3)
    among = build_chain_probes(snapshot(), [*CHAINS, *CHAINS], seed=3)
    assert alone == [probe for probe in among if probe.chain_id == CHAINS[0]]
    assert alone != build_chain_probes(snapshot(), CHAINS[:1], seed=4)
