"""PDF and RTF files for tests, written by hand so that their bytes are known."""

import zlib
from collections.abc import Sequence
from io import BytesIO

from pypdf import PdfReader, PdfWriter


def pdf_of(*pages: Sequence[str], compressed: bool = True) -> bytes:
    """A PDF with these lines on its pages, in Helvetica."""
    contents = [
        b"BT /F1 11 Tf 14 TL 50 800 Td " + b" ".join(b"(%s) Tj T*" % _escaped(line) for line in page) + b" ET"
        for page in pages
    ]
    return pdf_with(*contents, compressed=compressed)


def pdf_with(*contents: bytes, compressed: bool = True) -> bytes:
    """A PDF whose pages have these content streams."""
    first = 4
    kids = b" ".join(b"%d 0 R" % (first + 2 * number) for number in range(len(contents)))
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, len(contents)),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
    ]
    for number, content in enumerate(contents):
        data = zlib.compress(content, 9) if compressed else content
        filtered = b"/Filter/FlateDecode" if compressed else b""
        objects += [
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F1 3 0 R>>>>/Contents %d 0 R>>"
            % (first + 2 * number + 1),
            b"<</Length %d%s>>\nstream\n%s\nendstream" % (len(data), filtered, data),
        ]
    return _file(objects)


def _file(objects: Sequence[bytes]) -> bytes:
    """The objects with their table of places."""
    body, places = b"%PDF-1.4\n", []
    for number, one in enumerate(objects, start=1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    return body + b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (
        size, table, size, len(body),
    )  # fmt: skip


def _escaped(line: str) -> bytes:
    return line.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)").encode("cp1252")


def encrypted(pdf: bytes, password: str) -> bytes:
    """The PDF, to be opened with this password; an empty one only locks it against changes."""
    writer = PdfWriter(clone_from=PdfReader(BytesIO(pdf)))
    writer.encrypt(user_password=password, owner_password="owner", algorithm="AES-256")
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


def rtf_of(*lines: str) -> bytes:
    """A Rich Text file as word processors write it, with fonts, a style and a bold first line."""
    coded = ["".join(c if c.isascii() else f"\\u{ord(c)}?" for c in line) for line in lines]
    return (
        r"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\fswiss\fcharset0 Arial;}}{\stylesheet{\s0 Normal;}}"
        r"{\*\generator Editor 1.0;}\pard\f0\fs20\b " + coded[0] + r"\b0\par " + r"\par ".join(coded[1:]) + "}"
    ).encode("ascii")
