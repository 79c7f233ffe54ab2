"""The ledger: the session's budget, reserved before a call and settled after, and the jobs it submitted."""

from proda_core.ledger.budget import Budget, Meter, Resource
from proda_core.ledger.ledger import JobEntry, Ledger, read_budget

__all__ = ["Budget", "JobEntry", "Ledger", "Meter", "Resource", "read_budget"]
