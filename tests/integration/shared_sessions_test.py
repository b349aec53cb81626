"""Sessions that two gateways keep in one Redis."""

import concurrent.futures
import unittest

from tests.integration import gateway_case
from tests.integration.grpc_caller import prompt
from tests.integration.http_calls import ask
from tests.integration.samples import await_sample
from tests.integration.sessions_case import ALICE
from tests.integration.sessions_case import BOB
from tests.integration.sessions_case import ENV
from tests.integration.sessions_case import KEYS
from tests.integration.sessions_case import SessionsCase
from tests.testing.gateway_process import GatewayProcess
from tests.testing.redis_process import RedisProcess

_SHARED = """\
runtime: {replicas: 2}
redis: {addresses: ["%s"], timeout: 1s}
store: {engine: redis}
sessions: {sessions_limit: %d}
"""


class SharedSessionsTest(SessionsCase):

    def setUp(self):
        super().setUp()
        self.redis = RedisProcess()
        self.addCleanup(self.redis.close)
        self.one, self.other = self.start_one(), self.start_one()
        self.gateway = self.one

    def start_one(self, limit=3):
        config = (gateway_case.CONFIG + KEYS).format(
            upstream=self.upstream.address)
        gateway = GatewayProcess(
            config + _SHARED % (self.redis.address, limit), env=ENV)
        self.addCleanup(gateway.kill)
        return gateway

    def test_what_one_has_opened_the_other_goes_on_with(self):
        session = self.open()
        self.upstream.set_script("gpt-x", [{"text": "one"}, {"text": "two"}])
        self.assertEqual(self.chat(session, "first").text(), "one")
        self.gateway = self.other
        self.assertEqual(self.chat(session, "second").text(), "two")
        self.assertEqual(self.asked(), ["first", "one", "second"])
        self.assertEqual(
            self.http("GET", "/v1/sessions/" + session, key=BOB).status, 404)
        self.gateway = self.one
        self.assertEqual(self.texts(session),
                         ["first", "one", "second", "two"])
        # Those of both count.
        self.open()
        self.gateway = self.other
        self.open()
        self.limited(self.http("POST", body={}), "sessions.sessions_limit")
        self.one.stop()
        self.assertEqual(
            self.http("DELETE", "/v1/sessions/" + session).status, 204)
        self.other.stop()

    def test_of_all_together_there_are_no_more_than_the_limit(self):
        both = self.start_one(limit=8), self.start_one(limit=8)

        def flood(key):
            """How many each gateway has let in, of many at once."""
            def open_at(gateway):
                return ask(gateway.http, {}, path="/v1/sessions", headers={
                    "authorization": "Bearer " + key}).status
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                statuses = list(pool.map(open_at, both * 12))
            self.assertLessEqual(set(statuses), {201, 429})
            return statuses.count(201)
        # The last quarter is for who has less, whomever he asks.
        self.assertEqual(flood(ALICE), 6)
        self.assertEqual(flood(BOB), 2)
        self.assertEqual(flood(ALICE), 0)
        both[0].stop()
        restarted = self.start_one(limit=8)
        both = restarted, both[1]
        self.assertEqual(flood(ALICE), 0)
        await_sample(
            restarted, 'llmgw_sessions_refused_total{reason="limit"}', 12)
        for gateway in both:
            gateway.stop()

    def test_of_two_calls_at_once_the_one_that_ends_last_adds_nothing(self):
        session = self.open()
        self.upstream.set_script("slow", {"text": "late",
                                          "first_byte_delay_ms": 5000})
        self.upstream.set_script("gpt-x", {"text": "soon"})
        slow = self.caller.start_generate(
            self.one.grpc, prompt("slow", "slow", session=session),
            metadata=[["authorization", "Bearer " + ALICE]])
        self.upstream.wait_for("started", "slow")
        self.gateway = self.other
        self.assertEqual(self.chat(session, "quick").text(), "soon")
        self.assertEqual(slow.wait()["reason"], "CONFLICT", slow.end)
        self.assertEqual(self.texts(session), ["quick", "soon"])
        self.one.stop()
        self.other.stop()

    def test_without_redis_it_is_said_that_it_is_away(self):
        session = self.open()
        self.redis.kill()
        for method, path, body in (
                ("GET", "/v1/sessions/" + session, None),
                ("DELETE", "/v1/sessions/" + session, None),
                ("POST", "/v1/sessions", {})):
            refused = self.http(method, path, body)
            self.assertEqual(refused.status, 503, refused.body)
            self.assertEqual(refused.error()["code"], "store_unavailable")
            # Where the store is concerns operators alone.
            self.assertIn("try again later", refused.error()["message"])
            self.assertNotIn(self.redis.address, refused.body.decode())
        told = self.gateway.wait_for_log(
            msg="the record store cannot be read")
        self.assertIn(self.redis.address, told["why"])
        self.assertEqual(self.chat(session, "hi").status, 503)
        end = self.rpc("Generate", prompt("gpt-x", session=session)).end
        self.assertEqual((end["code"], end["reason"]),
                         ("UNAVAILABLE", "STORE_UNAVAILABLE"))
        self.assertEqual(self.upstream.stat("gpt-x", "requests"), 0)
        # Who needs no session is served.
        self.assertEqual(self.rpc("Generate", prompt("gpt-x")).end["code"],
                         "OK")
        self.one.stop()
        self.other.stop()


if __name__ == "__main__":
    unittest.main()
