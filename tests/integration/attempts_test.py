"""What follows a failed attempt: other credentials, other targets, and targets
that are asked beside one that takes long. docs/resilience.md tells it."""

import concurrent.futures
import time
import unittest

from tests.integration import gateway_case
from tests.integration.grpc_caller import prompt
from tests.integration.http_calls import ask, chat
from tests.integration.samples import await_sample

_CONFIG = """\
providers:
  - name: keyed
    openai: {{base_url: "http://{upstream}/v1", api_key: "env:OPENAI_KEY"}}
    credentials: [{{name: spare, api_key: "env:SPARE_KEY"}}]
  - name: predicted
    openai: {{base_url: "http://{upstream}/v1", api_key: "env:OPENAI_KEY"}}
    credentials: [{{name: spare, api_key: "env:SPARE_KEY"}}]
  - name: refused
    openai: {{base_url: "http://{upstream}/v1", api_key: "env:OPENAI_KEY"}}
    credentials: [{{name: spare, api_key: "env:SPARE_KEY"}}]
  - name: lone
    openai: {{base_url: "http://{upstream}/v1", api_key: "env:OPENAI_KEY"}}
  - name: narrow
    openai: {{base_url: "http://{upstream}/v1"}}
    resilience: {{concurrent_attempts_limit: 1}}
  - name: spare
    openai: {{base_url: "http://{upstream}/v1"}}
routing:
  model_rules:
    - {{prefix: "key-", targets: [keyed]}}
    - {{prefix: "predict-", targets: [predicted]}}
    - {{prefix: "refuse-", targets: [refused]}}
    - {{prefix: "lone-", targets: [lone]}}
    - {{alias: full, targets: [narrow/gpt-full, spare/gpt-room]}}
    - {{alias: full-alone, targets: [narrow/gpt-full]}}
    - {{alias: hangs, targets: [narrow/gpt-hangs, spare/gpt-well],
       balancing: round_robin}}
    - {{alias: breaks, targets: [spare/gpt-breaks], fallbacks: [spare/gpt-well]}}
resilience:
  retry: {{backoff_base: 1ms, backoff_limit: 5ms}}
"""
_ENV = {"OPENAI_KEY": "key-of-openai-1234567890",
        "SPARE_KEY": "key-in-spare-1234567890"}


class _AttemptsCase(gateway_case.GatewayCase):

    env = _ENV
    calls_grpc = True

    def setUp(self):
        self.upstream.reset()

    def generate(self, model, **options):
        """The end of a whole call by gRPC, and its attempts."""
        call = self.caller.start_generate(self.gateway.grpc, prompt(model),
                                          **options)
        call.wait()
        attempts = (call.response or {}).get("attempts", [])
        return call.end["code"], [(a["provider"], a.get("credential", ""),
                                   a["kind"]) for a in attempts]


class CredentialsTest(_AttemptsCase):

    config = _CONFIG

    def test_one_that_is_limited_gives_way_within_the_call(self):
        self.upstream.set_script(
            "key-http", [{"status": 429, "retry_after": "60"}, {}])
        self.assertEqual(ask(self.gateway.http, chat("key-http")).status, 200)
        line = self.gateway.wait_for_access(model="key-http")
        self.assertEqual([a["credential"] for a in line["attempts"]],
                         ["default", "spare"])
        # It cools for the others, too, whatever they ask and how.
        for _ in range(3):
            code, attempts = self.generate("key-grpc")
            self.assertEqual(code, "OK")
            self.assertEqual(attempts, [("keyed", "spare", "KIND_FIRST")])
        told = self.gateway.wait_for_log(msg="A credential cools",
                                         provider="keyed")
        self.assertEqual((told["credential"], told["level"]),
                         ("default", "warn"))
        self.assertEqual(len(self.gateway.log_lines(msg="A credential cools",
                                                    provider="keyed")), 1)
        metrics = ask(self.gateway.operations, path="/metrics").body.decode()
        self.assertIn('llmgw_credential_coolings_total{provider="keyed",'
                      'credential="default"} 1', metrics)

    def test_one_that_is_refused_is_out_and_an_alert(self):
        self.upstream.set_script("refuse-grpc", [{"status": 401}, {}])
        code, attempts = self.generate("refuse-grpc")
        self.assertEqual((code, attempts), ("OK", [
            ("refused", "default", "KIND_FIRST"),
            ("refused", "spare", "KIND_RETRY")]))
        for _ in range(3):
            self.assertEqual(
                ask(self.gateway.http, chat("refuse-http")).status, 200)
            self.assertEqual(self.generate("refuse-grpc")[1],
                             [("refused", "spare", "KIND_FIRST")])
        told = self.gateway.wait_for_log(msg="A credential is taken out")
        self.assertEqual((told["provider"], told["credential"], told["level"]),
                         ("refused", "default", "error"))
        metrics = ask(self.gateway.operations, path="/metrics").body.decode()
        self.assertIn('llmgw_credential_refusals_total{provider="refused",'
                      'credential="default"} 1', metrics)

    def test_where_all_cool_the_call_hears_for_how_long(self):
        self.upstream.set_script("lone-http", {"status": 429,
                                               "retry_after": "200"})
        for attempts in (1, 1):
            answer = ask(self.gateway.http, chat("lone-http"))
            self.assertEqual(answer.status, 429)
            self.assertIn(int(answer.headers["retry-after"]), range(190, 201))
            self.assertEqual(self.upstream.stat("lone-http", "requests"),
                             attempts)
        self.assertEqual(self.generate("lone-grpc")[0], "RESOURCE_EXHAUSTED")
        self.assertEqual(self.upstream.stat("lone-grpc", "requests"), 0)


