"""The session folder: its layout, its identity, its one host at a time."""

from proda_core.session.folder import SessionFolder, find_session, session_identity
from proda_core.session.inbox import Inbox, SteerKind, SteerRequest
from proda_core.session.paths import SessionPaths

__all__ = [
    "Inbox",
    "SessionFolder",
    "SessionPaths",
    "SteerKind",
    "SteerRequest",
    "find_session",
    "session_identity",
]
