"""How the guard reads a text: one normal form for terms, rows and items, so that spelling tricks change nothing.

Unicode is folded (NFKD, no combining marks, no invisible characters, letters that look like Latin ones to those, by Unicode's
list), case is folded, punctuation falls away. ``tokens`` keeps sentence ends as ``BOUNDARY`` (a term never crosses one);
``words`` drops them. ``stem`` brings plurals to one form, the same for a term and for its mention.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache

BOUNDARY = "|"

_SURE = str.maketrans(
    "аеорсухіјѕһԁԛԝькмтвнАВЕКМНОРСТУХІЈЅΑΒΕΖΗΙΚΜΝΟΡΤΥΧοϲ",
    "aeopcyxijshdqwbkmtbhABEKMHOPCTYXIJSABEZHIKMNOPTYXoc",
)
_GREEK = frozenset("αβγδεζηθικλμνξπρςστυφχψω")  # symbols of quantities, and no disguise, in scientific prose
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_MARKS = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u20d0-\u20ff]")
_APOSTROPHES = str.maketrans("", "", "'’‘ʼ`´")
_POSSESSIVE = re.compile(r"(?<=\w)['’ʼ][sS]\b")
_TOKEN = re.compile(r"[^\W_]+|\n|[.!?;](?=[\"”»)\]]*(?:\s|$))")

_IRREGULAR = {
    "alveoli": "alveolus",
    "axes": "axis",
    "bacteria": "bacterium",
    "biases": "bias",
    "bronchi": "bronchus",
    "buses": "bus",
    "calves": "calf",
    "children": "child",
    "criteria": "criterion",
    "feet": "foot",
    "foci": "focus",
    "fungi": "fungus",
    "gases": "gas",
    "halves": "half",
    "knives": "knife",
    "leaves": "leaf",
    "lenses": "lens",
    "loci": "locus",
    "maxima": "maximum",
    "matrices": "matrix",
    "men": "man",
    "mice": "mouse",
    "minima": "minimum",
    "mitochondria": "mitochondrion",
    "nuclei": "nucleus",
    "ova": "ovum",
    "phenomena": "phenomenon",
    "radii": "radius",
    "shelves": "shelf",
    "spectra": "spectrum",
    "stimuli": "stimulus",
    "strata": "stratum",
    "teeth": "tooth",
    "vertices": "vertex",
    "villi": "villus",
    "wolves": "wolf",
    "women": "woman",
}
_INVARIANT = frozenset(("atlas", "bias", "canvas", "chaos", "cosmos", "lens", "pancreas"))


def fold(text: str) -> str:
    """Unicode and case folded; punctuation and spacing kept."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text))
        text = unicodedata.normalize("NFKD", text.translate(lookalikes()))
        text = unicodedata.normalize("NFKC", _MARKS.sub("", text))
    return text.translate(_APOSTROPHES).casefold()


@cache
def lookalikes() -> dict[int, str]:
    """Letters beyond ASCII to the Latin letter that they are drawn like: Unicode's confusables, and our own first."""
    # Here, for loading it takes a tenth of a second, which texts in ASCII need not wait for.
    from confusable_homoglyphs.confusables import confusables_data

    found = {
        ord(letter): latin
        for letter, alike in confusables_data.items()
        if len(letter) == 1 and letter.isalpha() and not letter.isascii() and letter not in _GREEK
        for latin in sorted((one["c"] for one in alike if _is_latin(one["c"])), reverse=True)
    }
    return {**found, **{place: chr(latin) for place, latin in _SURE.items()}}


def _is_latin(text: str) -> bool:
    return len(text) == 1 and text.isascii() and text.isalpha()


def tokens(text: str) -> list[str]:
    """Stemmed words in order, with ``BOUNDARY`` at sentence ends and line breaks."""
    plain = fold(_POSSESSIVE.sub("", text))
    return [stem(t) if t[0].isalnum() else BOUNDARY for t in _TOKEN.findall(plain)]


def words(text: str) -> list[str]:
    """Folded words in order, neither stemmed nor bounded: for comparing texts with texts."""
    return [t for t in _TOKEN.findall(fold(text)) if t[0].isalnum()]


@lru_cache(maxsize=1 << 16)
def stem(word: str) -> str:
    """One form for a folded word's singular and plural; other words may share it only by rare accident."""
    word = _IRREGULAR.get(word, word)
    if len(word) < 4 or word in _INVARIANT:
        return word
    if word.endswith(("ies", "ie")) and len(word) > 4:
        return word.removesuffix("s").removesuffix("ie") + "y"
    if word.endswith("is") and len(word) > 5:  # crisis and crises, analysis and analyses
        word = word[:-2]
    elif word.endswith("s") and not word.endswith(("ss", "us")):
        word = word[:-1]
    if word.endswith(("se", "xe", "ze", "che", "she", "oe")) and len(word) > 3:
        # "boxes" and "box", "houses" and "house" meet without their e
        shorter = word[:-1]
        return shorter if len(shorter) > 3 or shorter.endswith("x") else word
    return word
