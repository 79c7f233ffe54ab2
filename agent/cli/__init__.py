"""The command line: ``proda``. Parse, call, print; results on stdout, progress on stderr, never a prompt."""

from agent.cli.main import main

__all__ = ["main"]
