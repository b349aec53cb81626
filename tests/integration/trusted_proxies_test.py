"""Behind proxies that are believed, a call comes from where they say: for
limits, for wrong keys and in the access log; and from nowhere else."""

import unittest

from tests.integration import grpc_caller
from tests.integration.grpc_caller import prompt
from tests.integration.http_calls import ask
from tests.integration.http_calls import chat
from tests.testing.gateway_process import GatewayProcess

_KEY = "key-of-a-caller-0123456789"
_OPERATOR = "key-of-an-operator-0123456789"
_ADMIN = "/llmgateway.v1.AdminService/ListProviders"
_CONFIG = """\
listeners:
  grpc: {address: "127.0.0.1:0", trusted_proxies: [%(proxies)s]}
  http: {address: "127.0.0.1:0", trusted_proxies: [%(proxies)s]}
  admin: {address: "127.0.0.1:0", trusted_proxies: [%(proxies)s]}
  admin_http: {address: "127.0.0.1:0", trusted_proxies: [%(proxies)s]}
  operations: {address: "127.0.0.1:0"}
providers: [{name: mock, mock: {reply: "hello"}}]
routing: {default_target: mock}
"""
_KEYS = """\
auth:
  guess_limit: {failures_limit: 2, base_delay: 60s}
  callers: {api_keys: [{id: team, key: "env:KEY"}]}
  operators: {api_keys: [{id: on-call, key: "env:OPERATOR"}]}
"""
_LIMIT = """\
rate_limits:
- {name: rpm, unit: requests, limit: 2, window: 1h, per: [peer]}
"""
_TRUSTED = "127.0.0.0/8, 10.0.0.0/8"


class TrustedProxiesTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.caller = grpc_caller.GrpcCaller()
        cls.addClassCleanup(cls.caller.close)

    def start(self, more="", proxies=_TRUSTED):
        self.gateway = GatewayProcess(
            _CONFIG % {"proxies": proxies} + more,
            env={"KEY": _KEY, "OPERATOR": _OPERATOR})
        self.addCleanup(self.gateway.kill)

    def http(self, forwarded, key=None, **options):
        headers = {"x-forwarded-for": forwarded} if forwarded else {}
        if key is not None:
            headers["authorization"] = "Bearer " + key
        return ask(self.gateway.http, chat("m"), headers=headers, **options)

    def grpc(self, forwarded, key=None, address=None, method=None, request=None):
        metadata = [["x-forwarded-for", each] for each in forwarded]
        if key is not None:
            metadata.append(["authorization", "Bearer " + key])
        return self.caller.call(
            address or self.gateway.grpc,
            method or "/llmgateway.v1.GatewayService/Generate",
            prompt("m") if request is None else request,
            metadata=metadata).end

    def peer_of(self, answer):
        self.assertEqual(answer.status, 200, answer.body)
        return self.gateway.wait_for_access(
            request_id=answer.headers["x-request-id"])["peer"]

    def test_the_access_log_has_the_client(self):
        self.start()
        self.assertEqual(self.peer_of(self.http("203.0.113.7")), "203.0.113.7")
        self.assertEqual(
            self.peer_of(self.http("192.0.2.1, 203.0.113.7:80, 10.0.0.9")),
            "203.0.113.7")
        self.assertRegex(self.peer_of(self.http(None)), r"^127\.0\.0\.1:\d+$")
        self.assertRegex(self.peer_of(self.http("x")), r"^127\.0\.0\.1:\d+$")
        self.assertEqual(
            self.grpc(["192.0.2.1", "2001:db8::7, 10.0.0.9"])["code"], "OK")
        self.gateway.wait_for_access(protocol="grpc", peer="2001:db8::7")

    def test_limits_are_the_clients(self):
        self.start(_LIMIT)
        for _ in range(2):
            self.assertEqual(self.http("203.0.113.7").status, 200)
        self.assertEqual(self.http("192.0.2.1, 203.0.113.7").status, 429)
        self.assertEqual(self.grpc(["203.0.113.7"])["code"],
                         "RESOURCE_EXHAUSTED")
        self.assertEqual(self.http("203.0.113.8").status, 200)
        self.assertEqual(self.grpc(["203.0.113.8"])["code"], "OK")

    def test_wrong_keys_are_the_clients(self):
        self.start(_KEYS)

        def by_http(forwarded):
            return self.http(forwarded, "wrong").status

        def by_grpc(forwarded):
            return self.grpc([forwarded], "wrong")["code"]

        def by_admin(forwarded):
            return self.grpc([forwarded], "wrong", self.gateway.admin, _ADMIN,
                             {})["code"]

        def by_admin_http(forwarded):
            return ask(self.gateway.admin_http,
                       path="/api/admin/gateway/health",
                       headers={"x-forwarded-for": forwarded,
                                "authorization": "Bearer wrong"}).status

        def by_list(forwarded):
            return ask(self.gateway.http, path="/gateway/metrics",
                       headers={"x-forwarded-for": forwarded,
                                "authorization": "Bearer wrong"}).status

        for i, (guess, wrong, slowed) in enumerate((
                (by_http, 401, 429),
                (by_grpc, "UNAUTHENTICATED", "RESOURCE_EXHAUSTED"),
                (by_admin, "UNAUTHENTICATED", "RESOURCE_EXHAUSTED"),
                (by_admin_http, 401, 429),
                (by_list, 401, 429))):
            with self.subTest(guess=guess.__name__):
                address = "203.0.113.%d" % i
                self.assertEqual([guess(address) for _ in range(3)],
                                 [wrong, wrong, slowed])
                self.assertEqual(guess("198.51.100.%d" % i), wrong)
        self.assertEqual(self.http("203.0.113.0", _KEY).status, 200)

    def test_who_is_no_proxy_is_not_believed(self):
        self.start(_LIMIT, proxies="10.0.0.0/8")
        self.assertRegex(self.peer_of(self.http("203.0.113.1")),
                         r"^127\.0\.0\.1:\d+$")
        self.assertEqual(self.grpc(["203.0.113.2"])["code"], "OK")
        self.assertEqual(self.http("203.0.113.3").status, 429)

    def test_operators_without_a_key_do_not_come_through_a_proxy(self):
        self.start()

        def code(*forwarded):
            return self.grpc(forwarded, None, self.gateway.admin, _ADMIN,
                             {})["code"]
        self.assertEqual(code(), "OK")
        self.assertEqual(code("127.0.0.1"), "OK")
        self.assertEqual(code("203.0.113.7"), "PERMISSION_DENIED")

    def test_a_reload_changes_who_is_believed(self):
        self.start(proxies="")
        self.assertRegex(self.peer_of(self.http("203.0.113.1")),
                         r"^127\.0\.0\.1:\d+$")
        self.gateway.write_config(_CONFIG % {"proxies": _TRUSTED})
        self.gateway.wait_for_log(msg="configuration in use", module="config",
                                  version=2)
        self.assertEqual(self.peer_of(self.http("203.0.113.1")), "203.0.113.1")


if __name__ == "__main__":
    unittest.main()
