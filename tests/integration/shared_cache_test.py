"""Two gateways that keep answers in one Redis, while it works, and while it is
paused, killed and full of what is not theirs: docs/caching.md."""

import time
import unittest

from tests.integration import grpc_caller
from tests.integration import replicas_case
from tests.integration.grpc_caller import prompt
from tests.integration.http_calls import chat
from tests.integration.samples import await_at_least
from tests.integration.samples import await_sample
from tests.integration.samples import sample


def lookups(store, result):
    """The name of their number."""
    return ('llmgw_cache_lookups_total{store="%s",result="%s"}'
            % (store, result))


class _SharedCacheCase(replicas_case.ReplicasCase):

    config = "cache: {{ttl: 1h, streams: true, shared: true}}\n"

    def part(self, answer):
        self.assertEqual(answer.status, 200, answer.body)
        return answer.headers["x-llmgateway-cache"].split(";")[0]

    def kept(self, gateway):
        return sample(gateway, 'llmgw_cache_kept_total{store="redis"}')

    def post_and_await_kept(self, gateway, body, **more):
        """Posts what is to be kept, and waits until Redis has it."""
        before = self.kept(gateway)
        answer = self.post(gateway, body, **more)
        self.assertEqual(self.part(answer), "miss")
        await_sample(gateway, 'llmgw_cache_kept_total{store="redis"}',
                          before + 1)
        return answer

    def names(self):
        return self.redis.ask("KEYS", "llmgw:answer:*")


