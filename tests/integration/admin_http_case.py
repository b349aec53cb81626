"""A gateway with the operators' HTTP paths, and who asks there.

    class MyTest(AdminHttpCase):

        def test_something(self):
            status = self.told("GET", "/status")
            message = self.refused(400, "PUT", "/policies/writer", {...})

It has the published files of policies and nodes, at the mock.
"""

import os
import time

from tests.integration import gateway_case
from tests.integration import http_calls
from tests.testing import gateway_process

PREFIX = "/api/admin/gateway"
_FILES = os.path.abspath("tests/service/config/policies")
CALLER = "key-of-a-caller-0123456789"
OPERATOR = "key-of-an-operator-0123456789"

LISTENERS = gateway_process.LISTENERS + (
    '  admin_http: {address: "127.0.0.1:0"}\n')
# The published files, at the mock, and one policy more.
_SELECTION = """\
providers:
  - name: openrouter
    openai:
      base_url: "http://{upstream}/v1"
      api_key: "env:OPENAI_KEY"
routing:
  default_target: openrouter
  selection:
    files:
      - %(files)s/model_policies.yaml
      - %(files)s/node_requirements.yaml
    policies:
      - {{id: pinned, target: openrouter/pinned-x, cost_tier: premium,
          admin_overridable: false}}
tracing: {{}}
auth:
  callers: {{api_keys: [{{id: team, key: "env:CALLER"}}]}}
  operators: {{api_keys: [{{id: on-call, key: "env:OPERATOR"}}]}}
""" % {"files": _FILES}
_ENV = {"OPENAI_KEY": "key-of-openai-1234567890", "CALLER": CALLER,
        "OPERATOR": OPERATOR}


class AdminHttpCase(gateway_case.GatewayCase):

    config = LISTENERS.replace("{", "{{").replace("}", "}}") + _SELECTION
    env = _ENV

    def setUp(self):
        self.upstream.reset()

    def ask(self, method, path, body=None, key=OPERATOR, headers=None,
            prefix=PREFIX):
        sent = dict(headers or {})
        if key:
            sent.setdefault("authorization", "Bearer " + key)
        return http_calls.ask(self.gateway.admin_http, body,
                              path=prefix + path, method=method, headers=sent)

    def told(self, method, path, body=None):
        answer = self.ask(method, path, body)
        self.assertEqual(answer.status, 200, (path, answer.body))
        self.assertEqual(answer.headers["content-type"], "application/json")
        return answer.json()

    def told_at_last(self, path, is_there):
        """What a path tells, once that is there: a call is counted by its own
        event loop, behind its answer."""
        deadline = time.monotonic() + 20
        while True:
            answer = self.told("GET", path)
            if is_there(answer):
                return answer
            self.assertLess(time.monotonic(), deadline, answer)

    def refused(self, status, method, path, body=None, **more):
        """What a refusal says, as one text."""
        answer = self.ask(method, path, body, **more)
        self.assertEqual(answer.status, status, (path, answer.body))
        detail = answer.json()["detail"]
        if status != 422:
            self.assertIsInstance(detail, str)
            return detail
        self.assertEqual({"loc", "msg", "type"}, set(detail[0]))
        return detail[0]["msg"]
