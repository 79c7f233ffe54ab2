"""The domain of ProDa Agent: foundations (types, guard, knowledge, jobs, ...) and stages built on them."""

__version__ = "0.1.0"
