"""Words with part of speech and lemma: HanTa's English model (CLAWS C5 tags) behind one class, with a few repairs.

The tagger is a trained model from a Python package: no download, deterministic. Repairs are for what prose of textbooks
shows it to get wrong: closed-class words, nouns after a determiner, capital letters at the start of a sentence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

_TOKEN = re.compile(
    r"\d[\d,.]*\d%?|\d%?|[A-Za-z](?:\.[A-Za-z])+\.?|[^\W\d_]+(?:[-\u2010\u2011\u2019'][^\W_]+)*|\S"
)
_CLOSED = {
    **dict.fromkeys(("the", "a", "an", "every"), "AT0"),
    **dict.fromkeys(
        [
            "this",
            "that",
            "these",
            "those",
            "each",
            "some",
            "any",
            "all",
            "both",
            "such",
            "other",
            "another",
            "either",
            "neither",
            "many",
            "most",
            "few",
            "several",
        ],
        "DT0",
    ),
    **dict.fromkeys(["its", "their", "his", "her", "our", "my", "your"], "DPS"),
    **dict.fromkeys(["it", "they", "them", "he", "she", "we", "you", "i", "us", "him"], "PNP"),
    **dict.fromkeys(["one"], "CRD"),
    **dict.fromkeys(["which", "who", "whom", "whose", "what"], "DTQ"),
    **dict.fromkeys(
        [
            "because",
            "when",
            "whenever",
            "if",
            "although",
            "though",
            "while",
            "whereas",
            "since",
            "unless",
            "until",
            "whether",
            "once",
        ],
        "CJS",
    ),
    **dict.fromkeys(("and", "or", "but", "nor", "yet"), "CJC"),
    **dict.fromkeys(
        ["can", "may", "might", "could", "would", "should", "must", "will", "shall", "cannot"], "VM0"
    ),
    **dict.fromkeys(
        [
            "in",
            "on",
            "at",
            "by",
            "with",
            "from",
            "into",
            "through",
            "during",
            "for",
            "between",
            "among",
            "across",
            "under",
            "over",
            "within",
            "against",
            "toward",
            "towards",
            "without",
            "unlike",
            "like",
            "per",
            "via",
            "upon",
            "onto",
            "beyond",
            "beneath",
            "above",
            "below",
            "despite",
        ],
        "PRP",
    ),
    **dict.fromkeys(
        [
            "therefore",
            "thus",
            "hence",
            "however",
            "moreover",
            "furthermore",
            "also",
            "instead",
            "typically",
            "usually",
            "often",
            "generally",
            "then",
            "indeed",
            "nevertheless",
            "consequently",
            "not",
            "always",
            "sometimes",
            "never",
        ],
        "AV0",
    ),
    "of": "PRF",
    "to": "TO0",
    "not": "XX0",
    "n't": "XX0",
    "there": "EX0",
    "as": "PRP",
    "than": "CJS",
    "is": "VBZ",
    "are": "VBB",
    "was": "VBD",
    "were": "VBD",
    "be": "VBI",
    "been": "VBN",
    "being": "VBG",
    "has": "VHZ",
    "have": "VHB",
    "had": "VHD",
    "does": "VDZ",
    "do": "VDB",
    "did": "VDD",
}


@dataclass(frozen=True, slots=True)
class Token:
    """``text[start:end]`` of its sentence; ``tag`` is CLAWS C5, ``lemma`` lower case."""

    text: str
    lemma: str
    tag: str
    start: int
    end: int

    @property
    def lower(self) -> str:
        return self.text.lower()


class Tagger:
    """Tags sentences. Loading takes a quarter of a second; word analyses are cached inside HanTa."""

    def __init__(self) -> None:
        from HanTa import HanoverTagger

        self._model: Any = HanoverTagger.HanoverTagger("morphmodel_en.pgz")
        # Both are pure functions of a word and are asked for the same words again and again.
        for name in ("analyze_forward", "_analyze"):
            setattr(self._model, name, lru_cache(maxsize=50_000)(getattr(self._model, name)))
        self._tags_of = lru_cache(maxsize=50_000)(self._read_tags)

    def tag(self, sentence: str) -> list[Token]:
        """Tokens of one sentence with repaired tags."""
        spans = [(m.group(), m.start(), m.end()) for m in _TOKEN.finditer(sentence)]
        spans = [piece for span in spans for piece in _split_clitic(span)]
        if not spans:
            return []
        words = [_as_inside(text, number) for number, (text, _, _) in enumerate(spans)]
        tagged = self._model.tag_sent(words)
        tokens = [
            Token(text, str(lemma).lower(), _closed(text) or str(tag), start, end)
            for (text, start, end), (_, lemma, tag) in zip(spans, tagged, strict=True)
        ]
        return _repair(tokens)

    def known_as(self, word: str, tag: str) -> bool:
        """Whether the model can read ``word`` with ``tag``."""
        return tag in self._tags_of(word)

    def _read_tags(self, word: str) -> frozenset[str]:
        return frozenset(str(tag) for tag, _ in self._model.tag_word(word, cutoff=4))


def _split_clitic(span: tuple[str, int, int]) -> list[tuple[str, int, int]]:
    """Possessive 's and n't are tokens of their own."""
    text, start, end = span
    match = re.fullmatch(r"(.+?)(['\u2019]s|['\u2019]|n['\u2019]t)", text)
    if not match or len(match.group(1)) < 2:
        return [span]
    cut = start + match.end(1)
    return [(match.group(1), start, cut), (match.group(2), cut, end)]


def _as_inside(text: str, number: int) -> str:
    """The first word without its capital, unless it is all capitals; typographic apostrophes as the model knows them."""
    plain = text.replace("\u2019", "'")
    return plain[0].lower() + plain[1:] if number == 0 and not plain[1:].isupper() and plain[1:] else plain


def _closed(text: str) -> str:
    if text in ("'s", "\u2019s", "'", "\u2019"):
        return "POS"
    return _CLOSED.get(text.lower().replace("\u2019", "'"), "PUN" if not text[0].isalnum() else "")


_FINITE_TAGS = frozenset(("VVZ", "VVB", "VVD", "VBZ", "VBB", "VBD", "VHZ", "VHB", "VHD", "VM0"))


_VERBLIKE = frozenset(("cause", "causes", "result", "results"))
_VERB_IF_NONE = frozenset(
    [
        "increase",
        "increases",
        "decrease",
        "decreases",
        "form",
        "forms",
        "need",
        "needs",
        "influence",
        "influences",
        "limit",
        "limits",
    ]
)


def _as_verb(token: Token, before: Token | None, after: Token | None, *, has_verb: bool) -> bool:
    """A noun by its tag that stands where a verb must: "wind causes drought", "drought results from wind"."""
    if (
        not token.tag.startswith("NN")
        or before is None
        or after is None
        or not before.tag.startswith(("NN", "NP"))
    ):
        return False
    if token.lower.startswith("result"):
        return after.lower in ("in", "from")
    if token.lower.startswith("cause"):
        return after.tag.startswith(("AT0", "DPS", "DT0", "AJ", "NN", "AV0", "VVG", "VVB"))
    return not has_verb and after.tag in ("AT0", "DPS")


def _repair(tokens: list[Token]) -> list[Token]:
    repaired = list(tokens)
    has_verb = any(t.tag in _FINITE_TAGS for t in tokens)
    for i, token in enumerate(tokens):
        if token.lower in _VERBLIKE | _VERB_IF_NONE and _as_verb(
            token,
            tokens[i - 1] if i else None,
            tokens[i + 1] if i + 1 < len(tokens) else None,
            has_verb=has_verb,
        ):
            tag = "VVZ" if token.lower.endswith("s") else "VVB"
            repaired[i] = Token(token.text, token.lower.rstrip("s"), tag, token.start, token.end)
    tokens = list(repaired)
    for i, token in enumerate(tokens):
        before = repaired[i - 1] if i else None
        after = tokens[i + 1] if i + 1 < len(tokens) else None
        tag = _repaired_tag(token, before, after)
        if tag != token.tag:
            repaired[i] = Token(token.text, token.lemma, tag, token.start, token.end)
    return repaired


def _closes(after: Token | None) -> bool:
    """Whether a noun phrase must have ended here."""
    return (
        after is None
        or after.tag in ("PUN", "CJC", "CJT", "PRF", "VBZ", "VBB", "VM0")
        or after.lower in ("that", "which")
    )


def _repaired_tag(token: Token, before: Token | None, after: Token | None) -> str:
    tag, previous = token.tag, before.tag if before else ""
    finite = tag in ("VVB", "VVZ", "VVI", "VVD")
    if finite and previous in ("AT0", "DPS"):
        return "NN2" if tag == "VVZ" else "NN1"  # "the causes", "a change"
    if (
        tag in ("AJ0", "AV0", "VVN", "NP0")
        and before is not None
        and before.lower in ("a", "an")
        and _closes(after)
    ):
        return "NN1"  # "a good or service", "an oligopoly,"
    if tag == "VVB" and previous in ("TO0", "VM0"):
        return "VVI"
    if tag in ("NN1", "NN0") and previous == "VM0":
        return "VVI"
    if tag == "VVI" and previous.startswith(("NN", "NP", "PNP", "DTQ", "CJC", "PUN")):
        return "VVB"  # "enzymes act": finite after its subject
    if tag == "VVD" and (previous.startswith(("VB", "VH")) or (after is not None and after.lower == "by")):
        return "VVN"
    follows = after.tag if after else "PUN"
    if tag == "VVG" and previous in ("VVZ", "VVB", "VVI", "PRP") and follows in ("PUN", "CJC", "PRF"):
        return "NN1"  # "causes flooding."
    if tag == "VVG" and previous in ("VVZ", "VVB") and follows == "PRP":
        return "NN1"  # "causes flooding."
    if tag.startswith("NP") and token.text[:1].islower():
        return "NN1"
    return tag
