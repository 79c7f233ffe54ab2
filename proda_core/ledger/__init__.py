"""The ledger: the session's budget, reserved before a call and settled after, the jobs it submitted, and the paid calls."""

from proda_core.ledger.budget import Budget, Meter, Resource
from proda_core.ledger.calls import Call, CallJournal, Settled, Spent, read_answers, read_money, read_spent
from proda_core.ledger.ledger import JobEntry, Ledger, read_budget

__all__ = [
    "Budget",
    "Call",
    "CallJournal",
    "JobEntry",
    "Ledger",
    "Meter",
    "Resource",
    "Settled",
    "Spent",
    "read_answers",
    "read_budget",
    "read_money",
    "read_spent",
]
