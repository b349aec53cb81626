"""What gatewayctl tells of what fails, and by which exit code, for all of its
commands: the table of docs/gatewayctl.md."""

import json
import os
import unittest

from tests.clients.cli.gatewayctl_case import CONFIG
from tests.clients.cli.gatewayctl_case import GatewayctlCase
from tests.integration import certificates
from tests.testing.gateway_process import LISTENERS

# Each command, with words that make sense.
_ASKING = {
    "chat": ["Hi", "--model", "m"], "env": [], "exec": ["--", "true"],
    "status": [], "rollout": ["status"], "keys": ["list"], "limits": ["list"],
    "audit": ["search"], "budgets": ["list"], "prices": ["list"],
    "sessions": ["get", "s"], "ledger": ["query"], "logs": ["levels"],
    "metrics": ["show"], "traces": ["list"], "alerts": ["list"],
    "models": ["list"], "providers": ["list"], "circuits": ["list"],
    "route": ["explain", "--model", "m"], "health": [], "config": ["show"],
    "daemon": ["status"], "top": []}
_ALONE = {"contexts": ["list"], "completion": ["bash"], "man": [], "help": [],
          "version": []}
# What a gateway with this configuration does not do.
_NOT_CONFIGURED = {"keys", "audit", "budgets", "sessions", "ledger", "traces"}
_NOBODY = "127.0.0.1:1"
_KEYS = """\
auth:
  callers: {api_keys: [{id: ann, key: "env:CALLER"}]}
  operators: {api_keys: [{id: op, key: "env:OPERATOR"}]}
"""


