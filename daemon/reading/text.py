"""A text file as blocks of whole lines, whatever its encoding and line ends, streamed."""

import codecs
import re
from collections.abc import Iterator
from pathlib import Path

from daemon.errors import FileRefused, Refusal
from daemon.profiles import Format
from daemon.reading import encoding
from daemon.reading.source import open_bytes
from daemon.reading.weighing import WhatElse

_BLOCK = 4 << 20
_LONGEST_LINE = 64 << 20
_HEAD = 1 << 18
_LONE = re.compile(rb"\r(?!\n)")
_NEXT_LINE = "\x85"
"""The line end of EBCDIC; in other encodings that are not plain it ends a line as well."""


def _parts_lines(chunk: bytes) -> bool:
    """Whether a carriage return alone ends lines, as on old Macintoshes, or in a file put together of several: then one stands
    outside of quotes.
    """
    lone = _LONE.search(chunk.replace(b"\r\r\n", b"\r\n"))
    return lone is not None and chunk.count(b'"', 0, lone.start()) % 2 == 0


class Text:
    """The lines of a text file, in bytes of `codec`: a superset of ASCII, with line feeds at their ends."""

    def __init__(self, path: Path, format: Format, clues: WhatElse) -> None:
        self._path = path
        self.encoding = self._find_encoding(format, clues)
        """The file's own encoding, as Python names it."""
        self._plain = encoding.is_plain(self.encoding)
        self.codec = self.encoding if self._plain else "utf-8"
        self.final_newline: bool | None = None
        """Whether the last line has a line end; known when all chunks were read. The end-of-file mark of DOS is no line."""

    def head(self) -> list[bytes]:
        """The first lines. Raises FileRefused when there are none."""
        head = next(self._chunks(), b"")[:_HEAD]
        if not head.strip():
            raise FileRefused(Refusal.EMPTY, "nothing_in_file")
        lines = head.split(b"\n")
        if len(lines) == 1 and len(head) == _HEAD:
            raise FileRefused(Refusal.SHAPE_UNCLEAR, "first_line_too_long", kib=_HEAD >> 10)
        return lines if len(head) < _HEAD and lines[-1] else lines[:-1] or lines

    def blocks(self, above: int) -> Iterator[tuple[bytes, bool]]:
        """The lines below the first `above`, about 4 MiB of whole lines at a time, and whether they are the last."""
        rest = b""
        for chunk in self._chunks():
            whole, feed, rest_of_chunk = chunk.rpartition(b"\n")
            if not feed:
                rest += chunk
                if len(rest) > _LONGEST_LINE:
                    raise FileRefused(Refusal.SHAPE_UNCLEAR, "line_too_long", mib=_LONGEST_LINE >> 20)
                continue
            block, rest = rest + whole + feed, rest_of_chunk
            while above and block:
                block, above = block[block.index(b"\n") + 1 :], above - 1
            if block:
                yield block, False
        if not above:
            yield (rest + b"\n" if rest else b""), True

    def _find_encoding(self, format: Format, clues: WhatElse) -> str:
        with open_bytes(self._path) as file:
            head = file.read(1 << 12)
        if mark := encoding.byte_order_mark(head[:4]):
            return mark[0]
        if format.encoding:
            return encoding.declared(format.encoding, head)
        with open_bytes(self._path) as file:
            return encoding.detect(iter(lambda: file.read(_BLOCK), b""), format.language, clues)

    def _chunks(self) -> Iterator[bytes]:
        """The file without its byte order mark, old Macintosh line ends made line feeds."""
        with open_bytes(self._path) as file:
            chunk = file.read(_BLOCK)
            if mark := encoding.byte_order_mark(chunk[:4]):
                chunk = chunk[mark[1] :]
            decoder = None if self._plain else codecs.getincrementaldecoder(self.encoding)()
            apart, line = _parts_lines(chunk), 1
            while chunk:
                while chunk.endswith(b"\r") and (more := file.read(1)):  # a line end is not taken in halves
                    chunk += more
                if decoder:
                    chunk = self._narrow(decoder, chunk, line)
                    line += chunk.count(b"\n")
                if end := chunk.rstrip(b"\x1a\0"):
                    self.final_newline = end.endswith((b"\n", b"\r"))
                chunk = chunk.replace(b"\r\r\n", b"\r\n")
                yield _LONE.sub(b"\n", chunk) if apart else chunk
                chunk = file.read(_BLOCK)
            if decoder:
                self._narrow(decoder, b"", line, final=True)

    def _narrow(self, decoder: codecs.IncrementalDecoder, chunk: bytes, line: int, *, final: bool = False) -> bytes:
        """A chunk that begins on `line` as UTF-8."""
        try:
            return decoder.decode(chunk, final).replace(_NEXT_LINE, "\n").encode()
        except UnicodeDecodeError as error:
            line += error.object[: error.start].decode(self.encoding, "replace").count("\n")
            byte = f"{error.object[error.start]:02X}"
            raise FileRefused(
                Refusal.ENCODING_UNKNOWN, "not_in_encoding", line=line, byte=byte, encoding=self.encoding
            ) from error
        except UnicodeEncodeError as error:
            line += error.object[: error.start].count("\n")
            raise FileRefused(Refusal.ENCODING_UNKNOWN, "half_a_character", line=line) from error
