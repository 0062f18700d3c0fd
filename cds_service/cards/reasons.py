"""What a card says the figure is associated with: the strongest contributions."""

from collections.abc import Mapping
from datetime import tzinfo

from cds_service.cards.escaping import plain, quoted
from cds_service.cards.style import CardStyle
from cds_service.conclude import Conclusion
from fhir_mappings.inputs import Feature, ModelInputs
from models.prediction import Contribution


def reasons(conclusion: Conclusion, style: CardStyle, zone: tzinfo | None, most: int) -> str | None:
    """The strongest contributions, as associations with the model's figure; None where there is no figure."""
    if conclusion.prediction is None or conclusion.inputs is None or most <= 0:
        return None
    ranked = sorted(conclusion.prediction.contributions, key=lambda one: -abs(one.risk_points))
    features = {feature.name: feature for feature in conclusion.inputs.features}
    lines = [_reason(one, features, conclusion.inputs, style, zone) for one in ranked[:most]]
    return "\n".join([f"**{style.language.say('associated')}**", *lines])


def _reason(
    one: Contribution, features: Mapping[str, Feature], inputs: ModelInputs, style: CardStyle, zone: tzinfo | None
) -> str:
    """One line: direction, input with value and time or sentence, and where the effect comes from."""
    feature = features.get(one.feature)
    label = plain(style.language.label(one.label), 60)
    value = _shown(feature, style, zone) if feature else ""
    quote = "" if one.sentence is None else f": {quoted(inputs.sentences[one.sentence].text, 80)}"
    source = plain(style.language.label(one.source), 40)
    key = "higher" if one.risk_points > 0 else "lower"
    return f"- {style.language.say(key, input=f'{label}{value}{quote} ({source})')}"


def _shown(feature: Feature, style: CardStyle, zone: tzinfo | None) -> str:
    """A value with unit and time, yes or no for a flag; nothing where it was not charted, which the label says."""
    if feature.value is None:
        return ""
    if feature.is_flag:
        return f": {style.language.say('yes' if feature.value else 'no')}"
    value = f" {style.number(feature.value)} {plain(style.language.label(feature.unit), 20)}".rstrip()
    return f"{value} ({style.clock(feature.effective, zone)})" if feature.effective else value
