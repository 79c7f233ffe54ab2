"""Who may do what at a served session: two tokens, in a file that its owner alone can read.

``read`` looks; ``steer`` looks, steers and, where the host drives nothing itself, works. The file is made when the session is
first served and stays the same, so that a client is set up once.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from mcp.server.auth.provider import AccessToken

from proda_core.artifacts import write_atomic
from proda_core.errors import SessionError

_BYTES = 32


@dataclass(frozen=True, slots=True)
class Access:
    """The tokens of a session, as its ``access.json`` holds them."""

    read: str
    steer: str

    async def verify_token(self, token: str) -> AccessToken | None:
        """What a token may do; None for a token of nobody's. Takes as long for a wrong one as for a right one."""
        scopes = {"read": ["read"], "steer": ["read", "steer"]}
        given, found = token.encode(), None
        for name, known in (("read", self.read), ("steer", self.steer)):
            if secrets.compare_digest(given, known.encode()):
                found = AccessToken(token=token, client_id=name, scopes=scopes[name])
        return found


def access_to(path: Path) -> Access:
    """The session's tokens, made if they are not yet. SessionError when others may read the file or it is no such file."""
    if not path.exists():
        made = Access(secrets.token_urlsafe(_BYTES), secrets.token_urlsafe(_BYTES))
        write_atomic(path, json.dumps(asdict(made), indent=2).encode(), mode=0o600)
    return access_in(path)


def access_in(path: Path) -> Access:
    """The tokens as the session's host made them. SessionError where they are gone, open to others, or unreadable."""
    if not path.exists():
        raise SessionError(f"{path.name} is gone, and with it the host's tokens: start the host anew")
    if path.stat().st_mode & 0o077:
        raise SessionError(f"{path.name} can be read by others: chmod 600 it, or delete it for new tokens")
    try:
        access = Access(**json.loads(path.read_bytes()))
        if min(len(access.read), len(access.steer)) < _BYTES:
            raise ValueError("a token is too short")
    except (ValueError, TypeError) as error:
        raise SessionError(f"{path.name} is unreadable ({error}); delete it for new tokens") from error
    return access
