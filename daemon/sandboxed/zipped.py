"""Archives: what is in a zip, and the bytes of one member, or of a gzip."""

import fnmatch
import io
import json
import re
import zipfile
import zlib
from typing import BinaryIO

from daemon.sandboxed.refusal import Unreadable, check_unpacking

_CHUNK = 1 << 20
_MARK = re.compile(rb'<(?:\w+:)?property\b[^>]*\bname="nightporter"[^>]*>\s*<(?:\w+:)?lpwstr>([\w.-]+)<')


def members(source: BinaryIO, sink: BinaryIO, limits: dict[str, int]) -> None:
    """Write the names of a zip's files as a JSON list."""
    with _opened(source, limits) as zipped:
        sink.write(json.dumps([entry.filename for entry in _files(zipped)]).encode())


def mark(source: BinaryIO, sink: BinaryIO, limits: dict[str, int]) -> None:
    """Write the value of the property `nightporter` of a workbook, as spreadsheet programs keep it, or nothing."""
    with _opened(source, limits) as zipped:
        entry = zipped.NameToInfo.get("docProps/custom.xml")
        if entry and entry.file_size <= _CHUNK and (found := _MARK.search(zipped.read(entry))):
            sink.write(found[1])


def unzip(source: BinaryIO, sink: BinaryIO, limits: dict[str, int], member: str | None) -> None:
    """Write the bytes of the member of a zip that is named, as it is or by a pattern, or of the only one."""
    with _opened(source, limits) as zipped:
        files = _files(zipped)
        meant = matching([entry.filename for entry in files], member)
        wanted = [entry for entry in files if entry.filename in meant]
        if len(wanted) != 1:
            said = "zip_holds" if member is None else "zip_holds_named"
            names = ", ".join(entry.filename for entry in files[:10])
            raise Unreadable("member_unclear", said, count=len(wanted), member=member or "", names=names)
        if wanted[0].flag_bits & 1:
            raise Unreadable("unreadable", "locked", name=wanted[0].filename)
        with zipped.open(wanted[0]) as file:
            while chunk := file.read(_CHUNK):
                sink.write(chunk)


def matching(names: list[str], member: str | None) -> list[str]:
    """Of the names in a zip those that are meant: the very one, or all that fit the pattern; all when nothing is said."""
    if member is None:
        return names
    return [member] if member in names else [name for name in names if fnmatch.fnmatchcase(name, member)]


def gunzip(source: BinaryIO, sink: BinaryIO, limits: dict[str, int]) -> None:
    """Write the bytes of a gzip, all its parts one after the other."""
    packed = unpacked = 0
    decoder, rest = zlib.decompressobj(wbits=31), b""
    while True:
        if not rest:
            rest = source.read(_CHUNK)
            packed += len(rest)
        if decoder.eof and rest:
            rest = rest.lstrip(b"\0")  # padding between and behind the parts
            if not rest:
                continue
        if not rest:
            break
        if decoder.eof:
            decoder = zlib.decompressobj(wbits=31)
        chunk = decoder.decompress(rest, _CHUNK)
        rest = decoder.unconsumed_tail or decoder.unused_data
        unpacked += len(chunk)
        check_unpacking(packed, unpacked, limits)
        sink.write(chunk)
    while chunk := decoder.decompress(decoder.unconsumed_tail, _CHUNK):
        unpacked += len(chunk)
        check_unpacking(packed, unpacked, limits)
        sink.write(chunk)
    if not decoder.eof:
        raise Unreadable("unreadable", "gzip_cut_short")


def _opened(source: BinaryIO, limits: dict[str, int]) -> zipfile.ZipFile:
    content = source.read()
    try:
        zipped = zipfile.ZipFile(io.BytesIO(content))
    except zipfile.BadZipFile as error:
        raise Unreadable("unreadable", "plain", text=str(error)) from error
    check_entries(zipped, len(content), limits)
    return zipped


def check_entries(zipped: zipfile.ZipFile, size: int, limits: dict[str, int]) -> None:
    """Raise Unreadable for a zip with too many entries, or that says it unpacks to too much."""
    if len(zipped.infolist()) > limits["entries"]:
        raise Unreadable("unreadable", "zip_entries", entries=limits["entries"])
    check_unpacking(size, sum(entry.file_size for entry in zipped.infolist()), limits)


def _files(zipped: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The files that are somebody's: no folders, nothing that a Mac adds."""
    return [
        entry
        for entry in zipped.infolist()
        if not entry.is_dir() and not entry.filename.startswith("__MACOSX/") and not entry.filename.split("/")[-1].startswith(".")
    ]
