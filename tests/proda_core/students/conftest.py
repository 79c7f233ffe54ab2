"""Tiny models of six families, made once for these tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.families import FAMILIES
from tests.models import tiny_lfm2, tiny_llama, tiny_qwen2


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A Llama with a chat template and a Qwen2 without one, by name."""
    root = tmp_path_factory.mktemp("models")
    return {
        "llama-chat": tiny_llama(root / "llama"),
        "qwen2-plain": tiny_qwen2(root / "qwen2", chat=False),
        "lfm2-chat": tiny_lfm2(root / "lfm2"),
        "qwen3": FAMILIES["qwen3"].save(root / "qwen3"),
        "gemma2": FAMILIES["gemma2"].save(root / "gemma2"),
        "gemma3": FAMILIES["gemma3"].save(root / "gemma3"),
    }
