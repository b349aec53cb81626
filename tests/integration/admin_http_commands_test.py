"""The published commands for the operators' HTTP paths, /api/admin/gateway."""

import json
import re
import shlex
import subprocess
import unittest

from tests.integration import http_calls
from tests.integration.admin_http_case import AdminHttpCase
from tests.integration.admin_http_case import CALLER
from tests.integration.admin_http_case import OPERATOR
from tests.testing import gateway_process


class PublishedCommandsTest(AdminHttpCase):
    """The commands of the earlier system's guide, word for word, but for where
    the gateway is, and who asks."""

    _COMMANDS = r"""
curl -X POST localhost:8000/api/admin/gateway/test-selection \
  -H "Content-Type: application/json" \
  -d '{"node_name": "formatter", "capabilities": ["streaming"]}'

curl -X GET localhost:8000/api/admin/gateway/health

curl -X GET localhost:8000/api/admin/gateway/cost-optimization

curl -X PUT localhost:8000/api/admin/gateway/policies/writer \
  -H "Content-Type: application/json" \
  -d '{"model_id": "claude-sonnet", "mode": "override"}'

curl -X PUT localhost:8000/api/admin/gateway/policies/bulk \
  -H "Content-Type: application/json" \
  -d '{
    "updates": {
      "writer": "gemini-2.5-pro",
      "evaluator": "claude-sonnet"
    }
  }'

curl -X POST localhost:8000/api/admin/gateway/policies/reload

curl -X GET localhost:8000/api/admin/gateway/validate

curl -X GET localhost:8000/api/admin/gateway/recommendations/writer
"""
    _OF_TRACES = r"""
curl -X GET localhost:8000/api/admin/gateway/traces?hours=1

curl -X GET localhost:8000/api/admin/gateway/traces/{trace_id}
"""

    def run_each(self, commands):
        """Status and parsed body of each."""
        for command in re.split(r"\n\s*\n", commands.strip()):
            words = shlex.split(command.replace("\\\n", " ").replace(
                "localhost:8000", self.gateway.admin_http))
            done = subprocess.run(
                [*words, "-gsS", "-w", "\n%{http_code}",
                 "-H", "Authorization: Bearer " + OPERATOR],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True,
                text=True, timeout=60, env=gateway_process.environment())
            body, _, status = done.stdout.rpartition("\n")
            yield words[3], int(status), json.loads(body)

    def test_they_work(self):
        answers = {}
        for url, status, body in self.run_each(self._COMMANDS):
            self.assertEqual(status, 200, (url, body))
            answers[url.rpartition("/")[2]] = body
        self.assertEqual(len(answers), 7)  # `writer` twice.
        self.assertEqual(answers["test-selection"]["selected_model"],
                         "gemini-2.5-pro")
        self.assertEqual(answers["bulk"]["results"]["writer"],
                         {"status": "success", "model": "gemini-2.5-pro"})
        self.assertIs(answers["reload"]["success"], True)
        self.assertEqual(answers["reload"]["reloaded_by"], "on-call")

    def test_those_of_traces_work(self):
        http_calls.ask(self.gateway.http, http_calls.chat("pinned-x"),
                       headers={"authorization": "Bearer " + CALLER,
                                "x-request-id": "published"})
        self.told_at_last("/traces", lambda answer: "published" in [
            trace["metadata"]["request_id"] for trace in answer["traces"]])
        url, status, body = next(iter(self.run_each(self._OF_TRACES)))
        self.assertEqual(status, 200, (url, body))
        trace = body["traces"][0]
        self.assertEqual(trace["metadata"]["request_id"], "published")
        for url, status, body in self.run_each(self._OF_TRACES.replace(
                "{trace_id}", trace["trace_id"])):
            self.assertEqual(status, 200, (url, body))
        self.assertEqual(body["spans"][0]["span_id"], trace["span_id"])


if __name__ == "__main__":
    unittest.main()
