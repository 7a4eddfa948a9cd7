"""How many returning users should there be by now, and in the last minutes? The pace of the same time of the same weekday.

A day is its returning users so far, cumulated at marks 5 minutes apart (289 of them), for some series (populations, age groups).
Days of another length, on which a clock is changed, are not looked at. Axes: series, time.

    a window     the users who came in the last 15 or 60 minutes, against the median of the same minutes of up to 8 weeks, times how
                 today has gone so far; chance is Poisson's, times the dispersion of the last 28 days at this time of day
    so far       the users of the day so far, as log(seen / median), against the spread of the last 28 days at the same time
"""

from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stream.churn.dispersion import NORMAL_MAD, lower_tail, mad_sigma, median

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]

MINUTES, MARK_MINUTES, SO_FAR_MINUTES = 1440, 5, 60
MARKS = MINUTES // MARK_MINUTES + 1
SO_FAR_MARKS = slice(SO_FAR_MINUTES // MARK_MINUTES, None, SO_FAR_MINUTES // MARK_MINUTES)
WEEKDAYS = 7
WEEKS, WEEKS_MIN = 8, 3
DAYS, DAYS_MIN = 28, 7
LEVEL_MINUTES, LEVEL_MINUTES_MIN = 360, 30
LEVEL_SIGMAS_MAX = 2.0
_BLOCK_MARKS = 24  # two hours, in which the dispersion of a window is taken to be one
_BLOCKS = (MARKS - 1) // _BLOCK_MARKS
_TRIMMED_FROM = 5
_SMOOTH_MARKS = 3  # to each side


class Window(NamedTuple):
    """So many minutes, looked at every so many."""

    minutes: int
    every: int


WINDOWS = (Window(15, 1), Window(60, 5))


class Found(NamedTuple):
    """What was seen and expected, and how unlikely so few are; NaN where nothing can be said. `p` is one-sided."""

    seen: Floats
    expected: Floats
    z: Floats
    p: Floats
    sigma: Floats

    @property
    def drop(self) -> Floats:
        """The share of the expected users who are missing."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(1 - self.seen / self.expected)


class _Day(NamedTuple):
    """What a day left: its cumulated marks, the residuals of its windows by block of the day, and those of its day so far."""

    marks: Floats
    spreads: Mapping[int, Floats]
    so_far: Floats


class Expected(NamedTuple):
    """What one day should bring, by mark: medians of earlier weeks, and how far days stray from them.

    windows, before   by minutes of the window: users in it, and in the hours before it by which the level is told
    sigmas            by minutes of the window: the dispersion ratio by block of the day
    so_far            users of the day so far at every full hour; centre and scale of its log ratio
    """

    weeks: int
    days: int
    windows: Mapping[int, Floats]
    before: Mapping[int, Floats]
    sigmas: Mapping[int, Floats]
    so_far: Floats
    centre: Floats
    scale: Floats

    @property
    def is_learning(self) -> bool:
        """Whether there is too little history for a verdict."""
        return self.weeks < WEEKS_MIN or self.days < DAYS_MIN

    def window(self, minutes: int, at: Whole, seen: Floats, before: Floats) -> Found:
        """The test of a window that ends at some minutes of the day.

        Args:
            at: minutes of the day, not before the window is over for the first time.
            seen: users in the window, series by minutes; before: users in the hours before it (`level_start`).
        """
        raw, expected = self._raw(minutes, at, seen, before)
        sigma = self.sigmas[minutes][
            ..., np.minimum(at // (_BLOCK_MARKS * MARK_MINUTES), _BLOCKS - 1).astype(int)
        ]
        z = raw / sigma
        return Found(seen, expected, z, lower_tail(z), sigma)

    def _raw(self, minutes: int, at: Whole, seen: Floats, before: Floats) -> tuple[Floats, Floats]:
        """(seen - expected) / sqrt(expected), expected being the median times the level of the day.

        The level is that of the hours before the window, shrunk by what chance they hold and kept within what days usually
        differ by: a fall is not taken for the level of the day.
        """
        hour = np.clip(at // SO_FAR_MINUTES - 1, 0, None).astype(int)
        whole = len(seen)
        centre, spread = self.centre[:whole, hour], self.scale[:whole, hour]
        usual = at_minutes(self.before[minutes], at)
        with np.errstate(divide="ignore", invalid="ignore"):
            chance = (1 + 1 / max(self.weeks, 1)) / usual
            so_far = self.so_far[:whole, hour]
            days = np.maximum(spread**2 - (1 + 1 / max(self.weeks, 1)) / so_far, 0.0)
            level = (np.log(np.maximum(before, 0.5) / usual) - centre) * days / (days + chance)
            limit = LEVEL_SIGMAS_MAX * np.sqrt(days)
            told = np.isfinite(level) & (at - minutes >= LEVEL_MINUTES_MIN)
            level = np.where(told, np.clip(level, -limit, limit), 0.0)
            expected = at_minutes(self.windows[minutes], at) * np.exp(centre + level)
            return np.where(expected > 0, (seen - expected) / np.sqrt(expected), np.nan), expected

    def day_so_far(self, hour: int, seen: Floats) -> Found:
        """The test of the day so far at the end of an hour (0 is the first)."""
        median, centre = self.so_far[..., hour], self.centre[..., hour]
        scale = self.scale[..., hour]
        with np.errstate(divide="ignore", invalid="ignore"):
            z = (np.log(np.maximum(seen, 0.5) / median) - centre) / scale
            chance = np.sqrt((1 + 1 / max(self.weeks, 1)) / median)
            z = np.where(median > 0, z, np.nan)
            sigma = np.where(median > 0, scale / chance, np.nan)
        return Found(seen, median * np.exp(centre), z, lower_tail(z, np.asarray(float(self.days))), sigma)


class Pace:
    """The history of some series, days in order; `whole` are the series that windows are tested of."""

    def __init__(self, whole: int) -> None:
        self._whole = whole
        self._days: deque[_Day | None] = deque(maxlen=WEEKS * WEEKDAYS)

    def expect(self) -> Expected:
        """The next day."""
        weekdays = [day for day in list(self._days)[-WEEKDAYS::-WEEKDAYS] if day is not None]
        recent = [day for day in list(self._days)[-DAYS:] if day is not None and day.so_far.size]
        return _expected(weekdays, recent, self._whole)

    def learn(self, marks: Floats | None, expected: Expected | None = None) -> None:
        """The next day is over; None where it was not seen whole or is of another length."""
        if marks is None:
            self._days.append(None)
            return
        expected = expected or self.expect()
        self._days.append(_learned(marks, expected, self._whole))


def at_minutes(marks: Floats, at: Whole) -> Floats:
    """Values at some minutes of the day, straight between marks."""
    place = np.asarray(at, float) / MARK_MINUTES
    low = np.minimum(place.astype(int), marks.shape[-1] - 1)
    high = np.minimum(low + 1, marks.shape[-1] - 1)
    return np.asarray(marks[..., low] + (marks[..., high] - marks[..., low]) * (place - low))


def level_start(at: Whole, minutes: int) -> Whole:
    """Where the hours begin by which the level of the day is told for a window."""
    return np.asarray(np.maximum(at - minutes - LEVEL_MINUTES, 0))


def sums(marks: Floats, minutes: int) -> tuple[Floats, Floats]:
    """At every mark the users of the window that ends there, and those of the hours before it."""
    at = np.arange(marks.shape[-1], dtype=np.int64) * MARK_MINUTES
    begin = np.maximum(at - minutes, 0) // MARK_MINUTES
    start = level_start(at, minutes) // MARK_MINUTES
    return marks - marks[..., begin], marks[..., begin] - marks[..., start]


def _expected(weekdays: list[_Day], recent: list[_Day], whole: int) -> Expected:
    windows, before, sigmas = {}, {}, {}
    if not weekdays:
        return Expected(0, 0, {}, {}, {}, *(np.zeros(0) for _ in range(3)))
    marks = np.stack([day.marks for day in weekdays])
    for window in WINDOWS:
        inside, ahead = sums(marks[:, :whole], window.minutes)
        windows[window.minutes] = _smooth(_middle(inside), window.minutes // MARK_MINUTES)
        before[window.minutes] = _middle(ahead)
        sigmas[window.minutes] = _sigma(recent, window.minutes, inside.shape[1])
    so_far = _middle(marks[..., SO_FAR_MARKS])
    centre, scale = _spread(recent, so_far, len(weekdays))
    return Expected(len(weekdays), len(recent), windows, before, sigmas, so_far, centre, scale)


def _middle(weeks: Floats) -> Floats:
    """The mean over the weeks (first axis) without the smallest and the largest, as a holiday; of few weeks the median."""
    if len(weeks) < _TRIMMED_FROM:
        return np.asarray(np.median(weeks, axis=0))
    return np.asarray((weeks.sum(0) - weeks.min(0) - weeks.max(0)) / (len(weeks) - 2))


def _smooth(marks: Floats, first: int) -> Floats:
    """The mean over the marks around, from the first at which a window is whole: the usual day has no corners, its sample has."""
    inside = marks[..., first:]
    padded = np.concatenate(
        [inside[..., :1]] * _SMOOTH_MARKS + [inside] + [inside[..., -1:]] * _SMOOTH_MARKS, axis=-1
    )
    width = 2 * _SMOOTH_MARKS + 1
    total = np.concatenate([np.zeros((*padded.shape[:-1], 1)), padded.cumsum(-1)], axis=-1)
    return np.concatenate([marks[..., :first], (total[..., width:] - total[..., :-width]) / width], axis=-1)


def _sigma(recent: list[_Day], minutes: int, series: int) -> Floats:
    """1.4826 x the median of |residual| over the last days and the two hours around, at least 1."""
    if not recent:
        return np.ones((series, _BLOCKS))
    spreads = np.stack([day.spreads[minutes] for day in recent])
    around = np.concatenate([spreads, np.roll(spreads, 1, -1), np.roll(spreads, -1, -1)])
    return np.asarray(np.maximum(1.0, NORMAL_MAD * median(np.moveaxis(around, 0, -1))))


def _spread(recent: list[_Day], so_far: Floats, weeks: int) -> tuple[Floats, Floats]:
    """Centre and scale of log(seen / median) of days so far; the scale is at least what chance makes."""
    with np.errstate(divide="ignore"):
        chance = np.sqrt((1 + 1 / weeks) / so_far)
    if not recent:
        return np.zeros(so_far.shape), chance
    ratios = np.stack([day.so_far for day in recent], axis=-1)
    return np.median(ratios, axis=-1), np.maximum(mad_sigma(ratios), chance)


def _learned(marks: Floats, expected: Expected, whole: int) -> _Day:
    if expected.weeks == 0:
        return _Day(marks, {}, np.zeros(0))
    at = np.arange(MARKS, dtype=np.int64) * MARK_MINUTES
    spreads = {}
    for window in WINDOWS:
        inside, ahead = sums(marks[:whole], window.minutes)
        raw, _ = expected._raw(window.minutes, at, inside, ahead)
        blocks = np.abs(raw[..., 1:]).reshape(*raw.shape[:-1], -1, _BLOCK_MARKS)
        with np.errstate(invalid="ignore"):
            spreads[window.minutes] = median(blocks)
    seen = marks[..., SO_FAR_MARKS]
    ratio = np.log(np.maximum(seen, 0.5) / np.maximum(expected.so_far, 0.5))
    return _Day(marks, spreads, ratio)
