"""Evaluation: scorers, statistics, the verdict, the domain benchmark and the general suite."""

from evals.summary import ReportSummary, SetSummary, summarise
from evals.verdict import judge
from evals.withdrawals import Withdrawal, append_withdrawals, apply_withdrawals, read_withdrawals

__all__ = [
    "ReportSummary",
    "SetSummary",
    "Withdrawal",
    "append_withdrawals",
    "apply_withdrawals",
    "judge",
    "read_withdrawals",
    "summarise",
]
