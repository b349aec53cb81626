"""What /metrics says of calls, and that the runbook's questions are asked of
what is there."""

import re
import unittest

from tests.integration import gateway_case
from tests.integration import http_calls
from tests.integration.http_calls import chat

_KEYS = {"TEAM_A": "key-of-team-a-1234567890", "TEAM_B": "key-of-team-b-123456"}
_SAMPLE = re.compile(r'^(\w+)(?:\{(.*)\})? (\S+)$')
_LABEL = re.compile(r'(\w+)="([^"]*)"')
# A selector: a name, its matchers, if it has some, and a range.
_SELECTOR = re.compile(r'(\w+)(?:\{([^}]*)\})?\[\d+\w\]')
_GROUPING = re.compile(r'by \(([^)]*)\)')


def _queries():
    """The lines of the runbook's PromQL."""
    with open("docs/runbook.md", encoding="utf-8") as page:
        text = page.read()
    blocks = re.findall(r"```promql\n(.*?)```", text, re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


class MetricsTest(gateway_case.GatewayCase):

    config = gateway_case.CONFIG + """\
auth:
  callers:
    api_keys:
      - {{id: team-a, key: "env:TEAM_A"}}
      - {{id: team-b, key: "env:TEAM_B"}}
"""
    env = {**gateway_case.ENV, **_KEYS}

    def ask(self, key, model, script, **fields):
        self.upstream.set_script(model, script)
        answer = http_calls.ask(
            self.gateway.http, chat(model, **fields),
            headers={"authorization": "Bearer " + _KEYS[key]})
        # The answer comes before the call is over; it is counted in the step
        # that writes its line.
        self.gateway.wait_for_access(
            request_id=answer.headers["x-request-id"])
        return answer

    def samples(self):
        """Each sample as its name, labels and value."""
        text = http_calls.ask(self.gateway.operations,
                              path="/metrics").body.decode()
        matches = [_SAMPLE.match(line) for line in text.splitlines()
                   if line and not line.startswith("#")]
        return [(match[1], dict(_LABEL.findall(match[2] or "")),
                 float(match[3])) for match in matches]

    def value(self, name, **labels):
        """The sum of the samples with all these labels."""
        return sum(value for found, have, value in self.samples()
                   if found == name and labels.items() <= have.items())

    def test_calls_and_tokens_are_counted_by_caller(self):
        tokens = [self.value("llmgw_caller_tokens_total", caller="team-a",
                             type=one) for one in ("input", "output")]
        for _ in range(2):
            self.assertEqual(
                self.ask("TEAM_A", "gpt-a", {"usage": {
                    "prompt_tokens": 30, "completion_tokens": 5}}).status,
                200)
        self.assertEqual(
            self.ask("TEAM_B", "gpt-b", {"status": 400}).status, 400)
        self.assertEqual(self.value("llmgw_caller_requests_total",
                                    caller="team-a", provider="openai",
                                    status="OK"), 2)
        self.assertEqual(self.value("llmgw_caller_requests_total",
                                    caller="team-b",
                                    status="INVALID_ARGUMENT"), 1)
        self.assertEqual(self.value("llmgw_caller_tokens_total",
                                    caller="team-a", type="input"),
                         tokens[0] + 60)
        self.assertEqual(self.value("llmgw_caller_tokens_total",
                                    caller="team-a", type="output"),
                         tokens[1] + 10)

    def test_attempts_are_counted_apart_from_calls(self):
        before = self.value("llm_errors_total", provider="anthropic")
        self.assertEqual(
            self.ask("TEAM_A", "claude-a",
                     [{"status": 503}, {"status": 529}, {}]).status, 200)
        self.assertEqual(self.value("llm_errors_total",
                                    provider="anthropic"), before)
        for status in ("503", "529"):
            self.assertEqual(
                self.value("llmgw_attempts_total", provider="anthropic",
                           outcome="PROVIDER_UNAVAILABLE",
                           upstream_status=status), 1)
        self.assertEqual(self.value("llmgw_attempts_total",
                                    provider="anthropic", outcome="OK",
                                    upstream_status="200"), 1)
        for name in ("llmgw_attempt_duration_seconds_count",
                     "llmgw_attempt_first_byte_seconds_count"):
            self.assertEqual(self.value(name, provider="anthropic"), 3)
        self.assertEqual(self.value("retry_attempts_total",
                                    provider="anthropic"), 2)

    def test_the_runbooks_queries_ask_for_what_there_is(self):
        # Every question has something to be answered with.
        self.ask("TEAM_A", "gpt-q", {"text": "one two"}, stream=True)
        self.ask("TEAM_A", "gpt-4o", {"text": "one two"})
        self.ask("TEAM_B", "gpt-r", [{"status": 503}, {}])
        self.ask("TEAM_B", "gpt-s", {"status": 401})
        samples = self.samples()
        queries = _queries()
        self.assertGreaterEqual(len(queries), 8)
        for query in queries:
            selectors = _SELECTOR.findall(query)
            self.assertTrue(selectors, query)
            groups = [set(re.split(r",\s*", group))
                      for group in _GROUPING.findall(query)]
            for name, matchers in selectors:
                wanted = set(re.findall(r"(\w+)!?=", matchers))
                found = [labels for sample, labels, _ in samples
                         if sample == name]
                self.assertTrue(found, "%s of %s" % (name, query))
                known = set().union(*found)
                self.assertLessEqual(wanted, known, query)
                for group in groups:
                    self.assertLessEqual(group, known, query)


if __name__ == "__main__":
    unittest.main()
