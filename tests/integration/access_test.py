"""Who is let in: callers by their keys, operators by theirs, and strangers
nowhere that other machines can reach."""

import hashlib
import os
import re
import subprocess
import tempfile
import unittest

from tests.integration import grpc_caller
from tests.integration import http_calls
from tests.integration.certificates import Authority
from tests.integration.grpc_abuse_case import request
from tests.integration.grpc_caller import prompt
from tests.integration.http_calls import chat
from tests.testing import gateway_process
from tests.testing import http2_wire
from tests.testing.gateway_process import GatewayProcess
from tests.testing.http2_wire import Http2Connection

_MOCK = """\
providers: [{name: mock, mock: {reply: "hello"}}]
routing: {default_target: mock}
"""
_CALLER = "key-of-a-caller-0123456789"
_HASHED = "key-known-by-its-hash-0123456789"
_OLD = "key-that-has-expired-0123456789"
_OFF = "key-that-is-disabled-0123456789"
# All of AdminService.
_ADMIN_RPCS = """
    ListProviders GetProvider GetHealth GetConfig ValidateConfig
    ExplainRoute ReloadConfig ApplyConfig RollbackConfig UpdateRollout
    ListCircuits ResetCircuit ForceCircuit SetModelEnabled ListPolicies
    ListNodeRequirements ListAssignments UpdateNodePolicy
    BulkUpdateNodePolicies TestSelection GetRecommendations
    GetCostOptimization GetModelPerformance WatchHealth WatchConfig
    CreateKey ListKeys GetKey UpdateKey RotateKey RevokeKey
    ListLimitUsage ResetLimit
    QueryLedger GetLedgerEntry VerifyLedger ExportLedger
    AllocateBudget GetBudget ListBudgets GetSessionSummary ResetBudget
    SearchAudit GetAudit ExportAudit ListPricing SetPricing
    ListTraces GetTrace GetTraceMetrics
    ListLogLevels SetLogLevel ListAlerts SilenceAlert
    """.split()
_OPERATOR = "key-of-an-operator-0123456789"
_KEYS = _MOCK + """\
auth:
  callers:
    api_keys:
      - {id: team, key: "env:CALLER"}
      - {id: hashed, key_sha256: "%s"}
      - id: old
        key: "env:OLD"
        expire_time: 2020-01-01T00:00:00Z
        owner: "team-old@example.com"
      - {id: "off", key: "env:OFF", state: disabled}
  operators: {api_keys: [{id: on-call, key: "env:OPERATOR"}]}
""" % hashlib.sha256(_HASHED.encode()).hexdigest()
_ENV = {"CALLER": _CALLER, "OLD": _OLD, "OFF": _OFF, "OPERATOR": _OPERATOR}

_GENERATE = "/llmgateway.v1.GatewayService/Generate"
_ADMIN = "/llmgateway.v1.AdminService/"
_METRICS = "/llmgateway.v1.MetricsService/"
_HEALTH = "/grpc.health.v1.Health/Check"


def _listeners(**addresses):
    """Listeners at addresses other than loopback's."""
    lines = []
    for name in ("grpc", "http", "admin", "operations"):
        lines.append('  %s: {address: "%s"}\n' %
                     (name, addresses.get(name, "127.0.0.1:0")))
    return "listeners:\n" + "".join(lines)


class _AccessCase(unittest.TestCase):

    def setUp(self):
        super().setUp()
        self.caller = grpc_caller.GrpcCaller()
        self.addCleanup(self.caller.close)

    def start(self, config, env=None):
        gateway = GatewayProcess(config, env=env)
        self.addCleanup(gateway.kill)
        return gateway

    def kept(self):
        folder = tempfile.TemporaryDirectory(prefix="access")
        self.addCleanup(folder.cleanup)
        return "runtime: {state_dir: '%s'}\n" % folder.name

    def call(self, address, method, key=None, request=None):
        """Code and reason of a call's end."""
        metadata = [["authorization", "Bearer " + key]] if key else []
        end = self.caller.call(address, method, request or {},
                               metadata=metadata).end
        return end["code"], end.get("reason")


