"""Who tries keys is slowed down, and who has one is not."""

import http.client
import re
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
_SAMPLE = re.compile(
    r'^llmgw_authentications_total\{of="(\w+)",method="(\w+)",'
    r'outcome="(\w+)"\} (\S+)$')
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

    def outcomes(self):
        """Of authentications, by what they are of, method and outcome."""
        text = ask(self.gateway.operations, path="/metrics").body.decode()
        return {match.groups()[:3]: int(float(match[4]))
                for match in map(_SAMPLE.match, text.splitlines()) if match}

    def test_metrics_tell_what_came_of_keys(self):
        self.assertEqual(self.outcomes(), {})
        for _ in range(2):
            self.assertEqual(self.ask(_KEY).status, 200)
        self.assertEqual(self.end(_KEY)["code"], "OK")
        for i in range(_FREE):
            self.ask("guess-%d" % i)
        self.ask("guess-more")
        self.end("guess-more")
        self.ask(None)
        told = {("callers", "configured_key", "accepted"): 3,
                ("callers", "configured_key", "invalid"): _FREE,
                ("callers", "configured_key", "too_many_guesses"): 2,
                ("callers", "none", "invalid"): 1}
        self.assertEqual(self.outcomes(), told)
        # Another configuration goes on counting, and what is owed stays.
        self.gateway.write_config(_CONFIG.replace("hello", "bye"))
        self.gateway.wait_for_log(msg="configuration in use", module="config",
                                  version=2)
        self.assertEqual(self.ask("guess-more").status, 429)
        told["callers", "configured_key", "too_many_guesses"] = 3
        self.assertEqual(self.outcomes(), told)

    def test_operators_keys_count_as_well(self):
        for i in range(_FREE):
            end = self.end("guess-%d" % i, self.gateway.admin,
                           "/llmgateway.v1.AdminService/ListProviders", {})
            self.assertEqual(end["code"], "UNAUTHENTICATED")
        self.assert_slowed_down("guess-more")


if __name__ == "__main__":
    unittest.main()
