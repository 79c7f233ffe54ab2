"""The sixteen disciplines (ProDa-16) in one table, and how a document gets its code.

In this order: front matter, folder names on its path, a vote of keywords; "000" when none speaks clearly.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from types import MappingProxyType

UNKNOWN = "000"


@dataclass(frozen=True, slots=True)
class Discipline:
    """``folders`` are names a folder may have; ``keywords`` are lower-case words that vote."""

    code: str
    name: str
    folders: tuple[str, ...]
    keywords: frozenset[str]


def _row(code: str, name: str, folders: str, keywords: str) -> Discipline:
    return Discipline(code, name, tuple(folders.split()), frozenset(keywords.split()))


_TABLE = (
    _row(
        "001",
        "Physics",
        "physics mechanics",
        "force velocity momentum photon quantum particle wave magnetic acceleration newton "
        "electron thermodynamics",
    ),
    _row(
        "002",
        "Engineering",
        "engineering",
        "circuit beam load turbine voltage actuator torque manufacturing machine stress sensor",
    ),
    _row(
        "003",
        "Medicine",
        "medicine medical health nursing anatomy",
        "patient disease clinical symptom therapy diagnosis drug infection treatment chronic tumor",
    ),
    _row(
        "004",
        "Mathematics",
        "mathematics math maths calculus algebra statistics",
        "theorem proof equation integral polynomial derivative matrix vector function algebra",
    ),
    _row(
        "005",
        "Computer Science",
        "computer_science computing programming python_programming cs",
        "algorithm program code variable python string loop compiler data software function class",
    ),
    _row(
        "006",
        "Biology",
        "biology life_science",
        "cell organism protein gene species dna enzyme membrane evolution bacteria plant tissue",
    ),
    _row(
        "007",
        "Chemistry",
        "chemistry",
        "molecule reaction acid atom ion bond compound solution oxidation electron solvent",
    ),
    _row(
        "008",
        "Earth Science",
        "earth_science geology geoscience",
        "rock mantle crust plate magma sediment fault volcano mineral erosion glacier",
    ),
    _row(
        "009",
        "Materials",
        "materials materials_science",
        "alloy polymer ceramic crystal grain composite steel hardness microstructure",
    ),
    _row(
        "010",
        "Education",
        "education pedagogy",
        "student teacher classroom curriculum learning instruction school literacy",
    ),
    _row(
        "011",
        "Economics",
        "economics economy finance",
        "price demand market supply firm tax inflation monopoly consumer trade economist cost",
    ),
    _row("012", "History", "history", "empire war century king revolution treaty colonial army dynasty"),
    _row(
        "013",
        "Environmental",
        "environmental environment environmental_science",
        "pollution emission ecosystem conservation waste recycling climate biodiversity sustainability",
    ),
    _row(
        "014",
        "Sociology",
        "sociology",
        "social society norm class gender race inequality institution culture group",
    ),
    _row(
        "015",
        "Psychology",
        "psychology",
        "memory behavior cognitive brain emotion sleep perception personality anxiety psychologist",
    ),
    _row(
        "016", "Astronomy", "astronomy", "star planet galaxy telescope orbit sun moon universe comet nebula"
    ),
)

DISCIPLINES: Mapping[str, Discipline] = MappingProxyType({row.code: row for row in _TABLE})

_FOLDERS = {
    folder: row.code for row in _TABLE for folder in (*row.folders, row.name.lower().replace(" ", "_"))
}
_WORD = re.compile(r"[a-z]+")


def discipline_code(value: str) -> str:
    """A code from a code or a name ("011", "Economics"); "" when it is neither."""
    text = value.strip()
    if text.zfill(3) in DISCIPLINES:
        return text.zfill(3)
    return _FOLDERS.get(text.lower().replace(" ", "_").replace("-", "_"), "")


def from_path(path: str) -> str:
    """The code of the innermost folder that names a discipline; "" when none does."""
    for part in reversed(PurePath(path).parts[:-1]):
        code = discipline_code(part) if not part.isdigit() else ""
        if code:
            return code
    return ""


def classify(text: str) -> str:
    """The discipline whose keywords the text uses most, if it leads clearly; else "000"."""
    words = Counter(_singular(word) for word in _WORD.findall(text.lower()[:40000]))
    total = sum(words.values())
    votes = sorted(
        ((sum(words[k] for k in row.keywords), row.code) for row in _TABLE), key=lambda v: (-v[0], v[1])
    )
    (best, code), (second, _) = votes[0], votes[1]
    clear = best >= 3 and best >= 1.3 * second and best / max(total, 1) >= 0.004
    return code if clear else UNKNOWN


def _singular(word: str) -> str:
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word
