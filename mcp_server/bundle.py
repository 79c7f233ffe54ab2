"""A session's server as one file that Claude Desktop installs by a double click: an MCP bundle (.mcpb, manifest 0.3).

The bundle is of the installation that made it: it holds a manifest and a few lines that start this very Python, since sessions
and all that reads them are on the machine already. Which session is asked in the client, and may be changed there.
"""

from __future__ import annotations

import io
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

from proda_core import __version__
from proda_core.artifacts import write_atomic
from proda_core.errors import ConfigError
from proda_core.session import SessionFolder

ENTRY_POINT = "server/main.py"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the zip format's first moment: the same content is the same file
_LAUNCHER = '''"""Starts the ProDa Agent of the Python that runs this file: main.py SESSION."""

from agent.cli import main

main()
'''


def bundle_manifest(session: SessionFolder | None) -> dict[str, Any]:
    """The bundle's manifest; the session is what the client proposes."""
    folder: dict[str, Any] = {
        "type": "directory",
        "title": "Session",
        "description": "The folder of the session to look at and steer, for instance sessions/demo-816465066960.",
        "required": True,
    }
    if session is not None:
        folder["default"] = str(session.root)
    return {
        "manifest_version": "0.3",
        "name": "proda-agent",
        "display_name": "ProDa Agent",
        "version": __version__,
        "description": "Look into a session of ProDa Agent and steer it: what it does, why, and what the model got wrong.",
        "author": {"name": "The ProDa Agent authors"},
        "license": "Apache-2.0",
        "server": {
            "type": "python",
            "entry_point": ENTRY_POINT,
            "mcp_config": {
                "command": str(Path(sys.executable).absolute()),
                "args": [f"${{__dirname}}/{ENTRY_POINT}", "mcp", "${user_config.session}"],
                "env": {"HF_HUB_OFFLINE": "1"},
            },
        },
        "tools_generated": True,
        "prompts_generated": True,
        "compatibility": {"platforms": [sys.platform], "runtimes": {"python": ">=3.11"}},
        "user_config": {"session": folder},
    }


def write_bundle(out: Path, session: SessionFolder | None) -> Path:
    """Write the bundle to ``out``, whole or not at all; its path. ConfigError for another ending or a place it cannot go to."""
    if out.suffix != ".mcpb":
        raise ConfigError(f"{out.name} is no name of a bundle: Claude Desktop opens files that end in .mcpb")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        manifest = json.dumps(bundle_manifest(session), indent=2, ensure_ascii=False)
        for name, text in (("manifest.json", manifest), (ENTRY_POINT, _LAUNCHER)):
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), text)
    try:
        write_atomic(out, packed.getvalue())
    except OSError as error:
        raise ConfigError(f"{out} cannot be written: {error.strerror}") from error
    return out
