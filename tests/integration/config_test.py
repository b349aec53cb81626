"""The configuration as the program takes it: flags, file and environment."""

import os
import re
import socket
import subprocess
import tempfile
import unittest

from tests.integration import certificates
from tests.integration import http_calls
from tests.integration.http_calls import chat
from tests.testing import gateway_process
from tests.testing.gateway_process import GatewayProcess

_GOOD = """\
providers:
  - name: mock
    mock: {reply: "from the file"}
routing: {default_target: mock}
"""
_ALL_LISTENERS = gateway_process.LISTENERS + (
    '  admin_http: {address: "127.0.0.1:0"}\n')
_TIMEOUT_S = 30


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
            [gateway_process.BINARY, *flags],
            env=gateway_process.environment(env),
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
            "routing: {default_target: nobody}\n"
            "bogus: 1\n",
            r"yaml:2:\d+: providers\[0\]\.name: ",
            r"yaml:3:\d+: providers\[0\]\.mock\.chunk_count: ",
            r"yaml:4:\d+: providers\[1\]",
            r"yaml:5:\d+: routing\.default_target\.provider: ",
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


class CannotWorkTest(_ConfigCase):
    """What reads well and cannot work is refused, by the check as by a start.

    Each message names the file or the variable, in words.
    """

    def setUp(self):
        super().setUp()
        authority = certificates.Authority(self.folder, "ours")
        self.leaf = authority.issue("localhost", "DNS:localhost")
        self.other = authority.issue("elsewhere", "DNS:elsewhere")
        self.junk = self.write("this is no PEM", "junk.pem")

    def assert_refused_at(self, problem, text, env=None):
        check = self.check(text, env)
        self.assertEqual((check.returncode, check.stdout), (1, ""))
        self.assertRegex(check.stderr, problem)
        self.assertNotRegex(check.stderr, r"error:|:[0-9A-F]{8}:")
        start = self.run_gateway(
            "--config", os.path.join(self.folder, "gateway.yaml"), env=env)
        self.assertEqual((start.returncode, start.stderr), (1, check.stderr))

    def with_tls(self, cert_chain, private_key, more=""):
        return gateway_process.LISTENERS.replace(
            'http: {address: "127.0.0.1:0"',
            'http: {address: "127.0.0.1:0", tls: {cert_chain: "%s", '
            'private_key: "%s"%s}' % (cert_chain, private_key, more)) + _GOOD

    def test_a_log_file_that_cannot_be_written(self):
        for path in (self.folder + "/nothing/gateway.log", self.folder,
                     self.junk + "/gateway.log"):
            self.assert_refused_at(
                r"yaml:5:\d+: logging\.file: cannot open the log %s: [A-Z]" %
                re.escape(path), _GOOD + "logging: {file: %s}\n" % path)

    def test_the_check_creates_no_log_file(self):
        path = self.folder + "/gateway.log"
        done = self.check(_GOOD + "logging: {file: %s}\n" % path)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertFalse(os.path.exists(path))

    def test_the_key_of_another_certificate(self):
        self.assert_refused_at(
            r"yaml:3:\d+: listeners\.http\.tls\.private_key: file %s is not "
            r"the key of the certificate, which is for 'localhost'" %
            re.escape(self.other.key),
            self.with_tls("file:" + self.leaf.cert, "file:" + self.other.key))

    def test_what_is_no_certificate_and_what_is_no_key(self):
        self.assert_refused_at(
            r"listeners\.http\.tls\.cert_chain: variable CERT holds no "
            r"certificate in PEM.*\n"
            r".*listeners\.http\.tls\.private_key: file %s holds no private "
            r"key in PEM" % re.escape(self.junk),
            self.with_tls("env:CERT", "file:" + self.junk),
            env={"CERT": "this is no PEM"})

    def test_certificate_and_key_exchanged(self):
        self.assert_refused_at(
            r"cert_chain: file \S+ holds a private key and no certificate\n"
            r".*private_key: file \S+ holds a certificate and no private key",
            self.with_tls("file:" + self.leaf.key, "file:" + self.leaf.cert))

    def test_a_directory_that_is_not_there(self):
        for path in (self.folder + "/nothing", self.junk):
            self.assert_refused_at(
                r"providers\[0\]\.local_cli\.working_directory: '%s' is no "
                r"directory" % re.escape(path),
                "providers:\n"
                "  - name: cli\n"
                "    local_cli: {executable: /bin/echo, "
                "working_directory: %s}\n" % path)

    def test_a_bad_client_ca(self):
        self.assert_refused_at(
            r"listeners\.http\.tls\.client_ca: file %s holds no certificate" %
            re.escape(self.junk),
            self.with_tls("file:" + self.leaf.cert, "file:" + self.leaf.key,
                          ', client_ca: "file:%s"' % self.junk))

    def test_a_bad_ca_of_a_provider(self):
        for path, what in ((self.junk, "holds no certificate in PEM"),
                           (self.folder + "/none.pem",
                            "cannot be opened: No such file or directory")):
            self.assert_refused_at(
                r"yaml:3:\d+: providers\[0\]\.openai\.http\.ca_file: file %s "
                r"%s" % (re.escape(path), what),
                "providers:\n"
                "  - name: openai\n"
                "    openai: {http: {ca_file: %s}}\n" % path)

    def test_a_ca_of_a_provider_that_is_a_pipe(self):
        path = os.path.join(self.folder, "pipe.pem")
        os.mkfifo(path)
        self.assert_refused_at(
            r"providers\[0\]\.openai\.http\.ca_file: file %s is not a regular "
            r"file" % re.escape(path),
            "providers:\n"
            "  - name: openai\n"
            "    openai: {http: {ca_file: %s}}\n" % path)

    def test_an_address_that_is_not_ours(self):
        # Of a network that is for documentation only.
        self.assert_refused_at(
            r"yaml:2:\d+: listeners\.grpc\.address: '192\.0\.2\.1' is no "
            r"address of this machine",
            gateway_process.LISTENERS.replace("127.0.0.1", "192.0.2.1", 1) +
            _GOOD + "auth: {insecure_allow_anonymous: true}\n")

    def test_the_check_does_not_mind_a_gateway_that_runs(self):
        gateway = self.start(_GOOD)
        text = gateway_process.LISTENERS.replace(
            'http: {address: "127.0.0.1:0"',
            'http: {address: "%s"' % gateway.http) + _GOOD
        done = self.check(text)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        gateway.stop()


