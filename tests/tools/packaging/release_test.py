"""All that is released, in one folder."""

import os
import shutil
import subprocess
import tempfile
import unittest

from tools.packaging import build_facts
from tools.packaging import client_packages
from tools.packaging import debian_libraries
from tools.packaging import release

_PROGRAMS = {"gateway": "service/gateway",
             "gatewayctl": "clients/cli/gatewayctl"}
_FACTS = build_facts.BuildFacts(
    version=build_facts.read_version(), revision="4be1c0de",
    epoch_s=1750000000, architecture=debian_libraries.architecture())


class ReleaseTest(unittest.TestCase):

    def test_its_files_are_those_of_the_checksums_and_can_be_read(self):
        told = release.files(
            _PROGRAMS, "tools/failbench/failbench_binary",
            client_packages.files("clients", _FACTS.version), _FACTS)
        with tempfile.TemporaryDirectory() as folder:
            for name, content in told.items():
                path = os.path.join(folder, name)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "wb") as file:
                    file.write(content)

            def run(*command):
                return subprocess.run(
                    command, cwd=folder, stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT, text=True, check=True).stdout

            checked = run("sha256sum", "-c", release.CHECKSUMS)
            self.assertEqual(
                sorted(line.removesuffix(": OK")
                       for line in checked.splitlines()),
                sorted(set(told) - {release.CHECKSUMS}))
            stem = "llm-gateway-" + _FACTS.version
            inspected = run("skopeo", "inspect", "oci-archive:%s-image-%s.tar"
                            % (stem, _FACTS.architecture))
            self.assertIn('"org.opencontainers.image.version": "%s"' %
                          _FACTS.version, inspected)
            self.assertIn("llm-gateway/templates/workload.yaml",
                          run("tar", "-tzf", stem + ".tgz"))
            self.assertIn("/overlays/quickstart/namespace.yaml",
                          run("tar", "-tzf", stem + "-kubernetes.tar.gz"))
            self.assertIn("-proto/llmgateway/v1/gateway.proto",
                          run("tar", "-tzf", stem + "-proto.tar.gz"))

            self.check_clients(run)
            self.check_failbench(folder, run)

    def check_clients(self, run):
        version = _FACTS.version
        self.assertIn("package/package.json", run(
            "tar", "-tzf", "llmgateway-client-%s.tgz" % version))
        # Which no compiler but that of the build knows.
        self.assertNotIn("Buffer<", run(
            "tar", "-xzOf", "llmgateway-client-%s.tgz" % version,
            "package/llmgateway/v1/gateway.d.ts"))
        self.assertIn("/CMakeLists.txt", run(
            "tar", "-tzf", "llmgateway-client-cpp-%s.tgz" % version))
        module = "llmgateway.dev/client@v%s/go.mod" % version
        self.assertIn(module, run(
            "unzip", "-l", "go/llmgateway.dev/client/@v/v%s.zip" % version))
        stem = "maven/dev/llmgateway/llmgateway-client/%s/" % version
        self.assertIn("dev/llmgateway/LLMGateway.class", run(
            "unzip", "-l", "%sllmgateway-client-%s.jar" % (stem, version)))
        self.assertIn("llm_gateway/__init__.py", run(
            "unzip", "-l", "llm_gateway-%s-py3-none-any.whl" % version))
        self.assertIn("prompt_router", run(
            "unzip", "-l", "llm_gateway_prompt_router-1.0.0-py3-none-any.whl"))
        self.assertIn("HOT/kernel/prompt_router.py", run(
            "tar", "-tzf", "PKG-LLM-GATEWAY-001.tar.gz"))
        self.assertIn("/pyproject.toml", run(
            "tar", "-tzf", "llm_gateway-%s.tar.gz" % version))

    def check_failbench(self, folder, run):
        stem = "failbench-" + _FACTS.version
        program = os.path.join(folder, "%s-linux-%s" % (
            stem, _FACTS.architecture))
        os.chmod(program, 0o755)
        self.assertTrue(run(program, "--list"))
        # An image with nothing beside it could not run it otherwise.
        self.assertNotIn("INTERP", run("readelf", "-l", program))
        inspected = run("skopeo", "inspect", "oci-archive:%s-image-%s.tar" % (
            stem, _FACTS.architecture))
        self.assertIn('"org.opencontainers.image.title": "failbench"',
                      inspected)

    def test_a_client_that_was_not_built_is_named(self):
        with tempfile.TemporaryDirectory() as folder:
            with self.assertRaisesRegex(client_packages.MissingError,
                                        "cpp/package has no llmgateway"):
                client_packages.files(folder, _FACTS.version)

    def test_the_version_is_the_same_everywhere(self):
        release.check_versions(build_facts.read_version())

    def test_another_version_somewhere_is_named(self):
        before = os.getcwd()
        with tempfile.TemporaryDirectory() as folder:
            for path in ("deploy/helm/llm-gateway", "deploy/kubernetes"):
                shutil.copytree(path, os.path.join(folder, path))
            self.addCleanup(os.chdir, before)
            os.chdir(folder)
            path = "deploy/helm/llm-gateway/Chart.yaml"
            with open(path, encoding="utf-8") as file:
                text = file.read()
            os.unlink(path)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text.replace("appVersion: ", "appVersion: 9."))
            with self.assertRaisesRegex(release.VersionError,
                                        "Chart.yaml: has version 9"):
                release.check_versions(_FACTS.version)
            os.chdir(before)


if __name__ == "__main__":
    unittest.main()
