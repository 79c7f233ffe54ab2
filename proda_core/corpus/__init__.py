"""From documents to clean, deduplicated chunks: fetch, find, read, repair, classify, filter, deduplicate, split.

Every file is read, repaired or refused with a reason (``Dropped``); a corpus with nothing usable is a CorpusError.
"""

from proda_core.corpus.curate import Curated, curate
from proda_core.corpus.decode import decode_bytes
from proda_core.corpus.disciplines import DISCIPLINES, classify
from proda_core.corpus.fetch import fetch, is_remote, place_name
from proda_core.corpus.repair import repair_text
from proda_core.corpus.sources import corpus_digest, corpus_root, find_sources

__all__ = [
    "DISCIPLINES",
    "Curated",
    "classify",
    "corpus_digest",
    "corpus_root",
    "curate",
    "decode_bytes",
    "fetch",
    "find_sources",
    "is_remote",
    "place_name",
    "repair_text",
]