class WarningTest(_ConfigCase):
    """What can be lived with is told, and with --strict refused."""

    config = ("providers:\n"
              "  - name: openai\n"
              '    openai: {api_key: "env:NOT_SET"}\n'
              "  - {name: mock, mock: {}}\n")
    warning = (r"gateway\.yaml:3:\d+: providers\[0\]\.openai\.api_key: "
               r"variable NOT_SET is not set; until it is, rules skip this "
               r"provider\n")

    def run_strict(self, *flags, env=None):
        return self.run_gateway("--strict", *flags, "--config",
                                self.write(self.config), env=env)

    def test_the_check_prints_it_and_passes(self):
        done = self.check(self.config)
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stderr, "^warning: .*" + self.warning + "$")
        self.assertIn("providers:", done.stdout)
        # A model that reasons is silent for long.
        self.assertRegex(done.stdout, r" idle: (600s|10m)\n")

    def test_a_vendor_without_any_key_is_another(self):
        done = self.check("providers: [{name: a, anthropic: {}}]\n")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stderr, r"^warning: .*gateway\.yaml:1:\d+: "
                         r"providers\[0\]\.anthropic\.api_key: is not set")

    def test_a_certificate_that_is_valid_no_longer_is_one(self):
        past = certificates.Authority(self.folder, "ours").issue(
            "gateway.example", "DNS:gateway.example", days=-1)
        done = self.check(gateway_process.LISTENERS.replace(
            'http: {address: "127.0.0.1:0"',
            'http: {address: "127.0.0.1:0", tls: {cert_chain: "file:%s", '
            'private_key: "file:%s"}' % (past.cert, past.key)) + _GOOD)
        self.assertEqual(done.returncode, 0)
        self.assertRegex(
            done.stderr, r"^warning: .*listeners\.http\.tls\.cert_chain: file "
            r"%s holds a certificate, for 'gateway\.example', that is valid no "
            r"longer, since \d{4}-\d\d-\d\dT" % re.escape(past.cert))

    def test_a_start_logs_it(self):
        gateway = self.start(self.config)
        line = gateway.wait_for_log(module="config", level="warn")
        self.assertEqual(line["field"], "providers[0].openai.api_key")
        self.assertTrue(line["config"].endswith("gateway.yaml"))
        self.assertGreater(line["line"], 0)
        self.assertIn("NOT_SET", line["msg"])
        gateway.stop()

    def test_strict_refuses_it(self):
        for flags in ([], ["--check_config"]):
            done = self.run_strict(*flags)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertRegex(done.stderr, self.warning)
            self.assertIn("--strict", done.stderr)

    def test_strict_has_nothing_against_a_file_without_warnings(self):
        done = self.run_strict("--check_config", env={"NOT_SET": "sk-1234567"})
        self.assertEqual((done.returncode, done.stderr), (0, ""))


