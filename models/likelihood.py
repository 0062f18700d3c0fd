"""How well hazards explain what was charted: interval-censored END, competing events, censoring.

Competing events keep a stay END-free through 168 h (a subdistribution hazard in the manner of
Fine and Gray, possible in full because the censoring times are known), so that 1 - S is a
cumulative incidence.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

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


def log_likelihood_of(begin: Tensor, clear: Tensor, stop: Tensor, event: Tensor) -> Tensor:
    """Log P(row | END-free at as_of) from cumulative hazards at as_of, ``after`` and ``until``, all [B].

    With a = H(after) - H(start) and b = H(until) - H(after): S(L) - S(R) = exp(-a) (1 - exp(-b)).
    """
    happened = torch.log(-torch.expm1(-(stop - clear).clamp_min(SMALLEST)))
    return torch.where(event, begin - clear + happened, begin - stop)
