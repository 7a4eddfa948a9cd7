"""Which of many tests of one evaluation may be believed? Benjamini and Hochberg, with weights."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def discoveries(p: Floats, weights: Floats, q: float) -> npt.NDArray[np.bool_]:
    """Which hypotheses of the last axis are rejected so that at most a share q of the rejected ones is wrong; NaN is no test.

    The largest k with the kth smallest p/w <= q k/m gives the bound; m counts all hypotheses, the weights have mean 1.
    Without any true drop the chance of any rejection is q. Sources: Y. Benjamini, Y. Hochberg, "Controlling the false discovery
    rate", JRSS B 57 (1995) 289-300; the weights: C. Genovese, K. Roeder, L. Wasserman, "False discovery control with p-value
    weighting", Biometrika 93 (2006) 509-524.
    """
    count = p.shape[-1]
    weighed = np.where(np.isfinite(p), p, np.inf) / (weights / weights.mean())
    ordered = np.sort(weighed, axis=-1)
    below = ordered <= q * np.arange(1, count + 1) / count
    last = np.where(below.any(-1), count - 1 - np.argmax(below[..., ::-1], axis=-1), -1)
    bound = np.take_along_axis(ordered, np.maximum(last, 0)[..., None], axis=-1)
    return np.asarray((weighed <= bound) & (last >= 0)[..., None])


def shares(parts: Sequence[tuple[float, int]]) -> Floats:
    """Weights of a family in parts, each (share of the whole weight, tests that divide it evenly), in order."""
    return np.concatenate([np.full(count, share / count) for share, count in parts if count])
