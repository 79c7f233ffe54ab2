"""The session folder: its layout, its identity, its one host at a time."""

from proda_core.session.folder import SessionFolder, find_session, session_identity
from proda_core.session.paths import SessionPaths

__all__ = ["SessionFolder", "SessionPaths", "find_session", "session_identity"]
