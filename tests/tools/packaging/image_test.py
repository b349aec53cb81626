"""The container image: read by others' programs, and run."""

import dataclasses
import json
import os
import re
import signal
import ssl
import subprocess
import tempfile
import threading
import unittest
import urllib.request

from tests.integration import certificates
from tests.testing.mock_upstream import MockUpstream
from tools.packaging import build_facts
from tools.packaging import debian_libraries
from tools.packaging import image

_PROGRAMS = {"gateway": "service/gateway",
             "gatewayctl": "clients/cli/gatewayctl"}
_FACTS = build_facts.BuildFacts(
    version=build_facts.read_version(), revision="4be1c0de",
    epoch_s=1750000000, architecture=debian_libraries.architecture())
_TIMEOUT_S = 30.0
_CA_BUNDLE = "etc/ssl/certs/ca-certificates.crt"
_OPENAI = """\
listeners:
  http: {address: "127.0.0.1:0"}
  grpc: {address: "127.0.0.1:0"}
  admin: {address: "127.0.0.1:0"}
  operations: {address: "127.0.0.1:0"}
providers:
  - {name: openai, openai: {base_url: "https://localhost:%d/v1"}}
routing: {default_target: openai}
runtime: {state_dir: "/var/lib/llm-gateway"}
"""


def setUpModule():
    """One image for all cases: an OCI layout, and unpacked by umoci, which
    wants layers in gzip."""
    global _folder, _image, _layout, _root, _process
    _folder = tempfile.TemporaryDirectory()
    unittest.addModuleCleanup(_folder.cleanup)
    _image = image.build(_PROGRAMS, _FACTS, "gzip")
    _layout = _written(_image, "layout")
    bundle = os.path.join(_folder.name, "bundle")
    _run("umoci", "unpack", "--rootless", "--image",
         "%s:%s" % (_layout, _FACTS.version), bundle)
    _root = os.path.join(bundle, "rootfs")
    with open(os.path.join(bundle, "config.json"), encoding="utf-8") as file:
        _process = json.load(file)["process"]


def _written(built, name):
    """Its layout's folder."""
    layout = os.path.join(_folder.name, name)
    os.mkdir(layout)
    image.layout(built).write(layout, _FACTS.epoch_s)
    return layout


def _run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError("%s: %s" % (" ".join(command), done.stdout))
    return done.stdout


