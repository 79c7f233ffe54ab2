"""Markdown: front matter is metadata, and inline marks (links, emphasis, images, HTML) give way to the words they mark.

Lines without such marks stay as they are, byte for byte, so that plain prose under a .md name is untouched. Headings,
lists, tables and code keep their form, which chunking goes by. HTML comments are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING

import frontmatter
from yaml import YAMLError  # type: ignore[import-untyped]  # PyYAML ships no types

from proda_core.corpus.raw import RawText, ReadingOptions, Source
from proda_core.corpus.readers.plain import decoded
from proda_core.types import Dropped

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

# Nothing else in a text can be a mark: most prose is done with here.
_MARKS = re.compile(r"[*_`\[<&\\]|^[ >]*(?:=+|-+)\s*$", re.MULTILINE)
_FORMATTING = re.compile(
    r"<!--|</?(?:a|b|br|code|em|font|i|img|kbd|mark|q|s|small|span|strong|sub|sup|u)\b", re.IGNORECASE
)
_NAME = re.compile(r"\w+")
_TAG = re.compile(r"<!--.*?-->|<[^>]*>", re.DOTALL)


def read_markdown(source: Source, _options: ReadingOptions) -> Iterator[RawText | Dropped]:
    text = decoded(source)
    try:
        post = frontmatter.loads(text.replace("\r\n", "\n"))
    except YAMLError:
        # Prose that begins with a rule of dashes is no front matter.
        yield RawText(source.name, without_marks(text))
        return
    metadata = {str(key): str(value) for key, value in post.metadata.items() if value is not None}
    yield RawText(source.name, without_marks(post.content), metadata)


def without_marks(text: str) -> str:
    """The text with inline marks and HTML taken out; the rest line for line as it was."""
    if not _MARKS.search(text):
        return text
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")  # as the parser counts them
    for token in _parser().parse("\n".join(lines)):
        if token.map is None:
            continue
        first, after = token.map
        if token.type == "inline":
            _replace(lines, first, after, token)
        elif token.type == "html_block":
            words = _TAG.sub("", "\n".join(lines[first:after])).strip("\n")
            lines[first:after] = [words, *[""] * (after - first - 1)]
        elif token.type == "heading_open" and token.markup in ("=", "-"):
            lines[first] = f"{'#' * int(token.tag[1])} {lines[first].strip()}"
            lines[after - 1] = ""
    return "\n".join(lines)


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable("table").disable("text_join")


def _replace(lines: list[str], first: int, after: int, token: Token) -> None:
    """Put the words in the place of the marked ones, line by line, so that what stands before them (list, quote, cell) stays."""
    marked = [line.strip() for line in token.content.split("\n")]
    words = [line.strip() for line in _words(token.children or []).split("\n")]
    if words == marked:
        return
    if len(words) != len(marked):
        marked, words = marked[:1], [" ".join(words)]
        for number in range(first + 1, after):
            lines[number] = ""
    for number, (old, new) in enumerate(zip(marked, words, strict=True), first):
        if number < after and old:
            lines[number] = lines[number].replace(old, new, 1)


def _words(children: Sequence[Token]) -> str:
    said = []
    for number, child in enumerate(children):
        if child.type in ("softbreak", "hardbreak"):
            said.append("\n")
        elif child.type == "text_special":
            # Before brackets the backslash is more often TeX's than an escape.
            said.append(child.markup if child.content in "()[]" else child.content)
        elif child.type in ("text", "code_inline") or _is_shown(child):
            said.append(child.content)
        elif child.markup == "__" and _is_name(children, number):
            said.append("__")
    return "".join(said)


def _is_shown(child: Token) -> bool:
    """HTML that formats nothing is what the text is about."""
    return child.type == "html_inline" and not _FORMATTING.match(child.content)


def _is_name(children: Sequence[Token], number: int) -> bool:
    """Whether the mark ``__`` at ``number`` opens or closes a single word: a name like __init__, which nobody emphasised."""
    inside = number + (1 if children[number].nesting == 1 else -1)
    return 0 <= inside < len(children) and bool(_NAME.fullmatch(children[inside].content))
