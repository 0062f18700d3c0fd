"""Why an attachment is not read, in words for a card: the kind of failure, never what the attachment holds."""

from enum import IntEnum


class UnreadableText(ValueError):
    """The attachment holds no text that is read; says why."""


class Failure(IntEnum):
    """Why a document was not read, as the exit status of the process that read it."""

    MALFORMED = 10
    ENCRYPTED = 11
    NO_TEXT = 12
    TOO_MANY_PAGES = 13
    TOO_LONG = 14
    OUT_OF_MEMORY = 15
    STRUCK_TEXT = 16

    @property
    def words(self) -> str:
        """The failure in a few words."""
        return _WORDS[self]


_WORDS = {
    Failure.MALFORMED: "its file is damaged or of another type",
    Failure.ENCRYPTED: "its file is encrypted",
    Failure.NO_TEXT: "no text layer",
    Failure.TOO_MANY_PAGES: "it has too many pages",
    Failure.TOO_LONG: "its text is too long",
    Failure.OUT_OF_MEMORY: "it needs too much memory",
    Failure.STRUCK_TEXT: "it holds text that was struck out",
}


class UnreadableDocument(UnreadableText):
    """A document that a parser was given, with the kind of failure."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.words)
        self.failure = failure
