"""Says whether a figure grows, by what was seen of it over hours.

    trend = fit([(0.0, 61.0), (0.5, 61.1), (1.0, 61.0)])   hours, figure
    trend.slope, trend.error, trend.mean                   each an hour
    MEMORY.verdict(points)                                 Verdict

The slope is that of the straight line with the least squares; its standard
error says how far the noise of the points alone may have turned it. A sample
that is like the one before it says little anew: the error is taken of so many
samples as would say as much if none knew of another, count * (1 - r) / (1 + r)
with r the correlation of neighbours. A figure
grows when its slope is above what is allowed and no less than three standard
errors above zero. When those errors are more than what is allowed, a slope that
is too steep might hide in the noise: then nothing is said for it or against it, nor
is it of less than half an hour.
"""

import collections
import math

Trend = collections.namedtuple("Trend", ["slope", "error", "mean"])
# `outcome` is one of the following; `text` has the figures.
Verdict = collections.namedtuple("Verdict", ["outcome", "text"])

STEADY = "steady"
GROWS = "GROWS"
UNDECIDED = "undecided"

_ERRORS = 3
_POINTS_MIN = 8
_HOURS_MIN = 0.5


def fit(points):
    """The line through (hours, figure) pairs, of which there are three at
    least, at different times."""
    count = len(points)
    mean_time = sum(time for time, _ in points) / count
    mean = sum(figure for _, figure in points) / count
    spread = sum((time - mean_time) ** 2 for time, _ in points)
    slope = sum((time - mean_time) * (figure - mean)
                for time, figure in points) / spread
    rests = [figure - mean - slope * (time - mean_time)
             for time, figure in points]
    rest = sum(one * one for one in rests)
    free = max(1, _independent(rests) - 2)
    return Trend(slope, math.sqrt(rest / free / spread), mean)


def _independent(rests):
    """How many independent samples say as much as these."""
    square = sum(one * one for one in rests)
    if not square:
        return len(rests)
    neighbours = sum(one * next_one for one, next_one in zip(rests, rests[1:]))
    correlation = min(0.99, max(0.0, neighbours / square))
    return len(rests) * (1 - correlation) / (1 + correlation)


class Limit:
    """How fast a figure may grow: `percent` of its mean in an hour, or
    `least`, in its own unit, where that is more."""

    def __init__(self, name, unit, percent, least=0.0):
        self.name = name
        self._unit = unit
        self._percent = percent
        self._least = least

    def verdict(self, points):
        """What (hours, figure) pairs say of it."""
        hours = points[-1][0] - points[0][0] if points else 0
        if len(points) < _POINTS_MIN or hours < _HOURS_MIN:
            return Verdict(UNDECIDED, (
                "%s: %d samples of %.2f hours after the warm-up; it takes %d "
                "of %g hours" % (self.name, len(points), hours, _POINTS_MIN,
                                 _HOURS_MIN)))
        trend = fit(points)
        allowed = max(self._least, trend.mean * self._percent / 100)
        doubt = _ERRORS * trend.error
        if trend.slope > allowed and trend.slope >= doubt:
            outcome = GROWS
        elif doubt > allowed and trend.slope + doubt > allowed:
            outcome = UNDECIDED
        else:
            outcome = STEADY
        return Verdict(outcome, (
            "%s: %+.3f %s an hour (%+.2f %%), standard error %.3f, allowed "
            "%.3f, mean %.2f" % (
                self.name, trend.slope, self._unit,
                100 * trend.slope / trend.mean if trend.mean else 0,
                trend.error, allowed, trend.mean)))


MEMORY = Limit("resident memory", "MiB", percent=1)
# The same without what the allocator keeps: what leaks, and nothing else.
HEAP = Limit("allocated memory", "MiB", percent=1)
# A descriptor an hour is none that a connection more would not explain.
DESCRIPTORS = Limit("descriptors", "descriptors", percent=1, least=1)
# What else the machine does moves it more than memory.
LATENCY = Limit("p99", "ms", percent=5)
LIMITS = {"rss_mib": MEMORY, "heap_mib": HEAP, "descriptors": DESCRIPTORS,
          "p99_ms": LATENCY}