class TargetsTest(_AttemptsCase):

    config = _CONFIG

    def test_a_stream_that_hangs_goes_on_elsewhere_within_the_deadline(self):
        self.upstream.set_script("gpt-hangs", {"stall_before_first_byte": True})
        began = time.monotonic()
        for _ in range(2):  # One of them meets the one that hangs first.
            answer = ask(self.gateway.http, chat("hangs", stream=True),
                         headers={"x-llmgateway-timeout": "6s"})
            self.assertEqual(answer.status, 200)
        self.assertLess(time.monotonic() - began, 6)
        self.assertEqual(self.upstream.stat("gpt-hangs", "requests"), 1)
        self.upstream.wait_for("cancelled", "gpt-hangs")

    def test_a_stream_that_breaks_before_its_content_moves_on_unseen(self):
        self.upstream.set_script("gpt-breaks", {"close_after_chunks": 0})
        for _ in range(2):
            answer = ask(self.gateway.http, chat("breaks", stream=True))
            self.assertEqual(answer.status, 200)
            self.assertTrue(answer.body.rstrip().endswith(b"[DONE]"))
        self.assertEqual(self.upstream.stat("gpt-breaks", "requests"), 2)

    def test_a_provider_that_is_full_is_passed_over(self):
        self.upstream.set_script("gpt-full", {"first_byte_delay_ms": 5000})
        slow = self.caller.start_generate(self.gateway.grpc,
                                          prompt("full-alone"))
        self.upstream.wait_for("started", "gpt-full")
        for _ in range(3):
            code, attempts = self.generate("full")
            self.assertEqual((code, [a[0] for a in attempts]),
                             ("OK", ["spare"]))
        answer = ask(self.gateway.http, chat("full-alone"))
        self.assertEqual(answer.status, 503)
        self.assertIn("retry-after", answer.headers)
        self.assertEqual(slow.wait()["code"], "OK")
        self.assertEqual(self.generate("full-alone")[0], "OK")


