"""Requests and responses have the published fields and defaults."""

import dataclasses
import unittest

from tests.clients.python.llm_gateway import router_case

from llm_gateway.router.messages import (
    PromptRequest, PromptResponse, RouteOutcome, request_problem)

_REQUIRED = ["prompt", "prompt_pack_id", "contract_id", "agent_id",
             "agent_class", "framework_id", "package_id", "work_order_id",
             "session_id", "tier"]


class MessagesTest(unittest.TestCase):

    def test_a_request_requires_these_in_order(self):
        fields = dataclasses.fields(PromptRequest)
        self.assertEqual([field.name for field in fields
                          if field.default is dataclasses.MISSING and
                          field.default_factory is dataclasses.MISSING],
                         _REQUIRED)
        self.assertEqual([field.name for field in fields[:10]], _REQUIRED)

    def test_what_else_a_request_has_is_optional(self):
        request = PromptRequest(*_REQUIRED)
        self.assertEqual((request.max_tokens, request.temperature,
                          request.domain_tags), (4096, 0.0, []))
        for name in ("model_id", "provider_id", "structured_output",
                     "input_schema", "output_schema", "tools",
                     "template_variables", "auth_token"):
            self.assertIsNone(getattr(request, name), name)

    def test_two_requests_share_no_tags(self):
        first, second = PromptRequest(*_REQUIRED), PromptRequest(*_REQUIRED)
        first.domain_tags.append("a")
        self.assertEqual(second.domain_tags, [])

    def test_a_requests_token_is_not_printed(self):
        request = router_case.prompt_request(auth_token="very-secret")
        self.assertNotIn("very-secret", repr(request))

    def test_a_response_has_the_published_defaults(self):
        response = PromptResponse("", RouteOutcome.SUCCESS, 1, 2, "m", "p",
                                  3.0, "t", "LED-1")
        self.assertEqual(
            (response.dispatch_entry_id, response.output_validation_errors,
             response.cost_incurred, response.finish_reason),
            ("", [], 0.0, "stop"))
        for name in ("output_valid", "context_hash", "error_code",
                     "error_message", "budget_remaining", "content_blocks"):
            self.assertIsNone(getattr(response, name), name)

    def test_a_request_says_what_and_for_whom(self):
        for fields, problem in (
                ({}, None), ({"prompt": "\n\t "}, "Prompt is empty"),
                ({"contract_id": ""}, "contract_id is required"),
                ({"session_id": ""}, "session_id is required"),
                ({"prompt": "a\ud800b"}, "prompt is not valid Unicode"),
                ({"agent_id": "\udfff"}, "agent_id is not valid Unicode"),
                ({"domain_tags": ["code", "\udfff"]},
                 "domain_tags is not valid Unicode"),
                ({"prompt": "\U0001f600"}, None)):
            self.assertEqual(
                request_problem(router_case.prompt_request(**fields)),
                problem)

    def test_there_are_four_outcomes(self):
        self.assertEqual([outcome.value for outcome in RouteOutcome],
                         ["SUCCESS", "REJECTED", "TIMEOUT", "ERROR"])


if __name__ == "__main__":
    unittest.main()
