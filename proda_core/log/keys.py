"""The key that signs a user's logs: Ed25519, made once, readable by its owner alone, and never inside a session folder.

It lies at ``$PRODA_SIGNING_KEY``, else where the configuration says, else in the user's data folder (XDG). Who verifies trusts
that key or the ones named to them, never one that a session names itself. A key that others can read is refused; none is ever
replaced.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from proda_core.errors import ConfigError, LedgerError

KEY_VARIABLE = "PRODA_SIGNING_KEY"
_FINGERPRINT = "SHA256:"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """An Ed25519 public key by its 32 bytes."""

    raw: bytes

    @property
    def fingerprint(self) -> str:
        """As OpenSSH writes them: ``SHA256:`` and unpadded base64 of SHA-256, here over the 32 bytes alone."""
        return fingerprint_of(self.raw)

    def pem(self) -> str:
        """SubjectPublicKeyInfo, as ``openssl pkey -pubin`` reads it."""
        key = Ed25519PublicKey.from_public_bytes(self.raw)
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return key.public_bytes(serialization.Encoding.PEM, form).decode()

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether this key made the signature over the message."""
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The private key; what can be told of it is its ``public`` part."""

    _private: Ed25519PrivateKey

    @property
    def public(self) -> PublicKey:
        return PublicKey(self._private.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        return self._private.sign(message)


def fingerprint_of(raw: bytes) -> str:
    return _FINGERPRINT + base64.b64encode(hashlib.sha256(raw).digest()).decode().rstrip("=")


def key_path(configured: str | None = None) -> Path:
    """Where the user's key lies, whether or not it was made yet."""
    named = os.environ.get(KEY_VARIABLE, "") or configured
    if named:
        return Path(named).expanduser().absolute()
    data = os.environ.get("XDG_DATA_HOME", "")
    try:
        folder = Path(data) if data.startswith("/") else Path("~/.local/share").expanduser()
    except RuntimeError as error:
        raise LedgerError(f"there is no home folder for a signing key; {_ELSEWHERE}") from error
    return folder / "proda" / "signing_key.pem"


def own_key(path: Path) -> SigningKey:
    """The key at ``path``, made there (0600) if there is none. LedgerError when it can be neither read nor made."""
    if not path.exists():
        _make(path)
    return read_key(path)


def read_key(path: Path) -> SigningKey:
    """An existing private key; LedgerError when it is none, or when others can read it."""
    try:
        if path.stat().st_mode & 0o077:
            raise LedgerError(
                f"the signing key {path} can be read by others: chmod 600 it, or make a new one"
            )
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise LedgerError(f"cannot read the signing key {path}: {error.strerror}; {_ELSEWHERE}") from error
    except (ValueError, TypeError) as error:
        raise LedgerError(f"{path} is no private key without a passphrase; {_ELSEWHERE}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise LedgerError(f"{path} is no Ed25519 key; {_ELSEWHERE}")
    return SigningKey(key)


_ELSEWHERE = f"set {KEY_VARIABLE} to a file that can be made or read, or --set audit.sign=false"


def _make(path: Path) -> None:
    """Write a new key under a name of its own and link it into place: of two who make one at once, both read the first."""
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)
    except OSError as error:
        raise LedgerError(f"cannot make the signing key {path}: {error.strerror}; {_ELSEWHERE}") from error
    finally:
        with contextlib.suppress(OSError):  # where it could not be made, or its folder is no folder
            temporary.unlink()


def trusted_keys(named: Iterable[str] = ()) -> frozenset[str]:
    """Fingerprints of the keys to believe: those ``named``, else the user's own if there is one, else none.

    A name is a fingerprint or a file with a public key in PEM. ConfigError for anything else. An own key that cannot be read
    vouches for nothing, and is no reason not to verify.
    """
    found = [_fingerprint(name) for name in named]
    if not found:
        with contextlib.suppress(LedgerError):
            found = [read_key(key_path()).public.fingerprint]
    return frozenset(found)


def _fingerprint(name: str) -> str:
    if name.startswith(_FINGERPRINT):
        if len(name) != len(_FINGERPRINT) + 43:
            raise ConfigError(f"{name!r} is no fingerprint: it has {_FINGERPRINT} and 43 characters")
        return name
    try:
        key = serialization.load_pem_public_key(Path(name).read_bytes())
    except OSError as error:
        raise ConfigError(f"cannot read the public key {name}: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"{name} is no public key in PEM; proda audit key prints one") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigError(f"{name} is no Ed25519 key; proda audit key prints one")
    return fingerprint_of(key.public_bytes_raw())
