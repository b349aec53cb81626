"""The package's unit tests, against the built wheel with all of its extras,
from the sdist; and what its pre-commit hooks check."""

import unittest

from tests.clients.python import package

_LEAST = 39


_everything = package.Environment(
    "everything", "llm-gateway[all]", "mypy", "pytest", "pytest-asyncio",
    "ruff")
_sources = package.sources()
_suite = _everything.suite("unit", "-m", "unit", cwd=_sources)


def load_tests(loader, tests, pattern):
    tests.addTests(_suite)
    return tests


class PackageTest(unittest.TestCase):

    def test_the_suite_is_whole(self):
        self.assertGreaterEqual(len(_suite.passed), _LEAST)
        # With every extra there is nothing to be left out.
        self.assertNotIn("skipped", _suite.output.splitlines()[-1])

    def check(self, *command):
        _everything.run(_everything.path(command[0]), *command[1:],
                        cwd=_sources)

    def test_ruff_has_nothing_to_say(self):
        self.check("ruff", "check", "--no-cache", ".")

    def test_it_is_formatted(self):
        self.check("ruff", "format", "--no-cache", "--check", ".")

    def test_its_types_are_right(self):
        self.check("mypy", "--cache-dir=/dev/null", ".")


if __name__ == "__main__":
    unittest.main()
