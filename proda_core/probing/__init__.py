"""Probing: asking a student about single concepts and relations in more than one format, corrected for guessing."""

from proda_core.probing.ask import ask_probes, mean_mastery
from proda_core.probing.build import build_probes
from proda_core.probing.chains import ChainProbe, build_chain_probes
from proda_core.probing.probe import Probe, ProbeFormat

__all__ = [
    "ChainProbe",
    "Probe",
    "ProbeFormat",
    "ask_probes",
    "build_chain_probes",
    "build_probes",
    "mean_mastery",
]
