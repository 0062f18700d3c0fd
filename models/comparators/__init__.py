"""Simple opponents of the network: trained on the same rows, tuned inside the training rows only."""

from collections.abc import Mapping

from models.comparators.boosting import gradient_boosting
from models.comparators.concat_fusion import concat_fusion
from models.comparators.fitted import Comparator, Fitted
from models.comparators.gong import gong_linear_predictor
from models.comparators.linear import Ridge

__all__ = ["COMPARATORS", "Comparator", "Fitted"]

COMPARATORS: Mapping[str, Comparator] = {
    "time only": Ridge(()),
    "structured only": Ridge(("structured",)),
    "findings only": Ridge(("findings",)),
    "text only": Ridge(("text",)),
    "logistic regression": Ridge(("structured", "findings")),
    "gradient boosting": gradient_boosting,
    "Concat-Fusion": concat_fusion,
    "Gong linear predictor": gong_linear_predictor,
}
"""By the name that reports show. "text" is the document embedding; "findings" are read by the rules."""
