"""What a key may be used for: its scopes hold at every API, and its labels go
with every call."""

import unittest

from tests.integration import grpc_caller
from tests.integration.grpc_caller import prompt
from tests.integration.http_calls import ask
from tests.integration.http_calls import chat
from tests.testing.gateway_process import GatewayProcess

_ALL = "key-for-everything-0123456789"
_OPENAI = "key-for-openai-api-0123456789"
_CHEAP = "key-for-cheap-models-0123456789"
_COUNTS = "key-for-counting-0123456789"
_LEGAL = "key-for-legal-tags-0123456789"
_CONFIG = """\
providers:
  - {name: first, models: [cheap-1, dear-1], mock: {reply: "first"}}
  - {name: second, models: [cheap-2], mock: {reply: "second"}}
routing:
  model_rules:
    - {alias: both, targets: [first/dear-1, second/cheap-2]}
    - {prefix: "cheap-", targets: [first]}
    - {prefix: "dear-", targets: [first]}
  default_target: first/dear-1
auth:
  callers:
    api_keys:
      - {id: all, key: "env:ALL", labels: {team: red}}
      - {id: openai, key: "env:OPENAI", scopes: ["api:openai"]}
      - id: cheap
        key: "env:CHEAP"
        scopes: ["model:cheap-*", "model:both", "provider:second"]
      - {id: counts, key: "env:COUNTS", scopes: ["rpc:CountTokens"]}
      - {id: legal, key: "env:LEGAL", scopes: ["tag:legal*"]}
"""
_ENV = {"ALL": _ALL, "OPENAI": _OPENAI, "CHEAP": _CHEAP, "COUNTS": _COUNTS,
        "LEGAL": _LEGAL}
_MESSAGES = {"model": "cheap-1", "max_tokens": 9,
             "messages": [{"role": "user", "content": "hi"}]}
_CONTENTS = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}


class ScopesTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.gateway = GatewayProcess(_CONFIG, env=_ENV)
        cls.addClassCleanup(cls.gateway.kill)
        cls.caller = grpc_caller.GrpcCaller()
        cls.addClassCleanup(cls.caller.close)

    def ask(self, key, body=None, path="/v1/chat/completions", **headers):
        headers = {"authorization": "Bearer " + key, **headers}
        return ask(self.gateway.http, body, path=path, headers=headers)

    def end(self, key, method, request, metadata=()):
        return self.caller.call(
            self.gateway.grpc, "/llmgateway.v1.GatewayService/" + method,
            request,
            metadata=[["authorization", "Bearer " + key], *metadata]).end

    def test_a_key_is_for_the_apis_that_it_names(self):
        self.assertEqual(self.ask(_OPENAI, chat("cheap-1")).status, 200)
        refused = self.ask(_OPENAI, _MESSAGES, "/v1/messages")
        self.assertEqual(refused.status, 403)
        self.assertEqual(refused.json()["error"]["type"], "permission_error")
        self.assertIn("api:anthropic", refused.json()["error"]["message"])
        refused = self.ask(_OPENAI, _CONTENTS,
                           "/v1beta/models/cheap-1:generateContent")
        self.assertEqual(refused.json()["error"]["status"],
                         "PERMISSION_DENIED")
        self.assertEqual(self.ask(_OPENAI, path="/v1beta/models").status, 403)
        self.assertEqual(self.ask(_OPENAI, path="/v1/models").status, 200)
        end = self.end(_OPENAI, "Generate", prompt("cheap-1"))
        self.assertEqual((end["code"], end["reason"], end["metadata"]["scope"]),
                         ("PERMISSION_DENIED", "FORBIDDEN", "api:grpc"))

    def test_a_model_that_is_named_must_be_one_of_its_models(self):
        for asked in (self.ask(_CHEAP, chat("dear-1")),
                      self.ask(_CHEAP, chat("dear-1", stream=True))):
            self.assertEqual(asked.status, 403)
            self.assertEqual(asked.error()["code"], "model_not_allowed")
        end = self.end(_CHEAP, "Generate", prompt("dear-1"))
        self.assertEqual((end["reason"], end["metadata"]["model"]),
                         ("MODEL_NOT_ALLOWED", "dear-1"))

    def test_targets_at_other_providers_are_passed_over(self):
        answer = self.ask(_CHEAP, chat("both"))
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(answer.text(), "second")
        # No other provider has it.
        refused = self.ask(_CHEAP, chat("cheap-1"))
        self.assertEqual(refused.status, 403)
        self.assertIn("provider:first", refused.error()["message"])

    def test_a_default_model_must_be_one_of_its_models(self):
        end = self.end(_LEGAL, "Generate", prompt(""))
        self.assertEqual(end["code"], "OK", end)
        end = self.end(_CHEAP, "Generate", prompt(""))
        self.assertEqual(end["code"], "PERMISSION_DENIED", end)

    def test_operations_by_http_count_as_those_by_grpc(self):
        self.assertEqual(
            self.ask(_COUNTS, _MESSAGES, "/v1/messages/count_tokens").status,
            200)
        self.assertEqual(self.ask(_COUNTS, _MESSAGES, "/v1/messages").status,
                         403)
        self.assertEqual(self.ask(_COUNTS, path="/v1/models").status, 403)
        self.assertEqual(
            self.end(_COUNTS, "CountTokens",
                     {"request": prompt("cheap-1")})["code"], "OK")
        self.assertEqual(
            self.end(_COUNTS, "ListModels", {})["reason"], "FORBIDDEN")

    def test_every_tag_must_be_allowed(self):
        tags = "x-llmgateway-tags"
        self.assertEqual(
            self.ask(_LEGAL, chat("cheap-1"), **{tags: "legal-eu"}).status,
            200)
        refused = self.ask(_LEGAL, chat("cheap-1"), **{tags: "legal, batch"})
        self.assertEqual(refused.status, 403)
        self.assertIn("tag:batch", refused.error()["message"])

    def test_lists_have_the_models_that_may_be_used(self):
        names = [model["id"]
                 for model in self.ask(_CHEAP, path="/v1/models").json()["data"]
                 ]
        self.assertEqual(names, ["cheap-2"])
        self.assertEqual(self.ask(_CHEAP, path="/v1/models/dear-1").status, 404)
        end = self.caller.call(
            self.gateway.grpc, "/llmgateway.v1.GatewayService/ListModels", {},
            metadata=[["authorization", "Bearer " + _CHEAP]])
        self.assertEqual(
            [model["name"] for model in end.response["models"]], ["cheap-2"])

    def test_a_keys_labels_go_with_its_calls(self):
        answer = self.ask(_ALL, chat("cheap-1", metadata={"team": "blue",
                                                          "job": "7"}))
        self.assertEqual(answer.status, 200, answer.body)
        line = self.gateway.wait_for_access(
            request_id=answer.headers["x-request-id"])
        self.assertEqual(line["labels"], {"team": "red", "job": "7"})


if __name__ == "__main__":
    unittest.main()
