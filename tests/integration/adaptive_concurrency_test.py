"""A credential's limit of attempts at once follows what its provider takes:
docs/resilience.md tells it."""

import concurrent.futures
import http.server
import json
import threading
import time
import unittest

from tests.integration import gateway_case
from tests.integration.http_calls import ask, chat
from tests.integration.samples import await_sample
from tests.integration.samples import sample

_ANSWER = json.dumps({
    "id": "chatcmpl-1", "object": "chat.completion", "created": 1,
    "model": "gpt-x", "choices": [{
        "index": 0, "finish_reason": "stop",
        "message": {"role": "assistant", "content": "Hi"}}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1,
              "total_tokens": 2}}).encode()


class _Narrow(http.server.ThreadingHTTPServer):
    """A provider that answers 429 to more than `capacity` at once, and holds
    its answers while it is closed."""

    daemon_threads = True
    request_queue_size = 100

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _NarrowHandler)
        self.capacity = 2
        self.changed = threading.Condition()
        self.under_way = 0
        self.refused = 0
        self.is_open = threading.Event()
        self.is_open.set()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def address(self):
        return "127.0.0.1:%d" % self.server_address[1]

    def enter(self):
        with self.changed:
            if self.under_way >= self.capacity:
                self.refused += 1
                return False
            self.under_way += 1
            self.changed.notify_all()
            return True

    def leave(self):
        with self.changed:
            self.under_way -= 1
            self.changed.notify_all()

    def wait_for(self, under_way):
        with self.changed:
            if not self.changed.wait_for(
                    lambda: self.under_way == under_way, 20):
                raise TimeoutError("%d are under way" % self.under_way)

    def __exit__(self, *_):
        self.is_open.set()
        self.shutdown()
        self.server_close()


class _NarrowHandler(http.server.BaseHTTPRequestHandler):

    protocol_version = "HTTP/1.1"

    def do_POST(self):  # pylint: disable=invalid-name
        self.rfile.read(int(self.headers["content-length"]))
        if not self.server.enter():
            return self.answer(429, b'{"error": {"message": "slow down"}}')
        try:
            # As long as a model takes.
            time.sleep(0.03)
            self.server.is_open.wait(20)
        finally:
            self.server.leave()
        return self.answer(200, _ANSWER)

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


_CONFIG = """\
providers:
  - name: narrow
    openai: {{base_url: "http://NARROW/v1", api_key: "env:KEY"}}
    resilience:
      adaptive_concurrency: {{initial_limit: 4, max_limit: 4}}
  - name: spare
    openai: {{base_url: "http://{upstream}/v1"}}
routing:
  model_rules:
    - {{alias: shared, targets: [narrow/gpt-x], fallbacks: [spare/gpt-x]}}
    - {{alias: lone, targets: [narrow/gpt-x]}}
resilience: {{retry: {{attempts_limit: 1}}}}
"""


class AdaptiveConcurrencyTest(gateway_case.GatewayCase):

    env = {"KEY": "key-of-narrow-1234567890"}
    _LIMIT = 'llmgw_credential_attempts_limit{provider="narrow",' \
             'credential="default"}'
    _IN_FLIGHT = _LIMIT.replace("limit", "in_flight", 1)

    @classmethod
    def setUpClass(cls):
        cls.narrow = _Narrow()
        cls.addClassCleanup(cls.narrow.__exit__)
        cls.config = _CONFIG.replace("NARROW", cls.narrow.address)
        super().setUpClass()

    def load_until(self, limit):
        """Calls, eight at a time, until the limit is that; where they went."""
        done = threading.Event()
        deadline = time.monotonic() + 60

        def call():
            went = []
            while not done.is_set() and time.monotonic() < deadline:
                answer = ask(self.gateway.http, chat("shared"))
                self.assertEqual(answer.status, 200, answer.body)
                went.append(answer.headers["x-llmgateway-route"])
                if sample(self.gateway, self._LIMIT) == limit:
                    done.set()
            return went
        with concurrent.futures.ThreadPoolExecutor(8) as callers:
            calls = [callers.submit(call) for _ in range(8)]
            went = [name for each in calls for name in each.result()]
        self.assertEqual(sample(self.gateway, self._LIMIT), limit)
        return went

    def test_the_limit_follows_what_the_provider_takes(self):
        self.assertEqual(sample(self.gateway, self._LIMIT), 4)
        # It refuses more than two at once: nobody hears of that.
        went = " ".join(self.load_until(2))
        self.assertIn("provider=narrow", went)
        self.assertIn("provider=spare", went)
        self.assertGreater(self.narrow.refused, 1)
        refused = self.narrow.refused

        # As many as may be are under way: others go elsewhere, and where there
        # is nowhere else, hear why.
        self.narrow.is_open.clear()
        with concurrent.futures.ThreadPoolExecutor(2) as callers:
            held = [callers.submit(ask, self.gateway.http, chat("lone"))
                    for _ in range(2)]
            self.narrow.wait_for(under_way=2)
            await_sample(self.gateway, self._IN_FLIGHT, 2)
            full = ask(self.gateway.http, chat("lone"))
            self.assertEqual(full.status, 503)
            self.assertIn("resilience.adaptive_concurrency",
                          full.error()["message"])
            self.assertIn("retry-after", full.headers)
            spare = ask(self.gateway.http, chat("shared"))
            self.assertEqual(spare.status, 200)
            self.assertIn("spare", spare.headers["x-llmgateway-route"])
            self.narrow.is_open.set()
            self.assertEqual({each.result().status for each in held}, {200})
        self.assertEqual(self.narrow.refused, refused)

        # It takes more again, and is asked more.
        self.narrow.capacity = 100
        self.load_until(4)
        self.assertEqual(self.narrow.refused, refused)
        await_sample(self.gateway, self._IN_FLIGHT, 0)


if __name__ == "__main__":
    unittest.main()
