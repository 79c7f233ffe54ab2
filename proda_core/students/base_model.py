"""Which base a name means, and its digest: "pocket" is the packaged folder, anything else a folder or a cached hub ID.

Nothing is ever downloaded. A folder without a configuration or without weights is refused (StudentError). Torch is not needed.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from proda_core.artifacts import file_digest
from proda_core.errors import StudentError

POCKET = "pocket"
_WEIGHTS = (".safetensors", ".bin")
_OTHERS = (".json", ".model", ".jinja", ".txt", ".tiktoken")


def resolve_base(base: str) -> Path:
    """The folder of a base model. StudentError says what is missing there."""
    folder = Path(__file__).with_name(POCKET) if base == POCKET else Path(base).expanduser()
    if not folder.is_dir():
        folder = _cached(base)
    if not (folder / "config.json").is_file():
        raise StudentError(
            f"{base!r} is no causal LM folder: no config.json in it; point student.base at one"
        )
    if not _weights(folder):
        raise StudentError(
            f"{base!r} holds no weights (*.safetensors or *.bin); copy them beside config.json"
        )
    return folder


def base_digest(base: str) -> str:
    """SHA-256 over names and bytes of weights, configuration and tokenizer: what makes two bases the same."""
    folder = resolve_base(base)
    files = [p for p in folder.iterdir() if p.is_file() and p.suffix in _OTHERS] + _weights(folder)
    sha = hashlib.sha256()
    for path in sorted(files, key=lambda p: p.name):
        sha.update(f"{path.name}\0{file_digest(path)}\n".encode())
    return sha.hexdigest()


def _weights(folder: Path) -> list[Path]:
    return [p for p in folder.iterdir() if p.is_file() and p.suffix in _WEIGHTS]


def _cached(base: str) -> Path:
    """The folder of a hub ID that is in the local cache already."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(base, local_files_only=True))
    except (HFValidationError, LocalEntryNotFoundError) as error:
        raise StudentError(
            f"no base {base!r}: neither 'pocket' nor a folder nor a model in the local cache; nothing is downloaded"
        ) from error
