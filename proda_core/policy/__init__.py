"""Policies: pure functions from Observations to a Decision. The rules, and the rules over what a model proposes."""

from proda_core.policy.contract import Policy, check_observations, incumbent_round
from proda_core.policy.gain import ExpectedGain, expect_gain
from proda_core.policy.rule import RulePolicy
from proda_core.policy.ruling import MODEL, open_options, rule_on

__all__ = [
    "MODEL",
    "ExpectedGain",
    "Policy",
    "RulePolicy",
    "check_observations",
    "expect_gain",
    "incumbent_round",
    "open_options",
    "rule_on",
]
