"""Third-party parsers on files that are not what they claim: whatever they raise becomes that file's reason.

Parsers of zip, XML, PDF and the like raise errors of every built-in kind on broken input. Those kinds are listed here once, and
caught around the parser's call alone, so that one bad file never stops the others and our own mistakes are not taken for it.
"""

from __future__ import annotations

import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from xml.parsers.expat import ExpatError

from proda_core.errors import UnreadableFile

PARSER_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,  # RecursionError and NotImplementedError among them
    SyntaxError,  # lxml's
    TypeError,
    ValueError,
    ExpatError,
    lzma.LZMAError,
    struct.error,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)


@contextmanager
def parsing(name: str, kind: str) -> Iterator[None]:
    """Around a parser's call: its errors become UnreadableFile "corrupt"."""
    try:
        yield
    except UnreadableFile:
        raise
    except PARSER_ERRORS as error:
        said = str(error).strip().splitlines()
        why = f"{type(error).__name__}{': ' + said[0][:120] if said else ''}"
        raise UnreadableFile(name, "corrupt", f"not a whole {kind} file ({why}); get it again") from error
