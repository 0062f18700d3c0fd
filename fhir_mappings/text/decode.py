"""Bytes and FHIR strings to plain text with its headings and line breaks."""

import codecs
import html
import re

from fhir_mappings.text.extract import LIMITS, extracted
from fhir_mappings.text.page import text_of_page
from fhir_mappings.text.unreadable import UnreadableText
from fhir_mappings.text.worker import PDF, RTF, Limits

__all__ = ["UnreadableText", "content_kind", "needs_worker", "text_in", "text_of"]

_PLAIN, _HTML = "text/plain", "text/html"
_KINDS = {
    _PLAIN: _PLAIN, _HTML: _HTML, "application/xhtml+xml": _HTML, PDF: PDF, "application/x-pdf": PDF,
    RTF: RTF, "text/rtf": RTF, "application/x-rtf": RTF, "text/richtext": RTF,
}  # fmt: skip
_SAYS_NOTHING = frozenset({"", "application/octet-stream", "binary/octet-stream"})

_TAGS = r"!doctype html|(?:html|body|div|p|span|table|pre|h[1-6]|b|br)\b"
_MARKUP = re.compile(rf"\s*(?:<\?xml[^>]*>\s*)?<(?:{_TAGS})", re.IGNORECASE)
_CLOSING = re.compile(r"</(?:a|b|del|div|em|font|h[1-6]|i|li|ol|p|pre|s|span|strike|strong|table|u|ul)>", re.IGNORECASE)
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.ASCII | re.IGNORECASE)
_ENCODING = re.compile(rb"(?:<meta[^>]{0,200}charset|<\?xml[^>]{0,200}encoding)\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_BYTE_ORDER = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_CODECS = re.compile(
    r"utf-?(?:8|16)(?:-sig|-le|-be)?|ascii|iso8859-\d+|cp\d+|mac-roman|koi8-r|gb2312|gbk|gb18030|big5|shift_jis|euc_\w+"
)
"""Python's codecs that are character sets; others of its names decompress or evaluate."""
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")


def text_of(content_type: str | None, data: bytes, limits: Limits = LIMITS) -> str:
    """The text of one attachment: plain text, HTML, XHTML, RTF or PDF. Raises `UnreadableText`.

    A document that is too large or too long is refused whole: a report cut short lacks its impression.
    """
    if len(data) > limits.bytes_in:
        raise UnreadableText("it is too large")
    kind = content_kind(content_type, data)
    if kind in (PDF, RTF):
        return _tidy(extracted(kind, data, limits))
    if kind not in (_PLAIN, _HTML):
        raise UnreadableText(f"content type {kind[:40] or 'unknown'} is not read")
    text = _decoded(data, _CHARSET.search(content_type or ""))
    return _bounded(text_of_page(text) if kind == _HTML else _without_tags(text), limits)


def text_in(value: str, limits: Limits = LIMITS) -> str:
    """The text of a FHIR string, which some servers fill with HTML or RTF. Raises `UnreadableText`."""
    if value.lstrip().startswith("{\\rtf"):
        return text_of(RTF, value.encode("cp1252", "replace"), limits)
    if len(value) > limits.bytes_in:
        raise UnreadableText("it is too large")
    return _bounded(_without_tags(value), limits)


def _bounded(text: str, limits: Limits) -> str:
    if len(text) > limits.characters:
        raise UnreadableText("its text is too long")
    return _tidy(text)


def _without_tags(text: str) -> str:
    """The text as a reader sees it, where it is a page all the same, or plain lines with tags among them."""
    if _MARKUP.match(text):
        return text_of_page(text)
    return text_of_page(f"<pre>{text}") if _CLOSING.search(text) else text


def content_kind(content_type: str | None, data: bytes) -> str:
    """The media type as it is read here; by the first bytes where it is absent, or said to be plain.

    What is none of ours comes back as it was declared, in lower case.
    """
    declared = (content_type or "").split(";", maxsplit=1)[0].strip().lower()
    if declared in _SAYS_NOTHING or declared == _PLAIN:
        return _by_first_bytes(data)
    return _KINDS.get(declared, declared)


def needs_worker(content_type: str | None, data: bytes) -> bool:
    """True where reading costs a process of its own."""
    return content_kind(content_type, data) in (PDF, RTF)


