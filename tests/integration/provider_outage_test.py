"""F-08, F-09 and F-12: providers that fail for everybody, now and then, or
cannot be reached. What callers see, and how often the provider is asked."""

import concurrent.futures
import socket
import time
import unittest

from tests.integration import gateway_case
from tests.integration.http_calls import ask, chat

_ROUTED = gateway_case.PROVIDERS + """\
routing:
  model_rules:
    - {{exact: gpt-flaps, targets: [openai], fallbacks: [openai/gpt-spare]}}
    - {{prefix: "gpt-", targets: [openai]}}
"""


class OutageTest(gateway_case.GatewayCase):
    """F-08: a provider that fails for everybody."""

    config = _ROUTED + """\
resilience:
  retry: {{attempts_limit: 3, backoff_base: 1ms, backoff_limit: 5ms}}
  circuit_breaker: {{consecutive_failures: 1000, failure_percent: 50,
                     minimum_calls: 10, open_duration: 1s,
                     half_open_probes: 2}}
"""

    def at_once(self, calls, model):
        """The statuses of calls that are made together."""
        with concurrent.futures.ThreadPoolExecutor(calls) as callers:
            return [answer.status for answer in callers.map(
                lambda _: ask(self.gateway.http, chat(model)), range(calls))]

    def requests(self, model):
        return self.upstream.stat(model, "requests")

    def test_it_is_left_alone_and_taken_back(self):
        self.upstream.set_script("gpt-burst", {"status": 503})
        statuses = []
        while not any(self._rests(answer) for answer in statuses):
            statuses.append(ask(self.gateway.http, chat("gpt-burst")))
            self.assertLess(len(statuses), 30)
        opened = time.monotonic()
        asked = self.requests("gpt-burst")
        self.assertGreaterEqual(asked, 10)
        self.assertLessEqual(asked, 12)
        # While it rests, calls fail at once, and nobody is asked.
        self.assertEqual(self.at_once(50, "gpt-burst"), [503] * 50)
        calls = len(statuses) + 50
        began = time.monotonic()
        if began - opened < 0.8:
            self.assertEqual(self.requests("gpt-burst"), asked)
            self.assertLessEqual(self.requests("gpt-burst"), 1.2 * calls)
        # As many find out whether it is well as may, and then all are served.
        self.upstream.set_script("gpt-burst", {"first_byte_delay_ms": 1500})
        time.sleep(1.5)
        before = self.requests("gpt-burst")
        self.assertEqual(sorted(self.at_once(10, "gpt-burst")),
                         [200] * 2 + [503] * 8)
        self.assertEqual(self.requests("gpt-burst"), before + 2)
        self.upstream.set_script("gpt-burst", {})
        self.assertEqual(self.at_once(10, "gpt-burst"), [200] * 10)

    def test_retries_of_many_calls_at_once_are_few(self):
        # Slow to fail, so that all are under way together.
        self.upstream.set_script(
            "gpt-slow", {"status": 503, "first_byte_delay_ms": 300})
        self.assertEqual(self.at_once(50, "gpt-slow"), [503] * 50)
        self.assertLessEqual(self.requests("gpt-slow"), 60)

    def test_one_that_fails_now_and_then_is_not_seen(self):
        # F-09.
        self.upstream.set_script("gpt-flaps",
                                 [{"status": 500}, {"text": "well"}] * 20)
        for _ in range(30):
            self.assertEqual(
                ask(self.gateway.http, chat("gpt-flaps")).status, 200)

    def _rests(self, answer):
        return answer.status == 503 and "rests" in answer.error()["message"]


class BlackHoleTest(gateway_case.GatewayCase):
    """F-12: an address that takes no connection and says nothing."""

    config = """\
providers:
  - name: hole
    openai_compatible:
      base_url: "http://{hole}/v1"
      http: {{timeouts: {{connect: 500ms}}}}
  - name: openai
    openai: {{base_url: "http://{upstream}/v1", api_key: "env:OPENAI_KEY"}}
routing:
  model_rules:
    - {{exact: gpt-alone, targets: [hole]}}
    - {{exact: gpt-backed, targets: [hole], fallbacks: [openai]}}
resilience:
  retry: {{attempts_limit: 1}}
"""

    @classmethod
    def setUpClass(cls):
        # A full queue of connections that nobody takes.
        listening = cls.enter_class(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        cls.hole = "127.0.0.1:%d" % listening.getsockname()[1]
        for _ in range(3):
            filler = cls.enter_class(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listening.getsockname())
        cls.config = cls.config.replace("{hole}", cls.hole)
        super().setUpClass()

    def test_it_is_not_waited_for(self):
        began = time.monotonic()
        answer = ask(self.gateway.http, chat("gpt-alone"))
        self.assertIn(answer.status, (503, 504))
        self.assertLess(time.monotonic() - began, 8)

    def test_another_answers_in_its_place(self):
        self.assertEqual(ask(self.gateway.http, chat("gpt-backed")).status,
                         200)


if __name__ == "__main__":
    unittest.main()