class ManyAtOnceTest(_AttemptsCase):
    """Whose provider fails while many call is answered by one that is well."""

    config = """\
providers:
  - {{name: limits, openai: {{base_url: "http://{upstream}/v1"}}}}
  - {{name: dies, openai: {{base_url: "http://{upstream}/v1"}}}}
  - {{name: spare, openai: {{base_url: "http://{upstream}/v1"}}}}
routing:
  model_rules:
    - {{alias: shared, targets: [limits/gpt-limited],
       fallbacks: [spare/gpt-well]}}
    - {{alias: backed, targets: [dies/gpt-dies],
       fallbacks: [spare/gpt-well]}}
    - {{alias: lone, targets: [limits/gpt-limited]}}
    - {{alias: dead, targets: [spare/gpt-dead]}}
resilience:
  retry: {{attempts_limit: 2, backoff_base: 1ms, backoff_limit: 5ms}}
  circuit_breaker: {{mode: "off"}}
"""
    _CALLS = 40

    def at_once(self, model):
        with concurrent.futures.ThreadPoolExecutor(self._CALLS) as pool:
            return list(pool.map(
                lambda _: ask(self.gateway.http, chat(model)).status,
                range(self._CALLS)))

    def metric(self, name):
        text = ask(self.gateway.operations, path="/metrics").body.decode()
        return [float(line.split()[-1]) for line in text.splitlines()
                if line.startswith(name + " ")]

    def test_a_provider_without_a_key_that_limits_rests(self):
        self.upstream.set_script("gpt-limited", {
            "status": 429, "retry_after": "60",
            "first_byte_delay_ms": 3000})
        self.assertEqual(set(self.at_once("shared")), {200})
        asked = self.upstream.stat("gpt-limited", "requests")
        self.assertGreater(asked, 8, "more than the budget has places")
        # Now it rests, whoever asks.
        for _ in range(3):
            code, attempts = self.generate("shared")
            self.assertEqual((code, attempts),
                             ("OK", [("spare", "", "KIND_FALLBACK")]))
        answer = ask(self.gateway.http, chat("lone"))
        self.assertEqual(answer.status, 429)
        self.assertIn(int(answer.headers["retry-after"]), range(40, 61))
        self.assertEqual(self.upstream.stat("gpt-limited", "requests"), asked)
        self.assertEqual(len(self.gateway.log_lines(
            msg="A provider rests, since it limits calls",
            provider="limits")), 1)
        self.assertEqual(self.metric(
            'llmgw_credential_coolings_total{provider="limits",'
            'credential="none"}'), [1])

    def test_one_that_dies_costs_nobody_an_answer(self):
        self.upstream.set_script("gpt-dies", {
            "status": 503, "first_byte_delay_ms": 300})
        self.assertEqual(set(self.at_once("backed")), {200})
        # Each call has asked it once: nothing is amplified.
        self.assertEqual(self.upstream.stat("gpt-dies", "requests"),
                         self._CALLS)

    def test_attempts_that_the_budget_refuses_are_counted(self):
        # Time for all to be under way together.
        self.upstream.set_script("gpt-dead", {
            "status": 503, "first_byte_delay_ms": 2000})
        name = 'llmgw_retry_budget_refusals_total{purpose="retry"}'
        before = self.metric(name)[0]
        self.assertEqual(set(self.at_once("dead")), {503})
        asked = self.upstream.stat("gpt-dead", "requests")
        self.assertEqual(self.metric(name)[0] - before,
                         2 * self._CALLS - asked)
        self.assertLess(asked, 2 * self._CALLS)


class CountTest(_AttemptsCase):

    config = _CONFIG

    def test_every_asking_of_a_provider_is_an_attempt_wherever_it_is_told(self):
        self.upstream.set_script("key-count", [
            {"status": 429, "retry_after": "1"}, {}])
        call = self.caller.start_generate(self.gateway.grpc,
                                          prompt("key-count"))
        self.assertEqual(call.wait()["code"], "OK")
        self.assertEqual(self.upstream.stat("key-count", "requests"), 2)
        self.assertEqual([a["credential"] for a in call.response["attempts"]],
                         ["default", "spare"])
        self.assertTrue(call.trailer("x-llmgateway-route")
                        .endswith("; attempts=2"))
        line = self.gateway.wait_for_access(model="key-count")
        self.assertEqual(len(line["attempts"]), 2)


class UnclearLimitTest(_AttemptsCase):

    config = """\
providers:
  - name: keyed
    openai: {{base_url: "http://{upstream}/v1", api_key: "env:OPENAI_KEY"}}
  - {{name: open, openai: {{base_url: "http://{upstream}/v1"}}}}
routing: {{default_target: keyed}}
resilience:
  retry: {{attempts_limit: 1}}
  credential_cooling: {{default_cooling: 30s}}
"""

    def test_one_that_names_no_time_is_told_with_that_of_the_cooling(self):
        for provider in ("keyed", "open"):
            model = "gpt-" + provider
            self.upstream.set_script(model, {"status": 429,
                                             "retry_after": "soon"})
            # The first asks the provider, the second meets one that rests.
            for _ in range(2):
                answer = ask(self.gateway.http, chat(model),
                             headers={"x-llmgateway-provider": provider})
                self.assertEqual(answer.status, 429)
                self.assertIn(int(answer.headers["retry-after"]),
                              range(20, 31))
            self.assertEqual(self.upstream.stat(model, "requests"), 1)


