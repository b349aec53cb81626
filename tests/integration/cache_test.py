"""What is asked again is answered from the cache: docs/caching.md."""

import json
import unittest

from tests.integration import gateway_case
from tests.integration import http_calls
from tests.integration.grpc_caller import prompt
from tests.integration.http_calls import ask, chat

_CONFIG = gateway_case.PROVIDERS + """\
  - name: gemini
    gemini: {{base_url: "http://{upstream}", api_key: "env:OPENAI_KEY"}}
routing:
  model_rules:
    - {{prefix: "claude-", targets: [anthropic]}}
    - {{prefix: "gemini-", targets: [gemini]}}
  default_target: openai
resilience:
  retry: {{attempts_limit: 1}}
  circuit_breaker: {{mode: "off"}}
  credential_cooling: {{default_cooling: 0s}}
auth:
  callers:
    api_keys:
      - {{id: alice, key: "env:ALICE"}}
      - {{id: bob, key: "env:BOB"}}
cache: {{ttl: %s}}
"""

_NO_MODEL_CONFIG = _CONFIG.replace("default_target: openai",
                                   "default_target: openai/gpt-default")

_ENV = dict(gateway_case.ENV, ALICE="alice-0123456789", BOB="bob-0123456789-more")


class _CacheCase(gateway_case.GatewayCase):

    config = _CONFIG % "1h"
    env = _ENV
    calls_grpc = True

    def setUp(self):
        self.upstream.reset()
        # No other test's request.
        self.text = "Hello from " + self.id()

    def post(self, body, path=http_calls.CHAT, caller="alice", **headers):
        headers = {name.replace("_", "-"): value
                   for name, value in headers.items()}
        headers["x-api-key"] = _ENV[caller.upper()]
        if path == "/v1/messages":
            headers["anthropic-version"] = "2023-06-01"
        answer = ask(self.gateway.http, body, path=path, headers=headers)
        return answer

    def part(self, answer):
        """`hit`, `miss` or `bypass`, and what more is said of it."""
        return answer.headers["x-llmgateway-cache"]

    def asked(self, model):
        return self.upstream.stat(model, "requests")


class ApisTest(_CacheCase):
    """The same at each API."""

    def apis(self):
        yield http_calls.CHAT, "gpt-x", chat("gpt-x", self.text)
        yield "/v1/messages", "claude-x", chat(
            "claude-x", self.text, max_tokens=9)
        yield "/v1/responses", "gpt-y", {
            "model": "gpt-y", "input": self.text, "store": False}
        yield "/v1beta/models/gemini-x:generateContent", "gemini-x", {
            "contents": [{"parts": [{"text": self.text}]}]}
        # Read and written anew, since the provider has another format.
        yield http_calls.CHAT, "claude-y", chat("claude-y", self.text)

    def test_a_hit_is_the_answer_byte_for_byte(self):
        for path, model, body in self.apis():
            with self.subTest(path=path, model=model):
                miss = self.post(body, path)
                self.assertEqual(miss.status, 200, miss.body)
                self.assertRegex(self.part(miss), "^miss; key=[0-9a-f]{16}$")
                self.assertNotIn("age", miss.headers)
                # The same in other words.
                hit = self.post(json.dumps(
                    dict(reversed(body.items())), indent=2).encode(), path)
                self.assertEqual(hit.status, 200, hit.body)
                self.assertRegex(self.part(hit), "^hit; age=[0-9]+; key=")
                self.assertIn(miss.headers["x-request-id"], self.part(hit))
                self.assertIn(self.part(miss).split("key=")[1],
                              self.part(hit))
                self.assertEqual(int(hit.headers["age"]),
                                 int(self.part(hit).split("age=")[1]
                                     .split(";")[0]))
                self.assertEqual(hit.body, miss.body)
                self.assertEqual(hit.headers["content-type"],
                                 miss.headers["content-type"])
                self.assertEqual(hit.headers["x-llmgateway-cost-usd"], "0")
                self.assertNotEqual(hit.headers["x-request-id"],
                                    miss.headers["x-request-id"])
                self.assertEqual(self.asked(model), 1)

    def test_by_grpc(self):
        request = prompt("gpt-g", self.text)
        options = {"metadata": [["x-api-key", _ENV["ALICE"]]]}
        miss = self.caller.generate(self.gateway.grpc, request, **options)
        self.assertEqual(miss.wait()["code"], "OK", miss.end)
        hit = self.caller.generate(self.gateway.grpc, request, **options)
        self.assertEqual(hit.wait()["code"], "OK", hit.end)
        self.assertNotIn("cache_hit", miss.response)
        self.assertEqual(hit.response["cache_hit"]["request_id"],
                         miss.response["request_id"])
        self.assertIn(hit.response["cache_hit"]["key"],
                      dict(miss.end["trailers"])["x-llmgateway-cache"])
        self.assertTrue(dict(hit.end["trailers"])["x-llmgateway-cache"]
                        .startswith("hit; age="))
        self.assertEqual(hit.text(), miss.text())
        self.assertNotIn("attempts", hit.response)
        self.assertTrue(hit.response["usage"]["cost_known"])
        self.assertEqual(self.asked("gpt-g"), 1)
        only = dict(prompt("gpt-g", self.text + "?"),
                    cache_control={"only_if_cached": True})
        refused = self.caller.generate(self.gateway.grpc, only, **options)
        self.assertEqual(refused.wait()["code"], "NOT_FOUND", refused.end)
        self.assertEqual(self.asked("gpt-g"), 1)

    def test_the_record_tells_it(self):
        body = chat("gpt-record", self.text)
        self.post(body)
        self.post(body)
        miss = self.gateway.wait_for_access(model="gpt-record", cache="miss")
        hit = self.gateway.wait_for_access(model="gpt-record", cache="hit")
        self.assertEqual(hit["cache_key"], miss["cache_key"])
        self.assertIn("cache_age_us", hit)
        self.assertEqual(hit["attempt_count"], 0)
        self.assertEqual(hit["provider"], "openai")


