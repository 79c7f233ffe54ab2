"""The decision log: write-ahead, hash-chained, signed records of what was observed, decided, called and made."""

from proda_core.log.authenticity import Standing, Witnesses, named_keys
from proda_core.log.chain import read_records
from proda_core.log.decision_log import DecisionLog
from proda_core.log.record import Record, RecordKind
from proda_core.log.signer import SigningPlan
from proda_core.log.verify import VerifyReport, verify

__all__ = [
    "DecisionLog",
    "Record",
    "RecordKind",
    "SigningPlan",
    "Standing",
    "VerifyReport",
    "Witnesses",
    "named_keys",
    "read_records",
    "verify",
]
