"""A trace's file as text: plain, or packed by gzip or bzip2, also a tar of one file."""

from __future__ import annotations

import bz2
import gzip
import tarfile
import zlib
from codecs import getincrementaldecoder
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Protocol

from fairlead.core.errors import BadInput

CHUNK = 1 << 20
MOST_BYTES = 16 << 30
"""Of unpacked text."""
MOST_LINE = 1 << 16
_TAR, _TAR_AT = b"ustar", 257
_ODD = {chr(code) for code in range(32)} - set("\t\n\r\f\v")


class _Bytes(Protocol):
    def read(self, size: int, /) -> bytes: ...


def chunks(path: Path) -> Iterator[str]:
    """Its text, in pieces. BadInput when it cannot be read or is no text."""
    try:
        with _unpacked(path) as stream:
            yield from _text(path, stream)
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        why = getattr(error, "strerror", None) or error
        raise BadInput(f"cannot read {path}: {why}") from error


def lines(path: Path, pieces: Iterator[str]) -> Iterator[str]:
    rest = ""
    for piece in pieces:
        *whole, rest = (rest + piece).split("\n")
        yield from whole
        if len(rest) > MOST_LINE:
            raise BadInput(f"{path}: a line is longer than {MOST_LINE:,} letters")
    if rest:
        yield rest


def words(path: Path, pieces: Iterator[str]) -> Iterator[str]:
    """What blanks, commas and ends of lines part."""
    rest = ""
    for piece in pieces:
        text = (rest + piece).replace(",", " ").replace(";", " ")
        found = text.split()
        rest = found.pop() if found and not text[-1].isspace() else ""
        yield from found
        if len(rest) > MOST_LINE:
            raise BadInput(f"{path}: a number is longer than {MOST_LINE:,} letters")
    if rest:
        yield rest


def _text(path: Path, stream: _Bytes) -> Iterator[str]:
    decoder = getincrementaldecoder("utf-8-sig")("replace")
    read = 0
    while data := stream.read(CHUNK):
        read += len(data)
        if read > MOST_BYTES:
            raise BadInput(f"{path} holds more than {MOST_BYTES >> 30} GiB: give a part of it")
        piece = decoder.decode(data).replace("\r\n", "\n").replace("\r", "\n")
        if not _ODD.isdisjoint(piece) or piece.count("\ufffd") > len(piece) // 10:
            raise BadInput(f"{path} is no text: expected counts, a CSV file or an access log")
        yield piece


@contextmanager
def _unpacked(path: Path) -> Iterator[_Bytes]:
    with path.open("rb") as file, _decompressed(file) as stream:
        head = stream.peek(512)[:512]
        if head[_TAR_AT:].startswith(_TAR):
            with tarfile.open(fileobj=stream, mode="r|") as packed:
                yield _only(path, packed)
        else:
            yield stream


def _decompressed(file: BufferedReader) -> BufferedReader | gzip.GzipFile | bz2.BZ2File:
    head = file.peek(3)[:3]
    if head.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=file)
    return bz2.BZ2File(file) if head == b"BZh" else file


def _only(path: Path, packed: tarfile.TarFile) -> _Bytes:
    """Its first file: in a stream, nothing tells of those behind it before it is read."""
    for member in packed:
        stream = packed.extractfile(member) if member.isfile() else None
        if stream is not None:
            return stream
    raise BadInput(f"{path} is an archive without a file")
