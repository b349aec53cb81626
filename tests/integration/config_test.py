"""The configuration as the program takes it: flags, file and environment."""

import os
import socket
import subprocess
import tempfile
import unittest

from tests.integration import http_calls
from tests.integration.http_calls import chat
from tests.testing import gateway_process
from tests.testing.gateway_process import GatewayProcess

_GOOD = """\
providers:
  - name: mock
    mock: {reply: "from the file"}
routing: {default_provider: mock}
"""
_TIMEOUT_S = 30


def _environment(more=None):
    kept = {name: os.environ[name] for name in
            ("PATH", "ASAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS",
             "UBSAN_OPTIONS") if name in os.environ}
    return {**kept, **(more or {})}


class _ConfigCase(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="config")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def write(self, text, name="gateway.yaml"):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def run_gateway(self, *flags, env=None):
        """Runs a gateway that is to end by itself."""
        return subprocess.run(
            [gateway_process.BINARY, *flags], env=_environment(env),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, check=False, text=True,
            timeout=_TIMEOUT_S)

    def check(self, text, env=None, name="gateway.yaml"):
        return self.run_gateway("--check_config", "--config",
                                self.write(text, name), env=env)

    def start(self, config, **options):
        gateway = GatewayProcess(config, **options)
        self.addCleanup(gateway.kill)
        return gateway


class CheckTest(_ConfigCase):

    def assert_refused(self, text, *problems, env=None, name="gateway.yaml"):
        """Refused by the check and by a start, with the same words."""
        done = self.check(text, env, name)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertEqual(done.stdout, "")
        for problem in problems:
            self.assertRegex(done.stderr, problem)
        path = os.path.join(self.folder, name)
        start = self.run_gateway("--config", path, env=env)
        self.assertEqual(start.returncode, 1)
        self.assertEqual(start.stderr, done.stderr)

    def test_a_good_file_is_shown_with_its_defaults(self):
        done = self.check(_GOOD)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn('reply: "from the file"', done.stdout)
        self.assertIn("header_bytes_limit: 64KiB", done.stdout)
        again = self.check(done.stdout)
        self.assertEqual((again.returncode, again.stdout), (0, done.stdout))

    def test_json_is_read_too(self):
        done = self.check('{"providers": [{"name": "mock", "mock": {}}]}',
                          name="gateway.json")
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_an_unknown_key_is_refused_with_its_place(self):
        self.assert_refused(
            _GOOD + "limits:\n  tols_limit: 3\n",
            r"gateway\.yaml:6:3: limits\.tols_limit: unknown field; "
            r"did you mean 'tools_limit'\?")

    def test_all_mistakes_are_told_at_once(self):
        self.assert_refused(
            "providers:\n"
            "  - name: A B\n"
            "    mock: {chunk_count: many}\n"
            "  - name: c\n"
            "routing: {default_provider: nobody}\n"
            "bogus: 1\n",
            r"yaml:2:\d+: providers\[0\]\.name: ",
            r"yaml:3:\d+: providers\[0\]\.mock\.chunk_count: ",
            r"yaml:4:\d+: providers\[1\]",
            r"yaml:5:\d+: routing\.default_provider: ",
            r"yaml:6:1: bogus: ")

    def test_a_missing_key_file_is_an_error(self):
        self.assert_refused(
            "providers:\n"
            "  - name: openai\n"
            '    openai: {api_key: "file:%s/nothing"}\n' % self.folder,
            r"yaml:3:\d+: providers\[0\]\.openai\.api_key: .*nothing")

    def test_a_key_in_the_file_is_refused_and_not_repeated(self):
        text = ("providers:\n"
                "  - name: openai\n"
                '    openai: {api_key: "sk-in-the-clear-12345"}\n')
        self.assert_refused(text, r"yaml:3:\d+: .*api_key")
        self.assertNotIn("sk-in-the-clear", self.check(text).stderr)

    def test_text_that_is_no_yaml_is_refused_with_its_place(self):
        self.assert_refused("providers: [\n", r"gateway\.yaml:\d+:\d+: ")
        self.assert_refused(
            _GOOD + "runtime: {event_loops: 1}\nruntime: {event_loops: 2}\n",
            r"gateway\.yaml:6:1: runtime: given twice")
        self.assert_refused("", r"gateway\.yaml")

    def test_a_nest_of_aliases_is_no_bomb(self):
        lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
        for i in range(1, 30):
            lines.append("a%d: &a%d [%s]" % (
                i, i, ", ".join(["*a%d" % (i - 1)] * 9)))
        self.assert_refused("\n".join(lines) + "\n", r"gateway\.yaml")

    def test_a_file_that_is_not_there(self):
        done = self.run_gateway("--config", "/nowhere/gateway.yaml")
        self.assertEqual(done.returncode, 1)
        self.assertIn("/nowhere/gateway.yaml", done.stderr)

    def test_no_file_at_all(self):
        done = self.run_gateway()
        self.assertEqual(done.returncode, 1)
        self.assertIn("--config", done.stderr)

    def test_a_certificate_and_key_that_do_not_fit(self):
        key = self.write("not a key", "key.pem")
        done = self.run_gateway("--config", self.write(
            gateway_process.LISTENERS.replace(
                'http: {address: "127.0.0.1:0"',
                'http: {address: "127.0.0.1:0", tls: {cert_chain: "file:%s", '
                'private_key: "file:%s"}' % (key, key)) + _GOOD))
        self.assertEqual(done.returncode, 1)
        self.assertNotIn("not a key", done.stderr)


