"""From a folder of texts to clean, deduplicated chunks: find, decode, repair, classify, filter, deduplicate, split.

Every file is read, repaired or refused with a reason (``Dropped``); a corpus with nothing usable is a CorpusError.
"""

from proda_core.corpus.curate import Curated, curate
from proda_core.corpus.decode import decode_bytes
from proda_core.corpus.disciplines import DISCIPLINES, classify
from proda_core.corpus.repair import repair_text
from proda_core.corpus.sources import corpus_digest, find_sources

__all__ = [
    "DISCIPLINES",
    "Curated",
    "classify",
    "corpus_digest",
    "curate",
    "decode_bytes",
    "find_sources",
    "repair_text",
]
