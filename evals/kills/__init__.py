"""Kills of host, trainer and worker at every write boundary and at random moments, held against the session never killed."""

from evals.kills.campaign import Campaign, Tell
from evals.kills.sameness import differences
from evals.kills.tally import Life, Tally

__all__ = ["Campaign", "Life", "Tally", "Tell", "differences"]
