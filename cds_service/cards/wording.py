"""What stands on every card of a service, and how long its parts may be."""

from dataclasses import dataclass, field

from cds_service.cards.escaping import BREAK, bare
from cds_service.cards.style import CardStyle
from models.prediction import ModelIdentity

LONGEST_SUMMARY = 139
LONGEST_DETAIL = 1500
LONGEST_LABEL = 139
"""Of a suggestion; CDS Hooks sets no limit, EHRs show labels on buttons (assumption)."""
LONGEST_DESCRIPTION = 255
"""Of an action (assumption)."""


@dataclass(frozen=True)
class Wording:
    """What stands on every card of a service: its address, its mode, its model, its language and dates."""

    base_url: str
    mode: str
    model: ModelIdentity
    style: CardStyle = field(default_factory=CardStyle)

    @property
    def simulated(self) -> bool:
        """True while the model is trained on simulated patients."""
        return self.model.training_population == "simulated"

    @property
    def banner(self) -> str | None:
        """What a mode that is not production says first, in Markdown."""
        say = self.style.language.say
        return None if self.mode == "production" else f"**{say(f'{self.mode}_mode')}**: {say('not_for_care')}"

    @property
    def caution(self) -> str | None:
        """What a number of a model trained on simulated patients is worth, in Markdown."""
        say = self.style.language.say
        return f"**{say('simulated_model')}**: {say('simulated_meaning')}" if self.simulated else None


def percent(probability: float) -> str:
    """``0.456`` -> ``46 %``; never 0 or 100."""
    points = round(probability * 100)
    return "<1 %" if points < 1 else (">99 %" if points > 99 else f"{points} %")


def shortened(text: str, longest: int = LONGEST_SUMMARY) -> str:
    """Plain text without markup, at most so many UTF-16 units, as EHRs count them, cut at a word."""
    line = bare(text)
    if _units(line) <= longest:
        return line
    words: list[str] = []
    for word in line.split(" "):
        if _units(" ".join([*words, word])) > longest - 1:
            break
        words.append(word)
    return (" ".join(words) if words else line[: (longest - 1) // 2].rstrip(BREAK)) + "…"


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
