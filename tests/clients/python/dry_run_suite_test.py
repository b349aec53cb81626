"""The dry run of the package's integration tests, where nothing is installed
but what the package itself needs; and what is in its distributions."""

import os
import re
import subprocess
import tarfile
import unittest
import zipfile

from tests.clients.python import package

_LEAST = 22

_sources = package.sources()
_project = os.path.join(_sources, "integration_tests")
_core = package.Environment("core", _project)
_suite = _core.suite("dry_run", "-m", "dry_run", cwd=_project)


def load_tests(loader, tests, pattern):
    tests.addTests(_suite)
    return tests


class DistributionTest(unittest.TestCase):

    def test_the_suite_is_whole(self):
        self.assertGreaterEqual(len(_suite.passed), _LEAST)

    def test_live_tests_ask_nobody_unless_they_are_told_to(self):
        told = _core.run(
            _core.path("python"), "-m", "pytest", "-p", "no:cacheprovider",
            "-q", "-rs", "-m", "live", cwd=_project)
        self.assertIn("needs --run-live", told)
        self.assertRegex(told.splitlines()[-1], r"^\d+ skipped, \d+ desel")
        self.assertNotIn("live session", told)

    def test_nothing_is_installed_but_what_is_needed(self):
        folder = _core.run(
            _core.path("python"), "-c",
            "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
        installed = {re.sub(r"-[^-]+\.dist-info$", "", name)
                     for name in os.listdir(folder)
                     if name.endswith(".dist-info")}
        for name in ("anthropic", "grpcio", "openai", "opentelemetry_api",
                     "protobuf", "structlog"):
            self.assertNotIn(name, installed)
        self.assertLessEqual(
            {"llm_gateway", "pydantic", "pydantic_settings", "tenacity"},
            installed)

    def test_its_version_is_the_gateways(self):
        with open("VERSION", encoding="utf-8") as file:
            version = file.read().strip()
        self.assertEqual(
            os.path.basename(package.distribution(".whl")),
            "llm_gateway-%s-py3-none-any.whl" % version)
        self.assertEqual(
            os.path.basename(package.distribution(".tar.gz")),
            "llm_gateway-%s.tar.gz" % version)

    def test_the_wheel_takes_no_other_packages_place(self):
        with zipfile.ZipFile(package.distribution(".whl")) as wheel:
            names = wheel.namelist()
        tops = {name.split("/")[0] for name in names}
        self.assertEqual(
            {top for top in tops if not top.endswith(".dist-info")},
            {"llm_gateway", "llmgateway"} | (tops & {"prompt_router.py"}))

    def test_the_sdist_has_what_it_needs(self):
        with tarfile.open(package.distribution(".tar.gz")) as archive:
            names = {name.split("/", 1)[1] for name in archive.getnames()}
        for name in ("LICENSE", "PKG-INFO", "README.md", "pyproject.toml",
                     "src/llmgateway/v1/gateway_pb2.py",
                     "tests/unit/test_client.py",
                     "integration_tests/pyproject.toml",
                     "integration_tests/tests/test_live.py"):
            self.assertIn(name, names)
        self.assertFalse([name for name in names if "__pycache__" in name])

    def test_an_extra_that_is_missing_is_named(self):
        program = "import llm_gateway; llm_gateway.LLMClient()"
        done = subprocess.run(
            [_core.path("python"), "-c", program], env=_core.variables,
            cwd=package.scratch("empty"), text=True, stderr=subprocess.PIPE,
            check=False)
        self.assertIn("pip install 'llm-gateway[anthropic]'", done.stderr)


if __name__ == "__main__":
    unittest.main()
