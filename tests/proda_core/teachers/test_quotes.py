"""Quotes are found however a model mends them, and nothing else is: the place found is the text's own."""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

import proda_core.demo
from proda_core.teachers.llm.quotes import QuoteFinder
from proda_core.teachers.sentences import SentenceSplitter

TEXT = (
    "In \u201cplain\u201d words, the photo-\nsynthesis of **green** plants\u2014a well-known e\ufb03cient "
    "pro\u00adcess\u2014makes sugar."
)


def _curl(text: str) -> str:
    return text.replace('"', "\u201d").replace("'", "\u2019").replace(" - ", " \u2014 ")


def _straight(text: str) -> str:
    return text.replace("\u2019", "'").replace("\u201c", '"').replace("\u201d", '"').replace("\u2014", "-")


def _rewrap(text: str) -> str:
    return "\n".join(re.findall(r".{1,37}(?:\s|$)", text))


def _break_words(text: str) -> str:
    return re.sub(r"(\w{4})(\w{4,})", r"\1-\n\2", text)


PERTURBED: dict[str, Callable[[str], str]] = {
    "spaces doubled": lambda text: text.replace(" ", "  \t"),
    "no-break spaces": lambda text: text.replace(" ", "\u00a0"),
    "quotes curled": _curl,
    "quotes straight": _straight,
    "lines wrapped": _rewrap,
    "words broken at lines": _break_words,
    "decomposed": lambda text: unicodedata.normalize("NFD", text),
    "full width": lambda text: "".join(
        chr(ord(c) + 0xFEE0) if c.isascii() and c.isalpha() else c for c in text
    ),
    "emphasised": lambda text: re.sub(r"(\w{6,})", r"**\1**", text),
    "soft hyphens": lambda text: re.sub(r"(\w{3})(\w{3})", "\\1\u00ad\\2", text),
    "capitals": str.upper,
    "end cut off": lambda text: text.rstrip(".") + "...",
}


WHOLE = TEXT.rstrip(".")


@pytest.mark.parametrize(
    ("quote", "found"),
    [
        (
            'In "plain" words, the photosynthesis of green plants - a well-known efficient process - makes sugar.',
            WHOLE,
        ),
        ("the photosynthesis of green plants", "the photo-\nsynthesis of **green** plants"),
        ("a wellknown efficient process", "a well-known e\ufb03cient pro\u00adcess"),
        ("EFFICIENT PROCESS", "e\ufb03cient pro\u00adcess"),
    ],
)
def test_a_mended_quote_is_found_where_it_stands(quote: str, found: str) -> None:
    assert [TEXT[start:end] for start, end in QuoteFinder(TEXT).places(quote)] == [found]


@pytest.mark.parametrize(
    "quote",
    [
        "the photosynthesis of green animals",
        "the photosynthesis of plants",
        "green plants the photosynthesis",
        "een plan",
        "makes suga",
        "",
        "...",
    ],
)
def test_another_word_a_missing_word_another_order_or_a_piece_of_a_word_is_not_found(quote: str) -> None:
    assert list(QuoteFinder(TEXT).places(quote)) == []


def test_each_place_of_a_repeated_quote_is_given_in_order() -> None:
    text = "Heat spreads. Then heat  spreads on."
    assert [text[s:e] for s, e in QuoteFinder(text).places("heat spreads")] == [
        "Heat spreads",
        "heat  spreads",
    ]


@pytest.mark.parametrize("way", sorted(PERTURBED))
def test_sentences_of_a_real_text_are_found_at_their_own_place_whatever_was_done_to_the_copy(
    way: str,
) -> None:
    rng = random.Random(way)
    files = sorted((Path(proda_core.demo.__file__).parent / "corpus").rglob("*.md"))
    text = "\n".join(path.read_text(encoding="utf-8") for path in rng.sample(files, 3))
    sentences = rng.sample([s for s in SentenceSplitter().split(text) if len(s.text.split()) > 4], 40)
    finder = QuoteFinder(text)
    for sentence in sentences:
        places = list(finder.places(PERTURBED[way](sentence.text)))
        assert any(
            sentence.start <= start and end <= sentence.end and end - start >= len(sentence.text) - 4
            for start, end in places
        ), sentence.text
