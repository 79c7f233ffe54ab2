"""Damaged text to plain text: mojibake (also twice), control and invisible characters, ligatures, broken lines, running heads.

Idempotent on clean text apart from line unwrapping and trailing space. Offsets of documents and chunks refer to the
repaired text.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

import ftfy

_FTFY = ftfy.TextFixerConfig(
    uncurl_quotes=False,
    fix_line_breaks=True,
    remove_control_chars=False,
    normalization="NFC",
    unescape_html="auto",
    explain=False,
)
_INVISIBLE = re.compile("[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\ufff9-\ufffb]")
_SPACES = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000\t]")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f]")
_PAGE_BREAK = re.compile("(?<=\\S)[\x0b\x0c](?=\\S)")
_HYPHEN_BREAK = re.compile(r"([^\W\d_]+)[-\u2010]\n([^\W\d_]+)")
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_JOINING = frozenset({"and", "or", "to", "und", "oder", "bis", "et", "ou", "y", "o"})
_PAGE_NUMBER = re.compile(r"(?:page\s+)?\d{1,4}", re.IGNORECASE)
_BLOCK_START = re.compile(r"(?:#{1,6} |[-*+\u2022] |\d+[.)] |> |\||```| {4})")
_MOJIBAKE = re.compile("[\u00c2\u00c3\u00e2][\u0080-\u00bf\u20ac\u2122\u0153\u201a-\u201e\u2020-\u2026]")


def repair_text(text: str) -> str:
    """The text a reader was meant to see, paragraphs on one line each, separated by one empty line or more."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _fix_mojibake(text)
    text = _INVISIBLE.sub("", text)
    text = _SPACES.sub(" ", text)
    text = _PAGE_BREAK.sub(" ", text)
    text = _CONTROL.sub("", text).replace("\x0b", "").replace("\x0c", "")
    text = unicodedata.normalize("NFC", text)
    text = _drop_running_heads(text)
    text = _join_hyphens(text)
    text = _unwrap(text)
    text = re.sub(r"(?<=\S) {2,}", " ", text)
    text = re.sub(r"[ ]+\n", "\n", text)
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def _fix_mojibake(text: str) -> str:
    """ftfy until nothing changes: text decoded wrongly twice takes two passes."""
    for _ in range(3):
        fixed = ftfy.fix_text(text, _FTFY)
        if fixed == text:
            break
        text = fixed
    return text


def mojibake_left(text: str) -> int:
    """How many character pairs still look like UTF-8 read as a single-byte code page."""
    return len(_MOJIBAKE.findall(text))


def _drop_running_heads(text: str) -> str:
    """Remove page numbers and the short lines that return with them, and close the paragraph that a page break cut."""
    lines = text.split("\n")
    numbers = [i for i, line in enumerate(lines) if _PAGE_NUMBER.fullmatch(line.strip())]
    if len(numbers) < 3:
        return text
    counts = Counter(line.strip() for line in lines if _may_be_head(line))
    heads = {line for line, count in counts.items() if count >= max(3, len(numbers) // 2)}
    kept = [line for line in lines if not _PAGE_NUMBER.fullmatch(line.strip()) and line.strip() not in heads]
    joined = "\n".join(kept)
    joined = re.sub(r"([a-z]-)\n{2,}(?=[a-z])", r"\1\n", joined)
    return re.sub(r"([a-z,])\n{2,}(?=[a-z])", r"\1\n", joined)


def _may_be_head(line: str) -> bool:
    stripped = line.strip()
    return 0 < len(stripped) <= 60 and not stripped.startswith("#") and stripped[-1] not in ".?!:;,"


def _join_hyphens(text: str) -> str:
    """Words cut at a line end: joined, unless the text elsewhere writes them with the hyphen and never without.

    A capital after the hyphen means that the word has it, and a hyphen before "and" or "und" hangs there.
    """
    if not _HYPHEN_BREAK.search(text):
        return text
    words = Counter(word.lower() for word in _WORD.findall(text))

    def join(match: re.Match[str]) -> str:
        left, right = match.group(1), match.group(2)
        if right in _JOINING:
            return f"{left}- {right}"
        if not right[0].islower():
            return f"{left}-{right}"
        whole, hyphenated = (left + right).lower(), f"{left}-{right}".lower()
        keep = words[whole] == 0 and words[hyphenated] > 0
        return f"{left}-{right}" if keep else left + right

    return _HYPHEN_BREAK.sub(join, text)


def _unwrap(text: str) -> str:
    """Join hard-wrapped lines of one paragraph; lists, headings, tables and code keep their lines."""
    if "```" in text:
        pieces = re.split(r"(```.*?```)", text, flags=re.DOTALL)
        return "".join(p if p.startswith("```") else _unwrap_prose(p) for p in pieces)
    return _unwrap_prose(text)


def _unwrap_prose(text: str) -> str:
    result: list[str] = []
    for line in text.split("\n"):
        previous = result[-1] if result else ""
        if _continues(previous, line):
            result[-1] = f"{previous.rstrip()} {line.strip()}"
        else:
            result.append(line)
    return "\n".join(result)


def _continues(previous: str, line: str) -> bool:
    if not previous.strip() or not line.strip() or _BLOCK_START.match(line):
        return False
    if previous.startswith(("#", "|", "    ")):
        return False
    open_end = previous.rstrip()[-1] not in '.?!:"\u201d)'
    return open_end or line.strip()[0].islower() or len(previous) > 40
