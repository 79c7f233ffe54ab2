"""An independent solver of general tasks: it reads the statements with the published phrases and looks answers up.

It shares nothing with the generator but the list of phrases: names are whatever stands on either side of one.
"""

import re
from dataclasses import dataclass
from itertools import pairwise

from proda_core.general.wordings import Flavour, wordings_of

PHRASES = {
    wording.phrase: (flavour, wording.inverted)
    for family in ("train", "heldout")
    for flavour in Flavour
    for wording in wordings_of(family, flavour)
}


@dataclass(frozen=True, slots=True)
class Read:
    """One statement as read: surface names, phrase, and the relation behind it."""

    sentence: str
    first: str
    second: str
    flavour: Flavour
    inverted: bool

    @property
    def subject(self) -> str:
        """The name the relation starts from."""
        return self.second if self.inverted else self.first

    @property
    def object(self) -> str:
        """The name the relation goes to."""
        return self.first if self.inverted else self.second


def read_context(prompt: str, names: frozenset[str] | None = None) -> list[Read]:
    """The statements of the text before the empty line."""
    text = prompt.partition("\n\n")[0]
    sentences = re.findall(r"[^.\n]+\.", text)
    return [read_sentence(sentence.strip(), names) for sentence in sentences]


def read_sentence(sentence: str, names: frozenset[str] | None = None) -> Read:
    """One statement; its lead-in (up to a comma, or "... that") is dropped."""
    core = re.sub(
        r"^(it is (also )?known that|we also see that|here we see that|note (also )?that|[a-z ]+,) ",
        "",
        sentence.rstrip(".").lower(),
    )
    for phrase in sorted(PHRASES, key=len, reverse=True):
        first, found, second = core.partition(f" {phrase} ")
        if found and (names is None or {first, second} <= names):
            flavour, inverted = PHRASES[phrase]
            return Read(core + ".", first, second, flavour, inverted)
    raise AssertionError(f"no phrase in {sentence!r}")


def reached(reads: list[Read], steps: list[str]) -> set[str]:
    """The names at either end of a walk over quoted statements; fails unless they join end to end."""
    walked = [next(read for read in reads if read.sentence == step) for step in steps]
    pairs = [(read.subject, read.object) for read in walked]
    if len(pairs) > 1 and pairs[0][0] == pairs[1][1]:
        pairs = pairs[::-1]
    for one, two in pairwise(pairs):
        assert one[1] == two[0], f"{one} does not join {two}"
    return {pairs[0][0], pairs[-1][1]}
