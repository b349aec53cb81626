"""Keys that operators issue at one of two gateways, and that both keep in one
Redis."""

import time
import unittest

from tests.integration import grpc_caller
from tests.integration.http_calls import ask
from tests.integration.http_calls import chat
from tests.testing.gateway_process import GatewayProcess
from tests.testing.redis_process import RedisProcess

_ADMIN = "/llmgateway.v1.AdminService/"
_OPERATOR = "key-of-an-operator-0123456789"
_CONFIG = """\
providers: [{name: mock, mock: {reply: "hello"}}]
routing: {default_target: mock}
runtime: {replicas: 2}
redis: {addresses: ["%s"], timeout: 1s}
store: {engine: redis}
auth:
  callers: {issued_keys: {}}
  operators: {api_keys: [{id: on-call, key: "env:OPERATOR"}]}
"""
_TIMEOUT_S = 20.0
# What docs/keys.md says, and time for a busy machine.
_BOUND_S = 2.0
_AMPLE_S = 15.0


class SharedKeysTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.caller = grpc_caller.GrpcCaller()
        cls.addClassCleanup(cls.caller.close)

    def setUp(self):
        super().setUp()
        self.redis = RedisProcess()
        self.addCleanup(self.redis.close)

    def start(self):
        gateway = GatewayProcess(_CONFIG % self.redis.address,
                                 env={"OPERATOR": _OPERATOR})
        self.addCleanup(gateway.kill)
        return gateway

    def admin(self, gateway, method, code="OK", **request):
        call = self.caller.call(
            gateway.admin, _ADMIN + method, request,
            metadata=[["authorization", "Bearer " + _OPERATOR]])
        self.assertEqual(call.end["code"], code, call.end)
        return call.response if code == "OK" else call.end

    def create(self, gateway, **key):
        made = self.admin(gateway, "CreateKey", key=key)
        return made["key"]["id"], made["secret"]

    def status(self, gateway, secret):
        return ask(gateway.http, chat("m"),
                   headers={"authorization": "Bearer " + secret}).status

    def await_status(self, gateway, secret, status):
        """Within how many seconds the key is answered so."""
        begun = time.monotonic()
        while self.status(gateway, secret) != status:
            self.assertLess(time.monotonic() - begun, _TIMEOUT_S)
            time.sleep(0.02)
        return time.monotonic() - begun

    def test_what_is_said_at_one_holds_at_both(self):
        one, other = self.start(), self.start()
        key, secret = self.create(one, owner="search@example.com")
        self.assertEqual(self.status(one, secret), 200)
        self.assertLess(self.await_status(other, secret, 200),
                        _BOUND_S + _AMPLE_S)
        self.assertEqual(
            self.admin(other, "GetKey", id=key)["owner"],
            "search@example.com")
        self.admin(one, "RevokeKey", id=key)
        self.assertEqual(self.status(one, secret), 401)
        self.assertLess(self.await_status(other, secret, 401),
                        _BOUND_S + _AMPLE_S)

    def test_keys_outlast_the_processes(self):
        first = self.start()
        _, secret = self.create(first)
        first.stop()
        # It is there before the gateway says that it is ready.
        self.assertEqual(self.status(self.start(), secret), 200)

    def test_keys_are_good_while_redis_is_away(self):
        gateway = self.start()
        _, secret = self.create(gateway)
        self.redis.pause()
        gateway.wait_for_log(
            module="keys",
            msg="what others change of issued keys is not known until the "
                "store can be read")
        self.assertEqual(self.status(gateway, secret), 200)
        end = self.admin(gateway, "CreateKey", "FAILED_PRECONDITION", key={})
        self.assertEqual(end["reason"], "STATE_NOT_KEPT")
        self.redis.go_on()
        gateway.wait_for_log(
            module="keys", msg="changes of issued keys are known again")
        self.create(gateway)

    def test_a_gateway_that_starts_without_redis_knows_them_later(self):
        first = self.start()
        _, secret = self.create(first)
        first.stop()
        self.redis.pause()
        gateway = self.start()
        gateway.wait_for_log(
            module="keys",
            msg="issued keys are not known until redis can be read; who shows "
                "one is refused")
        self.assertEqual(self.status(gateway, secret), 401)
        self.redis.go_on()
        self.await_status(gateway, secret, 200)


if __name__ == "__main__":
    unittest.main()
