"""The repair bench: one repair round against controls of the same size, base and seed, over sessions."""

from evals.repair.figures import Comparison, RecipeFigures, RepairFigures, figures_of
from evals.repair.material import Material
from evals.repair.recipes import RECIPES, Recipe
from evals.repair.trial import RepairBench, Tell, Trial, finished

__all__ = [
    "RECIPES",
    "Comparison",
    "Material",
    "Recipe",
    "RecipeFigures",
    "RepairBench",
    "RepairFigures",
    "Tell",
    "Trial",
    "figures_of",
    "finished",
]