class TimeLimitTest(_AttemptsCase):
    """Whoever has no answer in time hears which limit that was."""

    config = """\
providers:
  - name: hurried
    openai:
      base_url: "http://{upstream}/v1"
      http: {{timeouts: {{first_byte: 200ms, idle: 250ms}}}}
  - name: patient
    openai:
      base_url: "http://{upstream}/v1"
      http: {{timeouts: {{first_content: 300ms}}}}
routing:
  default_target: hurried/gpt-mute-whole
resilience:
  call_timeout: 2s
  retry: {{attempts_limit: 1}}
  circuit_breaker: {{mode: "off"}}
"""

    def told(self, model, stream=False, timeout_s=None, **said):
        start = self.caller.stream if stream else self.caller.start_generate
        options = {} if timeout_s is None else {"timeout_s": timeout_s}
        call = start(self.gateway.grpc, prompt(model), metadata=[
            ("x-llmgateway-" + name, value) for name, value in said.items()],
            **options)
        end = call.wait()
        return (end["reason"], end["metadata"].get("time_limit"),
                end["metadata"].get("provider"), end["message"])

    def test_by_http_the_message_names_it_in_each_vendors_error(self):
        self.upstream.set_script("gpt-mute-whole",
                                 {"first_byte_delay_ms": 60000})
        words = [{"role": "user", "content": "x"}]
        for path, body in (
                ("/v1/chat/completions",
                 {"model": "gpt-mute-whole", "messages": words}),
                ("/v1/responses", {"model": "gpt-mute-whole", "input": "x"}),
                ("/v1/messages", {"model": "gpt-mute-whole", "max_tokens": 9,
                                  "messages": words}),
                ("/v1beta/models/gpt-mute-whole:generateContent",
                 {"contents": [{"parts": [{"text": "x"}]}]}),
                ("/api/chat/complete", {"messages": words})):
            with self.subTest(path=path):
                answer = ask(self.gateway.http, body, path=path)
                self.assertEqual(answer.status, 504, answer.body)
                self.assertIn(b"hurried: waited 200ms for ", answer.body)
                self.assertIn(b"(timeouts.first_byte)", answer.body)

    def test_each_is_named(self):
        self.upstream.set_script("gpt-mute", {"stall_before_first_byte": True})
        self.upstream.set_script("gpt-mute-whole",
                                 {"first_byte_delay_ms": 60000})
        reason, limit, provider, _ = self.told("gpt-mute-whole")
        self.assertEqual((reason, limit, provider),
                         ("PROVIDER_TIMEOUT", "timeouts.first_byte",
                          "hurried"))
        reason, limit, provider, message = self.told(
            "gpt-mute", stream=True, provider="patient")
        self.assertEqual((reason, limit, provider),
                         ("PROVIDER_TIMEOUT", "timeouts.first_content",
                          "patient"))
        reason, limit, _, message = self.told("gpt-mute-whole",
                                              provider="patient")
        self.assertEqual((reason, limit),
                         ("DEADLINE_EXCEEDED", "resilience.call_timeout"))
        self.assertIn("longer than 2s, as long as resilience.call_timeout",
                      message)
        reason, limit, _, message = self.told("gpt-mute-whole",
                                              provider="patient",
                                              timeout="400ms")
        self.assertEqual((reason, limit),
                         ("DEADLINE_EXCEEDED", "x-llmgateway-timeout"))
        self.assertIn("longer than 400ms", message)
        answer = ask(self.gateway.http, chat("gpt-mute-whole"), headers={
            "x-llmgateway-timeout": "150ms"})
        self.assertEqual(answer.status, 504)
        self.assertIn("x-llmgateway-timeout", answer.error()["message"])


class HedgeTest(_AttemptsCase):

    config = """\
providers:
  - {{name: slow, openai: {{base_url: "http://{upstream}/v1"}}}}
  - {{name: quick, openai: {{base_url: "http://{upstream}/v1"}}}}
routing:
  model_rules:
    - {{alias: raced, targets: [slow/gpt-slow, {{provider: quick,
       model: gpt-quick, priority: 1}}]}}
resilience:
  hedging: {{enabled: true, delay: 100ms}}
"""

    def test_the_first_to_answer_wins_and_the_loser_is_cancelled(self):
        self.upstream.set_script("gpt-slow", {"stall_before_first_byte": True})
        code, attempts = self.generate("raced")
        self.assertEqual((code, attempts), ("OK", [
            ("slow", "", "KIND_FIRST"), ("quick", "", "KIND_HEDGE")]))
        self.upstream.wait_for("cancelled", "gpt-slow")
        for count, stream in ((2, False), (3, True)):
            answer = ask(self.gateway.http, chat("raced", stream=stream))
            self.assertEqual(answer.status, 200)
            self.upstream.wait_for("cancelled", "gpt-slow", count)
        self.assertEqual(self.upstream.stat("gpt-quick", "served"), 3)
        await_sample(self.gateway,
                     'llmgw_hedges_total{provider="quick",outcome="won"}', 3)


class PatientHedgeTest(_AttemptsCase):

    # Ample, so that a busy machine is no reason for a hedge.
    config = HedgeTest.config.replace("100ms", "10s")

    def test_one_that_is_in_time_is_not_hedged(self):
        code, attempts = self.generate("raced")
        self.assertEqual((code, len(attempts)), ("OK", 1))
        self.assertEqual(self.upstream.stat("gpt-quick", "requests"), 0)


if __name__ == "__main__":
    unittest.main()
