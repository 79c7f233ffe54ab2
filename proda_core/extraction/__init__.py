"""Top-down extraction: chains first, then the relations on them, then the concepts on those, so that nothing is an orphan."""

from proda_core.extraction.build import Extracted, extract
from proda_core.extraction.canonical import Canon, canonicalise

__all__ = ["Canon", "Extracted", "canonicalise", "extract"]
