"""Policies: pure functions from Observations to a Decision. The rule policy; an LLM policy shares the protocol."""

from proda_core.policy.contract import Policy, check_observations, incumbent_round
from proda_core.policy.gain import ExpectedGain, expect_gain
from proda_core.policy.rule import RulePolicy

__all__ = [
    "ExpectedGain",
    "Policy",
    "RulePolicy",
    "check_observations",
    "expect_gain",
    "incumbent_round",
]
