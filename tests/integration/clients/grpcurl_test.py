"""The quickstart as a person tries it: the printed commands, and grpcurl."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

from tests.integration import certificates
from tests.testing.gateway_process import GatewayProcess

_QUICKSTART = "deploy/config/quickstart.yaml"
_PROTOSET = "clients/llmgateway.protoset"
_REPLY = "This is the mock provider speaking."
_PROMPT = {"model": "mock-model",
           "messages": [{"role": "ROLE_USER", "parts": [{"text": "Hello"}]}]}
_TIMEOUT_S = 30


def tools_folder():
    """Where tools/deps.sh keeps what it installs."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(
        os.environ.get("HOME", ""), ".cache")
    return os.path.join(cache, "llm-gateway", "tools", "bin")


def json_values(text):
    """The JSON values in a text, one after the other."""
    decoder = json.JSONDecoder()
    values = []
    text = text.strip()
    while text:
        value, end = decoder.raw_decode(text)
        values.append(value)
        text = text[end:].strip()
    return values


class Quickstart(unittest.TestCase):
    """A gateway with the quickstart configuration, but for its ports."""

    @classmethod
    def changed(cls, config):
        """The configuration that a class tries, made of the quickstart's."""
        return config

    @classmethod
    def setUpClass(cls):
        cls.path = os.environ["PATH"] + ":" + tools_folder()
        if shutil.which("grpcurl", path=cls.path) is None:
            raise AssertionError(
                "grpcurl is missing; to install it, run: make deps")
        with open(_QUICKSTART, encoding="utf-8") as file:
            config, ports = re.subn(r'(127\.0\.0\.1):\d+"', r'\1:0"',
                                    file.read())
        if ports != 4:
            raise AssertionError("%s has %d listeners" % (_QUICKSTART, ports))
        cls.gateway = GatewayProcess(cls.changed(config),
                                     env={"PATH": cls.path},
                                     flags=["--first_calls"])

    @classmethod
    def tearDownClass(cls):
        cls.gateway.stop()

    def run_command(self, command, code=0, path=None):
        """Standard output, or the error's text if a code is expected."""
        done = subprocess.run(
            command, env={"PATH": path or self.path}, check=False,
            timeout=_TIMEOUT_S,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, code,
                         "%s\n%s%s" % (command, done.stdout, done.stderr))
        return done.stdout if code == 0 else done.stdout + done.stderr