class GatewayctlFailuresTest(GatewayctlCase):

    def error(self, done):
        """The one object that is told of a failure."""
        self.assertEqual(done.returncode, 1, done.stderr)
        line, = done.stderr.splitlines()
        error = json.loads(line)["error"]
        self.assertEqual(set(error), {"code", "reason", "message"})
        self.assertNotEqual(error["message"], "")
        return error

    def test_every_command_is_in_the_tables(self):
        names = self.run_ctl("complete", "--", "").stdout.split()
        self.assertEqual(set(names), set(_ASKING) | set(_ALONE))

    def test_without_a_gateway_each_that_asks_one_fails(self):
        for command, words in _ASKING.items():
            with self.subTest(command=command):
                done = self.run_ctl(command, *words)
                self.assert_refused(done, "gatewayctl: ")
                done = self.run_ctl("--output", "json", command, *words)
                self.assertEqual(done.stdout, "")
                self.assertEqual(self.error(done)["code"], "NOT_FOUND")

    def test_where_nobody_answers_each_says_so(self):
        for command, words in _ASKING.items():
            # These only say where it is, or look for it by its PID file.
            if command in ("env", "exec", "status", "daemon"):
                continue
            with self.subTest(command=command):
                done = self.run_ctl(command, *words, "--admin", _NOBODY,
                                    "--grpc", _NOBODY)
                self.assert_refused(
                    done, "gatewayctl: no gateway answers at " + _NOBODY +
                    ": Connection refused", "does a gateway run there")
                done = self.run_ctl(command, *words, "--output", "json",
                                    "--admin", _NOBODY, "--grpc", _NOBODY)
                self.assertEqual(self.error(done)["code"], "UNAVAILABLE")

    def test_those_that_ask_nobody_succeed(self):
        for command, words in _ALONE.items():
            done = self.run_ctl(command, *words)
            self.assertEqual((done.returncode, done.stderr), (0, ""), command)

    def test_words_that_are_not_understood_fail_before_anything_is_asked(self):
        for command in (*_ASKING, *_ALONE):
            if command == "help":
                continue
            with self.subTest(command=command):
                done = self.run_ctl(command, "--nonsense")
                self.assert_refused(done, "there is no flag --nonsense")
                done = self.run_ctl(command, "--nonsense", "--output=json")
                self.assertEqual(self.error(done)["code"], "INVALID_ARGUMENT")
        for words in ((), ("nonsense",), ("keys", "nonsense"), ("keys",),
                      ("rollout", "on", "off"), ("--output", "xml", "status"),
                      ("contexts", "nonsense"), ("daemon", "nonsense"),
                      ("completion", "tcsh"), ("exec",)):
            with self.subTest(words=words):
                done = self.run_ctl(*words)
                self.assertEqual((done.returncode, done.stdout), (1, ""))
                self.assertNotIn("PID file", done.stderr)

    def test_beside_a_gateway_each_does_what_it_can(self):
        self.start_gateway()
        for command, words in _ASKING.items():
            if command in ("daemon", "top"):
                continue  # The one of the PID file is no daemon's.
            with self.subTest(command=command):
                done = self.run_ctl(command, *words)
                if command in _NOT_CONFIGURED:
                    self.assert_refused(done, "gatewayctl: the gateway at ")
                else:
                    self.assertEqual(done.returncode, 0, done.stderr)
        error = self.error(self.run_ctl("ledger", "query", "--output", "json"))
        self.assertEqual(error["code"], "FAILED_PRECONDITION")
        self.assertNotEqual(error["reason"], "")

    def test_no_proxy_stands_before_a_gateway_of_this_machine(self):
        gateway = self.start_gateway()
        for target in (gateway.admin, "ipv4:" + gateway.admin,
                       "dns:///" + gateway.admin):
            done = self.run_ctl(
                "health", "--admin", target,
                env={"http_proxy": "http://" + _NOBODY,
                     "grpc_proxy": "http://" + _NOBODY, "no_proxy": ""})
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_the_wrong_listener_is_told(self):
        gateway = self.start_gateway()
        done = self.run_ctl("models", "list", "--grpc", gateway.admin)
        self.assert_refused(done, "no such service", "--grpc HOST:PORT")
        done = self.run_ctl("health", "--admin", gateway.grpc)
        self.assert_refused(done, "no such service", "--admin HOST:PORT")
        for port in (gateway.http, gateway.operations):
            done = self.run_ctl("health", "--admin", port)
            self.assert_refused(done, "is no gRPC listener", "its HTTP port?")
        done = self.run_ctl("health", "--admin", "http://" + gateway.admin)
        self.assert_refused(done, "takes HOST:PORT, without http://")

    def test_a_key_that_is_missing_or_wrong_is_told(self):
        gateway = self.start_gateway(
            "--pid_file", self.pid_file, config=CONFIG + _KEYS, env={
                "CALLER": "callers-key-0123", "OPERATOR": "operators-key-01"})
        for words, variable, key in (
                (("health",), "GATEWAY_OPERATOR_KEY", "operators-key-01"),
                (("models", "list"), "GATEWAY_KEY", "callers-key-0123")):
            done = self.run_ctl(*words)
            self.assert_refused(done, "put the key into $" + variable)
            done = self.run_ctl(*words, env={variable: "of-somebody-else"})
            self.assert_refused(done, "$%s says" % variable)
            self.assertNotIn("of-somebody-else", done.stderr)
            # As a line of a file with CRLF has it.
            done = self.run_ctl(*words, env={variable: key + "\r"})
            self.assert_refused(done, "$%s has a character" % variable)
            self.assertNotIn(key, done.stderr)
            done = self.run_ctl(*words, env={variable: key})
            self.assertEqual(done.returncode, 0, done.stderr)
        gateway.stop()

    def test_tls_on_one_side_alone_is_told(self):
        authority = certificates.Authority(self.home, "ours")
        leaf = authority.issue("localhost", "DNS:localhost,IP:127.0.0.1")
        tls = 'tls: {cert_chain: "file:%s", private_key: "file:%s"}' % (
            leaf.cert, leaf.key)
        gateway = self.start_gateway("--pid_file", self.pid_file, config=(
            LISTENERS.replace('admin: {address: "127.0.0.1:0"',
                              'admin: {address: "127.0.0.1:0", ' + tls) +
            CONFIG))
        self.assert_refused(self.run_ctl("health"), "--ca_file FILE")
        done = self.run_ctl("health", "--ca_file", authority.cert)
        self.assertEqual(done.returncode, 0, done.stderr)
        done = self.run_ctl("models", "list", "--ca_file", authority.cert)
        self.assert_refused(done, "does it speak TLS there")
        other = certificates.Authority(self.home, "others")
        done = self.run_ctl("health", "--ca_file", other.cert)
        self.assert_refused(done, "does it speak TLS there")
        done = self.run_ctl("health", "--ca_file",
                            os.path.join(self.home, "none.pem"))
        self.assert_refused(done, "none.pem")
        gateway.stop()

    def test_operators_and_callers_are_told_apart_by_certificates(self):
        authority = certificates.Authority(self.home, "ours")
        leaf = authority.issue("localhost", "DNS:localhost,IP:127.0.0.1")
        ann = authority.issue("ann", "DNS:ann.internal")
        bob = authority.issue("bob", "DNS:bob.internal")
        listeners = LISTENERS
        for name in ("admin", "grpc"):
            listeners = listeners.replace(
                name + ': {address: "127.0.0.1:0"',
                name + ': {address: "127.0.0.1:0", tls: {cert_chain: "file:%s",'
                ' private_key: "file:%s", client_ca: "file:%s"}' % (
                    leaf.cert, leaf.key, authority.cert))
        gateway = self.start_gateway("--pid_file", self.pid_file, config=(
            listeners + CONFIG + "auth:\n"
            "  callers: {client_certificates: {names: ['dns:*.internal']}}\n"
            "  operators: {client_certificates: {names: ['CN=ann']}}\n"))
        trust = ("--ca_file", authority.cert)
        as_ann = ("--cert_file", ann.cert, "--key_file", ann.key)
        as_bob = ("--cert_file", bob.cert, "--key_file", bob.key)
        for words in (("health",), ("rollout", "status"), ("models", "list"),
                      ("chat", "hi", "--model", "m")):
            self.assert_refused(self.run_ctl(*words, *trust),
                                "show one by --cert_file FILE")
            done = self.run_ctl(*words, *trust, *as_ann)
            self.assertEqual(done.returncode, 0, done.stderr)
        done = self.run_ctl("models", "list", *trust, *as_bob)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_refused(self.run_ctl("health", *trust, *as_bob),
                            "--cert_file has another name")
        others = certificates.Authority(self.home, "others")
        other = others.issue("ann", "DNS:ann.internal")
        self.assert_refused(
            self.run_ctl("health", *trust, "--cert_file", other.cert,
                         "--key_file", other.key),
            "has an authority that it trusts issued that of --cert_file?")
        self.assert_refused(self.run_ctl("health", *as_ann), "--ca_file FILE")
        self.assert_refused(
            self.run_ctl("health", *trust, *as_ann[:3], bob.key),
            bob.key + ": is not the key")
        # A context says so, too.
        self.run_ctl("contexts", "set", "prod", "--admin", gateway.admin,
                     "--grpc", gateway.grpc, *trust, *as_ann)
        self.run_ctl("contexts", "use", "prod")
        for words in (("health",), ("models", "list")):
            done = self.run_ctl(*words)
            self.assertEqual(done.returncode, 0, done.stderr)
        gateway.stop()

    def test_a_gateway_at_another_address_is_asked_there(self):
        gateway = self.start_gateway("--pid_file", self.pid_file, config=(
            LISTENERS.replace("127.0.0.1", "127.0.0.2") + CONFIG))
        for words in (("status",), ("health",), ("models", "list"),
                      ("chat", "hi", "--model", "m")):
            done = self.run_ctl(*words)
            self.assertEqual(done.returncode, 0, done.stderr)
        status = json.loads(self.run_ctl("status", "--output", "json").stdout)
        self.assertEqual(status["addresses"],
                         {"grpc": gateway.grpc, "admin": gateway.admin})
        gateway.stop()

    def test_a_check_without_a_gateway_is_told_of_the_gateways_own(self):
        done = self.run_ctl("config", "check", "gateway.yaml")
        self.assert_refused(done, "--check_config")


if __name__ == "__main__":
    unittest.main()
