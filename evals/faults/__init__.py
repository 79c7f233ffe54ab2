"""The study that knows the truth: faults are planted in what a model is taught, and diagnosis is held against them."""

from evals.faults.figures import FaultFigures, KindFigures, figures_of
from evals.faults.judging import Claim, Guesser, Trial, judge, said_by_diagnosis
from evals.faults.planting import Fault, Plan, Sizes, plant
from evals.faults.study import FaultStudy, Source

__all__ = [
    "Claim",
    "Fault",
    "FaultFigures",
    "FaultStudy",
    "Guesser",
    "KindFigures",
    "Plan",
    "Sizes",
    "Source",
    "Trial",
    "figures_of",
    "judge",
    "plant",
    "said_by_diagnosis",
]
