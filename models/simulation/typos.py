"""Misspelt words: two letters swapped, one dropped or one doubled, at a set rate."""

import re

import numpy as np

_ELIGIBLE = re.compile(r"[A-Za-z][a-z]{3,}(?=[.,;:)?]*$)")


def _misspelt(word: str, rng: np.random.Generator) -> str:
    """The word with one slip after its first letter."""
    at, kind = 1 + int(rng.random() * (len(word) - 2)), int(rng.random() * 3)
    here, following = word[at], word[at + 1]
    if kind == 0 and here != following:
        return word[:at] + following + here + word[at + 2 :]
    return word[:at] + here * (2 if kind == 2 else 0) + word[at + 1 :]


def misspell(token: str, protected: frozenset[str], rng: np.random.Generator) -> str:
    """The token with a slip; unchanged where short, capital, with digits or hyphens, or protected before or after."""
    match = _ELIGIBLE.match(token)
    if match is None or match[0].lower() in protected:
        return token
    word = _misspelt(match[0], rng)
    return token if word.lower() in protected else word + token[match.end() :]


class Typos:
    """Misspells a share of the words that pass through it, one report's texts after another."""

    def __init__(self, share: float, protected: frozenset[str], rng: np.random.Generator) -> None:
        self._share, self._protected, self._rng = share, protected, rng
        self._ahead = self._words_until()

    def _words_until(self) -> int:
        """How many words are written before the next slip."""
        return int(self._rng.geometric(self._share)) - 1 if self._share > 0 else 1_000_000_000

    def write(self, text: str) -> str:
        """The text as it is typed."""
        words = text.count(" ") + 1
        if self._ahead >= words:
            self._ahead -= words
            return text
        tokens = text.split(" ")
        while self._ahead < words:
            tokens[self._ahead] = misspell(tokens[self._ahead], self._protected, self._rng)
            self._ahead += 1 + self._words_until()
        self._ahead -= words
        return " ".join(tokens)
