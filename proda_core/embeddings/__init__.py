"""Sentence embeddings behind one small class; torch is imported when the first text is encoded and not before."""

from proda_core.embeddings.embedder import Embedder, TextEncoder

__all__ = ["Embedder", "TextEncoder"]