class PolicyTest(_CacheCase):
    """What is kept, and for whom."""

    def test_another_caller_does_not_see_it(self):
        body = chat("gpt-callers", self.text)
        self.post(body)
        self.assertTrue(self.part(self.post(body, caller="bob"))
                        .startswith("miss"))
        self.assertEqual(self.asked("gpt-callers"), 2)
        self.assertTrue(self.part(self.post(body)).startswith("hit"))

    def test_each_change_of_the_request_asks_anew(self):
        model = "gpt-changes"
        bodies = [chat(model, self.text),
                  chat(model, self.text + "!"),
                  chat(model, self.text, temperature=0.5),
                  chat(model, self.text, temperature=0.25),
                  chat(model, self.text, max_tokens=5)]
        for body in bodies:
            self.assertTrue(self.part(self.post(body)).startswith("miss"))
        for body in bodies:
            self.assertTrue(self.part(self.post(body)).startswith("hit"))
        same = [chat(model, self.text, user="somebody"),
                chat(model, self.text, metadata={"a": "b"}),
                chat(model, self.text, stream=False)]
        for body in same:
            self.assertTrue(self.part(self.post(body)).startswith("hit"))
        self.assertEqual(self.asked(model), len(bodies))

    def test_the_caller_says_what_it_wants(self):
        model = "gpt-control"
        body = chat(model, self.text)
        refused = self.post(body, cache_control="only-if-cached")
        self.assertEqual(refused.status, 404)
        self.assertEqual(self.asked(model), 0)
        self.post(body, cache_control="no-store")
        self.assertTrue(self.part(self.post(body)).startswith("miss"))
        self.assertTrue(self.part(self.post(
            body, cache_control="only-if-cached")).startswith("hit"))
        self.assertTrue(self.part(self.post(
            body, cache_control="no-cache")).startswith("miss"))
        self.assertTrue(self.part(self.post(
            body, cache_control="max-age=0")).startswith("miss"))
        self.assertTrue(self.part(self.post(
            body, cache_control="max-age=600")).startswith("hit"))
        self.assertEqual(self.asked(model), 4)

    def test_what_has_an_effect_is_asked_each_time(self):
        tool = {"type": "function", "function": {"name": "f"}}
        for reason, more in (("tools", {"tools": [tool]}),
                             ("store", {"store": True}),
                             ("stream", {"stream": True})):
            model = "gpt-" + reason
            for _ in range(2):
                answer = self.post(chat(model, self.text, **more))
                self.assertEqual(answer.status, 200, answer.body)
                self.assertEqual(self.part(answer),
                                 "bypass; reason=" + reason)
            self.assertEqual(self.asked(model), 2)

    def test_only_good_answers_are_kept(self):
        model = "gpt-faults"
        body = chat(model, self.text)
        for script in ({"status": 503}, {"status": 400}, {"status": 429},
                       {"text": "cut", "finish_reason": "length"},
                       {"text": "no", "finish_reason": "content_filter"}):
            self.upstream.set_script(model, script)
            self.assertTrue(self.part(self.post(body)).startswith("miss"))
        self.upstream.set_script(model, {"text": "well"})
        self.assertTrue(self.part(self.post(body)).startswith("miss"))
        self.upstream.set_script(model, {"status": 503})
        self.assertEqual(self.post(body).text(), "well")

    def test_what_nobody_can_read_for_certain_is_not_kept(self):
        body = (b'{"model": "gpt-twice", "messages": [{"role": "user", '
                b'"content": "a", "content": "a"}]}')
        for _ in range(2):
            answer = self.post(body)
            self.assertEqual(answer.status, 200, answer.body)
            self.assertEqual(self.part(answer), "bypass; reason=not_certain")


