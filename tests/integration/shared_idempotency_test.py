"""Calls with one idempotency key run once among two gateways that share a Redis,
while it works, and while it is away: docs/caching.md."""

import re
import threading
import time
import unittest

from tests.integration import grpc_caller
from tests.integration import replicas_case
from tests.integration.grpc_caller import prompt
from tests.integration.http_calls import RawConnection
from tests.integration.http_calls import chat
from tests.integration.http_calls import request_bytes
from tests.integration.samples import await_sample
from tests.integration.samples import sample
from tests.testing.redis_process import RedisProcess

# Time for others to come while it is made.
_SLOW = {"text": "Made once", "first_byte_delay_ms": 1500}


class _SharedKeysCase(replicas_case.ReplicasCase):

    config = "idempotency: {{shared: true}}\n"

    def keyed(self, gateway, body, key, **more):
        return self.post(gateway, body, idempotency_key=key, **more)

    def begin(self, gateway, body, key):
        """Sends a request on a connection of its own."""
        connection = RawConnection(gateway.http)
        connection.send(request_bytes(body, headers=(
            "x-api-key: " + replicas_case.ENV["ALICE"],
            "idempotency-key: " + key)))
        return connection

    def assert_made_once(self, answers, model):
        self.assertEqual([answer.status for answer in answers],
                         [200] * len(answers),
                         [answer.body for answer in answers])
        self.assertEqual(len({answer.body for answer in answers}), 1)
        self.assertEqual(self.asked(model), 1)
        made = [answer for answer in answers
                if "x-llmgateway-answer-of" not in answer.headers]
        self.assertEqual(len(made), 1)
        for answer in answers:
            if answer is not made[0]:
                self.assertEqual(answer.headers["x-llmgateway-answer-of"],
                                 made[0].headers["x-request-id"])
                self.assertEqual(answer.headers["x-llmgateway-cost-usd"], "0")

    def assert_unavailable(self, answer):
        self.assertEqual(answer.status, 503, answer.body)
        self.assertIn("idempotency keys are in redis",
                      answer.error()["message"])
        self.assertEqual(answer.headers["retry-after"], "1")


