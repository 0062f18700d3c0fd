"""How a report is laid out: its headings and the order and joints of its sections, from ``phrases/layout.toml``."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from models.simulation.statements import PHRASES
from models.simulation.world import World

_SECTIONS = ("history", "technique", "comparison", "findings", "impression")


@dataclass(frozen=True)
class Style:
    """One layout; a section without a heading entry is left out."""

    id: str
    voices: tuple[str, ...]
    headings: Mapping[str, str]
    joint: str
    numbered: bool = False
    lines: bool = False
    capitals: bool = False

    def sentences(self, texts: Sequence[str]) -> str:
        """The findings, one after the other or one a line."""
        return "\n".join(f"- {text}" for text in texts) if self.lines else " ".join(texts)

    def conclusions(self, texts: Sequence[str]) -> str:
        """The lines of the impression."""
        return "\n".join(f"{n}. {text}" for n, text in enumerate(texts, 1)) if self.numbered else " ".join(texts)

    def report(self, sections: Mapping[str, str]) -> str:
        """The whole text; an empty section loses its heading as well."""
        shown = [self.headings[name] + sections[name] for name in _SECTIONS if name in self.headings and sections[name]]
        return self.joint.join(shown)

    def cased(self, text: str) -> str:
        """The text as this layout prints it."""
        return text.upper() if self.capitals else text


@dataclass(frozen=True)
class Layout:
    """The styles, the lines that both halves share, and the words of sides."""

    styles: tuple[Style, ...]
    comparison: tuple[str, ...]
    technique: Mapping[str, tuple[str, ...]]
    sides: frozenset[str]


def _style(row: Mapping[str, Any]) -> Style:
    headings = {name: row[name] for name in _SECTIONS if name in row}
    rest = {name: value for name, value in row.items() if name not in headings and name != "voices"}
    return Style(voices=tuple(row["voices"]), headings=headings, **rest)


@cache
def layout() -> Layout:
    """The layout file, which holds no phrase of either half."""
    table = tomllib.loads((PHRASES / "layout.toml").read_text("utf-8"))
    lines = table["lines"]
    return Layout(
        styles=tuple(_style(row) for row in table["style"]),
        comparison=tuple(lines["comparison"]),
        technique={scan: tuple(texts) for scan, texts in lines["technique"].items()},
        sides=frozenset(table["typos"]["sides"]),
    )


def draw_style(world: World, rng: np.random.Generator) -> Style:
    """One style by its weight: 1, or the world's setting ``style_<id>``."""
    styles = layout().styles
    weights = [world.settings.get(f"style_{style.id}", 1.0) for style in styles]
    left = rng.random() * sum(weights)
    for style, weight in zip(styles, weights, strict=True):
        left -= weight
        if left < 0:
            return style
    return styles[-1]