class NoModelTest(_CacheCase):
    """Requests that name no model, below /api/chat."""

    config = _NO_MODEL_CONFIG % "1h"

    def test_the_caller_says_what_it_wants(self):
        for path in ("/api/chat/complete", "/api/chat/send"):
            body = {"messages": [{"role": "user",
                                  "content": self.text + path}]}
            before = self.asked("gpt-default")
            refused = self.post(body, path, cache_control="only-if-cached")
            self.assertEqual(refused.status, 404, refused.body)
            self.assertEqual(self.asked("gpt-default"), before)
            for said, part in (("no-store", "miss"), ("max-age=600", "miss"),
                               ("only-if-cached", "hit"), ("no-cache", "miss"),
                               ("max-age=0", "miss"), ("max-age=600", "hit")):
                answer = self.post(body, path, cache_control=said)
                self.assertEqual(answer.status, 200, answer.body)
                self.assertTrue(self.part(answer).startswith(part),
                                (path, said, self.part(answer)))
            self.assertEqual(self.asked("gpt-default"), before + 4)


class RequestedTest(_CacheCase):
    """Where the cache is for those who ask for it."""

    config = _NO_MODEL_CONFIG % "1h, on_request: true"

    def test_who_says_an_age_asks_for_it(self):
        body = {"messages": [{"role": "user", "content": self.text}]}
        for said, part in ((None, "bypass; reason=not_requested"),
                           ("max-age=600", "miss"), ("max-age=600", "hit")):
            headers = {"cache_control": said} if said else {}
            answer = self.post(body, "/api/chat/complete", **headers)
            self.assertEqual(answer.status, 200, answer.body)
            self.assertTrue(self.part(answer).startswith(part),
                            (said, self.part(answer)))