class SharedKeysTest(_SharedKeysCase):

    def test_the_other_replica_gets_the_same_answer(self):
        one, other = self.two()
        for model in ("gpt-x", "claude-x"):
            with self.subTest(model=model):
                body = chat(model, self.text)
                key = "k-" + model
                self.assert_made_once(
                    [self.keyed(gateway, body, key)
                     for gateway in (one, other, one)], model)

    def test_at_both_at_once_it_is_made_once(self):
        gateways = self.two()
        self.upstream.set_script("gpt-slow", _SLOW)
        body = chat("gpt-slow", self.text)
        answers = []
        threads = [threading.Thread(
            target=lambda gateway=gateways[number % 2]: answers.append(
                self.keyed(gateway, body, "k-slow"))) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assert_made_once(answers, "gpt-slow")
        self.assertEqual(len(answers), 6)

    def test_another_request_is_a_conflict(self):
        one, other = self.two()
        self.upstream.set_script("gpt-body", _SLOW)
        first = self.begin(one, chat("gpt-body", self.text), "k-body")
        self.upstream.wait_for("started", "gpt-body")
        for ended in (False, True):
            if ended:
                self.assertEqual(first.read_head()[0], 200)
            refused = self.keyed(other, chat("gpt-body", self.text + "!"),
                                 "k-body")
            self.assertEqual(refused.status, 422, refused.body)
            self.assertIn("idempotency key was used before",
                          refused.error()["message"])
        self.assertEqual(self.asked("gpt-body"), 1)
        # Another caller's key is another key.
        self.assertEqual(self.keyed(other, chat("gpt-bob", self.text),
                                    "k-body", caller="bob").status, 200)

    def test_what_did_nothing_may_be_tried_again_anywhere(self):
        one, other = self.two()
        self.upstream.set_script("gpt-fails", [{"status": 503}, {}])
        body = chat("gpt-fails", self.text)
        self.assertEqual(self.keyed(one, body, "k-fails").status, 503)
        self.assertEqual(self.keyed(other, body, "k-fails").status, 200)
        self.assertEqual(self.asked("gpt-fails"), 2)

    def test_how_a_broken_call_ended_is_remembered_by_both(self):
        one, other = self.two()
        self.upstream.set_script(
            "gpt-breaks", [{"reset_after_chunks": 1}, {}])
        body = chat("gpt-breaks", self.text)
        broken = self.keyed(one, body, "k-breaks")
        self.assertGreaterEqual(broken.status, 500)
        again = self.keyed(other, body, "k-breaks")
        self.assertEqual(again.status, broken.status)
        self.assertEqual(again.error()["message"], broken.error()["message"])
        self.assertEqual(self.asked("gpt-breaks"), 1)

    def test_who_waits_at_the_other_runs_it_if_nothing_was_done(self):
        one, other = self.two()
        self.upstream.set_script("gpt-next", [
            {"status": 503, "first_byte_delay_ms": 1500}, {"text": "well"}])
        body = chat("gpt-next", self.text)
        begun = time.monotonic()
        first = self.begin(one, body, "k-next")
        self.upstream.wait_for("started", "gpt-next")
        self.assertEqual(self.keyed(other, body, "k-next").text(), "well")
        # After the end of the first, and not beside it.
        self.assertGreaterEqual(time.monotonic() - begun, 1.5)
        self.assertEqual(first.read_head()[0], 503)
        self.assertEqual(self.asked("gpt-next"), 2)

    def test_it_goes_on_without_its_caller(self):
        one, other = self.two()
        self.upstream.set_script("gpt-gone", _SLOW)
        body = chat("gpt-gone", self.text)
        connection = self.begin(one, body, "k-gone")
        self.upstream.wait_for("started", "gpt-gone")
        connection.reset()
        answer = self.keyed(other, body, "k-gone")
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(answer.text(), "Made once")
        self.assertEqual(self.asked("gpt-gone"), 1)

    def test_streams(self):
        one, other = self.two()
        for model in ("gpt-s", "claude-s"):
            with self.subTest(model=model):
                body = chat(model, self.text, stream=True)
                key = "k-" + model
                answers = [self.keyed(gateway, body, key)
                           for gateway in (one, other)]
                self.assertEqual([answer.status for answer in answers],
                                 [200, 200])
                self.assertTrue(answers[1].body.endswith(b"[DONE]\n\n"))
                self.assertEqual(answers[0].text(), answers[1].text())
                self.assertEqual(answers[1].headers["x-llmgateway-answer-of"],
                                 answers[0].headers["x-request-id"])
                self.assertEqual(self.asked(model), 1)

    def test_by_grpc(self):
        one, other = self.two()
        options = {"metadata": [["x-api-key", replicas_case.ENV["ALICE"]]]}
        with grpc_caller.GrpcCaller() as caller:
            request = dict(prompt("gpt-g", self.text), idempotency_key="k-g")
            calls = [caller.generate(gateway.grpc, request, **options)
                     for gateway in (one, other)]
            self.assertEqual([call.wait()["code"] for call in calls],
                             ["OK"] * 2)
            self.assertEqual(calls[0].text(), calls[1].text())
            self.assertEqual(self.asked("gpt-g"), 1)
            mismatch = caller.generate(
                other.grpc, dict(request, verbosity="low"), **options)
            self.assertEqual(mismatch.wait()["reason"],
                             "IDEMPOTENCY_MISMATCH", mismatch.end)
            self.redis.kill()
            await_sample(other, 'llmgw_redis_connections{server="%s"}'
                              % self.redis.address, 0)
            refused = caller.generate(
                other.grpc, dict(request, idempotency_key="k-2"), **options)
            self.assertEqual(refused.wait()["reason"], "STORE_UNAVAILABLE",
                             refused.end)

    def test_the_end_is_gone_with_its_time(self):
        # As long as Redis keeps it: no replica has it besides.
        one, other = self.two()
        body = chat("gpt-time", self.text)
        self.assertEqual(self.keyed(one, body, "k-time").status, 200)
        await_sample(one, "llmgw_idempotency_untold_ends", 0)
        name, = self.redis.ask("KEYS", "llmgw:key:1:*")
        left = self.redis.ask("PTTL", name)
        self.assertGreater(left, 23 * 3600 * 1000)
        self.assertLessEqual(left, 24 * 3600 * 1000)
        self.redis.ask("DEL", name)
        for gateway in (one, other):
            self.assertEqual(self.keyed(gateway, body, "k-time").status, 200)
        self.assertEqual(self.asked("gpt-time"), 2)

    def test_the_cache_and_a_key_go_together(self):
        self.config += "cache: {{shared: true}}\n"
        one, other = self.two()
        body = chat("gpt-both", self.text)
        self.assertEqual(self.post(one, body).status, 200)
        await_sample(one, 'llmgw_cache_kept_total{store="redis"}', 1)
        hit = self.keyed(other, body, "k-both")
        self.assertTrue(hit.headers["x-llmgateway-cache"].startswith("hit"))
        again = self.keyed(one, body, "k-both")
        self.assertEqual(again.body, hit.body)
        self.assertIn("x-llmgateway-answer-of", again.headers)
        self.assertEqual(self.asked("gpt-both"), 1)

    def test_a_user_needs_no_more_than_the_docs_say(self):
        with open("docs/limits.md", encoding="utf-8") as file:
            allowed = re.search(r"`(\+@read [^`]*)`", file.read()).group(1)
        self.redis.ask("ACL", "SETUSER", "gw", "on",
                       ">" + replicas_case.ENV["REDIS_PASSWORD"], "~llmgw:*",
                       "resetchannels", *allowed.split())
        self.config += "cache: {{shared: true}}\n"
        user = ', username: gw, password: "env:REDIS_PASSWORD"'
        one, other = [self.start(redis_more=user) for _ in range(2)]
        for gateway in (one, other):
            self.await_connected(gateway)
        body = chat("gpt-user", self.text)
        answers = [self.keyed(gateway, body, "k-user")
                   for gateway in (one, other)]
        self.assert_made_once(answers, "gpt-user")
        await_sample(one, 'llmgw_cache_kept_total{store="redis"}', 1)
        hit = self.post(other, body)
        self.assertTrue(hit.headers["x-llmgateway-cache"].startswith("hit"))

    def test_metrics(self):
        one, other = self.two()
        body = chat("gpt-m", self.text)
        self.keyed(one, body, "k-m")
        self.keyed(other, body, "k-m")
        self.keyed(other, chat("gpt-m", self.text + "!"), "k-m")
        for name, value in (
                ('llmgw_idempotency_replays_total{state="ended"}', 1),
                ('llmgw_idempotency_refusals_total{reason="mismatch"}', 1),
                ('llmgw_idempotency_refusals_total{reason="store"}', 0),
                ("llmgw_idempotency_waiting", 0)):
            await_sample(other, name, value)


class ClusterTest(_SharedKeysCase):

    def node(self):
        node = RedisProcess("--cluster-enabled", "yes")
        self.addCleanup(node.close)
        return node

    def await_reply(self, node, part):
        deadline = time.monotonic() + replicas_case.TIMEOUT_S
        while part not in node.ask("CLUSTER", "INFO"):
            self.assertLess(time.monotonic(), deadline, part)
            time.sleep(0.02)

    def test_keys_and_answers_are_at_three_masters(self):
        nodes = [self.node() for _ in range(3)]
        for number, node in enumerate(nodes):
            node.ask("CLUSTER", "ADDSLOTSRANGE", 16384 * number // 3,
                     16384 * (number + 1) // 3 - 1)
            node.ask("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            nodes[0].ask("CLUSTER", "MEET", "127.0.0.1", node.port)
        for node in nodes:
            self.await_reply(node, "cluster_slots_ok:16384")
            self.await_reply(node, "cluster_state:ok")
        self.redis.close()
        self.redis = nodes[0]
        self.config += "cache: {{shared: true}}\n"
        one, other = [self.start(redis_more=", topology: cluster")
                      for _ in range(2)]
        for gateway in (one, other):
            for node in nodes:
                await_sample(
                    gateway, 'llmgw_redis_connections{server="%s"}'
                    % node.address, 2)
        calls = 12
        for number in range(calls):
            body = chat("gpt-c", self.text + str(number))
            first = self.keyed(one, body, "k-%d" % number)
            again = self.keyed(other, body, "k-%d" % number)
            self.assertEqual([first.status, again.status], [200, 200])
            self.assertEqual(again.headers["x-llmgateway-answer-of"],
                             first.headers["x-request-id"])
        await_sample(one, 'llmgw_cache_kept_total{store="redis"}', calls)
        for number in range(calls):
            hit = self.post(other, chat("gpt-c", self.text + str(number)))
            self.assertTrue(hit.headers["x-llmgateway-cache"]
                            .startswith("hit"), hit.headers)
        self.assertEqual(self.asked("gpt-c"), calls)
        for node in nodes:
            self.assertGreater(node.ask("DBSIZE"), 0)


class EndingTest(_SharedKeysCase):

    def test_what_a_killed_replica_ran_counts_as_broken(self):
        one, other = self.two()
        self.upstream.set_script(
            "gpt-killed", {"first_byte_delay_ms": 60000})
        body = chat("gpt-killed", self.text)
        connection = self.begin(one, body, "k-killed")
        self.upstream.wait_for("started", "gpt-killed")
        one.kill()
        connection.reset()
        begun = time.monotonic()
        # Waits until the claim has passed.
        lost = self.keyed(other, body, "k-killed")
        self.assertEqual(lost.status, 409, lost.body)
        self.assertIn("has gone before its end", lost.error()["message"])
        self.assertLess(time.monotonic() - begun, replicas_case.TIMEOUT_S)
        self.assertEqual(self.asked("gpt-killed"), 1)
        again = self.keyed(other, body, "k-killed")
        self.assertEqual(again.status, 409, again.body)
        self.assertEqual(
            self.keyed(other, chat("gpt-other", self.text), "k-2").status, 200)

    def test_a_call_may_take_longer_than_a_claim(self):
        one, other = self.two()
        self.upstream.set_script(
            "gpt-long", {"text": "Late", "first_byte_delay_ms": 13000})
        body = chat("gpt-long", self.text)
        first = self.begin(one, body, "k-long")
        self.upstream.wait_for("started", "gpt-long")
        self.assertEqual(self.keyed(other, body, "k-long").text(), "Late")
        self.assertEqual(first.read_head()[0], 200)
        self.assertEqual(self.asked("gpt-long"), 1)

    def test_who_drains_tells_how_its_calls_have_ended(self):
        one, other = self.two()
        self.upstream.set_script("gpt-drain", _SLOW)
        body = chat("gpt-drain", self.text)
        first = self.begin(one, body, "k-drain")
        self.upstream.wait_for("started", "gpt-drain")
        one.stop()
        self.assertEqual(first.read_head()[0], 200)
        begun = time.monotonic()
        self.assertEqual(self.keyed(other, body, "k-drain").text(),
                         "Made once")
        # Nothing had to pass.
        self.assertLess(time.monotonic() - begun, 5)
        self.assertEqual(self.asked("gpt-drain"), 1)

    def test_what_runs_for_nobody_at_a_drain_has_the_time_of_others(self):
        one, other = self.two()
        self.upstream.set_script("gpt-left", _SLOW)
        http = chat("gpt-left", self.text)
        stream = chat("gpt-left", self.text + "!", stream=True)
        rpc = dict(prompt("gpt-left", self.text + "?"), idempotency_key="k-3")
        options = {"metadata": [["x-api-key", replicas_case.ENV["ALICE"]]]}
        with grpc_caller.GrpcCaller() as caller:
            connections = [self.begin(one, http, "k-1"),
                           self.begin(one, stream, "k-2")]
            call = caller.start_generate(one.grpc, rpc, **options)
            self.upstream.wait_for("started", "gpt-left", count=3)
            for connection in connections:
                connection.reset()
            call.cancel()
            call.wait()
            begun = time.monotonic()
            one.stop()
            # They have ended, and nobody waited for the end of the grace.
            self.assertLess(time.monotonic() - begun, 15)
            self.assertEqual(self.upstream.stat("gpt-left", "cancelled"), 0)
            for body, key in ((http, "k-1"), (stream, "k-2")):
                answer = self.keyed(other, body, key)
                self.assertEqual(answer.status, 200, answer.body)
                self.assertEqual(answer.text(), "Made once")
            self.assertEqual(
                caller.generate(other.grpc, rpc, **options).text(),
                "Made once")
        self.assertEqual(self.asked("gpt-left"), 3)

    def test_what_outlasts_the_grace_is_told_to_have_broken(self):
        one, other = self.two(runtime_more=", drain_grace: 1s")
        self.upstream.set_script("gpt-end", {"first_byte_delay_ms": 60000})
        body = chat("gpt-end", self.text)
        connection = self.begin(one, body, "k-end")
        self.upstream.wait_for("started", "gpt-end")
        connection.reset()
        one.stop()
        self.upstream.wait_for("cancelled", "gpt-end")
        begun = time.monotonic()
        broken = self.keyed(other, body, "k-end")
        self.assertEqual(broken.status, 409, broken.body)
        self.assertRegex(broken.error()["message"],
                         "shut down: it may have been made, and billed; .*"
                         "take another key")
        self.assertLess(time.monotonic() - begun, 5)
        self.assertEqual(self.asked("gpt-end"), 1)


    def test_ends_have_the_time_of_the_drain(self):
        one, other = self.two(runtime_more=", drain_grace: 15s")
        self.upstream.set_script("gpt-drain", _SLOW)
        body = chat("gpt-drain", self.text)
        first = self.begin(one, body, "k-drain")
        self.upstream.wait_for("started", "gpt-drain")
        self.redis.pause()
        stop = threading.Thread(target=one.stop)
        stop.start()
        self.assertEqual(first.read_head()[0], 200)
        # Longer than it took once the last call had ended.
        stop.join(4)
        self.assertTrue(stop.is_alive())
        self.redis.go_on()
        stop.join(replicas_case.TIMEOUT_S)
        self.assertFalse(stop.is_alive())
        self.await_connected(other)
        self.assertEqual(self.keyed(other, body, "k-drain").text(),
                         "Made once")
        self.assertEqual(self.asked("gpt-drain"), 1)


class LargeAnswersTest(_SharedKeysCase):

    def setUp(self):
        super().setUp()
        self.large = "x" * 900_000
        self.upstream.set_script("gpt-large", {"text": self.large})

    def test_they_are_fetched_beside_what_is_small(self):
        one, other = self.two()
        body = chat("gpt-large", self.text)
        self.assertEqual(self.keyed(one, body, "k-large").text(), self.large)
        await_sample(one, "llmgw_idempotency_untold_ends", 0)
        for _ in range(3):
            again = self.keyed(other, body, "k-large")
            self.assertEqual(again.status, 200, again.body[:200])
            self.assertEqual(again.text(), self.large)
        for name, value in (("redis", 1), ("memory", 2)):
            await_sample(
                other, 'llmgw_idempotency_large_answers_total{from="%s"}'
                % name, value)
        # Each loop has a connection for what is small, and those that have
        # carried something large, or listed what operators say, one more.
        for gateway in (one, other):
            self.await_connected(gateway)
            self.assertIn(sample(
                gateway, 'llmgw_redis_connections{server="%s/bulk"}'
                % self.redis.address), (1, 2))
        self.assertEqual(self.asked("gpt-large"), 1)

    def test_those_of_one_caller_wait_for_room_to_be_kept(self):
        self.config = ("idempotency: {{shared: true, "
                       "size_bytes_limit: 64MiB}}\n")
        one, other = self.two()
        # More than he may have wait for Redis.
        calls = 24
        bodies = [chat("gpt-large", self.text + str(number))
                  for number in range(calls)]
        answers = [None] * calls

        def ask(number):
            answers[number] = self.keyed(
                one, bodies[number], "k-%d" % number).status

        threads = [threading.Thread(target=ask, args=(number,))
                   for number in range(calls)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(answers, [200] * calls)
        await_sample(one, "llmgw_idempotency_untold_ends", 0)
        self.assertEqual(
            [self.keyed(other, bodies[number], "k-%d" % number).status
             for number in range(calls)], [200] * calls)
        self.assertEqual(self.asked("gpt-large"), calls)

    def test_who_replays_them_again_and_again_keeps_nobody_out(self):
        one, _ = self.two()
        body = chat("gpt-large", self.text)
        self.assertEqual(self.keyed(one, body, "k-large").status, 200)
        await_sample(one, "llmgw_idempotency_untold_ends", 0)
        ends = time.monotonic() + 2
        replayed = []

        def replay():
            while time.monotonic() < ends:
                replayed.append(self.keyed(one, body, "k-large").status)

        threads = [threading.Thread(target=replay) for _ in range(8)]
        for thread in threads:
            thread.start()
        others = []
        while time.monotonic() < ends:
            others.append(self.keyed(
                one, chat("gpt-bob", self.text), "k-%d" % len(others),
                caller="bob").status)
        for thread in threads:
            thread.join()
        self.assertEqual(set(others), {200})
        self.assertEqual(set(replayed), {200})
        self.assertEqual(sample(
            one, 'llmgw_redis_outages_total{server="%s"}'
            % self.redis.address), 0)
        # What was fetched, or made, is not fetched each time.
        self.assertLessEqual(sample(
            one, 'llmgw_idempotency_large_answers_total{from="redis"}'), 4)


class OutageTest(_SharedKeysCase):

    def test_while_redis_is_away_keys_are_refused_and_others_go_on(self):
        for away, back in ((self.redis.pause, self.redis.go_on),
                           (self.redis.kill, self.redis.start)):
            with self.subTest(away=away.__name__):
                one, other = self.two()
                away()
                body = chat("gpt-away", self.text)
                before = self.asked("gpt-away")
                for gateway in (one, other):
                    self.assert_unavailable(
                        self.keyed(gateway, body, "k-away"))
                self.assertEqual(self.asked("gpt-away"), before)
                self.assertEqual(self.post(one, body).status, 200)
                back()
                for gateway in (one, other):
                    self.await_connected(gateway)
                    await_sample(
                        gateway, "llmgw_idempotency_untold_ends", 0)
                key = "k-back-" + away.__name__
                answers = [self.keyed(gateway, body, key)
                           for gateway in (one, other)]
                self.assertEqual([each.status for each in answers], [200] * 2)
                self.assertEqual(answers[0].body, answers[1].body)
                self.assertEqual(self.asked("gpt-away"), before + 2)
                for gateway in (one, other):
                    gateway.stop()

    def test_a_call_that_ends_while_redis_is_away_is_told_of_later(self):
        one, other = self.two()
        self.upstream.set_script("gpt-later", _SLOW)
        body = chat("gpt-later", self.text)
        first = self.begin(one, body, "k-later")
        self.upstream.wait_for("started", "gpt-later")
        self.redis.pause()
        self.assertEqual(first.read_head()[0], 200)
        self.redis.go_on()
        for gateway in (one, other):
            self.await_connected(gateway)
        await_sample(one, "llmgw_idempotency_untold_ends", 0)
        self.assertEqual(self.keyed(other, body, "k-later").text(),
                         "Made once")
        self.assertEqual(self.asked("gpt-later"), 1)


if __name__ == "__main__":
    unittest.main()
