"""LaTeX sources by pylatexenc: the body of the document, sections as headings, formulas as characters.

Citations, cross-references, labels, pictures, verbatim code and the bibliography are left out; footnotes follow their word in
brackets, captions stay. Commands that the file defines itself are not expanded, and files named by \\input are read as
files of their own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from proda_core.corpus.raw import RawText, ReadingOptions, Source
from proda_core.corpus.readers.broken import parsing
from proda_core.corpus.readers.plain import decoded
from proda_core.errors import UnreadableFile
from proda_core.types import Dropped

_LEVELS = {
    "part": 1, "chapter": 1, "section": 2, "subsection": 3, "subsubsection": 4, "paragraph": 5, "subparagraph": 6,
}  # fmt: skip
_SILENT = (
    "maketitle", "today", "date", "author", "thanks", "title", "tableofcontents", "bibliography", "bibliographystyle",
    "printbibliography", "input", "include", "includegraphics", "label", "ref", "eqref", "autoref", "cref", "Cref", "pageref",
    "cite", "citep", "citet", "citealp", "parencite", "textcite", "autocite", "nocite", "index", "vspace", "hspace", "newcommand",
    "renewcommand", "providecommand", "def", "usepackage", "setlength", "setcounter", "addtocounter", "pagestyle",
    "thispagestyle",
)  # fmt: skip
# What the parser has to know to take a command's arguments with it.
_ARGUMENTS = {
    "autoref": "{", "cref": "{", "Cref": "{", "eqref": "{", "pageref": "{", "citep": "*[[{", "citet": "*[[{", "citealp": "*[[{",
    "parencite": "[[{", "textcite": "[[{", "autocite": "[[{", "nocite": "{", "index": "{", "bibliography": "{", "thanks": "{",
    "bibliographystyle": "{", "addtocounter": "{{", "href": "{{", "caption": "*[{", "pagestyle": "{", "thispagestyle": "{",
    "printbibliography": "[",
}  # fmt: skip
_LEFT_OUT = (
    "verbatim", "lstlisting", "minted", "tikzpicture", "thebibliography", "filecontents", "comment", "tabular", "tabularx",
    "algorithm", "algorithmic",
)  # fmt: skip
_TITLE = re.compile(r"\\title\s*(?:\[[^\]]*\])?\s*\{((?:[^{}]|\{[^{}]*\})*)\}")
_DEEPEST = 200  # nested braces: the parser recurses, and no text that people write is near


def read_latex(source: Source, _options: ReadingOptions) -> Iterator[RawText | Dropped]:
    text = decoded(source)
    if _depth(text) > _DEEPEST:
        raise UnreadableFile(source.name, "corrupt", f"braces nested deeper than {_DEEPEST}; not a text")
    begin, end = text.find("\\begin{document}"), text.rfind("\\end{document}")
    body = text[begin + len("\\begin{document}") : end if end > begin else None] if begin >= 0 else text
    title = _TITLE.search(text)
    with parsing(source.name, "LaTeX"):
        words = _words(body)
        metadata = {"title": " ".join(_words(title.group(1)).split())} if title else {}
    if not words:
        raise UnreadableFile(source.name, "no_text", "commands alone, and no prose between them")
    yield RawText(source.name, words, metadata)


def _words(latex: str) -> str:
    from pylatexenc.latexwalker import LatexWalker

    nodes, _, _ = LatexWalker(latex, latex_context=_commands(), tolerant_parsing=True).get_latex_nodes()
    text = str(_writer().nodelist_to_text(nodes))
    text = re.sub(r"[ \t]+([.,;:])", r"\1", text.replace("\u00a0", " "))  # where a citation stood
    return re.sub(r"\n[ \t]*(?:\n[ \t]*)+", "\n\n", text).strip()


@cache
def _commands() -> Any:
    from pylatexenc import latexwalker, macrospec

    known = latexwalker.get_default_latex_context_db()
    macros = [macrospec.std_macro(name, spec) for name, spec in _ARGUMENTS.items()]
    known.add_context_category("proda", macros=macros, prepend=True)
    return known


@cache
def _writer() -> Any:
    from pylatexenc import latex2text

    known = latex2text.get_default_latex_context_db()
    spec = latex2text.MacroTextSpec
    macros = [spec(name, simplify_repl="") for name in _SILENT]
    macros += [spec(name, simplify_repl=_heading(level)) for name, level in _LEVELS.items()]
    macros += [
        spec("item", simplify_repl=_item),
        spec("url", simplify_repl="%s"),
        spec("href", simplify_repl=_argument(1)),
        spec("caption", simplify_repl=_caption),
        spec("footnote", simplify_repl=" [%(2)s]"),
    ]
    environments = [latex2text.EnvironmentTextSpec(name, discard=True) for name in _LEFT_OUT]
    known.add_context_category("proda", macros=macros, environments=environments, prepend=True)
    return latex2text.LatexNodes2Text(
        latex_context=known, math_mode="text", keep_comments=False, strict_latex_spaces=False
    )


# pylatexenc gives its writer to a function that has an argument of this name.
def _heading(level: int) -> Callable[[Any, Any], str]:
    def write(node: Any, l2tobj: Any) -> str:
        words = " ".join(_last(node, l2tobj).split())
        return f"\n\n{'#' * level} {words}\n\n"

    return write


def _caption(node: Any, l2tobj: Any) -> str:
    return f"\n\n{_last(node, l2tobj).strip()}\n\n"


def _item(node: Any, l2tobj: Any) -> str:
    label = l2tobj.nodelist_to_text([node.nodeoptarg]).strip() if node.nodeoptarg else ""
    return f"\n- {label + ': ' if label else ''}"


def _argument(number: int) -> Callable[[Any, Any], str]:
    return lambda node, l2tobj: str(l2tobj.nodelist_to_text([node.nodeargd.argnlist[number]]))


def _last(node: Any, l2tobj: Any) -> str:
    """The last argument, which is a command's text."""
    given = node.nodeargd.argnlist if node.nodeargd is not None else []
    return str(l2tobj.nodelist_to_text([given[-1]])) if given and given[-1] is not None else ""


def _depth(text: str) -> int:
    deepest = depth = 0
    for mark in re.findall(r"\\begin\b|\\end\b|[{}]", text):
        depth = max(0, depth + (1 if mark in ("{", "\\begin") else -1))
        deepest = max(deepest, depth)
    return deepest
