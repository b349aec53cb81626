"""A 200 that is no answer is a failure of the provider, at every API, whether
it would have been forwarded or translated."""

import itertools
import json
import unittest

from tests.integration import answer_case
from tests.integration.answer_case import APIS, JSON, STREAM
from tests.integration.ledger_case import of_type, read_ledger

_REASON = "the till is shut"
# What is an answer of nobody's.
_NO_ANSWERS = (
    "", " \n", "{}", "null", "17", '"text"', "[]", "[{}]", "<html>502</html>",
    '{"status": "ok"}', '{"message": "no route"}', '{"data": [{"id": 1}]}',
    '{"choices": []}', '{"choices": [{}]}', '{"choices": [{"index": 0}]}',
    '{"choices": [{"text": "hi", "finish_reason": "stop"}]}',
    '{"choices": [{"delta": {"content": "hi"}}]}', '{"content": 5}',
    '{"content": ["hi"]}', '{"candidates": []}', '{"candidates": [{}]}',
    '{"candidates": [{"text": "hi"}]}', '{"output": 5}')
# What tells of a failure in some vendor's form.
_ERRORS = tuple(json.dumps(error) for error in (
    {"error": {"message": _REASON, "type": "server_error"}},
    {"error": _REASON},
    {"type": "error", "error": {"type": "api_error", "message": _REASON}},
    {"error": {"code": 500, "message": _REASON, "status": "INTERNAL"}},
    [{"error": {"code": 500, "message": _REASON, "status": "INTERNAL"}}],
    {"statusCode": 500, "message": _REASON}))


def _beginnings(vendor):
    """Of an answer that breaks off, though its body does not."""
    body = answer_case.whole(vendor, "some words", (3, 5))
    return [body[:size] for size in (1, 20, body.index("words"),
                                     body.rindex(":"), len(body) - 1)]


class NoAnswerTest(answer_case.AnswerCase):

    def each(self, bodies, kinds, check):
        """Asks for each of these bodies, by each API of each vendor."""
        for vendor in APIS:
            own = bodies(vendor) if callable(bodies) else bodies
            for body, (stream, content_type) in itertools.product(own, kinds):
                for api in APIS[vendor]:
                    model = self.script(vendor, {
                        "body": body, "content_type": content_type})
                    with self.subTest(api=api, model=model, body=body,
                                      stream=stream, type=content_type):
                        status, text, line = self.ask(api, model, stream)
                        self.check_status(api, status, line)
                        check(model, text, line)

    def check_status(self, api, status, line):
        if api == "grpc":
            self.assertIn(status, ("INTERNAL", "UNAVAILABLE"))
        else:
            self.assertEqual(status, 502)
        self.assertIn(line["error_reason"], ("PROVIDER_BAD_RESPONSE",
                                             "PROVIDER_UNAVAILABLE"))

    def test_it_is_a_bad_response(self):
        models = []
        def check(model, _, line):
            models.append(model)
            # Where nobody tells of tokens, it is estimated.
            if line["input_tokens"]:
                self.assertTrue(line["usage_estimated"])
        self.each(lambda vendor: (*_NO_ANSWERS, *_beginnings(vendor)),
                  ((False, JSON), (True, STREAM), (True, JSON), (False, "a/b")),
                  check)
        self.check_ledger(models)

    def check_ledger(self, models):
        """Each attempt has an exchange, which failed."""
        exchanges = {}
        for entry in of_type(read_ledger(self.ledger), "EXCHANGE"):
            exchanges.setdefault(entry["metadata"]["model_id"], []).append(entry)
        for model in models:
            self.assertEqual(len(exchanges[model]),
                             self.upstream.stat(model, "requests"), model)
            for entry in exchanges[model]:
                self.assertEqual(entry["decision"], "ERROR", entry)

    def test_the_reason_that_it_gives_is_told_and_costs_nothing(self):
        self.each(_ERRORS, ((False, JSON), (True, JSON), (True, STREAM),
                            (False, "a/b")), self.check_told)

    def check_told(self, _, text, line):
        self.assertIn(_REASON, text)
        self.assertEqual(line.get("cost_usd_nanos", 0), 0)
        self.assertNotIn("usage_estimated", line)

    def test_so_it_is_in_a_stream(self):
        events = ["data: %s\n\n" % error for error in _ERRORS
                  if not error.startswith("[")]
        self.each(events, ((True, STREAM),), self.check_told)

    def test_another_target_is_asked(self):
        for vendor in ("gpt", "claude", "gemini"):
            for body in ("", "{}", "null", "<html>", _ERRORS[0]):
                for stream in (False, True):
                    model = self.script(
                        vendor, {"body": body, "content_type": JSON},
                        {"text": "second"}, kind="both-")
                    with self.subTest(model=model, body=body, stream=stream):
                        status, text, line = self.ask("chat", model, stream)
                        self.assertEqual(status, 200)
                        self.assertIn("second", text)
                        self.assertEqual(line["attempt_count"], 2)


class BreakerTest(answer_case.AnswerCase):
    """Who answers so, again and again, is not asked any more."""

    resilience = ("circuit_breaker: {{consecutive_failures: 3, "
                  "open_duration: 60s}}")

    def test_the_breaker_counts_it(self):
        for vendor in APIS:
            model = self.script(vendor, {"body": "{}", "content_type": JSON})
            for _ in range(3):
                self.ask(APIS[vendor][0], model)
            asked = self.upstream.stat(model, "requests")
            status, _, _ = self.ask(APIS[vendor][0], model)
            self.assertIn(status, (503, 529))
            self.assertEqual(self.upstream.stat(model, "requests"), asked)


if __name__ == "__main__":
    unittest.main()
