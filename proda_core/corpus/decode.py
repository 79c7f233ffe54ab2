"""Bytes to text: byte-order marks first, then strict UTF-8, then a truncated tail, then detection.

Refuses binary data (UnreadableFile "binary") and bytes that no encoding explains ("undecodable"). Text that is all but ASCII is
read as Windows-1252 when it is not UTF-8: statistics on a handful of bytes choose exotic code pages.
"""

from __future__ import annotations

import codecs
import logging

from charset_normalizer import from_bytes

from proda_core.errors import UnreadableFile

logging.getLogger("charset_normalizer").setLevel(logging.ERROR)

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_BINARY_HEADS = (b"%PDF", b"PK\x03\x04", b"\x89PNG", b"\xff\xd8\xff", b"\x7fELF", b"\x1f\x8b", b"GIF8")
_TEXT_CONTROLS = frozenset(b"\t\n\r\x0b\x0c\x1b")


def decode_bytes(data: bytes, name: str) -> str:
    """The text of ``data``; ``name`` is only for the message of UnreadableFile."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, errors="replace")
    if data.startswith(_BINARY_HEADS):
        raise UnreadableFile(name, "binary", "the file begins like a binary format; convert it to text first")
    wide = _wide_encoding(data)
    if wide:
        return data.decode(wide, errors="replace")
    if _control_share(data) > 0.1:
        raise UnreadableFile(name, "binary", "more than a tenth of its bytes are control characters")
    return _decode_narrow(data, name)


def looks_binary(head: bytes) -> bool:
    """Whether a file that begins like this is no text in any encoding."""
    if _is_marked(head) or _wide_encoding(head):
        return False
    return head.startswith(_BINARY_HEADS) or _control_share(head) > 0.1


def _is_marked(data: bytes) -> bool:
    """Whether a byte-order mark says that it is text."""
    return data.startswith(tuple(mark for mark, _ in _MARKS))


def _decode_narrow(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        # A cut inside the last character; anything earlier is another encoding.
        if error.start >= len(data) - 3 and error.reason == "unexpected end of data":
            return data[: error.start].decode("utf-8")
    high = sum(byte >= 0x80 for byte in data)
    if high <= 0.2 * len(data):
        return data.decode("cp1252", errors="ignore") if _fits_cp1252(data) else data.decode("latin-1")
    best = from_bytes(data).best()
    if best is None:
        raise UnreadableFile(name, "undecodable", "no text encoding explains its bytes; save it as UTF-8")
    return str(best)


def _fits_cp1252(data: bytes) -> bool:
    """Bytes 0x80 to 0x9f are letters and quotes in Windows-1252 and control characters in Latin-1."""
    return not any(byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D) for byte in data)


def _wide_encoding(data: bytes) -> str:
    """UTF-16 without a mark: nearly every second byte is NUL."""
    head = data[:4096]
    half = len(head) // 2
    if half < 8:
        return ""
    if head[1::2].count(0) > 0.7 * half and head[0::2].count(0) < 0.1 * half:
        return "utf-16-le"
    if head[0::2].count(0) > 0.7 * half and head[1::2].count(0) < 0.1 * half:
        return "utf-16-be"
    return ""


def _control_share(data: bytes) -> float:
    head = data[:65536]
    if not head:
        return 0.0
    return sum(byte < 32 and byte not in _TEXT_CONTROLS for byte in head) / len(head)