class WrittenTest(unittest.TestCase):

    def test_two_builds_have_one_digest(self):
        # A minute later, in another folder, the programs' times are others.
        with tempfile.TemporaryDirectory() as folder:
            copies = {}
            for name, program in _PROGRAMS.items():
                copies[name] = os.path.join(folder, "copy-of-" + name)
                _run("cp", "-L", program, copies[name])
                os.utime(copies[name], (0, 0))
            again = image.build(copies, _FACTS, "gzip")
        self.assertEqual(again.digest, _image.digest)

    def test_the_digest_tells_another_revision(self):
        other = dataclasses.replace(_FACTS, revision="5be1c0de")
        self.assertNotEqual(image.build(_PROGRAMS, other, "gzip").digest,
                            _image.digest)

    def test_it_is_small(self):
        """By zstd, as it is released; it is the same image otherwise."""
        released = image.build(_PROGRAMS, _FACTS)
        self.assertLess(released.compressed_bytes,
                        image.COMPRESSED_BYTES_LIMIT)
        layout = _written(released, "released")
        told, plain = (
            json.loads(_run("skopeo", "inspect", "--config",
                            "oci:%s:%s" % (place, _FACTS.version)))
            for place in (layout, _layout))
        self.assertEqual(told["rootfs"], plain["rootfs"])

    def test_others_read_what_it_is(self):
        told = json.loads(_run(
            "skopeo", "inspect", "oci:%s:%s" % (_layout, _FACTS.version)))
        self.assertEqual(told["Digest"], _image.digest)
        labels = told["Labels"]
        for name, value in (("version", _FACTS.version),
                            ("revision", "4be1c0de"),
                            ("licenses", "Apache-2.0"),
                            ("created", "2025-06-15T15:06:40Z")):
            self.assertEqual(labels["org.opencontainers.image." + name], value)
        raw = json.loads(_run(
            "skopeo", "inspect", "--raw",
            "oci:%s:%s" % (_layout, _FACTS.version)))
        self.assertEqual(raw["annotations"], labels)
        config = json.loads(_run(
            "skopeo", "inspect", "--config",
            "oci:%s:%s" % (_layout, _FACTS.version)))
        self.assertEqual(config["config"]["User"], "65532:65532")
        self.assertEqual(config["config"]["StopSignal"], "SIGTERM")

    def test_it_has_nothing_else(self):
        """No shell, no package manager: two programs and what they load."""
        listed = {}
        for place, _, names in os.walk(_root):
            for name in names:
                path = os.path.relpath(os.path.join(place, name), _root)
                listed.setdefault(path.split("/")[1 if path.count("/") else 0],
                                  []).append(path)
        programs = [path for paths in listed.values() for path in paths
                    if "/bin/" in path or "/sbin/" in path]
        self.assertEqual(sorted(programs),
                         ["usr/bin/gateway", "usr/bin/gatewayctl"])
        loaded = debian_libraries.loaded_by(_PROGRAMS.values())
        libraries = [os.path.basename(path) for path in listed["lib"]
                     if ".so" in path]
        self.assertEqual(sorted(libraries), sorted(loaded.files))
        etc = [path for paths in listed.values() for path in paths
               if path.startswith("etc/")]
        self.assertEqual(sorted(etc), [
            "etc/group", "etc/hosts", "etc/llm-gateway/gateway.yaml",
            "etc/nsswitch.conf", "etc/passwd", _CA_BUNDLE])

    def test_the_bill_of_materials_names_each_package(self):
        with open(os.path.join(_root, image.SBOM), encoding="utf-8") as file:
            text = file.read()
        self.assertEqual(text, _image.bill)
        bill = json.loads(text)
        self.assertEqual(bill["spdxVersion"], "SPDX-2.3")
        packages = {one["name"]: one for one in bill["packages"]}
        self.assertEqual(packages["llm-gateway"]["versionInfo"],
                         _FACTS.version)
        for name in ("libc6", "libssl3", "libgrpc29", "ca-certificates",
                     "tzdata"):
            installed = _run("dpkg-query", "-W", "-f", "${Version}", name)
            self.assertEqual(packages[name]["versionInfo"], installed)
        self.assertEqual(packages["libssl3"]["licenseDeclared"], "Apache-2.0")
        # A licence without a name of SPDX's is told by its text.
        texts = {one["licenseId"]: one["extractedText"]
                 for one in bill["hasExtractedLicensingInfos"]}
        self.assertRegex(texts[packages["libc6"]["licenseDeclared"]],
                         r"GNU Lesser General\s+Public\s+License")
        contained = {one["relatedSpdxElement"]
                     for one in bill["relationships"]
                     if one["relationshipType"] == "CONTAINS"}
        self.assertEqual(contained, {one["SPDXID"] for one in bill["packages"]
                                     if one["name"] != "llm-gateway"})