class CallersKeysTest(_AccessCase):

    def test_a_key_lets_in_in_full_or_by_its_hash(self):
        gateway = self.start(_KEYS, _ENV)
        for key, caller in ((_CALLER, "team"), (_HASHED, "hashed")):
            answer = http_calls.ask(gateway.http, chat("m"), headers={
                "authorization": "Bearer " + key})
            self.assertEqual(answer.status, 200, answer.body)
            line = gateway.wait_for_access(
                request_id=answer.headers["x-request-id"])
            self.assertEqual(line["caller"], caller)
            self.assertEqual(
                self.call(gateway.grpc, _GENERATE, key, prompt("m"))[0], "OK")
        gateway.stop()

    def test_whoever_shows_a_key_that_is_no_good_any_more_is_told(self):
        gateway = self.start(_KEYS, _ENV)
        for key, reason, told in (
                (_OLD, "API_KEY_EXPIRED",
                 "the API key 'old' has expired; ask team-old@example.com"),
                (_OFF, "API_KEY_DISABLED", "the API key 'off' is disabled"),
                (_OLD + "x", "API_KEY_INVALID", "the API key is not known")):
            answer = http_calls.ask(gateway.http, chat("m"), headers={
                "authorization": "Bearer " + key})
            self.assertEqual(answer.status, 401)
            self.assertEqual(answer.error()["message"], told)
            self.assertEqual(
                self.call(gateway.grpc, _GENERATE, key, prompt("m")),
                ("UNAUTHENTICATED", reason))
        gateway.stop()


class OperatorsTest(_AccessCase):

    _METHODS = ((_ADMIN + "GetConfig", {}), (_ADMIN + "ListProviders", {}),
                (_ADMIN + "ValidateConfig", {"text": _MOCK}),
                (_METRICS + "GetMetrics", {}), (_METRICS + "Scrape", {}))

    def test_callers_keys_open_nothing_for_operators(self):
        gateway = self.start(_KEYS, _ENV)
        for method, request in self._METHODS:
            self.assertEqual(
                self.call(gateway.admin, method, _OPERATOR, request)[0], "OK",
                method)
            for key in (_CALLER, _HASHED, None):
                self.assertEqual(
                    self.call(gateway.admin, method, key, request),
                    ("UNAUTHENTICATED", "API_KEY_INVALID"), method)
        watching = self.caller.start(
            gateway.admin, _METRICS + "WatchRequests", {}, stream=True,
            metadata=[["authorization", "Bearer " + _CALLER]])
        self.assertEqual(watching.wait()["code"], "UNAUTHENTICATED")
        gateway.stop()

    def test_no_rpc_of_operators_is_served_without_their_key(self):
        gateway = self.start(_KEYS, _ENV)
        for method in _ADMIN_RPCS:
            for key in (_CALLER, None):
                call = self.caller.start(
                    gateway.admin, _ADMIN + method, {},
                    stream=method.startswith(
                        ("Watch", "VerifyLedger", "ExportLedger")),
                    metadata=[["authorization", "Bearer " + key]]
                    if key else [])
                self.assertEqual(call.wait()["code"], "UNAUTHENTICATED",
                                 (method, key))
        gateway.stop()

    def test_operators_keys_open_nothing_for_callers(self):
        gateway = self.start(_KEYS, _ENV)
        self.assertEqual(
            self.call(gateway.grpc, _GENERATE, _OPERATOR, prompt("m")),
            ("UNAUTHENTICATED", "API_KEY_INVALID"))
        answer = http_calls.ask(gateway.http, chat("m"), headers={
            "x-api-key": _OPERATOR})
        self.assertEqual(answer.status, 401)
        gateway.stop()

    def test_what_a_configuration_refers_to_is_not_looked_at(self):
        gateway = self.start(_MOCK)
        told = []
        for name in (__file__, "/no/such/file"):
            call = self.caller.call(
                gateway.admin, _ADMIN + "ValidateConfig",
                {"text": "providers: [{name: openai, openai: "
                         "{api_key: 'file:%s'}}]" % name})
            told.append(str(call.response).replace(name, "FILE"))
        self.assertEqual(told[0], told[1])
        self.assertIn("'valid': True", told[0])
        gateway.stop()

    def test_probes_need_no_key(self):
        gateway = self.start(_KEYS, _ENV)
        for address in (gateway.grpc, gateway.admin):
            # The empty name, in protobuf's bytes.
            end = self.caller.call(address, _HEALTH, raw="0a00").end
            self.assertEqual(end["code"], "OK")
        for path in ("/livez", "/readyz", "/metrics"):
            self.assertEqual(
                http_calls.ask(gateway.operations, path=path).status, 200)
        gateway.stop()

    def test_no_callers_key_opens_paths_of_operators_beside_the_apis(self):
        ask = http_calls.ask
        paths = (("/gateway/metrics", "GET"), ("/gateway/audit", "GET"),
                 ("/api/streams/subscribe", "GET"),
                 ("/gateway/metrics/reset", "POST"))
        keyless = re.sub(r"  operators: .*\n", "", _KEYS)
        gateway = self.start(keyless + "audit: {}\n" + self.kept(), _ENV)
        for path, method in paths:
            for key in (_CALLER, "wrong", None):
                answer = ask(gateway.http, path=path, method=method, headers={
                    "authorization": "Bearer " + key} if key else {})
                self.assertEqual(answer.status, 403, (path, key))
                self.assertIn("auth.operators", answer.body.decode())
        gateway.stop()

        # Where nobody has a key, this machine is served.
        gateway = self.start(_MOCK + "audit: {}\n" + self.kept())
        for path, method in paths:
            if path == "/api/streams/subscribe":
                continue  # It has no end.
            self.assertEqual(
                ask(gateway.http, path=path, method=method).status, 200, path)
        gateway.stop()

    def test_without_keys_operators_at_this_machine_are_let_in(self):
        gateway = self.start(_MOCK)
        for method, request in self._METHODS:
            self.assertEqual(
                self.call(gateway.admin, method, request=request)[0], "OK")
        gateway.stop()