class Printed(Quickstart):
    """What the ready message says to paste into a shell."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        text = cls.gateway.wait_for_output("Ctrl-C ends the gateway.")
        cls.commands = [line.strip() for line in text.splitlines()
                        if re.match(r" +(\S*/grpcurl|curl) ", line)]

    def paste(self, pattern):
        """The output of the only command that matches."""
        found = [line for line in self.commands if re.search(pattern, line)]
        self.assertEqual(len(found), 1, "%s in %s" % (pattern, self.commands))
        return self.paste_line(found[0])

    def paste_line(self, line):
        """What it prints in a shell that knows nothing of our tools."""
        return self.run_command(["bash", "-c", line], path="/usr/bin:/bin")

    def assert_all_work(self):
        self.assertGreaterEqual(len(self.commands), 7)
        for command in self.commands:
            with self.subTest(command):
                self.assertNotIn('"error":{', self.paste_line(command))


class PrintedCommandsTest(Printed):

    def test_names_all_four_addresses(self):
        text = self.gateway.wait_for_output("Ctrl-C ends the gateway.")
        for address in (self.gateway.grpc, self.gateway.http,
                        self.gateway.admin, self.gateway.operations):
            self.assertRegex(text, r"(?m)^ .* %s$" % re.escape(address))

    def test_grpcurl_generates(self):
        [response] = json_values(self.paste(r"/Generate$"))
        [choice] = response["choices"]
        self.assertEqual(choice["message"]["parts"], [{"text": _REPLY}])
        self.assertEqual(response["route"]["provider"], "mock")

    def test_grpcurl_streams(self):
        events = json_values(self.paste(r"/StreamGenerate$"))
        self.assertEqual(
            "".join(event.get("delta", {}).get("text", "")
                    for event in events), _REPLY)
        self.assertIn("started", events[0])
        self.assertEqual(
            [index for index, event in enumerate(events) if "end" in event],
            [len(events) - 1])
        self.assertEqual(events[-1]["end"]["outcome"], "OUTCOME_FINISHED")

    def test_curl_completes_a_chat(self):
        response = json.loads(self.paste(r"curl -s \S*/chat/completions "))
        self.assertEqual(response["object"], "chat.completion")
        self.assertEqual(response["choices"][0]["message"]["content"], _REPLY)

    def test_curl_streams_a_chat(self):
        lines = [line for line in self.paste(
            r"curl -sN \S*/chat/completions ").splitlines() if line]
        self.assertEqual(lines[-1], "data: [DONE]")
        chunks = [json.loads(line[len("data: "):]) for line in lines[:-1]]
        self.assertEqual(
            "".join(choice["delta"].get("content") or ""
                    for chunk in chunks for choice in chunk["choices"]),
            _REPLY)

    def test_curl_lists_models(self):
        models = json.loads(self.paste(r"/v1/models$"))
        self.assertTrue(any("mock" in model["id"] for model in models["data"]),
                        models)

    def test_grpcurl_asks_for_health(self):
        self.assertEqual(json_values(self.paste(r"Health/Check$")),
                         [{"status": "SERVING"}])

    def test_grpcurl_lists_services(self):
        services = self.paste(r"grpcurl.* list$").split()
        self.assertIn("llmgateway.v1.GatewayService", services)
        self.assertIn("grpc.health.v1.Health", services)

    def test_every_other_command_works_too(self):
        self.assert_all_work()


class PrintedWithTlsAndKeysTest(Printed):
    """Where the gateway serves TLS and asks for keys, so do the commands."""

    @classmethod
    def changed(cls, config):
        folder = tempfile.TemporaryDirectory(prefix="printed")
        cls.addClassCleanup(folder.cleanup)
        leaf = certificates.Authority(folder.name, "ours").issue(
            "localhost", "DNS:localhost")
        key = os.path.join(folder.name, "caller's key")
        with open(key, "w", encoding="utf-8") as file:
            file.write("sk-0123456789abcdef\n")
        config, listeners = re.subn(
            r'\b(grpc|http): \{address: "127\.0\.0\.1:0"',
            r'\g<0>, tls: {cert_chain: "file:%s", private_key: "file:%s"}' % (
                leaf.cert, leaf.key), config)
        if listeners != 2:
            raise AssertionError("there are %d data listeners" % listeners)
        return config + (
            'auth: {callers: {api_keys: [{id: a, key: "file:%s"}]}}\n' % key)

    def test_without_the_key_nobody_is_served(self):
        [command] = [line for line in self.commands if "/v1/models" in line]
        answer = self.paste_line(command[:command.index(" -H ")])
        self.assertIn('"error"', answer)

    def test_every_command_works(self):
        self.assert_all_work()

    def test_the_key_itself_is_not_printed(self):
        self.assertNotIn("sk-0123456789abcdef", self.gateway.output)


class Called(Quickstart):
    """What grpcurl says of it."""

    def grpcurl(self, *arguments, data=None, address=None, flags=(), code=0):
        command = ["grpcurl", "-plaintext", *flags]
        if data is not None:
            command += ["-d", json.dumps(data)]
        return self.run_command(
            [*command, address or self.gateway.grpc, *arguments], code)


class GrpcurlTest(Called):

    def services_by(self, reflection):
        """The services that this version of the reflection service lists."""
        [response] = json_values(self.grpcurl(
            reflection + "/ServerReflectionInfo", data={"list_services": "*"}))
        return {service["name"] for service in
                response.get("listServicesResponse",
                             response.get("list_services_response"))["service"]}

    def test_both_versions_of_reflection_list_the_same(self):
        newer = self.services_by("grpc.reflection.v1.ServerReflection")
        older = self.services_by("grpc.reflection.v1alpha.ServerReflection")
        self.assertIn("llmgateway.v1.GatewayService", newer)
        self.assertEqual(newer, older)

    def test_describes_a_method(self):
        text = self.grpcurl("describe",
                            "llmgateway.v1.GatewayService.StreamGenerate")
        self.assertIn(
            "rpc StreamGenerate ( .llmgateway.v1.GenerateRequest ) "
            "returns ( stream .llmgateway.v1.GenerateEvent );", text)

    def test_describes_a_message(self):
        self.assertIn("int64 cost_usd_nanos = 11;",
                      self.grpcurl("describe", "llmgateway.v1.Usage"))

    def test_the_protoset_serves_where_reflection_does_not(self):
        [response] = json_values(self.grpcurl(
            "llmgateway.v1.GatewayService/Generate", data=_PROMPT,
            flags=["-protoset", _PROTOSET, "-use-reflection=false"]))
        self.assertIn("choices", response)

    def test_the_protoset_keeps_the_comments(self):
        text = self.run_command([
            "grpcurl", "-protoset", _PROTOSET, "describe",
            "llmgateway.v1.GatewayService.Generate"])
        self.assertIn("Generates one complete response.", text)

    def test_the_old_name_of_the_service_answers_too(self):
        [response] = json_values(self.grpcurl(
            "llmgateway.v1.PromptRouter/Route", data=_PROMPT))
        self.assertEqual(
            response["choices"][0]["message"]["parts"], [{"text": _REPLY}])

    def test_health_knows_the_service_and_no_other(self):
        check = "grpc.health.v1.Health/Check"
        [answer] = json_values(self.grpcurl(
            check, data={"service": "llmgateway.v1.GatewayService"}))
        self.assertEqual(answer, {"status": "SERVING"})
        self.assertIn("NotFound", self.grpcurl(
            check, data={"service": "nobody"}, code=64 + 5))

    def test_an_error_tells_its_reason(self):
        text = self.grpcurl(
            "llmgateway.v1.GatewayService/Generate",
            data=dict(_PROMPT, provider_id="nobody"),
            flags=["-protoset", _PROTOSET], code=64 + 5)
        self.assertIn("NotFound", text)
        self.assertIn("PROVIDER_NOT_FOUND", text)
        self.assertIn("llmgateway.dev", text)

    def test_a_malformed_request_is_refused(self):
        text = self.grpcurl("llmgateway.v1.GatewayService/Generate",
                            data={"model": "mock-model"}, code=64 + 3)
        self.assertIn("InvalidArgument", text)
        self.assertIn("messages", text)

    def test_the_admin_listener_has_its_own_services(self):
        services = self.grpcurl("list", address=self.gateway.admin).split()
        self.assertIn("llmgateway.v1.AdminService", services)
        self.assertIn("llmgateway.v1.MetricsService", services)
        self.assertNotIn("grpc.channelz.v1.Channelz", services)
        self.assertNotIn("llmgateway.v1.GatewayService", services)
        self.assertNotIn("llmgateway.v1.AdminService",
                         self.grpcurl("list").split())


class LibraryTest(Called):
    """An admin listener that gRPC C++ serves."""

    @classmethod
    def changed(cls, config):
        return config.replace("admin: {", "admin: {engine: grpc_core, ")

    def test_channelz_is_called_by_what_reflection_tells_of_it(self):
        [answer] = json_values(self.grpcurl(
            "grpc.channelz.v1.Channelz/GetServers", data={},
            address=self.gateway.admin))
        self.assertEqual(len(answer["server"]), 1)
        self.assertIn("grpc.channelz.v1.Channelz",
                      self.grpcurl("list", address=self.gateway.admin).split())


if __name__ == "__main__":
    unittest.main()
