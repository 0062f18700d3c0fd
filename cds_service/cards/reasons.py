"""What a card says the figure is associated with: the strongest contributions."""

from collections.abc import Mapping, Sequence
from datetime import tzinfo

from cds_service.cards.escaping import plain, quoted
from cds_service.cards.style import CardStyle
from cds_service.cards.wording import percent
from cds_service.conclude import Conclusion
from fhir_mappings.inputs import Feature, ModelInputs
from models.prediction import Contribution

SMALLEST = 0.005
"""A reason that moves the risk by less than half a percentage point is not shown (assumption)."""

LONGEST_SOURCE = 40

_NIHSS = ("nihss_baseline", "nihss_latest", "nihss_change", "nihss_motor", "nihss_course")
"""One examination and the one before it: the change is their difference, so that weights fall to any of them."""

_Group = Sequence[Contribution]


def reasons(conclusion: Conclusion, style: CardStyle, zone: tzinfo | None, most: int) -> str | None:
    """The strongest contributions, as associations with the model's figure; None where there is no figure.

    What the NIHSS scores contribute is one reason, and so is all that was not charted.
    """
    prediction, inputs = conclusion.prediction, conclusion.inputs
    if prediction is None or inputs is None or most <= 0:
        return None
    ranked = [one for one in _grouped(prediction.contributions) if abs(_points(one)) >= SMALLEST]
    features = {feature.name: feature for feature in inputs.features}
    lines = [_reason(one, features, inputs, style, zone) for one in ranked[:most]]
    average = style.language.say("average", reference=percent(prediction.reference))
    return "\n".join([f"**{style.language.say('associated')}** ({average})", *lines]) if lines else None


def _grouped(contributions: _Group) -> list[_Group]:
    """The NIHSS, what is missing, and each other contribution alone; the strongest first."""
    missing = [one for one in contributions if one.missing]
    nihss = [one for one in contributions if one.feature in _NIHSS and not one.missing]
    others = [[one] for one in contributions if one.feature not in _NIHSS and not one.missing]
    return sorted([group for group in (nihss, missing, *others) if group], key=lambda group: -abs(_points(group)))


def _points(group: _Group) -> float:
    return sum(one.risk_points for one in group)


def _reason(
    group: _Group, features: Mapping[str, Feature], inputs: ModelInputs, style: CardStyle, zone: tzinfo | None
) -> str:
    """One line: direction, input with value and time or sentence, and where the effect comes from."""
    first = group[0]
    if first.missing:
        said = _missing(group, features, style)
    elif first.feature in _NIHSS:
        first = next((one for one in group if one.feature == _NIHSS[0]), first)
        said = _nihss(features, style, zone) or _alone(first, features, inputs, style, zone)
    else:
        said = _alone(first, features, inputs, style, zone)
    source = plain(style.language.label(first.source), LONGEST_SOURCE)
    return f"- {style.language.say('higher' if _points(group) > 0 else 'lower', input=f'{said} ({source})')}"


def _missing(group: _Group, features: Mapping[str, Feature], style: CardStyle) -> str:
    """How many inputs are not there; which ones the section on the data says."""
    count = sum(one.feature in features for one in group)
    return style.language.say("inputs_missing_one" if count == 1 else "inputs_missing_other", count=count)


def _nihss(features: Mapping[str, Feature], style: CardStyle, zone: tzinfo | None) -> str | None:
    """The latest score beside that of arrival; None unless both were charted, one after the other."""
    first, latest = features.get("nihss_baseline"), features.get("nihss_latest")
    if not first or not latest or first.value is None or latest.value is None or latest.effective is None:
        return None
    if first.effective == latest.effective:
        return None
    scores = {"latest": style.number(latest.value), "baseline": style.number(first.value)}
    return style.language.say("nihss_and_baseline", **scores, time=style.clock(latest.effective, zone))


def _alone(
    one: Contribution, features: Mapping[str, Feature], inputs: ModelInputs, style: CardStyle, zone: tzinfo | None
) -> str:
    """One input with its value and time, or with its sentence."""
    feature = features.get(one.feature)
    value = _shown(feature, style, zone) if feature else ""
    quote = "" if one.sentence is None else f": {quoted(inputs.sentences[one.sentence].text, 80)}"
    return f"{plain(style.language.label(one.label), 60)}{value}{quote}"


def _shown(feature: Feature, style: CardStyle, zone: tzinfo | None) -> str:
    """A value with unit and time, yes or no for a flag; nothing where it was not charted, which the label says."""
    if feature.value is None:
        return ""
    if feature.is_flag:
        return f": {style.language.say('yes' if feature.value else 'no')}"
    value = f" {style.number(feature.value)} {plain(style.language.label(feature.unit), 20)}".rstrip()
    return f"{value} ({style.clock(feature.effective, zone)})" if feature.effective else value
