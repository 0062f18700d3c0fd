"""How numbers and times stand on a card, and in which language: the site's choice."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import Literal

from cds_service.cards.language import Language, shipped

DateForm = Literal["weekday-24h", "weekday-12h", "day-month", "iso"]


_ONE_WEEKDAY = timedelta(days=6)
"""Within this time of the moment of the call a weekday is one day and no other."""


@dataclass(frozen=True)
class CardStyle:
    """A language and a form of dates; ``seen`` is the moment at which the card is read, where that is known."""

    language: Language = field(default_factory=lambda: shipped("en"))
    date_form: DateForm = "weekday-24h"
    seen: datetime | None = None

    def clock(self, moment: datetime, zone: tzinfo | None) -> str:
        """``Thu 14:00``, ``Thu 2:00 PM``, ``26 Nov 14:00`` or ``2026-11-26 14:00`` in the zone of the chart.

        Six days and more from where it is ``seen``, a weekday has its date: ``Thu 26 Nov 14:00``.
        """
        return self.day_and_time(moment.astimezone(zone))

    def day_and_time(self, moment: datetime) -> str:
        """The same in the moment's own zone."""
        if self.date_form == "iso":
            return f"{moment:%Y-%m-%d %H:%M}"
        time = self.time(moment)
        if self.date_form == "day-month":
            month = self.language.months[moment.month - 1]
            return self.language.say("day_month", day=moment.day, month=month, time=time)
        weekday = self.language.weekdays[moment.weekday()]
        if self.seen is None or abs(moment - self.seen) < _ONE_WEEKDAY:
            return f"{weekday} {time}"
        month = self.language.months[moment.month - 1]
        return self.language.say("weekday_day_month", weekday=weekday, day=moment.day, month=month, time=time)

    def time(self, moment: datetime) -> str:
        """``14:00`` or ``2:00 PM``, in the moment's own zone."""
        if self.date_form != "weekday-12h":
            return f"{moment:%H:%M}"
        half = self.language.say("am" if moment.hour < 12 else "pm")
        return self.language.say("time_12h", hour=moment.hour % 12 or 12, minute=f"{moment:%M}", half=half)

    def number(self, value: float) -> str:
        """A value as a clinician writes it: at most three significant digits beyond the point."""
        shown = f"{value:.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
        return shown.replace(".", self.language.decimal)