class QuickstartTest(_ConfigCase):

    def test_a_mistyped_key_is_not_answered_by_the_mock(self):
        with open("deploy/config/quickstart.yaml", encoding="utf-8") as file:
            config = re.sub(r'(127\.0\.0\.1):\d+"', r'\1:0"', file.read())
        gateway = self.start(config, env={"OPENAI_API_KY": "sk-1234567"})
        answer = http_calls.ask(gateway.http, chat("mock-model"))
        self.assertEqual(answer.status, 200)
        # Nor is a call that names no model, which is the mock's, like one.
        answer = http_calls.ask(gateway.http, {
            "messages": [{"role": "user", "content": "Hello"}]})
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.json()["model"], "mock-model")
        answer = http_calls.ask(gateway.http, chat("gpt-4o"))
        self.assertEqual(answer.status, 404)
        self.assertIn("'openai' of its rule has no credential",
                      answer.error()["message"])
        gateway.wait_for_log(module="config",
                             field="providers[0].openai.api_key")
        gateway.stop()


class FlagsTest(_ConfigCase):

    def test_help_shows_the_flags(self):
        done = self.run_gateway("--help")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for flag in ("--config", "--check_config", "--strict",
                     "--first_calls", "--pid_file", "--help", "--version"):
            self.assertRegex(done.stdout, r"(?m)^  %s$" % flag)
        self.assertLess(len(done.stdout.splitlines()), 60)

    def test_version_shows_the_version(self):
        done = self.run_gateway("--version")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"^gateway \d+\.\d+\.\d+\n$")

    def test_what_is_no_flag_is_refused(self):
        path = self.write(_GOOD)
        done = self.run_gateway("--check_config", "--config", path, "stray")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("'stray'", done.stderr)
        done = self.run_gateway("--confg", path)
        self.assertEqual(done.returncode, 1)
        self.assertIn("confg", done.stderr)


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
            '    - {prefix: "gpt-", targets: [openai]}\n'
            '    - {glob: "gpt-*", targets: [mock]}\n')
        answer = http_calls.ask(gateway.http, chat("gpt-x"))
        self.assertEqual(answer.text(), "fallback")
        lines = gateway.log_lines(field="providers[0].openai.api_key")
        self.assertEqual(len(lines), 1, lines)
        self.assertIn("NOT_SET", lines[0]["msg"])
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
        gateway = self.start(_ALL_LISTENERS + _GOOD)
        ready = gateway.wait_for_log(msg="ready")
        ports = {int(ready[name].rsplit(":", 1)[1]) for name in
                 ("grpc", "http", "admin", "operations", "admin_http")}
        self.assertEqual(len(ports), 5)
        self.assertNotIn(0, ports)
        for port in ports:
            socket.create_connection(("127.0.0.1", port)).close()
        gateway.stop()

    def test_a_port_that_is_taken_is_named(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = "127.0.0.1:%d" % taken.getsockname()[1]
            for listener in ("grpc", "http", "admin", "operations",
                             "admin_http"):
                text = _ALL_LISTENERS.replace(
                    ' %s: {address: "127.0.0.1:0"}' % listener,
                    ' %s: {address: "%s"}' % (listener, address)) + _GOOD
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
