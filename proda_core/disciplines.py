"""The sixteen disciplines (ProDa-16) by code, with the name a sentence uses: "In biology, ...".

"000" is unknown: a row or item of unknown discipline names its subject alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

UNKNOWN = "000"

DISCIPLINE_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "001": "physics",
        "002": "engineering",
        "003": "medicine",
        "004": "mathematics",
        "005": "computer science",
        "006": "biology",
        "007": "chemistry",
        "008": "earth science",
        "009": "materials science",
        "010": "education",
        "011": "economics",
        "012": "history",
        "013": "environmental science",
        "014": "sociology",
        "015": "psychology",
        "016": "astronomy",
    }
)


def discipline_name(code: str) -> str:
    """The name as it stands inside a sentence; "" for an unknown code."""
    return DISCIPLINE_NAMES.get(code, "")
