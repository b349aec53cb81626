"""PKG-LLM-GATEWAY-001 is whole, takes nobody's place, and does as it says."""

import base64
import csv
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import unittest
import zipfile

from tests.clients.python.llm_gateway import client_path

_FOLDER = os.path.abspath("clients/python/prompt_router_package")
_ARCHIVE = os.path.join(_FOLDER, "PKG-LLM-GATEWAY-001.tar.gz")
_WHEEL = os.path.join(_FOLDER,
                      "llm_gateway_prompt_router-1.0.0-py3-none-any.whl")
_MAKER = "clients/python/prompt_router/make_package.py"
# What those that it depends on, and the one that it supersedes, have in the
# same folder; but for the shim, which its document wants under the old name.
_OF_OTHERS = {"HOT/kernel/ledger_client.py", "HOT/kernel/provider.py",
              "HOT/kernel/token_budgeter.py",
              "HOT/kernel/anthropic_provider.py"}
_TESTS = """
    test_llm_gateway_class_exists test_prompt_router_alias_in_gateway
    test_route_method_exists test_from_config_file_exists
    test_register_provider_exists test_prompt_request_dataclass
    test_prompt_response_dataclass test_route_outcome_enum
    test_circuit_state_enum test_router_config_dataclass
    test_circuit_breaker_config_dataclass test_circuit_breaker_class
    test_route_success test_backward_compat_import_shim
    test_backward_compat_route_via_shim test_all_exports_present
    test_no_api_change_route_signature test_no_api_change_constructor
    """.split()
# What its document runs at the end, from the folder of all packages.
_CHECKS = """
import sys
sys.path.insert(0, "PKG-LLM-GATEWAY-001/HOT/kernel")
from prompt_router import PromptRouter, PromptRequest, PromptResponse
from prompt_router import RouteOutcome
import llm_gateway
from llm_gateway import LLMGateway
assert PromptRouter is LLMGateway is llm_gateway.PromptRouter
assert hasattr(LLMGateway, "route")
# Nothing is there but Python itself.
assert not {"pydantic", "tenacity", "grpc"} & set(sys.modules)
try:
    LLMGateway.connect("127.0.0.1:1")
except ImportError as error:
    print(error)
"""
# The package's ledger in a shape of someone else's.
_FOREIGN = """
import sys
sys.path.insert(0, "PKG-LLM-GATEWAY-001/HOT/kernel")
from llm_gateway import LLMGateway, PromptRequest

class Ledger:
    entries = []
    def write(self, entry):
        self.entries.append(entry.event_type)
        return "LED-%d" % len(self.entries)

class Refused(Exception):
    code = "RATE_LIMITED"

class Provider:
    def send(self, **asked):
        raise Refused("slowly")

gateway = LLMGateway(Ledger())
gateway.register_provider("mock", Provider())
response = gateway.route(PromptRequest(*["x"] * 10, auth_token="t"))
print(response.error_code, response.exchange_entry_id, *Ledger.entries)
"""


