"""Who tries keys is slowed down, and who has one is not."""

import http.client
import unittest

from tests.integration import grpc_caller
from tests.integration.grpc_caller import prompt
from tests.integration.http_calls import ask
from tests.integration.http_calls import chat
from tests.testing.gateway_process import GatewayProcess

_KEY = "key-of-a-caller-0123456789"
_FREE = 5
_CONFIG = """\
providers: [{name: mock, mock: {reply: "hello"}}]
routing: {default_target: mock}
auth:
  guess_limit: {failures_limit: %d, base_delay: 60s}
  callers: {api_keys: [{id: team, key: "env:KEY"}]}
  operators: {api_keys: [{id: on-call, key: "env:OPERATOR"}]}
""" % _FREE
_ENV = {"KEY": _KEY, "OPERATOR": "key-of-an-operator-0123456789"}


class GuessLimitTest(unittest.TestCase):
    """A gateway each, since all tests come from one address."""

    def setUp(self):
        super().setUp()
        self.caller = grpc_caller.GrpcCaller()
        self.addCleanup(self.caller.close)
        self.gateway = GatewayProcess(_CONFIG, env=_ENV)
        self.addCleanup(self.gateway.kill)

    def ask(self, key):
        headers = {} if key is None else {"authorization": "Bearer " + key}
        return ask(self.gateway.http, chat("x"), headers=headers)

    def end(self, key, address=None, method=None, request=None):
        return self.caller.call(
            address or self.gateway.grpc,
            method or "/llmgateway.v1.GatewayService/Generate",
            prompt("x") if request is None else request,
            metadata=[["authorization", "Bearer " + key]]).end

    def assert_slowed_down(self, guess):
        refused = self.ask(guess)
        self.assertEqual(refused.status, 429, refused.body)
        self.assertGreaterEqual(int(refused.headers["retry-after"]), 59)
        end = self.end(guess)
        self.assertEqual((end["code"], end["reason"]),
                         ("RESOURCE_EXHAUSTED", "RATE_LIMITED"))
        self.assertGreaterEqual(end["retry_s"], 59)
        # A key that is right is served, and none at all is no guess.
        self.assertEqual(self.ask(_KEY).status, 200)
        self.assertEqual(self.end(_KEY)["code"], "OK")
        self.assertEqual(self.ask(None).status, 401)

    def test_wrong_keys_by_http_count_once_each(self):
        for i in range(_FREE):
            self.assertEqual(self.ask(None).status, 401)
            self.assertEqual(self.ask("guess-%d" % i).status, 401)
        self.assert_slowed_down("guess-more")

    def test_a_body_that_comes_later_counts_no_more(self):
        for i in range(_FREE):
            connection = http.client.HTTPConnection(self.gateway.http)
            connection.putrequest("POST", "/v1/chat/completions")
            connection.putheader("authorization", "Bearer guess-%d" % i)
            connection.putheader("content-length", "100")
            # The head, and nothing of the body.
            connection.endheaders()
            self.assertEqual(connection.getresponse().status, 401)
            connection.close()
        self.assert_slowed_down("guess-more")

    def test_wrong_keys_by_grpc_count_once_each(self):
        for i in range(_FREE):
            self.assertEqual(self.end("guess-%d" % i)["code"],
                             "UNAUTHENTICATED")
        self.assert_slowed_down("guess-more")

    def test_operators_keys_count_as_well(self):
        for i in range(_FREE):
            end = self.end("guess-%d" % i, self.gateway.admin,
                           "/llmgateway.v1.AdminService/ListProviders", {})
            self.assertEqual(end["code"], "UNAUTHENTICATED")
        self.assert_slowed_down("guess-more")


if __name__ == "__main__":
    unittest.main()
