"""The embedded default: the shipped corpus and the configuration of ``proda run`` without arguments."""

from pathlib import Path

DEMO_CORPUS = Path(__file__).parent / "corpus"
DEMO_CONFIG = Path(__file__).parent / "demo.toml"

__all__ = ["DEMO_CONFIG", "DEMO_CORPUS"]
