"""Whether a part of the network earns its place: held-out stays must gain more than chance would give."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

ERRORS = 2.0
"""Standard errors over stays that a gain must exceed (assumption): one (Breiman et al. 1984) let noise in."""


def earned(losses: Sequence[Tensor], stays: Sequence[str]) -> int:
    """Which of several answers to the same held-out rows is best; 0, the plain one, unless another gains enough.

    ``losses`` are -log likelihoods of B rows each, ``stays`` [B] name the rows.
    """
    loss = torch.stack(list(losses)).double().numpy()  # [answers, B]
    best = int(loss.mean(1).argmin())
    names, place = np.unique(np.asarray(stays), return_inverse=True)
    gain = np.bincount(place, weights=loss[0] - loss[best], minlength=len(names))
    error = gain.std(ddof=1) * len(names) ** 0.5
    return best if gain.sum() > ERRORS * error else 0
