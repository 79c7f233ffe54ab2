"""The embedded default: the shipped corpus, the configuration of ``proda run`` without arguments, and controls' figures."""

from pathlib import Path

from proda_core.demo.reference import basis_of, reference_controls

DEMO_CORPUS = Path(__file__).parent / "corpus"
DEMO_CONFIG = Path(__file__).parent / "demo.toml"

__all__ = ["DEMO_CONFIG", "DEMO_CORPUS", "basis_of", "reference_controls"]