class RunTest(unittest.TestCase):
    """The image as a runtime runs it: its own root, which cannot be written
    to, its own command, and a user without rights."""

    def start(self, *mounts, environment=None, config=None):
        """Returns the fields of the line that says "ready"."""
        told, write = os.pipe()
        command = ["bwrap", "--ro-bind", _root, "/", "--proc", "/proc",
                   "--dev", "/dev", "--unshare-user", "--unshare-ipc",
                   "--uid", str(_process["user"]["uid"]),
                   "--gid", str(_process["user"]["gid"]), "--clearenv",
                   "--die-with-parent", "--info-fd", str(write), *mounts]
        variables = dict(one.split("=", 1) for one in _process["env"])
        for name, value in {**variables, **(environment or {})}.items():
            command += ["--setenv", name, value]
        arguments = list(_process["args"])
        if config:
            arguments[-1] = "--config=" + config
        self.child = subprocess.Popen(
            command + arguments, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, pass_fds=[write], text=True)
        os.close(write)
        self.addCleanup(self.kill)
        with os.fdopen(told) as info:
            self.inner = json.load(info)["child-pid"]
        watchdog = threading.Timer(_TIMEOUT_S, self.child.kill)
        watchdog.start()
        self.addCleanup(watchdog.cancel)
        said = []
        for line in self.child.stderr:
            said.append(line)
            if '"msg":"ready"' in line:
                return json.loads(line)
        self.fail("it did not become ready: " + "".join(said))

    def kill(self):
        self.child.kill()
        self.child.wait()
        self.child.stderr.close()

    def stop(self):
        """As a runtime does: its signal goes to the gateway itself."""
        os.kill(self.inner, signal.SIGTERM)
        rest = self.child.stderr.read()
        return self.child.wait(_TIMEOUT_S), rest

    def chat(self, address, model, key=""):
        request = urllib.request.Request(
            "http://%s/v1/chat/completions" % address,
            data=json.dumps({"model": model, "messages": [
                {"role": "user", "content": "Hello"}]}).encode(),
            headers={"content-type": "application/json",
                     "authorization": "Bearer " + key})
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
            return json.load(answer)["choices"][0]["message"]["content"]

    def test_it_serves_and_stops_as_it_is(self):
        # Its own addresses, but for the numbers, which another may have.
        key = "sk-own-0123456789"
        ready = self.start(environment={"GATEWAY_API_KEY": key, **{
            "LLM_GATEWAY_LISTENERS_%s_ADDRESS" % name: "0.0.0.0:0"
            for name in ("GRPC", "HTTP", "OPERATIONS")},
            "LLM_GATEWAY_LISTENERS_ADMIN_ADDRESS": "127.0.0.1:0"})
        self.assertEqual(self.chat(ready["http"], "mock-model", key),
                         "This is the mock provider speaking.")
        with urllib.request.urlopen("http://%s/readyz" % ready["operations"],
                                    timeout=_TIMEOUT_S) as answer:
            self.assertEqual(answer.status, 200)
        with open("/proc/%d/status" % self.inner, encoding="utf-8") as file:
            status = dict(line.split(":\t", 1) for line in file if ":\t" in
                          line)
        self.assertEqual(int(status["CapEff"], 16), 0)
        code, rest = self.stop()
        self.assertEqual(code, 0, rest)
        self.assertIn('"msg":"stopped"', rest)

    def test_it_trusts_the_bundle_and_keeps_state_where_it_is_mounted(self):
        with tempfile.TemporaryDirectory() as folder:
            authority = certificates.Authority(folder, "ours")
            leaf = authority.issue("localhost", "DNS:localhost")
            upstream = self.enterContext(MockUpstream(
                tls_cert=leaf.cert, tls_key=leaf.key))
            upstream.set_script("gpt-x", {"text": "there"})
            config = os.path.join(folder, "gateway.yaml")
            with open(config, "w", encoding="utf-8") as file:
                file.write(_OPENAI % upstream.tls_port)
            state = os.path.join(folder, "state")
            os.mkdir(state)
            os.chmod(folder, 0o755)
            ready = self.start(
                "--ro-bind", authority.cert, "/" + _CA_BUNDLE,
                "--ro-bind", config, "/" + image.CONFIG,
                "--bind", state, "/" + image.STATE)
            self.assertEqual(self.chat(ready["http"], "gpt-x"), "there")
            self.assertEqual(self.stop()[0], 0)
            self.assertIn("summary.db", os.listdir(state))

    def test_it_trusts_mozillas_authorities_and_no_others(self):
        bundle = os.path.join(_root, _CA_BUNDLE)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(bundle)
        self.assertGreater(len(context.get_ca_certs()), 100)
        with open(bundle, encoding="utf-8") as file:
            count = file.read().count("BEGIN CERTIFICATE")
        listed = _run("dpkg", "-L", "ca-certificates").split()
        self.assertEqual(count, sum(
            one.startswith("/usr/share/ca-certificates/mozilla/")
            for one in listed))

    def test_budgets_may_be_of_any_time_zone(self):
        zones = "usr/share/zoneinfo"
        for name in ("Europe/Berlin", "America/New_York", "Etc/GMT+3", "UTC"):
            with self.subTest(zone=name):
                with open(os.path.join(_root, zones, name), "rb") as file:
                    packed = file.read()
                with open(os.path.join("/", zones, name), "rb") as file:
                    self.assertEqual(packed, file.read())
        self.assertNotIn("right", os.listdir(os.path.join(_root, zones)))

    def test_gatewayctl_runs_in_it(self):
        told = _run("bwrap", "--ro-bind", _root, "/", "--proc", "/proc",
                    "--dev", "/dev", "--clearenv", "--unshare-user",
                    "--uid", "65532", "/usr/bin/gatewayctl", "version")
        self.assertEqual(told.strip(), _FACTS.version)

    def test_gatewayctl_is_asked_in_it_as_the_page_has_it(self):
        ready = self.start(environment={
            "GATEWAY_API_KEY": "sk-own-0123456789",
            **{"LLM_GATEWAY_LISTENERS_%s_ADDRESS" % name: "127.0.0.1:0"
               for name in ("GRPC", "HTTP", "OPERATIONS", "ADMIN")}})
        with open("docs/kubernetes.md", encoding="utf-8") as file:
            asked = re.findall(r"^kubectl exec POD -- gatewayctl (.*)$",
                               file.read(), re.MULTILINE)
        self.assertGreater(len(asked), 2)
        for words in asked:
            words = words.replace("127.0.0.1:50052", ready["admin"])
            words = words.replace("127.0.0.1:8080", ready["http"])
            told = _run("bwrap", "--ro-bind", _root, "/", "--proc", "/proc",
                        "--dev", "/dev", "--clearenv", "--unshare-user",
                        "--uid", "65532", "/usr/bin/gatewayctl",
                        *words.split())
            self.assertTrue(told, words)


if __name__ == "__main__":
    unittest.main()