class SharedCacheTest(_SharedCacheCase):

    def test_the_other_replica_has_the_answer(self):
        one, other = self.two()
        for count, path, model in ((1, None, "gpt-x"), (2, None, "claude-y"),
                                   (3, "/v1/messages", "claude-x")):
            with self.subTest(path=path, model=model):
                more = {"path": path} if path else {}
                body = chat(model, self.text, max_tokens=9)
                miss = self.post_and_await_kept(one, body, **more)
                hit = self.post(other, body, **more)
                self.assertEqual(self.part(hit), "hit")
                self.assertEqual(hit.body, miss.body)
                self.assertIn(miss.headers["x-request-id"],
                              hit.headers["x-llmgateway-cache"])
                self.assertLess(int(hit.headers["age"]), 30)
                self.assertEqual(hit.headers["x-llmgateway-cost-usd"], "0")
                self.assertEqual(self.asked(model), 1)
                # From now on it is in memory.
                self.assertEqual(self.part(self.post(other, body, **more)),
                                 "hit")
                for store in ("memory", "redis"):
                    await_sample(other, lookups(store, "hit"), count)

    def test_streams(self):
        one, other = self.two()
        for model in ("gpt-s", "claude-s"):
            with self.subTest(model=model):
                body = chat(model, self.text, stream=True)
                miss = self.post_and_await_kept(one, body)
                hit = self.post(other, body)
                self.assertEqual(self.part(hit), "hit")
                self.assertEqual(hit.text(), miss.text())
                if model == "gpt-s":
                    self.assertEqual(hit.body, miss.body)
                # Whole is another thing.
                self.assertEqual(
                    self.part(self.post(other, chat(model, self.text))),
                    "miss")

    def test_by_grpc(self):
        one, other = self.two()
        options = {"metadata": [["x-api-key", replicas_case.ENV["ALICE"]]]}
        with grpc_caller.GrpcCaller() as caller:
            request = prompt("gpt-g", self.text)
            miss = caller.generate(one.grpc, request, **options)
            self.assertEqual(miss.wait()["code"], "OK", miss.end)
            await_sample(one, 'llmgw_cache_kept_total{store="redis"}', 1)
            hit = caller.generate(other.grpc, request, **options)
            self.assertEqual(hit.wait()["code"], "OK", hit.end)
            self.assertEqual(hit.text(), miss.text())
            self.assertEqual(hit.response["cache_hit"]["request_id"],
                             miss.response["request_id"])
            streamed = prompt("gpt-sg", self.text)
            first = caller.stream_all(one.grpc, streamed, **options)
            await_sample(one, 'llmgw_cache_kept_total{store="redis"}', 2)
            again = caller.stream_all(other.grpc, streamed, **options)
            self.assertEqual(again.end["code"], "OK", again.end)
            self.assertTrue(again.trailer("x-llmgateway-cache")
                            .startswith("hit; age="))
            self.assertEqual([event.get("delta") for event in first.events],
                             [event.get("delta") for event in again.events])

    def test_another_caller_does_not_see_it(self):
        one, other = self.two()
        body = chat("gpt-callers", self.text)
        self.post_and_await_kept(one, body)
        self.assertEqual(self.part(self.post(other, body, caller="bob")),
                         "miss")
        self.assertEqual(self.asked("gpt-callers"), 2)

    def test_the_caller_says_what_it_wants(self):
        one, other = self.two()
        body = chat("gpt-control", self.text)
        self.assertEqual(
            self.post(other, body, cache_control="only-if-cached").status, 404)
        self.post_and_await_kept(one, body)
        self.assertEqual(self.part(self.post(
            other, body, cache_control="no-cache, no-store")), "bypass")
        self.assertEqual(self.part(self.post(
            other, body, cache_control="max-age=0")), "miss")
        self.redis.ask("FLUSHALL")
        self.post_and_await_kept(one, chat("gpt-only", self.text))
        self.assertEqual(self.part(self.post(
            other, chat("gpt-only", self.text),
            cache_control="only-if-cached")), "hit")

    def test_replicas_whose_providers_differ_share_nothing(self):
        one, other = self.two()
        # The same server by another name.
        address = self.upstream.address.replace("127.0.0.1", "localhost")
        changed = self.start(upstream=address)
        self.await_connected(changed)
        body = chat("gpt-same", self.text)
        self.post_and_await_kept(one, body)
        self.assertEqual(self.part(self.post(changed, body)), "miss")
        self.assertEqual(self.part(self.post(other, body)), "hit")

    def test_it_is_gone_with_its_time_at_both(self):
        self.config = self.config.replace("1h", "8s")
        one, other = self.two()
        body = chat("gpt-time", self.text)
        begun = time.monotonic()
        self.post_and_await_kept(one, body)
        only = {"cache_control": "only-if-cached"}
        self.assertEqual(self.part(self.post(other, body, **only)), "hit")
        # Each asks for what is no older, so that the loop ends when it is.
        while self.post(other, body, **only).status == 200:
            self.assertLess(time.monotonic() - begun, replicas_case.TIMEOUT_S)
        # What was found late was not kept longer for that.
        self.assertEqual(self.post(one, body, **only).status, 404)
        self.assertEqual(self.asked("gpt-time"), 1)

    def test_what_is_not_worth_keeping_is_not_in_redis(self):
        one, _ = self.two()
        for script in ({"status": 503}, {"text": "cut",
                                         "finish_reason": "length"}):
            self.upstream.set_script("gpt-faults", script)
            self.post(one, chat("gpt-faults", self.text))
        self.upstream.set_script("gpt-large", {"text": "x" * (2 << 20)})
        self.assertEqual(self.part(self.post(one, chat("gpt-large",
                                                       self.text))), "miss")
        self.post_and_await_kept(one, chat("gpt-last", self.text))
        self.assertEqual(len(self.names()), 1)

    def test_what_is_no_record_of_ours_is_a_miss(self):
        one, other = self.two()
        for number, spoil in enumerate((
                lambda name: self.redis.ask("SET", name, "a foreign text"),
                lambda name: self.redis.ask("APPEND", name, "x"),
                lambda name: self.redis.ask("SETRANGE", name, 9, "?"),
                lambda name: (self.redis.ask("DEL", name),
                              self.redis.ask("LPUSH", name, "x")))):
            self.redis.ask("FLUSHALL")
            body = chat("gpt-spoiled", self.text + str(number))
            self.post_and_await_kept(one, body)
            spoil(self.names()[0])
            # A miss, whose own answer is there before the next one begins.
            self.post_and_await_kept(other, body)
        await_sample(other, lookups("redis", "unreadable"), 3)
        await_sample(other, lookups("redis", "failed"), 1)


class OutageTest(_SharedCacheCase):

    def test_calls_go_on_without_redis(self):
        for away, back in ((self.redis.pause, self.redis.go_on),
                           (self.redis.kill, self.redis.start)):
            with self.subTest(away=away.__name__):
                one, other = self.two()
                body = chat("gpt-away", self.text + away.__name__)
                away()
                self.assertEqual(self.part(self.post(one, body)), "miss")
                self.assertEqual(self.part(self.post(one, body)), "hit")
                self.assertEqual(self.part(self.post(other, body)), "miss")
                back()
                for gateway in (one, other):
                    self.await_connected(gateway)
                again = chat("gpt-back", self.text + away.__name__)
                self.post_and_await_kept(one, again)
                self.assertEqual(self.part(self.post(other, again)), "hit")
                for gateway in (one, other):
                    gateway.stop()

    def test_away_at_the_start(self):
        self.redis.kill()
        gateway = self.start()
        body = chat("gpt-start", self.text)
        self.assertEqual(self.part(self.post(gateway, body)), "miss")
        self.assertEqual(self.part(self.post(gateway, body)), "hit")
        await_at_least(gateway, lookups("redis", "away"), 1)


if __name__ == "__main__":
    unittest.main()
