"""The decision log: write-ahead, hash-chained records of what was observed, decided, called and made."""

from proda_core.log.chain import read_records
from proda_core.log.decision_log import DecisionLog
from proda_core.log.record import Record, RecordKind
from proda_core.log.verify import VerifyReport, verify

__all__ = ["DecisionLog", "Record", "RecordKind", "VerifyReport", "read_records", "verify"]
