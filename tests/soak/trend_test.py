"""The judgement of a soak: what grows is found, what only moves is not."""

import random
import unittest

from tests.soak import trend


def _points(slope, noise, hours=2.0, count=240, mean=100.0, seed=1):
    """Samples of a figure that grows by `slope` an hour."""
    dice = random.Random(seed)
    times = [hours * i / count for i in range(count)]
    return [(time, mean + slope * time + dice.gauss(0, noise))
            for time in times]


def _wandering(slope, noise, seed):
    """The same, each sample's noise 0.9 of that of the one before."""
    dice = random.Random(seed)
    points, rest = [], 0.0
    for time, figure in _points(slope, noise=0):
        rest = 0.9 * rest + dice.gauss(0, noise)
        points.append((time, figure + rest))
    return points


class FitTest(unittest.TestCase):

    def test_a_line_is_found_exactly(self):
        found = trend.fit([(0, 5.0), (1, 7.0), (2, 9.0), (4, 13.0)])
        self.assertAlmostEqual(found.slope, 2)
        self.assertAlmostEqual(found.error, 0)
        self.assertAlmostEqual(found.mean, 8.5)

    def test_the_error_is_that_of_the_textbook(self):
        # Of the points 0, 1, 0, 1 the slope is 1/5 and its error 2/5 / sqrt 2.
        found = trend.fit([(0, 0.0), (1, 1.0), (2, 0.0), (3, 1.0)])
        self.assertAlmostEqual(found.slope, 0.2)
        self.assertAlmostEqual(found.error, 0.08 ** 0.5)


class VerdictTest(unittest.TestCase):

    def outcome(self, limit, points):
        return limit.verdict(points).outcome

    def test_memory_that_grows_by_two_percent_an_hour_is_found(self):
        for seed in range(20):
            points = _points(slope=2, noise=0.5, seed=seed)
            self.assertEqual(self.outcome(trend.MEMORY, points), trend.GROWS)

    def test_the_limit_is_between_more_and_less_than_a_percent(self):
        for slope, outcome in ((0.98, trend.STEADY), (1.03, trend.GROWS)):
            points = _points(slope, noise=0, hours=1)
            self.assertEqual(self.outcome(trend.MEMORY, points), outcome)

    def test_memory_that_only_moves_is_steady(self):
        for seed in range(20):
            points = _points(slope=0, noise=1, seed=seed)
            self.assertEqual(self.outcome(trend.MEMORY, points), trend.STEADY)

    def test_memory_that_wanders_is_not_said_to_grow(self):
        for seed in range(20):
            points = _wandering(slope=0, noise=0.5, seed=seed)
            self.assertNotEqual(self.outcome(trend.MEMORY, points),
                                trend.GROWS)

    def test_a_leak_is_found_beneath_what_wanders(self):
        for seed in range(20):
            points = _wandering(slope=4, noise=0.3, seed=seed)
            self.assertEqual(self.outcome(trend.MEMORY, points), trend.GROWS)

    def test_memory_that_is_given_back_is_steady(self):
        points = _points(slope=-5, noise=0.5)
        self.assertEqual(self.outcome(trend.MEMORY, points), trend.STEADY)

    def test_a_leak_of_three_descriptors_an_hour_is_found(self):
        points = _points(slope=3, noise=4)
        self.assertEqual(self.outcome(trend.DESCRIPTORS, points), trend.GROWS)

    def test_p99_that_grows_by_a_tenth_an_hour_is_found(self):
        points = _points(slope=10, noise=8)
        self.assertEqual(self.outcome(trend.LATENCY, points), trend.GROWS)

    def test_what_noise_may_hide_is_not_called_steady(self):
        points = _points(slope=0, noise=30, hours=1, count=24)
        self.assertEqual(self.outcome(trend.MEMORY, points), trend.UNDECIDED)

    def test_a_few_samples_or_minutes_decide_nothing(self):
        for points in ([], _points(slope=50, noise=0, count=7),
                       _points(slope=50, noise=0, hours=0.49)):
            verdict = trend.MEMORY.verdict(points)
            self.assertEqual(verdict.outcome, trend.UNDECIDED)
            self.assertIn("%d samples" % len(points), verdict.text)

    def test_the_text_has_the_figures(self):
        verdict = trend.MEMORY.verdict(_points(slope=2, noise=0, hours=1))
        self.assertIn("resident memory: +2.000 MiB an hour", verdict.text)


if __name__ == "__main__":
    unittest.main()
