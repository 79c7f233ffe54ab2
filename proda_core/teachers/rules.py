"""The rules teacher: English prose to propositions with lexico-syntactic patterns. No key, no download, deterministic.

Sentences are tagged, cut into noun phrases and verb groups, and read clause by clause; a pronoun is followed one sentence back,
within its paragraph, when only one subject can be meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from proda_core.teachers.attachments import attach
from proda_core.teachers.defining import DefinitionReader, without_quotes
from proda_core.teachers.definition_view import Defined
from proda_core.teachers.grammar import SentenceGrammar
from proda_core.teachers.kinds import Mention, kinds_by_name, with_known_kinds
from proda_core.teachers.pairs import PairReader
from proda_core.teachers.phrases import Unit, units_of
from proda_core.teachers.protocol import Alias, Definition, OnRead, Proposition, Reading
from proda_core.teachers.sentences import Sentence, SentenceSplitter
from proda_core.teachers.tagging import Tagger, Token
from proda_core.teachers.view import SentenceReading, Statement
from proda_core.types import Chunk

RULES_VERSION = "2"
_INSIDE_CAPITAL = re.compile(r"(?<=[a-z,;] )[A-Z][a-z]{2,}\b")
_ABBREVIATION = re.compile(r"\(([A-Z][A-Za-z]?[A-Z]{1,5}s?)\)")


class RulesTeacher:
    """Implements Teacher."""

    def __init__(self, *, definitions: bool = True) -> None:
        """``definitions``: read also what only names, defines or sets side by side."""
        self._definitions = definitions
        self.name = f"rules-{RULES_VERSION}" + ("" if definitions else "-statements")
        self._splitter = SentenceSplitter()
        self._tagger = Tagger()

    def read_all(self, chunks: Sequence[Chunk], on_read: OnRead) -> tuple[Reading, ...]:
        """One chunk after the other."""
        readings: list[Reading] = []
        for number, chunk in enumerate(chunks, 1):
            readings.append(self.read_chains(chunk))
            on_read(number, len(chunks))
        return with_known_kinds(readings)

    def read_chains(self, chunk: Chunk) -> Reading:
        """Every proposition of the chunk, and the chains that they join into inside it."""
        propositions: list[Proposition] = []
        definitions: list[Definition] = []
        aliases: list[Alias] = []
        mentions: list[Mention] = []
        before: tuple[Unit, ...] = ()
        last: Sentence | None = None
        for sentence in self._splitter.split(chunk.text):
            tokens = self._tagger.tag(sentence.text)
            units = attach(units_of(tokens))
            last = last if last is not None and last.paragraph == sentence.paragraph else None
            antecedents = before if last is not None else ()
            reading = _read(units, tokens, antecedents)
            propositions += _stated(reading.statements, sentence, tokens)
            definitions += _definitions(reading, sentence, tokens)
            aliases += [Alias(a, b) for a, b in reading.naming]
            aliases += _abbreviations(sentence.text, units, tokens)
            if self._definitions:
                found = _Definitions(sentence, tokens, units, last)
                known = {definition.term for definition in definitions if definition.end == sentence.end}
                definitions += [one for one in found.definitions if one.term not in known]
                propositions += found.propositions
                propositions += _stated(PairReader(units).read(), sentence, tokens)
                aliases += found.aliases
                mentions += [
                    Mention(term, sentence.start, sentence.end)
                    for unit in units
                    for term in unit.terms
                    if " " in term
                ]
            before, last = reading.subject, sentence
        proper = proper_words(chunk.text)
        stated = tuple(dict.fromkeys(_with_capitals(p, proper) for p in propositions))
        spare = kinds_by_name(stated, definitions, mentions) if self._definitions else ()
        return Reading(
            chunk.chunk_id, stated, join_chains(stated), tuple(definitions), tuple(aliases), spare=spare
        )


def _read(units: list[Unit], tokens: Sequence[Token], antecedents: tuple[Unit, ...]) -> SentenceReading:
    agreement = {
        i: tokens[u.first].tag not in ("VVZ", "VBZ", "VHZ", "VDZ")
        for i, u in enumerate(units)
        if u.symbol in "VPC"
        and tokens[u.first].tag in ("VVZ", "VBZ", "VHZ", "VDZ", "VVB", "VBB", "VHB", "VDB")
    }
    return SentenceGrammar(units, antecedents, agreement).read()


def _stated(
    statements: Iterable[Statement], sentence: Sentence, tokens: Sequence[Token]
) -> list[Proposition]:
    return [
        Proposition(
            s.subject,
            s.type,
            s.object,
            sentence.text[tokens[s.first].start : tokens[s.last - 1].end],
            sentence.start,
            sentence.end,
        )
        for s in statements
    ]


def _definitions(reading: SentenceReading, sentence: Sentence, tokens: Sequence[Token]) -> list[Definition]:
    if reading.defined is None:
        return []
    term, first = reading.defined
    text = sentence.text[tokens[first].start :].rstrip(" .;!")
    return [Definition(term, text, sentence.start, sentence.end)] if 3 <= len(text.split()) <= 45 else []


class _Definitions:
    """What one sentence defines, as definitions, as the genus of each, and as other names."""

    def __init__(
        self, sentence: Sentence, tokens: Sequence[Token], units: Sequence[Unit], last: Sentence | None
    ) -> None:
        plain = without_quotes(tokens)
        reader = DefinitionReader(units if len(plain) == len(tokens) else attach(units_of(plain)), plain)
        self.definitions: list[Definition] = []
        self.propositions: list[Proposition] = []
        self._sentence, self._tokens, self._last = sentence, plain, last
        for defined in reader.read():
            self._add(defined)
        self.aliases = [Alias(term, other) for term, other in reader.other_names()]

    def _add(self, defined: Defined) -> None:
        sentence = self._sentence
        if defined.before:
            if self._last is not None:
                text = self._last.text.rstrip(" .;!")
                self._define(defined.term, text, self._last.start)
            return
        start, end = self._tokens[defined.first].start, self._tokens[defined.last - 1].end
        self._define(defined.term, sentence.text[start:end].rstrip(" .;!,"), sentence.start)
        if defined.genus:
            self._state(defined.term, "SPECIALIZATION", defined.genus, defined.verb)
        for part in defined.parts:
            self._state(part, "PART_OF", defined.term, defined.verb)

    def _state(self, subject: str, kind: str, object_: str, verb: tuple[int, int]) -> None:
        if subject.lower() == object_.lower():
            return
        sentence, (first, last) = self._sentence, verb
        phrase = sentence.text[self._tokens[first].start : self._tokens[last - 1].end]
        self.propositions.append(Proposition(subject, kind, object_, phrase, sentence.start, sentence.end))

    def _define(self, term: str, text: str, start: int) -> None:
        if 3 <= len(text.split()) <= 60:
            self.definitions.append(Definition(term, text, start, self._sentence.end))


def _abbreviations(text: str, units: Sequence[Unit], tokens: Sequence[Token]) -> list[Alias]:
    """ "gross domestic product (GDP)": the letters must be the words' initials."""
    found: list[Alias] = []
    for match in _ABBREVIATION.finditer(text):
        for unit in units:
            if unit.symbol == "N" and len(unit.terms) == 1 and tokens[unit.last - 1].end == match.start() - 1:
                letters = match.group(1).rstrip("s").upper()
                initials = "".join(w[0] for w in unit.terms[0].replace("-", " ").split() if w != "of").upper()
                if letters == initials:
                    found.append(Alias(unit.terms[0], match.group(1).rstrip("s")))
    return found


def proper_words(text: str) -> frozenset[str]:
    """Words that inside sentences are only seen with a capital: names, also where they open a sentence."""
    inside = set(_INSIDE_CAPITAL.findall(text))
    return frozenset(word for word in inside if not re.search(rf"\b{word.lower()}\b", text))


def _with_capitals(proposition: Proposition, proper: frozenset[str]) -> Proposition:
    def named(term: str) -> str:
        first, space, rest = term.partition(" ")
        return first.capitalize() + space + rest if first.capitalize() in proper else term

    return replace(proposition, subject=named(proposition.subject), object=named(proposition.object))


def join_chains(propositions: Sequence[Proposition]) -> tuple[tuple[int, ...], ...]:
    """Pairs of propositions joined end to end; longer chains are extraction's, once terms are canonical."""
    by_subject: dict[str, list[int]] = {}
    for number, proposition in enumerate(propositions):
        by_subject.setdefault(proposition.subject.casefold(), []).append(number)
    return tuple(
        (number, follower)
        for number, proposition in enumerate(propositions)
        for follower in by_subject.get(proposition.object.casefold(), ())
        if propositions[follower].object.casefold() != proposition.subject.casefold()
    )
