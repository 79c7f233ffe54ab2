"""Evaluation: scorers, statistics, the verdict, the domain benchmark and the general suite."""
