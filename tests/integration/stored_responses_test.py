"""Answers of /v1/responses that outlast the process: in SQLite over a restart, in
a Redis at another replica. docs/http_apis.md tells it."""

import json
import os
import tempfile
import unittest

from tests.integration import gateway_case
from tests.integration.http_calls import ask
from tests.integration.samples import await_sample
from tests.testing.gateway_process import GatewayProcess
from tests.testing.mock_upstream import MockUpstream
from tests.testing.redis_process import RedisProcess

_KEYS = {"ALICE_KEY": "alice-0123456789", "BOB_KEY": "bob-0123456789-bob"}
_ENV = {**gateway_case.ENV, **_KEYS}
_CONFIG = gateway_case.CONFIG + """\
auth:
  callers:
    api_keys:
      - {{id: alice, key: "env:ALICE_KEY"}}
      - {{id: bob, key: "env:BOB_KEY"}}
"""


class _StoredCase(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.upstream = MockUpstream()
        cls.addClassCleanup(cls.upstream.close)

    def setUp(self):
        self.upstream.reset()

    def start(self, more, config=_CONFIG):
        gateway = GatewayProcess(
            config.format(upstream=self.upstream.address) + more, env=_ENV)
        self.addCleanup(gateway.kill)
        return gateway

    def ask(self, gateway, body=None, path="/v1/responses",
            caller="ALICE_KEY", method=None):
        return ask(gateway.http, body, path=path, method=method, headers={
            "authorization": "Bearer " + _KEYS[caller]})

    def create(self, gateway, model, text, caller="ALICE_KEY", **fields):
        answer = self.ask(gateway, {"model": model, "input": text, **fields},
                          caller=caller)
        self.assertEqual(answer.status, 200, answer.body)
        return answer

    def show(self, gateway, answer_id, **options):
        return self.ask(gateway, path="/v1/responses/" + answer_id, **options)

    def turns(self, model):
        return len(json.loads(self.upstream.last_body(model))["messages"])

    def flood(self, gateways, of_alice):
        """Two answers of Bob's at the first gateway outlast ten of Alice's at
        each, of which the last so many are left."""
        of_bob = [self.create(gateways[0], "claude-a", "Bob",
                              caller="BOB_KEY").json()["id"]
                  for _ in range(2)]
        for gateway, left in zip(gateways, of_alice):
            ids = [self.create(gateway, "claude-a", "x").json()["id"]
                   for _ in range(10)]
            self.assertEqual(
                [self.show(gateways[-1], each).status for each in ids],
                [404] * (10 - left) + [200] * left)
        for each in of_bob:
            self.assertEqual(
                self.show(gateways[-1], each, caller="BOB_KEY").status, 200)

    def await_not_kept(self, gateway, reason, value):
        await_sample(gateway, 'llmgw_responses_not_kept_total{reason="%s"}'
                     % reason, value)


class MemoryTest(_StoredCase):

    def test_an_answer_that_is_too_large_is_told(self):
        gateway = self.start("response_store: {size_bytes_limit: 64KiB}\n")
        kept = self.create(gateway, "claude-a", "small")
        self.assertNotIn("store: ", kept.headers["x-llmgateway-warnings"])
        answer = self.create(gateway, "claude-a", "x" * 70_000)
        self.assertIn("store: the answer could not be kept",
                      answer.headers["x-llmgateway-warnings"])
        self.assertEqual(self.show(gateway, answer.json()["id"]).status, 404)
        self.assertEqual(self.show(gateway, kept.json()["id"]).status, 200)
        self.await_not_kept(gateway, "too_large", 1)
        await_sample(gateway, "llmgw_response_store_entries", 1)
        await_sample(gateway, "llmgw_response_store_evictions_total", 0)
        gateway.stop()


class RestartTest(_StoredCase):

    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.store = 'store: {engine: sqlite, file: "%s"}\n' % os.path.join(
            folder.name, "gateway.db")

    def test_a_conversation_goes_on_after_a_restart(self):
        gateway = self.start(self.store)
        whole = self.create(gateway, "claude-a", "One").json()["id"]
        streamed = self.create(
            gateway, "claude-a", "Two", stream=True,
            previous_response_id=whole).events()[-1]["response"]["id"]
        forwarded = self.create(gateway, "gpt-a", "Three").json()["id"]
        gateway.stop()

        gateway = self.start(self.store)
        for answer_id in (whole, streamed):
            self.assertEqual(self.show(gateway, answer_id).json()["id"],
                             answer_id)
            self.assertEqual(
                self.show(gateway, answer_id, caller="BOB_KEY").status, 404)
        self.create(gateway, "claude-a", "Four", previous_response_id=streamed)
        self.assertEqual(self.turns("claude-a"), 5)
        # Where a forwarded one lives is known, too, and whose it is.
        self.assertEqual(self.show(gateway, forwarded).json()["id"], forwarded)
        self.assertEqual(
            self.show(gateway, forwarded, caller="BOB_KEY").status, 404)
        self.create(gateway, "gpt-a", "Five", previous_response_id=forwarded)
        refused = self.ask(gateway, {
            "model": "claude-a", "input": "x", "previous_response_id": whole},
            caller="BOB_KEY")
        self.assertEqual(refused.status, 404, refused.body)

        for answer_id in (whole, forwarded):
            self.assertTrue(self.show(gateway, answer_id, method="DELETE")
                            .json()["deleted"])
        gateway.stop()
        gateway = self.start(self.store)
        for answer_id in (whole, forwarded):
            self.assertEqual(self.show(gateway, answer_id).status, 404)
            self.assertEqual(
                self.show(gateway, answer_id, method="DELETE").status, 404)
        gateway.stop()

    def test_what_runs_in_the_background_is_told_as_its_provider_says(self):
        gateway = self.start(self.store)
        answer = self.create(gateway, "gpt-later", "Hello", background=True)
        self.assertEqual(answer.json()["status"], "queued")
        path = "/v1/responses/" + answer.json()["id"]
        gateway.stop()
        gateway = self.start(self.store)
        self.assertEqual(self.ask(gateway, path=path).json()["status"],
                         "queued")
        cancelled = self.ask(gateway, path=path + "/cancel", method="POST")
        self.assertEqual(cancelled.json()["status"], "cancelled")
        gateway.stop()

    def test_what_is_too_large_for_a_record_is_in_memory_alone(self):
        gateway = self.start(self.store)
        large = self.create(gateway, "claude-a", "x" * 1_200_000).json()["id"]
        self.create(gateway, "claude-a", "On", previous_response_id=large)
        self.assertEqual(self.turns("claude-a"), 3)
        # So is what goes on from it.
        self.await_not_kept(gateway, "record_too_large", 2)
        gateway.stop()
        gateway = self.start(self.store)
        self.assertEqual(self.show(gateway, large).status, 404)
        gateway.stop()

    def test_the_oldest_go_first(self):
        gateway = self.start(self.store + "response_store: {entries_limit: 2}")
        ids = [self.create(gateway, "claude-a", text).json()["id"]
               for text in ("One", "Two", "Three")]
        self.assertEqual([self.show(gateway, each).status for each in ids],
                         [404, 200, 200])
        gateway.stop()

    def test_who_keeps_much_drives_out_his_own(self):
        for store in ("", self.store):
            with self.subTest(store=store):
                gateway = self.start(
                    store + "response_store: {entries_limit: 4}")
                self.flood((gateway,), of_alice=(2,))
                gateway.stop()

    def test_without_a_store_a_restart_forgets(self):
        gateway = self.start("")
        answer = self.create(gateway, "claude-a", "One").json()["id"]
        self.assertEqual(self.show(gateway, answer).status, 200)
        gateway.stop()
        gateway = self.start("")
        self.assertEqual(self.show(gateway, answer).status, 404)
        gateway.stop()


class ReplicasTest(_StoredCase):

    def setUp(self):
        super().setUp()
        self.redis = RedisProcess()
        self.addCleanup(self.redis.close)
        store = ('runtime: {replicas: 2}\nstore: {engine: redis}\n'
                 'redis: {addresses: ["%s"], timeout: 1s}\n'
                 'response_store: {entries_limit: 4}\n'
                 % self.redis.address)
        self.one, self.other = self.start(store), self.start(store)

    def test_what_one_has_answered_the_other_goes_on_from(self):
        first = self.create(self.one, "claude-a", "One").json()["id"]
        forwarded = self.create(self.one, "gpt-a", "Two").json()["id"]
        second = self.create(self.other, "claude-a", "Three",
                             previous_response_id=first).json()["id"]
        self.assertEqual(self.turns("claude-a"), 3)
        self.create(self.one, "claude-a", "Four", previous_response_id=second)
        self.assertEqual(self.turns("claude-a"), 5)
        for answer_id in (first, forwarded):
            self.assertEqual(self.show(self.other, answer_id).status, 200)
            self.assertEqual(
                self.show(self.other, answer_id, caller="BOB_KEY").status, 404)
            self.assertTrue(self.show(self.other, answer_id, method="DELETE")
                            .json()["deleted"])
            self.assertEqual(self.show(self.one, answer_id).status, 404)
        self.one.stop()
        self.other.stop()

    def test_who_keeps_much_drives_out_his_own_at_each(self):
        # Each counts what it has kept.
        self.flood((self.one, self.other), of_alice=(2, 4))
        self.one.stop()
        self.other.stop()

    def test_while_it_is_away_answers_are_given_and_not_kept(self):
        kept = self.create(self.one, "claude-a", "One").json()["id"]
        self.redis.kill()
        unkept = self.create(self.one, "claude-a", "Two")
        self.assertIn("could not be kept",
                      unkept.headers["x-llmgateway-warnings"])
        streamed = self.create(self.one, "claude-a", "Three", stream=True)
        self.assertEqual(streamed.events()[-1]["type"], "response.completed")
        self.await_not_kept(self.one, "store", 2)
        self.one.wait_for_log(module="sessions", level="warn")
        for answer in (self.show(self.one, kept),
                       self.show(self.one, kept, method="DELETE"),
                       self.ask(self.one, {
                           "model": "claude-never", "input": "x",
                           "previous_response_id": kept})):
            self.assertEqual(answer.status, 503, answer.body)
            self.assertEqual(answer.error()["code"], "store_unavailable")
        self.assertEqual(self.upstream.stat("claude-never", "requests"), 0)
        self.one.stop()
        self.other.stop()


if __name__ == "__main__":
    unittest.main()
