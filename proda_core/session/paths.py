"""Where everything lies in a session folder; the one place that knows the names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class SessionPaths:
    """The parts of the session folder ``root``; nothing is created by asking for a path."""

    root: Path

    @property
    def settings(self) -> Path:
        return self.root / "session.toml"

    @property
    def host_lock(self) -> Path:
        return self.root / "host.lock"

    @property
    def knowledge(self) -> Path:
        return self.root / "knowledge.kuzu"

    @property
    def ledger(self) -> Path:
        return self.root / "ledger.sqlite"

    @property
    def calls(self) -> Path:
        """The paid calls to a teacher model and their answers."""
        return self.root / "calls.sqlite"

    @property
    def checkpoints(self) -> Path:
        return self.root / "checkpoints.sqlite"

    @property
    def decisions(self) -> Path:
        return self.root / "decisions.jsonl"

    @property
    def signatures(self) -> Path:
        """The signed checkpoints of the decision log, a file each."""
        return self.root / "signatures"

    @property
    def attestations(self) -> Path:
        """A model card and a signed statement for each adapter, a folder each."""
        return self.root / "attestations"

    @property
    def artifacts(self) -> Path:
        return self.root / "artifacts"

    @property
    def jobs(self) -> Path:
        return self.root / "jobs"

    @property
    def student_server(self) -> Path:
        """The session's vLLM server: who uses it, where it is as long as it runs, and its log."""
        return self.root / "student_server"

    @property
    def report(self) -> Path:
        return self.root / "report.html"

    @property
    def access(self) -> Path:
        """The tokens of a served session, for its owner's eyes alone."""
        return self.root / "access.json"

    @property
    def serving(self) -> Path:
        """Where the session is served, as long as it is."""
        return self.root / "serving.json"

    @property
    def refusals(self) -> Path:
        """What callers of a served session were refused without the session hearing of it; bounded, and no part of the log."""
        return self.root / "refusals.jsonl"

    @property
    def inbox(self) -> Path:
        return self.root / "inbox"

    @property
    def stop_request(self) -> Path:
        """Whoever makes this file ends the session within seconds, with the stop reason *request*; resuming takes it away."""
        return self.inbox / "STOP"
