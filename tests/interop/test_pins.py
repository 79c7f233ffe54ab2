"""What the interoperability tests install is pinned to the version, and names no registry."""

from __future__ import annotations

import json
import re
from pathlib import Path

HERE = Path(__file__).parent


def test_every_package_is_locked_to_a_version_and_a_digest_and_to_no_host() -> None:
    asked = json.loads((HERE / "package.json").read_text())["dependencies"]
    locked = json.loads((HERE / "package-lock.json").read_text())["packages"]
    assert locked[""]["dependencies"] == asked
    assert all(re.fullmatch(r"\d+\.\d+\.\d+(-[\w.]+)?", version) for version in asked.values())
    packages = {name: entry for name, entry in locked.items() if name}
    assert all(name.startswith("node_modules/") and entry["integrity"] for name, entry in packages.items())
    assert [name for name, entry in packages.items() if "resolved" in entry] == []
