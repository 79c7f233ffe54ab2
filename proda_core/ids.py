"""Content-made IDs: the same content has the same ID in every session.

An ID is a one-letter prefix, an underscore and 16 hex digits of SHA-256 over the canonical JSON of its parts:
``c_`` concept, ``r_`` relation, ``g_`` chain, ``k_`` chunk, ``i_`` item, ``x_`` example, ``m_`` mixture, ``a_`` adapter,
``d_`` document, ``j_`` job, ``b_`` benchmark, ``s_`` snapshot.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Sequence
from typing import Any

ID_PATTERN = re.compile(r"^[a-z]_[0-9a-f]{16}\Z")
_SPACE = re.compile(r"\s+")


def canonical_json(value: Any) -> bytes:
    """UTF-8 JSON with sorted keys and no spaces; the byte form that is hashed everywhere."""
    return json.dumps(
        value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False
    ).encode()


def digest(value: Any) -> str:
    """SHA-256 (64 hex digits) of the canonical JSON of ``value``."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


def make_id(prefix: str, *parts: Any) -> str:
    """The content ID of ``parts`` under a one-letter ``prefix``."""
    return f"{prefix}_{digest(list(parts))[:16]}"


def normalise_term(term: str) -> str:
    """Case-folded, NFKC, single-spaced form under which terms are compared."""
    return _SPACE.sub(" ", unicodedata.normalize("NFKC", term)).strip().casefold()


def concept_id(term: str, sense: str = "") -> str:
    """Concept = canonical term and sense."""
    return make_id("c", normalise_term(term), sense)


def relation_id(subject_id: str, relation_type: str, object_id: str) -> str:
    """Relation = subject, type, object."""
    return make_id("r", subject_id, relation_type, object_id)


def chain_id(relation_ids: Sequence[str]) -> str:
    """Chain = its relation IDs in order."""
    return make_id("g", *relation_ids)


def pair_key(subject_id: str, object_id: str) -> tuple[str, str]:
    """A concept pair without direction or type: what counts as one relation for the splits."""
    return (subject_id, object_id) if subject_id <= object_id else (object_id, subject_id)
