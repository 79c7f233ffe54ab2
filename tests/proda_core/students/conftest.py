"""Tiny models of three families, made once for these tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.models import tiny_lfm2, tiny_llama, tiny_qwen2


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A Llama with a chat template and a Qwen2 without one, by name."""
    root = tmp_path_factory.mktemp("models")
    return {
        "llama-chat": tiny_llama(root / "llama"),
        "qwen2-plain": tiny_qwen2(root / "qwen2", chat=False),
        "lfm2-chat": tiny_lfm2(root / "lfm2"),
    }