class BrowserTest(_AccessCase):
    """A browser calls from this machine for whatever page it shows."""

    _EVIL = "https://evil.example"

    def ask(self, gateway, host=None, origin=None, path=http_calls.CHAT):
        """As a page may without asking first."""
        headers = {"content-type": "text/plain"}
        if host:
            headers["host"] = host
        if origin:
            headers["origin"] = origin
        body = None if path != http_calls.CHAT else chat("m")
        return http_calls.ask(gateway.http, body, path=path, headers=headers)

    def call_as(self, address, authority, metadata=()):
        with Http2Connection(address) as connection:
            stream = connection.call(
                fields=http2_wire.grpc_fields(
                    _GENERATE, metadata, authority=authority),
                body=http2_wire.framed(request("m")))
            return connection.told(stream)

    def test_pages_spend_nothing_where_no_key_is_asked_for(self):
        gateway = self.start(_MOCK)
        port = gateway.http.rpartition(":")[2]
        self.assertEqual(self.ask(gateway).status, 200)
        self.assertEqual(
            self.ask(gateway, "localhost:" + port,
                     "http://localhost:" + port).status, 200)
        for host, origin in ((None, self._EVIL), (None, "null"),
                             ("evil.example", None),
                             ("evil.example:" + port,
                              "http://evil.example:" + port)):
            for path in (http_calls.CHAT, "/v1/models", "/v1/providers",
                         "/gateway/metrics", "/v1beta/models"):
                answer = self.ask(gateway, host, origin, path)
                self.assertEqual(answer.status, 403, (host, origin, path))
            self.assertIn("auth.callers.api_keys", answer.body.decode())
        self.assertEqual(
            self.ask(gateway, path="/v1/models", host="10.0.0.7").status, 403)
        # Whoever probes calls by the pod's address.
        for path in ("/health", "/health/ready"):
            self.assertEqual(
                self.ask(gateway, host="10.0.0.7", path=path).status, 200)
        answer = http_calls.ask(gateway.operations, path="/readyz",
                                headers={"host": "10.0.0.7"})
        self.assertEqual(answer.status, 200)
        gateway.stop()

    def test_the_host_of_a_whole_address_is_the_one_that_counts(self):
        gateway = self.start(_MOCK)
        for target, host, status in (
                ("http://evil.example/v1/models", "localhost", 403),
                ("http://localhost/v1/models", "evil.example", 200)):
            with http_calls.RawConnection(gateway.http) as connection:
                connection.send(http_calls.request_bytes(
                    b"", target, "GET", host=host))
                self.assertEqual(connection.read_answer().status, status)
        gateway.stop()

    def test_the_same_by_grpc_with_either_engine(self):
        for engine in ("native", "grpc_core"):
            gateway = self.start(_MOCK + _listeners().replace(
                'grpc: {', "grpc: {engine: %s, " % engine))
            self.assertEqual(self.call_as(gateway.grpc, gateway.grpc), "OK")
            for authority, metadata in (
                    ("evil.example", ()),
                    ("localhost", [("origin", self._EVIL)])):
                self.assertEqual(
                    self.call_as(gateway.grpc, authority, metadata),
                    "PERMISSION_DENIED", engine)
            gateway.stop()

    def test_hosts_and_origins_can_be_allowed(self):
        gateway = self.start(
            _MOCK + _listeners().replace(
                "  http: {", '  http: {cors: {allowed_origins: ["%s"]}, ' %
                self._EVIL) +
            "auth: {anonymous_hosts: [gateway.internal]}\n")
        self.assertEqual(self.ask(gateway, origin=self._EVIL).status, 200)
        self.assertEqual(self.ask(gateway, "gateway.internal:80").status, 200)
        self.assertEqual(self.call_as(gateway.grpc, "gateway.internal"), "OK")
        self.assertEqual(self.ask(gateway, "evil.example").status, 403)
        gateway.stop()


