"""A PromptRequest that a gateway elsewhere serves is answered as one in the
process would answer it."""

import json
import os
import tempfile
import unittest

from tests.clients.python.llm_gateway import client_case
from tests.clients.python.llm_gateway.router_case import prompt_request

from llm_gateway.router.messages import RouteOutcome
from llm_gateway.rpc.errors import made_error
from llm_gateway.rpc.routing import RoutedPrompt

_SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}},
           "required": ["city"], "additionalProperties": False}
_TOOL = {"name": "f", "description": "does", "input_schema": {
    "type": "object", "properties": {"a": {"type": "integer"}}}}


class RoutingTest(client_case.ClientCase):

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="ledger")
        cls.addClassCleanup(folder.cleanup)
        cls.config = client_case.CONFIG + (
            "ledger: {{}}\nruntime: {{state_dir: '%s'}}\n"
            % os.path.join(folder.name, "state"))
        super().setUpClass()

    def route(self, **fields):
        fields = {"model_id": "gpt-x", "auth_token": client_case.ALICE,
                  **fields}
        return self.connect(api_key=None).route(prompt_request(**fields))

    def sent(self):
        return json.loads(self.upstream.last_body("gpt-x"))

    def test_an_empty_token_is_not_the_clients_key(self):
        gateway = self.connect()
        self.upstream.set_script("gpt-x", {"text": "four"})
        for token, code in ((None, None), ("", "AUTH_ERROR")):
            response = gateway.route(
                prompt_request(model_id="gpt-x", auth_token=token))
            self.assertEqual(response.error_code, code)

    def test_what_cannot_be_sent_is_rejected_as_in_the_process(self):
        for fields in ({"auth_token": "a\nb"}, {"auth_token": b"a"},
                       {"max_tokens": 2 ** 40}, {"max_tokens": "many"},
                       {"temperature": 10 ** 400}, {"tools": ["f"]},
                       {"structured_output": {"a": object()}}):
            response = self.route(**fields)
            self.assertEqual((response.outcome, response.error_code),
                             (RouteOutcome.REJECTED, "INVALID_INPUT"), fields)
            self.assertTrue(response.error_message)

    def test_a_success_has_all_that_is_known(self):
        self.upstream.set_script("gpt-x", {
            "text": "four", "usage": {"prompt_tokens": 7,
                                      "completion_tokens": 3}})
        response = self.route(max_tokens=9, temperature=0.25)
        self.assertEqual(
            (response.outcome, response.content, response.input_tokens,
             response.output_tokens, response.model_id, response.provider_id,
             response.finish_reason, response.output_valid),
            (RouteOutcome.SUCCESS, "four", 7, 3, "gpt-x", "openai", "stop",
             None))
        self.assertRegex(response.context_hash, "^[0-9a-f]{64}$")
        self.assertTrue(response.dispatch_entry_id)
        self.assertTrue(response.exchange_entry_id)
        self.assertEqual(response.content_blocks,
                         ({"type": "text", "text": "four"},))
        self.assertRegex(response.timestamp,
                         r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$")
        sent = self.sent()
        self.assertEqual((sent["messages"], sent["temperature"]),
                         ([{"role": "user", "content": "What is 2+2?"}],
                          0.25))

    def test_structured_output_is_asked_for(self):
        self.upstream.set_script("gpt-x", {"text": '{"city": "Oslo"}'})
        response = self.route(structured_output=_SCHEMA,
                              output_schema=_SCHEMA)
        self.assertIs(response.output_valid, True)
        self.assertEqual(
            self.sent()["response_format"]["json_schema"]["schema"], _SCHEMA)

    def test_invalid_output_is_told(self):
        response = self.route(output_schema=_SCHEMA)
        self.assertEqual((response.outcome, response.output_valid),
                         (RouteOutcome.SUCCESS, False))
        self.assertTrue(response.output_validation_errors)

    def test_tools_are_offered_in_either_form(self):
        self.upstream.set_script("gpt-x", {"tool_calls": [
            {"name": "f", "arguments": '{"a":1}', "id": "c-1"}]})
        openai = {"type": "function", "function": {
            "name": "g", "parameters": {"type": "object"}}}
        response = self.route(tools=[_TOOL, openai])
        self.assertEqual(
            (response.finish_reason, response.content,
             response.content_blocks),
            ("tool_use", '{"a": 1}', ({
                "type": "tool_use", "id": "c-1", "name": "f",
                "input": {"a": 1}},)))
        self.assertEqual([tool["function"]["name"]
                          for tool in self.sent()["tools"]], ["f", "g"])

    def test_what_is_refused_is_rejected(self):
        response = self.route(prompt=" ")
        self.assertEqual((response.outcome, response.error_code,
                          response.error_message),
                         (RouteOutcome.REJECTED, "INVALID_INPUT",
                          "Prompt is empty"))
        response = self.route(prompt="a\ud800")
        self.assertEqual((response.outcome, response.error_code,
                          response.error_message),
                         (RouteOutcome.REJECTED, "INVALID_INPUT",
                          "prompt is not valid Unicode"))
        response = self.route(auth_token="wrong")
        self.assertEqual((response.outcome, response.error_code),
                         (RouteOutcome.REJECTED, "AUTH_ERROR"))
        response = self.route(max_tokens=0)
        self.assertEqual((response.outcome, response.error_code),
                         (RouteOutcome.REJECTED, "INVALID_INPUT"))

    def test_what_fails_is_an_error(self):
        self.upstream.set_script("gpt-x", {"status": 503})
        response = self.route()
        self.assertEqual(
            (response.outcome, response.error_code, response.content,
             response.provider_id),
            (RouteOutcome.ERROR, "SERVER_ERROR", "", "openai"))
        self.assertTrue(response.error_message)
        self.assertRegex(response.dispatch_entry_id, "^LED-")
        self.assertRegex(response.exchange_entry_id, "^LED-")

    def test_an_unknown_provider_has_the_routers_code(self):
        response = self.route(provider_id="nobody")
        self.assertEqual((response.outcome, response.error_code),
                         (RouteOutcome.ERROR, "PROVIDER_NOT_FOUND"))

    def test_each_reason_has_an_outcome(self):
        for reason, outcome, code in (
                ("PROVIDER_TIMEOUT", RouteOutcome.TIMEOUT, "TIMEOUT"),
                ("DEADLINE_EXCEEDED", RouteOutcome.TIMEOUT, "TIMEOUT"),
                ("BUDGET_EXCEEDED", RouteOutcome.REJECTED,
                 "BUDGET_EXHAUSTED"),
                ("CIRCUIT_OPEN", RouteOutcome.REJECTED, "CIRCUIT_OPEN"),
                ("OVERLOADED", RouteOutcome.ERROR, "OVERLOADED"),
                ("", RouteOutcome.ERROR, "UNAVAILABLE")):
            response = RoutedPrompt(prompt_request()).failed(
                made_error("because", "UNAVAILABLE", reason,
                           metadata={"ledger_entry_id": "LED-1"}))
            self.assertEqual((response.outcome, response.error_code,
                              response.exchange_entry_id),
                             (outcome, code, "LED-1"), reason)

    def test_on_whose_behalf_it_is_goes_with_it(self):
        request = RoutedPrompt(prompt_request(
            domain_tags=["code"])).generate_request()
        scope = request.scope
        self.assertEqual(
            (scope.session_id, scope.work_order_id, scope.agent_id,
             scope.agent_type, scope.contract_id, scope.framework_id,
             scope.tier),
            ("SES-TEST0001", "WO-1", "agent-1", "ADMIN", "PRC-TEST-1",
             "FMWK-000", "hot"))
        self.assertEqual(dict(request.labels),
                         {"prompt_pack_id": "PRC-1", "package_id": "PKG-1"})
        self.assertEqual(list(request.domain_tags), ["code"])


if __name__ == "__main__":
    unittest.main()