def _by_first_bytes(data: bytes) -> str:
    start = data[:200].removeprefix(codecs.BOM_UTF8).lstrip()
    if start.startswith(b"%PDF-"):
        return PDF
    if start.startswith(b"{\\rtf"):
        return RTF
    return _HTML if _MARKUP.match(start.decode("latin-1")) else _PLAIN


def _decoded(data: bytes, declared: re.Match[str] | None) -> str:
    """By byte order mark, else the declared character set, else UTF-8, the page's own, or Windows-1252."""
    marked = next((name for mark, name in _BYTE_ORDER if data.startswith(mark)), None)
    for name in [marked] if marked else _character_sets(data, declared):
        try:
            text = data.decode(name)
        except UnicodeDecodeError:
            continue
        if "\0" in text or 50 * len(_CONTROL.findall(text)) > len(text):
            raise UnreadableText("its bytes are no text")
        return text
    raise UnreadableText("its character set is not read")


def _character_sets(data: bytes, declared: re.Match[str] | None) -> list[str]:
    if declared:
        return _codec(declared[1])
    if wide := _without_mark(data):
        return [wide]
    own = _ENCODING.search(data[:1024])
    return ["utf-8", *(_codec(own[1].decode()) if own else ()), "cp1252"]


def _codec(name: str) -> list[str]:
    """Python's names for a character set, likeliest first; none where it is not read.

    "Latin-1" is read as Windows-1252 where it can be, as browsers do (WHATWG Encoding Standard).
    """
    try:
        known = codecs.lookup(name).name
    except LookupError:
        return []
    if known == "iso8859-1":
        return ["cp1252", "latin-1"]
    return [known] if _CODECS.fullmatch(known) else []


def _without_mark(data: bytes) -> str | None:
    """UTF-16 without its mark: every second byte of mostly Latin text is zero."""
    for name, zeros, others in (("utf-16-le", data[1::2], data[::2]), ("utf-16-be", data[::2], data[1::2])):
        if len(data) >= 4 and 2 * zeros.count(0) > len(zeros) and 0 not in others:
            return name
    return None


_BREAK = re.compile(r"\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]|<br\s*/?>", re.IGNORECASE)
_HL7_BREAK = re.compile(r"\\(?:\.br|\.sp\+?\d*|\.ce|X0D0A|X0D|X0A)\\", re.IGNORECASE)
_HL7_STYLE = re.compile(r"\\(?:H|N|\.in[+-]?\d*|\.ti[+-]?\d*|\.fi|\.nf|\.sk\+?\d*)\\", re.IGNORECASE)
_HL7_SIGNS = {"\\F\\": "|", "\\S\\": "^", "\\T\\": "&", "\\R\\": "~", "\\E\\": "\\"}
_HL7_SIGN = re.compile(r"\\[FSTRE]\\")
_ENTITY = re.compile(r"&(?:lt|gt|amp|quot|apos|nbsp|#\d{1,6}|#x[0-9a-f]{1,5});", re.IGNORECASE)
_TWICE = {"\\r\\n": "\n", "\\n": "\n", "\\r": "\n", "\\t": " "}
_TWICE_ESCAPED = re.compile(r"\\r\\n|\\[nrt]")
_UNSEEN = dict.fromkeys([0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF])
_SIGNS = {0x2010: "-", 0x2011: "-", 0xFB00: "ff", 0xFB01: "fi", 0xFB02: "fl", 0xFB03: "ffi", 0xFB04: "ffl"}
_BLANKS = re.compile(r"[ \t\u00a0\u2000-\u200a\u202f]+")


def _tidy(text: str) -> str:
    """Line breaks as such, however they were written; runs of blanks as one; nothing that is not seen."""
    text = _ENTITY.sub(lambda found: html.unescape(found[0]), text)
    if "\\n" in text:  # escaped twice on its way
        text = _TWICE_ESCAPED.sub(lambda found: _TWICE[found[0]], text)
    text = _HL7_STYLE.sub("", _HL7_BREAK.sub("\n", text))  # HL7 v2.5.1, 2.7
    text = _HL7_SIGN.sub(lambda found: _HL7_SIGNS[found[0]], text)
    text = _CONTROL.sub("", _BREAK.sub("\n", text)).translate(_UNSEEN | _SIGNS)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(_BLANKS.sub(" ", line).strip() for line in text.split("\n"))).strip()
