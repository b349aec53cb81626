"""How much callers may ask for in a time: at each API, of each unit, and while
configurations change."""

import re
import threading
import unittest

from tests.integration import grpc_caller
from tests.integration.grpc_caller import prompt
from tests.integration.http_calls import RawConnection
from tests.integration.http_calls import ask
from tests.integration.http_calls import chat
from tests.integration.http_calls import request_bytes
from tests.testing.gateway_process import GatewayProcess

_MOCK = """\
providers: [{name: mock, mock: {%s}}]
routing: {default_target: mock}
prices: {models: [{model: '*', kind: mock, input: '1000', output: '1000'}]}
rate_limits:
"""
_MESSAGES = "/v1/messages"
_GEMINI = "/v1beta/models/m:generateContent"
_CODE = re.compile(r"`([^`]+)`")


class _LimitsCase(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.caller = grpc_caller.GrpcCaller()
        cls.addClassCleanup(cls.caller.close)

    def start(self, *limits, mock="", more="", **options):
        gateway = GatewayProcess(self.config(*limits, mock=mock, more=more),
                                 **options)
        self.addCleanup(gateway.kill)
        return gateway

    def config(self, *limits, mock="", more=""):
        return _MOCK % mock + "".join(
            "- {%s}\n" % limit for limit in limits) + more

    def chat(self, gateway, status=200, **options):
        answer = ask(gateway.http, chat("m"), **options)
        self.assertEqual(answer.status, status, answer.body)
        return answer

    def metric(self, gateway, line):
        text = ask(gateway.operations, path="/metrics").body
        return line.encode() in text.splitlines()


class WordsTest(_LimitsCase):
    """Each API tells limits in its vendor's words."""

    def test_openai(self):
        gateway = self.start(
            "name: rpm, unit: requests, limit: 2, window: 1h",
            "name: tpm, unit: total_tokens, limit: 1000, window: 1h")
        head = self.chat(gateway).headers
        self.assertEqual(head["x-ratelimit-limit-requests"], "2")
        self.assertEqual(head["x-ratelimit-remaining-requests"], "1")
        self.assertRegex(head["x-ratelimit-reset-requests"], r"^(29m|30m)")
        self.assertEqual(head["x-ratelimit-limit-tokens"], "1000")
        # 30, as the provider says, and not what was estimated.
        self.assertEqual(head["x-ratelimit-remaining-tokens"], "970")
        self.chat(gateway)
        refused = self.chat(gateway, 429)
        self.assertEqual(refused.error()["code"], "rate_limit_exceeded")
        self.assertIn("the limit rpm of 2 requests per 1h is reached",
                      refused.error()["message"])
        self.assertIn(int(refused.headers["retry-after"]),
                      range(1700, 1801))
        self.assertEqual(
            refused.headers["x-ratelimit-remaining-requests"], "0")
        self.assertNotIn("x-should-retry", refused.headers)
        self.assertTrue(self.metric(
            gateway, 'llmgw_limit_refusals_total{limit="rpm",mode="enforce"}'
            " 1"))

    def test_openai_in_the_words_of_the_other_system(self):
        gateway = GatewayProcess(
            _MOCK.replace("rate_limits:\n", "") % "",
            env={"LLM_GATEWAY_RATE_LIMIT_REQUESTS_PER_MINUTE": "60",
                 "LLM_GATEWAY_RATE_LIMIT_BURST": "10"})
        self.addCleanup(gateway.kill)
        served = [self.chat(gateway).headers]
        self.assertEqual(served[0]["x-ratelimit-limit"], "60")
        self.assertEqual(served[0]["x-ratelimit-remaining"], "9")
        self.assertGreater(int(served[0]["x-ratelimit-reset"]), 1_700_000_000)
        self.assertEqual(served[0]["x-ratelimit-remaining-requests"], "9")
        while (answer := ask(gateway.http, chat("m"))).status == 200:
            served.append(answer.headers)
            self.assertLess(len(served), 60)
        self.assertGreaterEqual(len(served), 10)
        self.assertEqual(answer.status, 429, answer.body)
        self.assertEqual(answer.headers["x-ratelimit-limit"], "60")
        self.assertEqual(answer.headers["x-ratelimit-remaining"], "0")
        self.assertEqual(answer.headers["retry-after"], "1")
        gateway.stop()

    def test_openai_stream(self):
        gateway = self.start("name: rpm, unit: requests, limit: 2, window: 1h")
        answer = ask(gateway.http, chat("m", stream=True))
        self.assertEqual(answer.headers["x-ratelimit-remaining-requests"], "1")

    def test_anthropic(self):
        gateway = self.start(
            "name: rpm, unit: requests, limit: 1, window: 1h",
            "name: in, unit: input_tokens, limit: 1000, window: 1h")
        body = {"model": "m", "max_tokens": 10,
                "messages": [{"role": "user", "content": "Hello"}]}
        head = ask(gateway.http, body, path=_MESSAGES).headers
        self.assertEqual(head["anthropic-ratelimit-requests-limit"], "1")
        self.assertEqual(head["anthropic-ratelimit-requests-remaining"], "0")
        self.assertRegex(head["anthropic-ratelimit-requests-reset"],
                         r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertEqual(head["anthropic-ratelimit-input-tokens-remaining"],
                         "990")
        refused = ask(gateway.http, body, path=_MESSAGES)
        self.assertEqual(refused.status, 429)
        self.assertEqual(refused.error()["type"], "rate_limit_error")
        self.assertIn("retry-after", refused.headers)

    def test_gemini(self):
        gateway = self.start("name: rpm, unit: requests, limit: 1, window: 1h")
        body = {"contents": [{"parts": [{"text": "Hello"}]}]}
        head = ask(gateway.http, body, path=_GEMINI).headers
        self.assertEqual(head["x-ratelimit-limit"], "1")
        self.assertEqual(head["x-ratelimit-remaining"], "0")
        self.assertGreater(int(head["x-ratelimit-reset"]), 1_700_000_000)
        refused = ask(gateway.http, body, path=_GEMINI)
        self.assertEqual(refused.status, 429)
        self.assertEqual(refused.error()["status"], "RESOURCE_EXHAUSTED")

    def test_grpc(self):
        gateway = self.start("name: rpm, unit: requests, limit: 1, window: 1h")
        call = self.caller.generate(gateway.grpc, prompt("m"))
        self.assertEqual(call.trailer("ratelimit-policy"),
                         '"rpm";q=1;w=3600;qu="requests"')
        self.assertEqual(call.trailer("ratelimit"), '"rpm";r=0;t=3600')
        end = self.caller.generate(gateway.grpc, prompt("m")).end
        self.assertEqual(end["code"], "RESOURCE_EXHAUSTED")
        self.assertEqual(end["reason"], "RATE_LIMITED")
        self.assertEqual(end["metadata"]["limit"], "rpm")
        self.assertAlmostEqual(end["retry_s"], 3600, delta=60)

    def test_without_limits_nothing_is_told(self):
        with GatewayProcess(_MOCK.replace("rate_limits:\n", "") % "") as gate:
            head = ask(gate.http, chat("m")).headers
            self.assertFalse([name for name in head if "ratelimit" in name])


class UnitsTest(_LimitsCase):

    def test_output_tokens_are_charged_while_a_stream_goes(self):
        # Of 101 pieces of some 60 tokens all but the last come, and no end.
        gateway = self.start(
            "name: out, unit: output_tokens, limit: 1000, window: 1h",
            mock='reply: "%s", chunk_count: 101, fault: hang, '
                 "fault_after_chunks: 100" % ("word " * 5000))
        with RawConnection(gateway.http) as stream:
            stream.send(request_bytes(chat("m", stream=True)))
            stream.read_head()
            seen = b""
            while seen.count(b"data:") < 100:
                seen += stream.receive()
            refused = self.chat(gateway, 429)
            self.assertIn("the limit out of 1000 output tokens",
                          refused.error()["message"])

    def test_what_is_never_let_pass_at_once_has_no_time_to_come_back(self):
        gateway = self.start(
            "name: in, unit: input_tokens, limit: 1000, burst: 100")
        answer = ask(gateway.http, chat("m", "x" * 1000))
        self.assertEqual(answer.status, 429)
        self.assertNotIn("retry-after", answer.headers)
        self.assertIn("ask for less", answer.error()["message"])
        self.assertEqual(answer.headers["x-should-retry"], "false")
        self.chat(gateway)

    def test_a_text_without_spaces_counts_at_every_api(self):
        gateway = self.start(
            "name: t, unit: input_tokens, limit: 10000, window: 1h")
        letters = "z" * 200_000
        said = {"role": "user", "content": letters}
        for path, body in (
                ("/v1/chat/completions", {"model": "m", "messages": [said]}),
                (_MESSAGES, {"model": "m", "max_tokens": 5,
                             "messages": [said]}),
                ("/v1/responses", {"model": "m", "input": letters}),
                (_GEMINI, {"contents": [{"parts": [{"text": letters}]}]})):
            answer = ask(gateway.http, body, path=path)
            self.assertEqual(answer.status, 429, path)
            self.assertRegex(answer.error()["message"],
                             "asks for 50[0-9]{3} input tokens")
        end = self.caller.generate(gateway.grpc, prompt("m", letters)).end
        self.assertEqual(end["reason"], "RATE_LIMITED")

    def test_cost(self):
        gateway = self.start(
            "name: money, unit: cost, limit_usd: '0.02', window: 24h")
        self.chat(gateway)  # 30 tokens of a tenth of a cent.
        refused = self.chat(gateway, 429)
        self.assertIn("the limit money of 0.02 US dollars per 24h",
                      refused.error()["message"])

    def test_calls_at_once(self):
        gateway = self.start(
            "name: calls, unit: concurrent_calls, limit: 1",
            mock="chunk_count: 3, fault: hang, fault_after_chunks: 1, "
                 "fault_calls: 1")
        with RawConnection(gateway.http) as stream:
            stream.send(request_bytes(chat("m", stream=True)))
            stream.read_head()
            refused = self.chat(gateway, 429)
            self.assertEqual(refused.error()["code"], "concurrency_limited")
            self.assertEqual(refused.headers["retry-after"], "1")
            end = self.caller.generate(gateway.grpc, prompt("m")).end
            self.assertEqual(end["reason"], "CONCURRENCY_LIMITED")
            stream.reset()
        gateway.wait_for_access(status="CANCELLED")
        # One after the other there is always room.
        for _ in range(20):
            self.chat(gateway)

    def test_an_observed_limit_refuses_nothing(self):
        gateway = self.start(
            "name: rpm, unit: requests, limit: 1, window: 1h, mode: observe")
        for _ in range(3):
            self.chat(gateway)
        self.assertTrue(self.metric(
            gateway, 'llmgw_limit_refusals_total{limit="rpm",mode="observe"}'
            " 2"))


class OfTargetsTest(_LimitsCase):

    def test_a_refusal_tells_of_the_limit_that_refuses(self):
        gateway = self.start(
            "name: each, unit: requests, limit: 600, per: [caller]",
            "name: provider, unit: requests, limit: 1, window: 1h, "
            "match: {providers: [mock]}")
        self.chat(gateway)
        refused = self.chat(gateway, 429)
        self.assertIn("the limit provider", refused.error()["message"])
        told = [refused.headers["x-ratelimit-%s-requests" % what]
                for what in ("limit", "remaining")]
        self.assertEqual(told, ["1", "0"])
        self.assertRegex(refused.headers["x-ratelimit-reset-requests"],
                         "^(1h|59m)")


class ReusedAnswersTest(_LimitsCase):

    def test_what_was_paid_for_is_given_to_who_has_nothing_left(self):
        gateway = self.start(
            "name: tpm, unit: total_tokens, limit: 30, window: 1h, "
            "per: [caller]",
            "name: usd, unit: cost, limit_usd: '0.03', window: 1h, "
            "per: [caller]",
            more="cache: {}\nidempotency: {}\n")
        key = {"idempotency-key": "once"}
        self.chat(gateway, headers=key)
        for headers in ({}, key):
            answer = self.chat(gateway, headers=headers)
            self.assertNotIn("x-llmgateway-cost-usd", {
                name: value for name, value in answer.headers.items()
                if value != "0"})
        other = ask(gateway.http, chat("other"))
        self.assertEqual(other.status, 429, other.body)


class SubjectsTest(_LimitsCase):

    def test_each_caller_has_its_own_and_a_key_has_limits_of_itself(self):
        keys = """\
auth:
  callers:
    api_keys:
      - {id: one, key: "env:ONE"}
      - {id: two, key: "env:TWO"}
      - id: three
        key: "env:THREE"
        limits: [{unit: requests, limit: 1, window: 1h}]
"""
        env = {"ONE": "key-one-0123456789", "TWO": "key-two-0123456789",
               "THREE": "key-three-0123456789"}
        gateway = self.start(
            "name: rpm, unit: requests, limit: 2, window: 1h, per: [caller]",
            more=keys, env=env)

        def call(name, status):
            return self.chat(gateway, status, headers={
                "authorization": "Bearer " + env[name]})

        call("ONE", 200)
        call("ONE", 200)
        refused = call("ONE", 429)
        self.assertIn("for each caller", refused.error()["message"])
        self.assertNotIn("one", refused.error()["message"].split())
        call("TWO", 200)
        call("THREE", 200)
        refused = call("THREE", 429)
        self.assertIn("the limit key of 1 request per 1h",
                      refused.error()["message"])

    def test_what_is_kept_takes_a_request_and_no_tokens(self):
        gateway = self.start(
            "name: tpm, unit: total_tokens, limit: 1000, window: 1h",
            "name: rpm, unit: requests, limit: 2, window: 1h",
            more="cache: {ttl: 1m}\n")
        left = "x-ratelimit-remaining-tokens"
        first = self.chat(gateway).headers
        again = self.chat(gateway).headers
        self.assertTrue(again["x-llmgateway-cache"].startswith("hit"))
        self.assertEqual(again[left], first[left])
        # Nothing that is kept is told to who is refused.
        refused = self.chat(gateway, 429).headers
        self.assertFalse(refused["x-llmgateway-cache"].startswith("hit"))
        self.assertNotIn("age", refused)
        self.assertEqual(refused[left], first[left])

    def test_many_at_once_are_let_in_as_often_as_the_limit_says(self):
        gateway = self.start("name: rpm, unit: requests, limit: 50, window: 1h")
        statuses = []

        def call():
            for _ in range(20):
                statuses.append(ask(gateway.http, chat("m")).status)

        threads = [threading.Thread(target=call) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(statuses.count(200), 50)
        self.assertEqual(statuses.count(429), 110)


class ReloadTest(_LimitsCase):

    def test_another_configuration_forgives_nothing(self):
        limit = "name: rpm, unit: requests, limit: 2, window: 1h"
        gateway = self.start(limit)
        self.chat(gateway)
        self.chat(gateway)
        gateway.write_config(self.config(
            "name: other, unit: requests, limit: 100", limit))
        gateway.wait_for_log(msg="configuration in use", version=2)
        self.chat(gateway, 429)
        gateway.write_config(self.config("name: other, unit: requests, "
                                         "limit: 100"))
        gateway.wait_for_log(msg="configuration in use", version=3)
        self.chat(gateway)


class ExamplesTest(_LimitsCase):
    """The worked examples of docs/limits.md, as they stand there."""

    def test_each_does_what_it_says(self):
        with open("docs/limits.md", encoding="utf-8") as file:
            section = file.read().split("\n## Worked examples\n")[1]
        examples = section.split("\n### ")[1:]
        self.assertGreaterEqual(len(examples), 3)
        for example in examples:
            config = example.split("```yaml\n")[1].split("```")[0]
            rows = [line.strip("|").split("|")
                    for line in example.splitlines()
                    if line.startswith("| `")]
            with GatewayProcess(config) as gateway:
                for number, (call, answer) in enumerate(rows):
                    with self.subTest(example.splitlines()[0], row=number):
                        self.make_call(gateway, call, _CODE.findall(answer))

    def make_call(self, gateway, call, expected):
        said = dict(each.split(": ", 1) for each in _CODE.findall(call))
        request = prompt(said.pop("model", "m"))
        if said:
            request["scope"] = said
        made = self.caller.generate(gateway.grpc, request)
        if made.end["code"] == "OK":
            told = [made.response["route"]["provider"]]
        else:
            told = [made.end["reason"], made.end["metadata"]["limit"]]
        self.assertEqual(told, expected, made.end)


if __name__ == "__main__":
    unittest.main()