class SeenTest(_AccessCase):
    """Who is refused is counted and logged, and told an id to ask about."""

    def refused(self, gateway, listener):
        """How many, by code."""
        text = http_calls.ask(gateway.operations, path="/metrics").body
        return {code: float(count) for code, count in re.findall(
            r'llmgw_requests_refused_total\{listener="%s",code="(\w+)"\} '
            r"(\S+)" % listener, text.decode())}

    def test_at_the_http_listeners(self):
        gateway = self.start(_KEYS + _listeners().replace(
            "  http: {", "  http: {body_bytes_limit: 1KiB, "), _ENV)
        ids = []
        for path, body, status in (
                ("/v1/models", None, 401), ("/v1/providers", None, 401),
                ("/wp-admin", None, 404), (http_calls.CHAT, b"x" * 2000, 413)):
            answer = http_calls.ask(gateway.http, body, path=path)
            self.assertEqual(answer.status, status)
            ids.append(answer.headers["x-request-id"])
        self.assertEqual(len(set(ids)), 4)
        self.assertEqual(self.refused(gateway, "http"),
                         {"401": 2.0, "404": 1.0, "413": 1.0})
        line = gateway.wait_for_log(msg="a request was refused")
        self.assertEqual(
            (line["listener"], line["code"], line["path"], line["request_id"]),
            ("http", "401", "/v1/models", ids[0]))
        self.assertTrue(line["peer"].startswith("127.0.0.1:"))
        answer = http_calls.ask(gateway.operations, path="/wp-admin")
        self.assertEqual(answer.status, 404)
        line = gateway.wait_for_log(msg="a request was refused",
                                    listener="operations")
        self.assertEqual(line["error"], answer.body.decode().strip())
        self.assertIn("x-request-id", answer.headers)
        self.assertIn("x-request-id", http_calls.ask(
            gateway.operations, path="/livez").headers)
        self.assertEqual(self.refused(gateway, "operations"), {"404": 1.0})
        # The others are counted, and left out of the log for a while.
        self.assertEqual(len(gateway.log_lines(
            msg="a request was refused", listener="http")), 1)
        gateway.stop()

    def test_a_refusal_of_details_is_logged_by_its_message(self):
        gateway = self.start(_KEYS, _ENV)
        answer = http_calls.ask(gateway.http, path="/v1/providers")
        line = gateway.wait_for_log(msg="a request was refused")
        self.assertEqual(line["error"], answer.error()["message"])
        gateway.stop()

    def test_whom_the_server_refuses_by_itself_is_named(self):
        for refused, code in (
                (b"POST /v1/messages HTTP/1.1\r\nhost: localhost\r\n"
                 b"content-length: 9999\r\n\r\n", "413"),
                (b"GET /v1/models HTTP/1.1\r\nhost: localhost\r\nx: " +
                 b"x" * 9999, "431"),
                (b"POST /v1/messages HTTP/1.1\r\nhost: localhost\r\n"
                 b"content-length: 9\r\n\r\n", "408")):
            with self.subTest(code=code):
                gateway = self.start(_MOCK + _listeners().replace(
                    "  http: {", "  http: {body_bytes_limit: 1KiB, "
                    "header_bytes_limit: 4KiB, body_stall_timeout: 100ms, "))
                with http_calls.RawConnection(gateway.http) as stranger:
                    stranger.send(refused)
                    status, _ = stranger.read_head()
                    own = "%s:%d" % stranger.socket.getsockname()
                self.assertEqual(status, int(code))
                line = gateway.wait_for_log(msg="a request was refused")
                self.assertEqual((line["code"], line["peer"]), (code, own))
                gateway.stop()

    def test_failed_handshakes(self):
        folder = tempfile.TemporaryDirectory(prefix="certificates")
        self.addCleanup(folder.cleanup)
        leaf = Authority(folder.name, "ours").issue(
            "localhost", "DNS:localhost,IP:127.0.0.1")
        tls = 'tls: {cert_chain: "file:%s", private_key: "file:%s"}, ' % (
            leaf.cert, leaf.key)
        gateway = self.start(_MOCK + _listeners().replace(
            "  http: {", "  http: {" + tls).replace(
                "  grpc: {", "  grpc: {" + tls))
        for address in (gateway.http, gateway.grpc):
            with http_calls.RawConnection(address) as stranger:
                stranger.send(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
                try:
                    stranger.read_to_end()
                except ConnectionResetError:
                    pass  # It had more to say than was read.
        line = gateway.wait_for_log(msg="a TLS handshake failed")
        self.assertEqual(line["listener"], "http")
        self.assertTrue(line["peer"].startswith("127.0.0.1:"))
        gateway.wait_for_log(
            msg="a connection was closed for what its peer did", reason="tls")
        text = http_calls.ask(gateway.operations, path="/metrics").body
        for count in (b'llmgw_tls_handshakes_failed_total{listener="http"} 1',
                      b'llmgw_tls_handshakes_failed_total{listener="grpc"} 1',
                      b'llmgw_grpc_connections_closed_total{listener="grpc",'
                      b'reason="tls"} 1'):
            self.assertIn(count, text)
        gateway.stop()

    def test_by_grpc(self):
        gateway = self.start(_KEYS, _ENV)
        self.call(gateway.grpc, "/llmgateway.v1.GatewayService/ListModels")
        self.call(gateway.admin, _ADMIN + "GetConfig", _CALLER)
        self.caller.call(gateway.admin, _ADMIN + "NoSuchMethod", raw="")
        text = http_calls.ask(gateway.operations, path="/metrics").body
        for count in (b'{listener="grpc",reason="API_KEY_INVALID"} 1',
                      b'{listener="admin",reason="API_KEY_INVALID"} 1',
                      b'{listener="admin",reason="UNIMPLEMENTED"} 1'):
            self.assertIn(b"llmgw_grpc_calls_refused_total" + count, text)
        line = gateway.wait_for_log(msg="a call was refused")
        self.assertEqual(line["method"],
                         "llmgateway.v1.GatewayService/ListModels")
        gateway.stop()

    def test_by_the_library(self):
        gateway = self.start(_KEYS + _listeners().replace(
            "admin: {", "admin: {engine: grpc_core, "), _ENV)
        self.call(gateway.admin, _ADMIN + "GetConfig", _CALLER)
        self.assertEqual(self.refused(gateway, "admin"),
                         {"UNAUTHENTICATED": 1.0})
        self.caller.call(gateway.admin, _ADMIN + "NoSuchMethod", raw="")
        self.assertEqual(self.refused(gateway, "admin"),
                         {"UNAUTHENTICATED": 1.0, "UNIMPLEMENTED": 1.0})
        line = gateway.wait_for_log(msg="a request was refused")
        self.assertEqual((line["listener"], line["path"]),
                         ("admin", "llmgateway.v1.AdminService/GetConfig"))
        gateway.stop()


class ReachTest(_AccessCase):

    def check(self, config):
        """A start that is to fail, or a check that is to succeed."""
        folder = tempfile.TemporaryDirectory(prefix="access")
        self.addCleanup(folder.cleanup)
        path = os.path.join(folder.name, "gateway.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(config)
        done = [subprocess.run(
            [gateway_process.BINARY, *flags, "--config", path],
            env=gateway_process.environment(),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, check=False, text=True, timeout=30)
                for flags in (["--check_config"], [])]
        self.assertEqual(done[0].stderr, done[1].stderr)
        self.assertEqual([each.returncode for each in done], [1, 1])
        return done[0].stderr

    def test_strangers_of_other_machines_are_served_on_request_only(self):
        for listener in ("grpc", "http"):
            told = self.check(_MOCK + _listeners(**{listener: "0.0.0.0:0"}))
            self.assertRegex(
                told, r"listeners\.%s\.address: is not loopback.* set "
                r"auth\.callers\.api_keys.*insecure_allow_anonymous: true" %
                listener)
        gateway = self.start(
            _MOCK + _listeners(grpc="0.0.0.0:0", http="0.0.0.0:0") +
            "auth: {insecure_allow_anonymous: true}\n")
        port = gateway.http.rpartition(":")[2]
        answer = http_calls.ask("127.0.0.1:" + port, chat("m"))
        self.assertEqual(answer.status, 200)
        gateway.stop()

    def test_operators_without_a_key_are_served_on_loopback_only(self):
        for more in ("", "auth: {insecure_allow_anonymous: true}\n"):
            told = self.check(_MOCK + _listeners(admin="0.0.0.0:0") + more)
            self.assertRegex(
                told, r"listeners\.admin\.address: is not loopback.* set "
                r"auth\.operators\.api_keys")


if __name__ == "__main__":
    unittest.main()
