"""What checks want to know of single words and phrases, asked of the patterns once each: they repeat all over a corpus.

Tagging is what costs; whole sentences are tagged only where nothing else helps, so that many answers a second can be checked.
"""

from __future__ import annotations

from proda_core.teachers.protocol import Proposition
from proda_core.teachers.rules import RulesTeacher
from proda_core.teachers.sentences import SentenceSplitter
from proda_core.teachers.tagging import Tagger
from proda_core.teachers.terms import singular
from proda_core.types import Chunk

_ONE, _OTHER = "wombat", "lantern"  # two nouns that no pattern knows anything of
_FRAMES = ("A {one} {said} a {other}.", "{One}s {said} {other}s.")


class Words:
    """Kept for as long as a teacher is: each word and each predicate is looked at once."""

    def __init__(self) -> None:
        self.splitter = SentenceSplitter()
        self._tagger, self._rules = Tagger(), RulesTeacher()
        self._singular: dict[str, str] = {}
        self._ways: dict[str, frozenset[tuple[str, bool]]] = {}

    def singular(self, noun: str) -> str:
        """The singular of a noun that is a plural and no name."""
        if noun not in self._singular:
            tagged = self._tagger.tag(f"the {noun}")
            plural = len(tagged) == 2 and tagged[1].tag in ("NN2", "NN0") and not noun[:1].isupper()
            self._singular[noun] = singular(noun) if plural else noun
        return self._singular[noun]

    def ways(self, predicate: str) -> frozenset[tuple[str, bool]]:
        """As what types the patterns read a predicate, each with whether its subject is the relation's too; there may be none."""
        key = " ".join(predicate.casefold().split())
        if key not in self._ways:
            self._ways[key] = self._read(key)
        return self._ways[key]

    def triples(self, sentence: str) -> frozenset[tuple[str, str, str]]:
        """What the patterns read in a whole sentence: slow, for where they do not know the predicate by itself."""
        text = " ".join(sentence.split())
        return frozenset((p.subject, p.type, p.object) for p in self._propositions(text))

    def _propositions(self, text: str) -> tuple[Proposition, ...]:
        return self._rules.read_chains(Chunk("", "", 0, len(text), text, "", "")).propositions

    def _read(self, predicate: str) -> frozenset[tuple[str, bool]]:
        found: set[tuple[str, bool]] = set()
        for frame in _FRAMES:
            text = frame.format(one=_ONE, One=_ONE.capitalize(), other=_OTHER, said=predicate)
            for read in self._propositions(text):
                ends = (read.subject.casefold(), read.object.casefold())
                if _ONE in ends[0] and _OTHER in ends[1]:
                    found.add((read.type, True))
                elif _OTHER in ends[0] and _ONE in ends[1]:
                    found.add((read.type, False))
        return frozenset(found)
