"""Diagnosis: why a dev item failed, asked of the student itself. Sealed items are refused."""

from proda_core.diagnosis.diagnose import PATCHABLE, diagnose, is_patchable
from proda_core.diagnosis.failures import Failure, failures_of
from proda_core.diagnosis.setting import Setting

__all__ = ["PATCHABLE", "Failure", "Setting", "diagnose", "failures_of", "is_patchable"]
