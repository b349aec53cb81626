"""The Python package in clean environments, and pytest's cases as our own.

    folder = package.environment("core", "llm-gateway")
    def load_tests(loader, tests, pattern):
        tests.addTests(package.suite(folder, ["-m", "unit"], cwd=...))
        return tests

Nothing is downloaded: tools/deps.sh has brought the wheels.
"""

import atexit
import glob
import os
import shutil
import subprocess
import tarfile
import tempfile
import unittest
from xml.etree import ElementTree

from tests.sdk import sdks

DISTRIBUTIONS = os.path.abspath("clients/python/distributions")

_SCRATCH = tempfile.mkdtemp(prefix="python_package")
atexit.register(shutil.rmtree, _SCRATCH, ignore_errors=True)


def _tool(*path):
    found = os.path.join(sdks.tools_folder(), "python-wheels", *path)
    if not os.path.exists(found):
        raise AssertionError(
            "%s is missing; to install it, run: tools/deps.sh python" % found)
    return found


def distribution(suffix):
    """The one file of that kind: `.whl` or `.tar.gz`."""
    [path] = glob.glob(os.path.join(DISTRIBUTIONS, "*" + suffix))
    return path


def scratch(name):
    """A folder of this process, gone with it."""
    folder = os.path.join(_SCRATCH, name)
    os.makedirs(folder, exist_ok=True)
    return folder


def sources():
    """What the sdist has, unpacked."""
    folder = scratch("sources")
    with tarfile.open(distribution(".tar.gz")) as archive:
        archive.extractall(folder)
    [unpacked] = os.listdir(folder)
    return os.path.join(folder, unpacked)


class Environment:
    """A virtual environment with nothing but these packages."""

    def __init__(self, name, *packages):
        self.folder = scratch(name)
        subprocess.run(["python3", "-m", "venv", "--without-pip", self.folder],
                       check=True)
        # Bazel's own variables have no say in what a package sees.
        self.variables = {
            "HOME": scratch(name + "_home"), "LANG": "C.UTF-8",
            "PATH": self.path("") + os.pathsep + os.environ["PATH"],
            "VIRTUAL_ENV": self.folder}
        self.install(*packages)

    def path(self, command):
        return os.path.join(self.folder, "bin", command)

    def install(self, *packages):
        self.run(_tool("venv", "bin", "pip"), "--python", self.path("python"),
                 "install", "--quiet", "--disable-pip-version-check",
                 "--no-compile", "--no-index", "--find-links", _tool("wheels"),
                 "--find-links", DISTRIBUTIONS, *packages)

    def run(self, *command, cwd=None, env=None, status=0, **options):
        """What it printed, both ways; AssertionError for another status."""
        done = subprocess.run(
            command, cwd=cwd or scratch("empty"), text=True,
            env={**self.variables, **(env or {})}, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, check=False, **options)
        if done.returncode != status:
            raise AssertionError("%s: exit code %d\n%s" % (
                " ".join(command), done.returncode, done.stdout))
        return done.stdout

    def suite(self, name, *arguments, cwd, env=None):
        """Runs pytest; returns a Suite of what it ran."""
        report = os.path.join(scratch("reports"), name + ".xml")
        done = subprocess.run(
            [self.path("python"), "-m", "pytest", "-p", "no:cacheprovider",
             "--junitxml", report, *arguments],
            cwd=cwd, env={**self.variables, **(env or {})}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        print(done.stdout)
        return Suite(name, done, report)


class Suite(unittest.TestSuite):
    """Each case of pytest as one of unittest; and that it ended well.

    Fields:
      output: what pytest printed.
      passed: names of the cases that did.
    """

    def __init__(self, name, done, report):
        super().__init__()
        self.output = done.stdout
        self.passed = []
        if os.path.exists(report):
            for case in ElementTree.parse(report).iter("testcase"):
                self._add(name, case)
        if done.returncode != 0 and not any(
                case.failure for case in self):
            self.addTest(_Case(name + ".pytest", done.stdout, None))

    def _add(self, suite, case):
        name = "%s.%s.%s" % (suite, case.get("classname"), case.get("name"))
        failures = [part.text or part.get("message")
                    for part in case if part.tag in ("failure", "error")]
        skips = [part.get("message") for part in case
                 if part.tag == "skipped"]
        if not failures and not skips:
            self.passed.append(name)
        self.addTest(_Case(name, "\n".join(failures) or None,
                           skips[0] if skips else None))


class _Case(unittest.TestCase):
    """A case that has run elsewhere, and what became of it."""

    def __init__(self, name, failure, skipped):
        super().__init__()
        self.failure = failure
        self._name = name
        self._skipped = skipped

    def id(self):
        return self._name

    def __str__(self):
        return self._name

    def runTest(self):
        if self.failure:
            self.fail(self.failure)
        if self._skipped:
            self.skipTest(self._skipped)