class PackageTest(unittest.TestCase):

    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory(prefix="staging")
        self.addCleanup(folder.cleanup)
        self.staging = folder.name
        self.package = os.path.join(folder.name, "PKG-LLM-GATEWAY-001")
        with tarfile.open(_ARCHIVE) as archive:
            self.entries = archive.getmembers()
            archive.extractall(self.package)
        with open(os.path.join(self.package, "manifest.json"),
                  encoding="utf-8") as file:
            self.manifest = json.load(file)

    def run_python(self, *arguments, path=""):
        """What it prints, in the folder of all packages."""
        done = subprocess.run(
            [sys.executable, *arguments], cwd=self.staging, text=True,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": path,
                 "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout

    def test_the_manifest_says_what_it_is(self):
        told = {name: value for name, value in self.manifest.items()
                if name not in ("assets", "description")}
        self.assertEqual(told, {
            "package_id": "PKG-LLM-GATEWAY-001", "version": "1.0.0",
            "schema_version": "1.2", "title": "LLM Gateway",
            "spec_id": "SPEC-GATE-001", "framework_id": "FMWK-000",
            "plane_id": "hot", "layer": 3,
            "supersedes": "PKG-PROMPT-ROUTER-001",
            "dependencies": ["PKG-KERNEL-001", "PKG-TOKEN-BUDGETER-001"]})

    def test_the_manifest_has_every_file_and_its_hash(self):
        assets = {asset["path"]: asset for asset in self.manifest["assets"]}
        self.assertEqual({entry.name for entry in self.entries},
                         {"manifest.json", *assets})
        for path, asset in assets.items():
            with open(os.path.join(self.package, path), "rb") as file:
                self.assertEqual(hashlib.sha256(file.read()).hexdigest(),
                                 asset["sha256"], path)
            self.assertEqual(asset["classification"], "test" if
                             "/tests/" in path else "kernel")
        self.assertLessEqual({
            "HOT/kernel/llm_gateway.py", "HOT/kernel/prompt_router.py",
            "HOT/tests/test_llm_gateway.py"}, set(assets))

    def test_entries_are_plain_files_below_the_packages_folder(self):
        for entry in self.entries:
            self.assertTrue(entry.isfile(), entry.name)
            self.assertRegex(entry.name, r"^(manifest\.json|HOT/[\w/]+\.py)$")
        names = [entry.name for entry in self.entries]
        self.assertEqual(names[0], "manifest.json")
        self.assertEqual(len(set(names)), len(names))

    def test_it_takes_no_other_packages_place(self):
        self.assertFalse(_OF_OTHERS & {entry.name for entry in self.entries})

    def test_it_stands_beside_the_one_that_it_supersedes(self):
        kernel = os.path.join(self.staging, "PKG-PROMPT-ROUTER-001", "HOT",
                              "kernel")
        os.makedirs(kernel)
        old = os.path.join(kernel, "prompt_router.py")
        with open(old, "w", encoding="utf-8") as file:
            file.write("class PromptRouter: pass\n")
        with tarfile.open(_ARCHIVE) as archive:
            archive.extractall(self.package)
        self.assertEqual(os.listdir(kernel), ["prompt_router.py"])
        self.run_python("-c", _CHECKS, path=kernel)

    def test_the_documents_checks_pass(self):
        self.assertIn("pip install 'llm-gateway[grpc]'",
                      self.run_python("-c", _CHECKS))

    def test_ledgers_and_providers_of_others_serve(self):
        self.assertEqual(self.run_python("-c", _FOREIGN).split(),
                         ["RATE_LIMITED", "LED-2", "DISPATCH", "EXCHANGE"])

    def test_the_same_sources_make_the_same_bytes(self):
        again = os.path.join(self.staging, "again")
        subprocess.run([sys.executable, _MAKER, again], check=True)
        for path in (_ARCHIVE, _WHEEL):
            with open(path, "rb") as first, open(os.path.join(
                    again, os.path.basename(path)), "rb") as second:
                self.assertEqual(first.read(), second.read(), path)


class WheelTest(unittest.TestCase):

    def test_has_the_module_alone(self):
        with zipfile.ZipFile(_WHEEL) as wheel:
            modules = [name for name in wheel.namelist()
                       if ".dist-info/" not in name]
            self.assertEqual(modules, ["prompt_router.py"])
            record = wheel.read(
                "llm_gateway_prompt_router-1.0.0.dist-info/RECORD").decode()
            rows = {row[0]: row for row in csv.reader(io.StringIO(record))}
            self.assertEqual(set(rows), set(wheel.namelist()))
            for name, told, size in rows.values():
                if name.endswith("/RECORD"):
                    continue
                data = wheel.read(name)
                digest = base64.urlsafe_b64encode(
                    hashlib.sha256(data).digest()).rstrip(b"=").decode()
                self.assertEqual((told, size),
                                 ("sha256=" + digest, str(len(data))), name)

    def test_its_names_are_those_of_the_installed_distribution(self):
        done = subprocess.run(
            [sys.executable, "-c",
             "import prompt_router, llm_gateway\n"
             "assert prompt_router.PromptRouter is llm_gateway.LLMGateway\n"
             "for name in prompt_router.__all__:\n"
             "    assert getattr(prompt_router, name) is "
             "getattr(llm_gateway, name)\n"
             "print(len(llm_gateway.__all__))"],
            env={"PYTHONPATH": os.pathsep.join(
                [_WHEEL, client_path.CLIENT_PATH])},
            capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, "19\n"),
                         done.stderr)


def _named(name):
    def case(self):
        self.assertIn(name, type(self).passed, type(self).output)
    return case


class DocumentedTest(unittest.TestCase):
    """The 18 tests of its document, each by its name, which the unpacked
    package has run."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with tempfile.TemporaryDirectory(prefix="staging") as staging:
            package = os.path.join(staging, "PKG-LLM-GATEWAY-001")
            with tarfile.open(_ARCHIVE) as archive:
                archive.extractall(package)
            done = subprocess.run(
                [sys.executable, "-m", "unittest", "-v",
                 "HOT/tests/test_llm_gateway.py"], cwd=package,
                env={"PATH": os.environ["PATH"],
                     "PYTHONDONTWRITEBYTECODE": "1"},
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                check=False)
        cls.output = done.stdout
        cls.passed = re.findall(r"^(test_\w+) .* ok$", done.stdout,
                                re.MULTILINE)

    def test_there_are_18_and_no_others(self):
        self.assertEqual(len(_TESTS), 18)
        self.assertEqual(sorted(self.passed), sorted(_TESTS), self.output)


for _name in _TESTS:
    setattr(DocumentedTest, _name, _named(_name))


if __name__ == "__main__":
    unittest.main()
