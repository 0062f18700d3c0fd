"""How well hazards explain what was charted: interval-censored END, competing events, censoring.

Competing events keep a stay END-free through 168 h (a subdistribution hazard in the manner of
Fine and Gray, possible in full because the censoring times are known), so that 1 - S is a
cumulative incidence.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from models.net import cumulative_hazard

SMALLEST = 1e-6  # of hazard between two examinations: keeps the logarithm finite


@dataclass(frozen=True)
class Targets:
    """What is known of B rows, hours after arrival.

    END lies in (``after``, ``until``] where ``event``; else the row is known to be END-free up to
    ``until`` (168 after a competing event, the last adequate score where censored).
    """

    start: Tensor  # [B] as_of
    after: Tensor  # [B] last clear score, not before as_of
    until: Tensor  # [B]
    event: Tensor  # [B] bool


def negative_log_likelihood(logits: Tensor, targets: Targets) -> Tensor:
    """-log P(row | END-free at as_of) for logits [..., B, 5]: shape [..., B].

    With a = H(after) - H(start) and b = H(until) - H(after): S(L) - S(R) = exp(-a) (1 - exp(-b)).
    """
    begin = cumulative_hazard(logits, targets.start)
    clear = cumulative_hazard(logits, targets.after)
    stop = cumulative_hazard(logits, targets.until)
    happened = torch.log(-torch.expm1(-(stop - clear).clamp_min(SMALLEST)))
    return torch.where(targets.event, clear - begin - happened, stop - begin)
