"""The signing key: made once for its owner alone, found again, refused where it is not safe; checkpoints of a published form."""

from __future__ import annotations

import base64
import multiprocessing
from pathlib import Path

import pytest

from proda_core.errors import ConfigError, LedgerError
from proda_core.log.checkpoint import Checkpoint, CheckpointFolder, key_id, origin_of, parse, sign
from proda_core.log.keys import PublicKey, key_path, own_key, read_key, trusted_keys


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("PRODA_SIGNING_KEY")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return tmp_path


def test_a_key_is_made_once_in_the_users_data_folder_and_nobody_else_can_read_it(home: Path) -> None:
    path = key_path()
    assert path == home / "proda" / "signing_key.pem" and trusted_keys() == frozenset()
    key = own_key(path)
    assert own_key(path).public == key.public
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    assert trusted_keys() == {key.public.fingerprint}
    assert key.public.verifies(key.sign(b"said"), b"said")
    assert not key.public.verifies(key.sign(b"said"), b"said otherwise")


def test_the_environment_comes_before_the_configuration_and_both_before_the_users_folder(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured = str(home / "configured.pem")
    assert key_path(configured) == home / "configured.pem"
    monkeypatch.setenv("PRODA_SIGNING_KEY", str(home / "named.pem"))
    assert key_path(configured) == home / "named.pem"


def _make_one(path: Path, found: multiprocessing.SimpleQueue[str]) -> None:
    found.put(own_key(path).public.fingerprint)


def test_of_many_who_make_the_key_at_once_all_have_the_same(home: Path) -> None:
    context = multiprocessing.get_context("fork")
    found = context.SimpleQueue()
    makers = [context.Process(target=_make_one, args=(key_path(), found)) for _ in range(6)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    assert len({found.get() for _ in makers}) == 1


def test_a_key_that_others_can_read_or_that_is_none_is_refused(home: Path) -> None:
    path = key_path()
    own_key(path)
    path.chmod(0o640)
    with pytest.raises(LedgerError, match="chmod 600"):
        own_key(path)
    assert trusted_keys() == frozenset()  # it vouches for nothing, and verifying goes on
    path.chmod(0o600)
    path.write_text("no key")
    with pytest.raises(LedgerError, match="no private key"):
        own_key(path)
    assert path.read_text() == "no key"  # nothing is made over what is there
    (home / "blocked").write_text("")
    with pytest.raises(LedgerError, match="cannot make"):
        own_key(home / "blocked" / "key.pem")


def test_keys_to_believe_are_named_by_fingerprint_or_public_file(home: Path) -> None:
    key = own_key(key_path())
    (home / "public.pem").write_text(key.public.pem())
    assert (
        trusted_keys([str(home / "public.pem")])
        == {key.public.fingerprint}
        == trusted_keys([key.public.fingerprint])
    )
    other = own_key(home / "other.pem").public.fingerprint
    assert trusted_keys([other]) == {other}  # who names keys believes those alone
    for wrong in ("SHA256:abc", str(home / "nowhere.pem"), str(key_path())):
        with pytest.raises(ConfigError):
            trusted_keys([wrong])


def test_a_note_of_the_published_example_is_verified_by_its_published_key() -> None:
    """The example of the signed-note specification: its key's ID, and its signature over the text."""
    key = PublicKey(base64.b64decode("AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")[1:])
    blob = base64.b64decode(
        "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM="
    )
    assert key_id("example.com/foo", key).hex() == "530d903a" == blob[:4].hex()
    assert key.verifies(blob[4:], b"This is an example message.\n")


def test_a_checkpoint_is_read_back_as_signed_and_no_other_bytes_are_one(home: Path) -> None:
    key, stranger = own_key(key_path()), own_key(home / "other.pem")
    origin = origin_of("demo-1", "ab" * 32)
    made = Checkpoint(origin, 46, b"\x07" * 32, "2026-01-01T00:00:00.000Z", key.public.fingerprint)
    note = sign(made, key)
    found = parse(note)
    assert found is not None and found.checkpoint == made
    assert found.signed_by(key.public) and not found.signed_by(stranger.public)
    assert note.splitlines()[:3] == [
        "proda/demo-1/abababababababab",
        "46",
        base64.b64encode(made.root).decode(),
    ]
    for at in range(len(note)):
        changed = parse(note[:at] + chr(ord(note[at]) ^ 1) + note[at + 1 :])
        assert changed is None or not changed.signed_by(key.public), at
    for other in (note[:-1], note + "\n", note.replace("\n", "\r\n"), "", note + note):
        assert parse(other) is None


def test_a_checkpoint_is_kept_under_its_size_and_never_written_over(home: Path) -> None:
    folder = CheckpointFolder(home / "signatures")
    assert folder.sizes() == []
    folder.keep(16, b"first")
    folder.keep(16, b"second")
    folder.keep(9, b"x")
    (folder.path / "notes.txt").write_text("no checkpoint")
    assert folder.sizes() == [9, 16] and folder.note(16) == b"first" and folder.read(16) is None


def test_a_private_key_is_read_by_nobody_as_a_public_one(home: Path) -> None:
    own_key(key_path())
    assert read_key(key_path()).public.pem().startswith("-----BEGIN PUBLIC KEY-----")
