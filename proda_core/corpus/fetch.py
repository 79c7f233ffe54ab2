"""Remote texts, by fsspec: fetched once into a folder, which is the corpus from then on.

A session must go on without the network and on the same bytes, so nothing is read from afar later: the same place is
fetched again only when its folder is gone. A place is a URL of any protocol that fsspec knows (https, s3, gs, hf, ssh, …):
a file, a folder or a glob. Over http it is one file, since a page's links are not its folder. CorpusError says what to
install, or what the server said.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from proda_core.artifacts import write_atomic
from proda_core.errors import CorpusError

_URL = re.compile(r"[a-z][a-z0-9+.-]*(?:://|::)", re.IGNORECASE)
_DONE = ".fetched.json"  # hidden, so no text of the corpus


def is_remote(place: str) -> bool:
    """Whether ``place`` is a URL and no path."""
    return bool(_URL.match(place))


def fetch(place: str, under: Path) -> Path:
    """The folder below ``under`` that holds what lies at ``place``, fetched if it is not there yet."""
    shown = without_secrets(place)
    folder = under / f"{place_name(place)}-{hashlib.sha256(place.encode()).hexdigest()[:12]}"
    if (folder / _DONE).is_file():
        return folder
    temporary = under / f".{folder.name}.{uuid.uuid4().hex[:8]}"
    temporary.mkdir(parents=True)
    try:
        with _said(shown):
            files = _copy(place, temporary)
        if not files:
            raise CorpusError(f"nothing at {shown}: the place holds no file, or the pattern matches none")
        about = {"place": shown, "files": files}
        write_atomic(temporary / _DONE, json.dumps(about, ensure_ascii=False, indent=1).encode())
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def place_name(place: str) -> str:
    """A name for what lies at a URL: the last part of its path that says something."""
    path = urlsplit(place.rsplit("::", 1)[-1] if "::" in place else place)
    parts = [
        unquote(part)
        for part in (path.netloc.rpartition("@")[2], *path.path.split("/"))
        if part and "*" not in part
    ]
    stem = PurePosixPath(parts[-1]).stem if parts else ""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-")[:40] or "corpus"


def without_secrets(place: str) -> str:
    """The URL without a user's name, password or query, for messages and records."""
    return re.sub(r"\?[^:]*", "", re.sub(r"(?<=//)[^/@]*@", "", place))


def _copy(place: str, folder: Path) -> int:
    from fsspec.core import url_to_fs

    system, path = url_to_fs(place)
    is_http = "http" in (system.protocol if isinstance(system.protocol, tuple) else (system.protocol,))
    if not is_http and any(sign in path for sign in "*?["):
        root = re.split(r"[^/]*[*?\[]", path, maxsplit=1)[0]
        found = [name for name in system.glob(path) if not system.isdir(name)]
    elif not is_http and system.isdir(path):
        root, found = path, system.find(path)
    else:
        root, found = path.rpartition("/")[0], [path]
    for name in sorted(found):
        target = folder / _relative(name, root, is_http)
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            raise CorpusError(
                f"two files at {without_secrets(place)} are called {target.name}; fetch them apart"
            )
        with system.open(name, "rb") as source, target.open("wb") as copied:
            shutil.copyfileobj(source, copied, 1 << 20)
    return len(found)


def _relative(name: str, root: str, is_http: bool) -> Path:
    """Where a remote file lies in the folder; CorpusError for a name that points out of it."""
    if is_http:
        name, root = unquote(urlsplit(name).path), unquote(urlsplit(root).path)
    relative = PurePosixPath(name.removeprefix(root.rstrip("/")).lstrip("/") or "index.html")
    if ".." in relative.parts or relative.is_absolute():
        raise CorpusError(
            f"a remote file is called {name!r}, which points out of its folder; nothing was kept"
        )
    return Path(*relative.parts)


@contextmanager
def _said(place: str) -> Iterator[None]:
    """What file systems raise, in the project's words."""
    from aiohttp import ClientError  # what fsspec reads http by; its own kind of error

    try:
        yield
    except ImportError as error:
        raise CorpusError(f"cannot read {place}: {error}") from error
    except FileNotFoundError as error:
        cause = f" ({str(error.__cause__)[:200]})" if error.__cause__ else ""
        raise CorpusError(f"nothing at {place}{cause}; check the address and the network") from error
    except (ClientError, OSError, ValueError, RuntimeError) as error:
        hint = (
            "; this process is set to stay offline, HF_HUB_OFFLINE=0 lets it fetch"
            if "offline" in str(error).lower()
            else ""
        )
        raise CorpusError(
            f"cannot fetch {place}: {type(error).__name__}: {str(error)[:300]}{hint}"
        ) from error