class StreamsTest(_CacheCase):
    """Streams are kept whole and streamed again, where that is configured."""

    config = _CONFIG % "1h, streams: true"

    def bodies(self):
        yield http_calls.CHAT, "gpt-x", chat("gpt-x", self.text, stream=True)
        yield "/v1/messages", "claude-x", chat(
            "claude-x", self.text, max_tokens=9, stream=True)
        yield "/v1beta/models/gemini-x:streamGenerateContent?alt=sse", \
            "gemini-x", {"contents": [{"parts": [{"text": self.text}]}]}

    def test_a_hit_is_the_stream_byte_for_byte(self):
        for path, model, body in self.bodies():
            with self.subTest(path=path):
                miss = self.post(body, path)
                self.assertEqual(miss.status, 200, miss.body)
                self.assertTrue(self.part(miss).startswith("miss"))
                hit = self.post(body, path)
                self.assertTrue(self.part(hit).startswith("hit"),
                                hit.headers)
                self.assertEqual(hit.body, miss.body)
                self.assertEqual(hit.headers["content-type"],
                                 miss.headers["content-type"])
                self.assertNotEqual(hit.headers["x-request-id"],
                                    miss.headers["x-request-id"])
                self.assertEqual(self.asked(model), 1)
                line = self.gateway.wait_for_access(model=model, cache="hit")
                self.assertEqual(line["attempt_count"], 0)

    def test_where_the_provider_has_another_format(self):
        body = chat("claude-y", self.text, stream=True)
        miss = self.post(body)
        hit = self.post(body)
        self.assertTrue(self.part(hit).startswith("hit"), hit.headers)
        self.assertEqual(hit.text(), miss.text())
        self.assertEqual(hit.body.count(b"data: "), miss.body.count(b"data: "))
        self.assertTrue(hit.body.endswith(b"[DONE]\n\n"))
        self.assertEqual(self.asked("claude-y"), 1)

    def test_whole_and_streamed_are_two_things(self):
        whole = chat("gpt-two", self.text)
        self.post(whole)
        streamed = dict(whole, stream=True)
        self.assertTrue(self.part(self.post(streamed)).startswith("miss"))
        self.assertTrue(self.part(self.post(whole)).startswith("hit"))
        self.assertTrue(self.part(self.post(streamed)).startswith("hit"))
        self.assertEqual(self.asked("gpt-two"), 2)

    def test_only_streams_that_ended_well_are_kept(self):
        model = "gpt-ends"
        body = chat(model, self.text, stream=True)
        chunks = {"chunks": 4, "chunk_bytes": 16}
        for script in (dict(chunks, reset_after_chunks=2), {"status": 503},
                       {"text": "cut", "finish_reason": "length"}):
            self.upstream.set_script(model, script)
            self.assertTrue(self.part(self.post(body)).startswith("miss"))
        self.upstream.set_script(
            model, dict(chunks, chunks=200, chunk_delay_ms=20))
        connection = self.enter(http_calls.RawConnection(self.gateway.http))
        connection.send(http_calls.request_bytes(
            body, headers=("x-api-key: " + _ENV["ALICE"],)))
        self.assertEqual(connection.read_head()[0], 200)
        connection.read_chunk()
        connection.reset()
        self.upstream.wait_for("cancelled", model)
        self.upstream.set_script(model, {"text": "well"})
        self.assertTrue(self.part(self.post(body)).startswith("miss"))
        self.assertTrue(self.part(self.post(body)).startswith("hit"))

    def test_a_longer_stream_than_may_be_kept_is_streamed_and_not_kept(self):
        self.upstream.set_script("gpt-long", {
            "chunks": 150, "chunk_bytes": 8192})
        body = chat("gpt-long", self.text, stream=True)
        for _ in range(2):
            answer = self.post(body)
            self.assertTrue(self.part(answer).startswith("miss"))
            self.assertEqual(len(answer.text()), 150 * 8192)

    def test_by_grpc(self):
        options = {"metadata": [["x-api-key", _ENV["ALICE"]]]}
        request = prompt("gpt-sg", self.text)
        miss = self.caller.stream_all(self.gateway.grpc, request, **options)
        hit = self.caller.stream_all(self.gateway.grpc, request, **options)
        first, again = miss.events, hit.events
        self.assertEqual(hit.end["code"], "OK", hit.end)
        self.assertTrue(hit.trailer("x-llmgateway-cache")
                        .startswith("hit; age="))
        self.assertEqual([event.get("delta") for event in first],
                         [event.get("delta") for event in again])
        self.assertEqual(again[-1]["end"]["cache_hit"]["request_id"],
                         first[0]["started"]["request_id"])
        self.assertNotIn("cache_hit", first[-1]["end"])
        self.assertTrue(again[-1]["end"]["usage"]["cost_known"])
        self.assertEqual(self.asked("gpt-sg"), 1)


class TimeTest(_CacheCase):

    config = _CONFIG % "1s"

    def test_an_answer_is_gone_with_its_time(self):
        body = chat("gpt-time", self.text)
        self.post(body)
        # Each asks for what is no older, so that the loop ends when it is.
        while self.post(body, cache_control="only-if-cached").status == 200:
            pass
        self.assertEqual(self.asked("gpt-time"), 1)
        self.assertTrue(self.part(self.post(body)).startswith("miss"))


class NotConfiguredTest(gateway_case.GatewayCase):

    calls_grpc = True

    def test_nothing_is_said_of_a_cache(self):
        for _ in range(2):
            answer = ask(self.gateway.http, chat("gpt-none"),
                         headers={"cache-control": "max-age=600"})
            self.assertEqual(answer.status, 200, answer.body)
            self.assertNotIn("x-llmgateway-cache", answer.headers)
        self.assertEqual(self.upstream.stat("gpt-none", "requests"), 2)

    def test_nobody_is_asked_for_who_wants_a_kept_answer(self):
        for stream in (False, True):
            answer = ask(self.gateway.http, chat("gpt-only", stream=stream),
                         headers={"cache-control": "only-if-cached"})
            self.assertEqual(answer.status, 404, answer.body)
            self.assertIn("only-if-cached", answer.error()["message"])
        refused = self.caller.generate(
            self.gateway.grpc,
            dict(prompt("gpt-only"), cache_control={"only_if_cached": True}))
        self.assertEqual(refused.wait()["code"], "NOT_FOUND", refused.end)
        self.assertEqual(self.upstream.stat("gpt-only", "requests"), 0)


if __name__ == "__main__":
    unittest.main()
