"""How tasks are asked: the uses that have templates, and the templates of a family.

`{q}` stands for a bare question, `{s}` for a statement, `{n}` for a name or names, `{k}` for a number of steps.
A path is asked in three parts: first, middle (once for each further relation) and last.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PathForm:
    """The parts of a question along relations; `{a}` is the known name, `{vp}` a phrase, `{ask}` a bare question."""

    first: str
    middle: str
    last: str


@dataclass(frozen=True, slots=True)
class Phrasings:
    """Every template of one family."""

    open_frames: tuple[str, ...]
    choice_frames: tuple[str, ...]
    whats: tuple[str, ...]
    recalls: tuple[str, ...]
    listings: tuple[str, ...]
    several: tuple[str, ...]
    truths: tuple[str, ...]
    clozes: tuple[str, ...]
    copies: tuple[str, ...]
    ends: tuple[str, ...]
    starts: tuple[str, ...]
    counted: tuple[str, ...]
    counted_back: tuple[str, ...]
    path_forward: tuple[PathForm, ...]
    path_backward: tuple[PathForm, ...]
    leads: tuple[str, ...]
