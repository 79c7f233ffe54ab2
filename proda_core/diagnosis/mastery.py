"""What the student masters of the nodes on failed chains, asked in one batch and judged by the session's threshold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from proda_core.diagnosis.setting import Setting
from proda_core.probing import ask_probes, build_probes
from proda_core.types import Mastery

if TYPE_CHECKING:
    from proda_core.students import Student


class Prober(Protocol):
    """Mastery by node ID; a node that cannot be probed is left out."""

    def __call__(self, student: Student, nodes: Sequence[str], setting: Setting) -> Mapping[str, Mastery]: ...


def probe_nodes(student: Student, nodes: Sequence[str], setting: Setting) -> dict[str, Mastery]:
    """Ask the project's probes (their own template family, more than one format a node) about ``nodes``."""
    probes = build_probes(setting.snapshot, nodes, seed=setting.seed, in_chain=True)
    found = ask_probes(student, probes, mastered_from=setting.config.mastered_from) if probes else {}
    return {node: mastery for node, mastery in found.items() if mastery.asked}
