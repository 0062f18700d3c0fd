"""How numbers, times and quoted text stand on a card."""

import re
from dataclasses import dataclass
from datetime import datetime, tzinfo

from models.prediction import ModelIdentity

LONGEST_SUMMARY = 139
LONGEST_DETAIL = 1500
SIMULATED = (
    "**Simulated model**: trained on simulated patients, never validated on real ones. "
    "Its figures say nothing about real patients."
)
NO_REASSURANCE = "Not flagged, which is no reassurance."
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~])")


@dataclass(frozen=True)
class Wording:
    """What stands on every card of a service: its address, its mode, its model."""

    base_url: str
    mode: str
    model: ModelIdentity

    @property
    def simulated(self) -> bool:
        """True while the model is trained on simulated patients."""
        return self.model.training_population == "simulated"

    @property
    def banner(self) -> str | None:
        """What a mode that is not production says first."""
        return None if self.mode == "production" else f"**{self.mode.capitalize()} mode**: not for patient care."


def percent(probability: float) -> str:
    """``0.456`` -> ``46 %``; never 0 or 100."""
    points = round(probability * 100)
    return "<1 %" if points < 1 else (">99 %" if points > 99 else f"{points} %")


def clock(moment: datetime, zone: tzinfo | None) -> str:
    """``Thu 14:00`` in the zone of the patient's chart."""
    return f"{moment.astimezone(zone):%a %H:%M}"


def number(value: float) -> str:
    """A value as a clinician writes it: at most three significant digits beyond the point."""
    return f"{value:.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def plain(text: str, longest: int = 160) -> str:
    """Text of a report or a chart as harmless Markdown: one line, no markup, links or HTML."""
    line = re.sub(r"\s+", " ", text).strip()
    if len(line) > longest:
        line = f"{line[: longest - 1].rstrip()}…"
    return _MARKDOWN.sub(r"\\\1", line).replace("://", ":\u200b//")


def shortened(text: str, longest: int = LONGEST_SUMMARY) -> str:
    """At most so many UTF-16 units, as EHRs count them, cut at a word."""
    if _units(text) <= longest:
        return text
    words: list[str] = []
    for word in text.split(" "):
        if _units(" ".join([*words, word])) > longest - 1:
            break
        words.append(word)
    return " ".join(words) + "…" if words else text[: longest // 2]


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
