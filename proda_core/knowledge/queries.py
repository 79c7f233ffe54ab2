"""Every query the store asks of Kùzu, by name. Parameters only, never text put together from a caller's words.

Neighbours use UNION instead of a multi-label pattern (some twenty times faster); ``mirrored`` links are the second direction of
symmetric relations, there for walks and left out everywhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

SCHEMA: tuple[str, ...] = (
    "CREATE NODE TABLE Concept(id STRING PRIMARY KEY, term STRING, forms STRING, aliases STRING[], type STRING, "
    "definition STRING, definition_evidence STRING, discipline STRING)",
    "CREATE NODE TABLE Relation(id STRING PRIMARY KEY, subject_id STRING, type STRING, object_id STRING, "
    "verb_phrase STRING, evidence STRING, discipline STRING)",
    "CREATE NODE TABLE Chain(id STRING PRIMARY KEY, discipline STRING, hops INT64)",
    "CREATE REL TABLE Link(FROM Concept TO Concept, relation_id STRING, mirrored BOOLEAN)",
    "CREATE REL TABLE Passes(FROM Chain TO Concept, place INT64)",
    "CREATE REL TABLE Holds(FROM Chain TO Relation, place INT64)",
)
TABLES: tuple[str, ...] = ("Holds", "Passes", "Link", "Chain", "Relation", "Concept")
MARKER = "CREATE NODE TABLE IF NOT EXISTS Loaded(key STRING PRIMARY KEY, snapshot_id STRING)"

# {concepts}, {relations}, {chains}: quoted paths of the snapshot's Parquet files; {symmetric}: a list of type names
COPIES: tuple[str, ...] = (
    "COPY Concept FROM (LOAD FROM {concepts} RETURN concept_id, term, "
    "lower(concat('|', term, '|', list_to_string('|', aliases), '|')), aliases, type, definition, definition_evidence, "
    "discipline)",
    "COPY Relation FROM (LOAD FROM {relations} RETURN relation_id, subject_id, type, object_id, verb_phrase, evidence, "
    "discipline)",
    "COPY Chain FROM (LOAD FROM {chains} RETURN chain_id, discipline, size(relation_ids))",
    "COPY Link FROM (LOAD FROM {relations} RETURN subject_id, object_id, relation_id, false)",
    "COPY Link FROM (LOAD FROM {relations} WHERE type IN {symmetric} RETURN object_id, subject_id, relation_id, true)",
    "COPY Passes FROM (LOAD FROM {chains} WITH chain_id, concept_ids AS ids UNWIND range(1, size(ids)) AS place "
    "RETURN chain_id, ids[place], place)",
    "COPY Holds FROM (LOAD FROM {chains} WITH chain_id, relation_ids AS ids UNWIND range(1, size(ids)) AS place "
    "RETURN chain_id, ids[place], place)",
)

_TRIPLE = (
    "r.id AS relation_id, r.type AS type, r.verb_phrase AS verb_phrase, r.evidence AS evidence, "
    "s.id AS subject_id, s.term AS subject, o.id AS object_id, o.term AS object"
)
_ENDS = "MATCH (s:Concept {id: r.subject_id}) MATCH (o:Concept {id: r.object_id})"

QUERIES: Mapping[str, str] = MappingProxyType(
    {
        "loaded": "MATCH (m:Loaded {key: 'snapshot'}) RETURN m.snapshot_id AS snapshot_id",
        "mark": "MERGE (m:Loaded {key: 'snapshot'}) SET m.snapshot_id = $snapshot_id",
        "orphans": "MATCH (c:Concept) WHERE NOT EXISTS {MATCH (:Chain)-[:Passes]->(c)} RETURN c.id AS id "
        "UNION MATCH (r:Relation) WHERE NOT EXISTS {MATCH (:Chain)-[:Holds]->(r)} RETURN r.id AS id",
        "concepts": "MATCH (c:Concept) RETURN c.id AS id ORDER BY id",
        "triples": "MATCH (r:Relation) RETURN r.id AS relation_id, r.subject_id AS subject_id, r.type AS type, "
        "r.object_id AS object_id ORDER BY relation_id",
        "neighbours": "MATCH (c:Concept {id: $id})-[e:Link {mirrored: false}]->(n:Concept) "
        "RETURN n.id AS concept_id, n.term AS term, e.relation_id AS relation_id, true AS outgoing "
        "UNION MATCH (c:Concept {id: $id})<-[e:Link {mirrored: false}]-(n:Concept) "
        "RETURN n.id AS concept_id, n.term AS term, e.relation_id AS relation_id, false AS outgoing",
        "walk": "MATCH p = (a:Concept {id: $origin})-[e:Link* ALL SHORTEST 1..6]->(b:Concept {id: $goal}) "
        "RETURN properties(rels(p), 'relation_id') AS relation_ids LIMIT 500",
        "concept": "MATCH (c:Concept {id: $id}) RETURN c.id AS concept_id, c.term AS term, c.aliases AS aliases, "
        "c.type AS type, c.definition AS definition, c.definition_evidence AS evidence, c.discipline AS discipline",
        "relation": f"MATCH (r:Relation {{id: $id}}) {_ENDS} RETURN {_TRIPLE}",
        "relations_of": f"MATCH (:Concept {{id: $id}})-[e:Link]-(:Concept) WITH DISTINCT e.relation_id AS found "
        f"MATCH (r:Relation {{id: found}}) {_ENDS} RETURN {_TRIPLE} ORDER BY relation_id",
        "chain": f"MATCH (g:Chain {{id: $id}})-[h:Holds]->(r:Relation) {_ENDS} RETURN {_TRIPLE} ORDER BY h.place",
        "named": "MATCH (c:Concept) WHERE c.forms CONTAINS $exact RETURN c.id AS concept_id ORDER BY concept_id",
        "search": "MATCH (c:Concept) WHERE c.forms CONTAINS $part RETURN c.id AS concept_id, c.term AS term, "
        "c.aliases AS aliases, c.discipline AS discipline "
        "ORDER BY NOT c.forms CONTAINS $exact, size(c.term), c.term, concept_id LIMIT $most",
        "count_concepts": "MATCH (c:Concept) RETURN count(*) AS n",
        "count_relations": "MATCH (r:Relation) RETURN count(*) AS n",
        "count_chains": "MATCH (g:Chain) RETURN count(*) AS n",
        "by_type": "MATCH (r:Relation) RETURN r.type AS key, count(*) AS n ORDER BY key",
        "by_discipline": "MATCH (r:Relation) RETURN r.discipline AS key, count(*) AS n ORDER BY key",
    }
)
