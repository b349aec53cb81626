"""The simulator as a program: a seed is replayed by one command."""

import os
import subprocess
import unittest

from tests.testing.sanitized import SANITIZED

_SIMULATE = "tests/simulation/simulate"


# Of glibc: where memory lies, and what is in it before it is written. A
# sanitizer has an allocator of its own, which these do not reach.
_LAYOUTS = [
    {},
    {"MALLOC_MMAP_THRESHOLD_": "1024", "MALLOC_MMAP_MAX_": "1000000"},
    {"MALLOC_PERTURB_": "165", "MALLOC_TOP_PAD_": "16777216"},
]


def simulate(*flags, code=0, environment=None):
    """Runs it, and returns what it prints."""
    done = subprocess.run([_SIMULATE, *flags], stdout=subprocess.PIPE,
                          check=False, text=True, timeout=120,
                          env={**os.environ, **(environment or {})})
    if done.returncode != code:
        raise AssertionError(f"exit code {done.returncode}: {done.stdout}")
    return done.stdout


class ReplayTest(unittest.TestCase):

    def test_the_same_happens_in_every_process(self):
        with open("/proc/sys/kernel/randomize_va_space",
                  encoding="ascii") as file:
            if file.read().strip() == "0":
                self.skipTest("this machine lays out all processes alike")
        layouts, traces = [], []
        for environment in _LAYOUTS:
            layout, _, trace = simulate(
                "--seeds=0-299", "--hash", "--layout",
                environment=environment).partition("\n")
            layouts.append(layout)
            traces.append(trace)
        # Hash maps have another order, and addresses another, in each.
        for part in ("hash", "code") + (() if SANITIZED else ("heap",)):
            seen = {layout.partition(part)[2].split(",")[0]
                    for layout in layouts}
            self.assertEqual(len(seen), len(_LAYOUTS), layouts)
        self.assertEqual(len(traces[0].splitlines()), 301)
        for trace in traces[1:]:
            self.assertEqual(trace, traces[0])

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
