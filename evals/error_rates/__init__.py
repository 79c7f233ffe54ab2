"""The verdict's error rates: sessions in which nothing is better, simulated and trained, and how often a true gain is found."""

from evals.error_rates.noise import MEASURED, STRONG, Noise, SetNoise, noise_of
from evals.error_rates.population import Population, benchmark_like_the_demos
from evals.error_rates.sessions import Look, Plan, simulate
from evals.error_rates.study import ErrorRates, found_of, null_of, study
from evals.error_rates.trainings import Trainings, train_again

__all__ = [
    "MEASURED",
    "STRONG",
    "ErrorRates",
    "Look",
    "Noise",
    "Plan",
    "Population",
    "SetNoise",
    "Trainings",
    "benchmark_like_the_demos",
    "found_of",
    "noise_of",
    "null_of",
    "simulate",
    "study",
    "train_again",
]
