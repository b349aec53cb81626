"""The simulator as a program: a seed is replayed by one command."""

import subprocess
import unittest

_SIMULATE = "tests/simulation/simulate"


def simulate(*flags, code=0):
    """Runs it, and returns what it prints."""
    done = subprocess.run([_SIMULATE, *flags], stdout=subprocess.PIPE,
                          check=False, text=True, timeout=60)
    if done.returncode != code:
        raise AssertionError(f"exit code {done.returncode}: {done.stdout}")
    return done.stdout


class ReplayTest(unittest.TestCase):

    def test_the_same_happens_in_every_process(self):
        # Each has its memory, and so its hash maps, in another order.
        first = simulate("--seeds=0-299", "--hash")
        self.assertEqual(len(first.splitlines()), 301)
        for _ in range(2):
            self.assertEqual(simulate("--seeds=0-299", "--hash"), first)

    def test_a_seed_is_shown_with_its_configuration_and_its_events(self):
        shown = simulate("--seed=17", "--trace")
        self.assertIn("retry_budget: ", shown)
        self.assertIn("call 0  begins", shown)
        self.assertIn("1 scenarios, 0 of them break a rule", shown)

    def test_other_flags_are_refused(self):
        simulate("--sed=17", code=2)
        simulate(code=2)


if __name__ == "__main__":
    unittest.main()