class EnvironmentTest(_ConfigCase):

    def test_a_variable_is_stronger_than_the_file(self):
        gateway = self.start(_GOOD + "logging: {access_log: false}\n", env={
            "LLM_GATEWAY_LOGGING_ACCESS_LOG": "true",
            "LLM_GATEWAY_LISTENERS_HTTP_BODY_BYTES_LIMIT": "2KiB"})
        answer = http_calls.ask(gateway.http, chat("m"))
        self.assertEqual(answer.text(), "from the file")
        gateway.wait_for_access(model="m")
        answer = http_calls.ask(gateway.http, chat("m", "x" * 3000))
        self.assertEqual(answer.status, 413)
        gateway.stop()

    def test_a_wrong_variable_is_refused_by_name(self):
        for name, value in (("LLM_GATEWAY_LISTNERS_HTTP_ADDRESS", "x"),
                            ("LLM_GATEWAY_ROUTING_STRICT", "perhaps")):
            done = self.check(_GOOD, env={name: value})
            self.assertEqual(done.returncode, 1)
            self.assertIn(name, done.stderr)

    def test_an_unset_key_skips_the_providers_rules_and_is_logged_once(self):
        gateway = self.start(
            "providers:\n"
            "  - name: openai\n"
            '    openai: {api_key: "env:NOT_SET"}\n'
            "  - {name: mock, mock: {reply: fallback}}\n"
            "routing:\n"
            "  model_rules:\n"
            '    - {prefix: "gpt-", provider: openai}\n'
            '    - {glob: "gpt-*", provider: mock}\n')
        answer = http_calls.ask(gateway.http, chat("gpt-x"))
        self.assertEqual(answer.text(), "fallback")
        lines = gateway.log_lines(provider="openai")
        self.assertEqual(len(lines), 1, lines)
        self.assertIn("no credential", lines[0]["msg"])
        gateway.stop()

    def test_a_file_holds_a_key_without_its_last_line_end(self):
        key = self.write("sk-0123456789abcdef\n", "key")
        gateway = self.start(
            _GOOD + "auth: {callers: {api_keys: [{id: a, "
            "key: \"file:%s\"}]}}\n" % key)
        answer = http_calls.ask(gateway.http, chat("m"), headers={
            "authorization": "Bearer sk-0123456789abcdef"})
        self.assertEqual(answer.status, 200)
        gateway.stop()


class PortTest(_ConfigCase):

    def test_chosen_ports_are_logged_and_serve(self):
        gateway = self.start(_GOOD)
        ready = gateway.wait_for_log(msg="ready")
        ports = {int(ready[name].rsplit(":", 1)[1]) for name in
                 ("grpc", "http", "admin", "operations")}
        self.assertEqual(len(ports), 4)
        self.assertNotIn(0, ports)
        for port in ports:
            socket.create_connection(("127.0.0.1", port)).close()
        gateway.stop()

    def test_a_port_that_is_taken_is_named(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = "127.0.0.1:%d" % taken.getsockname()[1]
            for listener in ("grpc", "http", "admin", "operations"):
                text = gateway_process.LISTENERS.replace(
                    '%s: {address: "127.0.0.1:0"}' % listener,
                    '%s: {address: "%s"}' % (listener, address)) + _GOOD
                done = self.run_gateway("--config", self.write(text))
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertIn(address, done.stderr)
                self.assertNotIn('"msg":"ready"', done.stderr)

    def test_two_gateways_do_not_share_a_port(self):
        first = self.start(_GOOD)
        for name in ("grpc", "http"):
            text = gateway_process.LISTENERS.replace(
                '%s: {address: "127.0.0.1:0"}' % name,
                '%s: {address: "%s"}' % (name, getattr(first, name))) + _GOOD
            done = self.run_gateway("--config", self.write(text))
            self.assertEqual(done.returncode, 1, done.stderr)
        self.assertEqual(http_calls.ask(first.http, chat("m")).status, 200)
        first.stop()


if __name__ == "__main__":
    unittest.main()
