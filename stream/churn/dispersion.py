"""How much more do days differ than chance alone would make them? Laney's correction, and the tail of a corrected z.

Big cohorts differ from day to day by more than a binomial says (weather, news, releases), so that every day would alarm.
The spread of earlier residuals says how much more.
"""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

RESIDUALS, RESIDUALS_MIN = 84, 14
NORMAL_MAD = 1.4826  # by which the MAD of normal values is their standard deviation
# Values farther off than so many standard deviations are no part of the usual spread: an incident must not hide the next one.
_CLIP, _CLIP_ROUNDS, _ROUNDING = 3.0, 3, 1e-9
_CLIPPED_VARIANCE = (
    0.9733  # that of a normal distribution of which 3 standard deviations on both sides are left
)
# How much n values tell of the spread when it is estimated by them, against n normal ones by their standard deviation.
MAD_EFFICIENCY, CLIPPED_EFFICIENCY = 0.37, 0.9


def mad_sigma(values: Floats) -> Floats:
    """1.4826 x the median absolute deviation from the median over the last axis, NaN left out: a standard deviation that outliers
    do not move. Source: F. R. Hampel, "The influence curve and its role in robust estimation", JASA 69 (1974) 383-393."""
    middle = median(values)
    return NORMAL_MAD * median(np.abs(values - middle[..., None]))


def clipped_sigma(values: Floats) -> Floats:
    """The standard deviation over the last axis of values within 3 of them from the mean, NaN left out, from the MAD in three
    rounds: nearly as exact as the plain one where nothing strays, and like the MAD not moved by what does.
    """
    middle, sigma = median(values), mad_sigma(values)
    for _ in range(_CLIP_ROUNDS):
        near = np.abs(values - middle[..., None]) <= _CLIP * sigma[..., None] + _ROUNDING
        usual = np.where(near, values, np.nan)
        middle = np.nanmean(usual, axis=-1)
        sigma = np.nanstd(usual, axis=-1) / np.sqrt(_CLIPPED_VARIANCE)
    return np.asarray(sigma, float)


def dispersions(z: Floats) -> tuple[Floats, Floats]:
    """Of each day the dispersion ratio of the residuals before it, at least 1, and how many those are; NaN where too few.

    z / ratio is Laney's p' chart with a robust spread in place of the moving range. Source: D. B. Laney, "Improved control charts
    for attributes", Quality Engineering 14 (2002) 531-537.
    """
    days = z.shape[-1]
    padded = np.concatenate([np.full((*z.shape[:-1], RESIDUALS), np.nan), z], axis=-1)
    windows = np.lib.stride_tricks.sliding_window_view(padded, RESIDUALS, axis=-1)[..., :days, :]
    known = np.isfinite(windows).sum(-1)
    ratio = np.full(z.shape, np.nan)
    enough = known >= RESIDUALS_MIN
    if enough.any():
        ratio[enough] = np.maximum(1.0, clipped_sigma(windows[enough]))
    return ratio, known


def lower_tail(z: Floats, residuals: Floats | None = None, efficiency: float = MAD_EFFICIENCY) -> Floats:
    """How likely a z so low or lower is by chance.

    Normal where the spread is known well; with `residuals` the number of values from which it was estimated: Student's t with
    efficiency x (n - 1) degrees of freedom. Source of the 37 % of a MAD: P. J. Huber, "Robust Statistics" (1981), section 5.1.
    """
    from scipy.special import ndtr, stdtr  # only here: it takes a while to load

    if residuals is None:
        return np.asarray(ndtr(z), float)
    return np.asarray(stdtr(efficiency * np.maximum(residuals - 1, 1), z), float)


def median(values: Floats) -> Floats:
    """Over the last axis, NaN left out; numpy is slow at that, so only where there is any."""
    if np.isnan(values).any():
        return np.asarray(np.nanmedian(values, axis=-1), float)
    return np.asarray(np.median(values, axis=-1), float)
