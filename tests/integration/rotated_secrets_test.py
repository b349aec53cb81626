"""A password, a certificate or a token that its file has another of, and that
is not good any more, is no outage: what connects anew shows the new one."""

import os
import signal
import tempfile
import time
import unittest

from tests.integration import grpc_caller
from tests.integration.certificates import Authority, read
from tests.integration.http_calls import ask, chat
from tests.integration.otlp_collector import OtlpCollector
from tests.integration.samples import await_at_least, await_sample
from tests.testing.gateway_process import GatewayProcess
from tests.testing.postgres_process import PostgresProcess
from tests.testing.redis_process import RedisProcess

_TIMEOUT_S = 30.0
_LOOPS = 2
_ONE = "the-first-of-the-secrets"
_TWO = "the-second-of-the-secrets"
_CONFIG = """\
providers: [{name: mock, mock: {reply: "hello"}}]
routing: {default_target: mock}
runtime: {event_loops: %d, state_dir: "%s"}
"""
_REDIS = """\
redis: {addresses: ["%s"], timeout: 2s, %s}
store: {engine: redis}
auth: {callers: {issued_keys: {}}}
"""
_LEDGER = """\
ledger:
  on_failure: degrade
  postgres: {connection: "%s", password: "file:%s", timeout: 5s}
"""
_TRACING = """\
tracing:
  exporter: %s
  endpoint: "http://%s"
  headers: [{name: x-token, value: "file:%s"}]
  batch_interval: 20ms
"""


class _RotationCase(unittest.TestCase):

    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory(prefix="rotated")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.secret = self.write("secret", _ONE)

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def start(self, more):
        gateway = GatewayProcess(
            _CONFIG % (_LOOPS, os.path.join(self.folder, "state")) + more)
        self.addCleanup(gateway.kill)
        return gateway

    def rotate(self, gateway, **files):
        """Writes files, of which the gateway knows when this returns."""
        for name, text in files.items():
            self.write(name, text)
        gateway.send_signal(signal.SIGHUP)
        gateway.wait_for_log(msg="configuration in use", version=2)

    def wait_until(self, holds, what):
        deadline = time.monotonic() + _TIMEOUT_S
        while not holds():
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.05)


class RedisTest(_RotationCase):

    def create_key(self, gateway):
        """Whether a key could be made, which is kept in Redis."""
        with grpc_caller.GrpcCaller() as caller:
            return caller.call(gateway.admin,
                               "/llmgateway.v1.AdminService/CreateKey",
                               {"key": {}}).end["code"] == "OK"

    def connected(self, address):
        return 'llmgw_redis_connections{server="%s"}' % address

    def test_a_password(self):
        user = ("--user", "gateway", "on", ">" + _ONE, "+@all", "~*", "&*")
        with RedisProcess(*user) as redis:
            gateway = self.start(_REDIS % (
                redis.address,
                'username: gateway, password: "file:%s"' % self.secret))
            await_sample(gateway, self.connected(redis.address), _LOOPS)
            self.assertTrue(self.create_key(gateway))
            redis.ask("ACL", "SETUSER", "gateway", ">" + _TWO)
            self.rotate(gateway, secret=_TWO)
            redis.ask("ACL", "SETUSER", "gateway", "<" + _ONE)
            redis.ask("CLIENT", "KILL", "TYPE", "normal")
            redis.ask("CLIENT", "KILL", "TYPE", "pubsub")
            self.wait_until(lambda: self.create_key(gateway), "no key is made")
            await_sample(gateway, self.connected(redis.address), _LOOPS)
            # Large replies have connections of their own.
            await_at_least(gateway, self.connected(redis.address + "/bulk"), 1)
            gateway.stop()
            self.assertNotIn(_ONE, gateway.output)
            self.assertNotIn(_TWO, gateway.output)

    def test_a_certificate(self):
        server = Authority(self.folder, "servers")
        leaf = server.issue("localhost", "DNS:localhost,IP:127.0.0.1")
        authorities = [Authority(self.folder, name) for name in ("one", "two")]
        shown = [each.issue("gateway", "DNS:gateway") for each in authorities]
        accepted = self.write("accepted", authorities[0].pem())
        chain = self.write("chain", shown[0].pem())
        key = self.write("key", shown[0].key_pem())
        with RedisProcess(tls=(leaf.cert, leaf.key, accepted)) as redis:
            gateway = self.start(_REDIS % (
                redis.address,
                'tls: {ca: "file:%s", cert_chain: "file:%s", '
                'private_key: "file:%s"}' % (server.cert, chain, key)))
            await_sample(gateway, self.connected(redis.address), _LOOPS)
            self.rotate(gateway, chain=read(shown[1].cert),
                        key=read(shown[1].key))
            redis.kill()
            await_sample(gateway, self.connected(redis.address), 0)
            self.write("accepted", authorities[1].pem())
            redis.start()
            await_sample(gateway, self.connected(redis.address), _LOOPS)
            gateway.stop()


class PostgresTest(_RotationCase):

    def sessions(self, application):
        return int(self.postgres.ask(
            "SELECT count(*) FROM pg_stat_activity WHERE usename = 'app' "
            "AND application_name = '%s'" % application))

    def commits(self):
        return int(self.postgres.ask(
            "SELECT count(*) FROM llm_gateway.commits"))

    def test_a_password(self):
        self.postgres = self.enterContext(PostgresProcess())
        self.postgres.require_password()
        self.postgres.ask(
            "CREATE ROLE app LOGIN PASSWORD '%s'" % _ONE,
            "GRANT CREATE ON DATABASE postgres TO app")
        gateway = self.start(_LEDGER % (
            self.postgres.conninfo.replace("user=gateway", "user=app"),
            self.secret))
        self.assertEqual(ask(gateway.http, chat("m")).status, 200)
        self.wait_until(self.commits, "nothing is written")
        self.rotate(gateway, secret=_TWO)
        self.postgres.ask(
            "ALTER ROLE app PASSWORD '%s'" % _TWO,
            "SELECT pg_terminate_backend(pid, 20000) FROM pg_stat_activity "
            "WHERE usename = 'app'")
        written = self.commits()
        self.assertEqual(ask(gateway.http, chat("m")).status, 200)
        self.wait_until(lambda: self.commits() > written, "nothing is written")
        # What operators say is shared there, too.
        self.wait_until(lambda: self.sessions("llm-gateway records"),
                        "operators' records are not read")
        gateway.stop()


class TracingTest(_RotationCase):

    def show_the_newest(self, exporter, endpoint):
        gateway = self.start(_TRACING % (exporter, endpoint, self.secret))
        answer = ask(gateway.http, chat("m"))
        self.await_token(answer, _ONE)
        self.rotate(gateway, secret=_TWO)
        answer = ask(gateway.http, chat("m"))
        self.await_token(answer, _TWO)
        gateway.stop()

    def await_token(self, answer, token):
        """Until the call's spans have come; with this token."""
        trace = answer.headers["x-trace-id"]
        self.collector.wait_for_span(trace_id=trace)
        for export in list(self.collector.exports):
            if any(span["trace_id"] == trace for span in export["spans"]):
                self.assertEqual(export["headers"]["x-token"], token)

    def test_a_token_by_http(self):
        self.collector = self.enterContext(OtlpCollector())
        self.show_the_newest("otlp_http", self.collector.http)

    def test_a_token_by_grpc(self):
        self.collector = self.enterContext(OtlpCollector())
        self.show_the_newest("otlp_grpc", self.collector.grpc)


if __name__ == "__main__":
    unittest.main()
