"""Each rpc of the contract is a call of the client."""

import unittest

from tests.clients.python.llm_gateway import client_path  # For the path.

from llm_gateway.rpc import methods
from llm_gateway.rpc.methods import Method
from llm_gateway.rpc.options import SERVICE, ClientOptions
from llmgateway.v1 import gateway_pb2


class MethodsTest(unittest.TestCase):

    def listed(self):
        return [value for value in vars(methods).values()
                if isinstance(value, Method)]

    def test_they_are_those_of_the_service(self):
        service = gateway_pb2.DESCRIPTOR.services_by_name["GatewayService"]
        self.assertEqual(service.full_name, SERVICE)
        self.assertEqual({method.name for method in self.listed()},
                         {method.name for method in service.methods})

    def test_arguments_of_a_tool_are_json(self):
        self.assertEqual(methods.tool_request("add", {"a": 1}).arguments,
                         '{"a": 1}')
        self.assertEqual(methods.tool_request("add", None).arguments, "{}")

    def test_those_that_run_a_model_have_more_time(self):
        options = ClientOptions(generate_timeout_s=9, lookup_timeout_s=1)
        self.assertEqual(methods.GENERATE.timeout_s(options), 9)
        self.assertEqual(methods.GET_MODEL.timeout_s(options), 1)
        self.assertEqual(
            {method.name for method in self.listed() if method.runs_model},
            {"Embed", "Generate", "ResumeStream", "StreamGenerate"})

    def test_what_costs_or_changes_something_is_not_repeated(self):
        self.assertEqual(
            {method.name for method in self.listed()
             if not method.is_repeatable(None)},
            {"CreateSession", "DeleteSession", "Embed", "ExecuteTool",
             "Generate", "StreamGenerate"})

    def test_a_tool_is_run_once_whatever_the_gateway_says(self):
        self.assertEqual([method.name for method in self.listed()
                          if method.once], ["ExecuteTool"])

    def test_unless_the_gateway_knows_it_again(self):
        request = gateway_pb2.GenerateRequest(idempotency_key="k")
        self.assertTrue(methods.GENERATE.is_repeatable(request))
        request.idempotency_key = ""
        self.assertFalse(methods.GENERATE.is_repeatable(request))

    def test_a_session_is_asked_for_to_the_nanosecond(self):
        request = methods.session_request(1.5, {"a": [1, None]})
        self.assertEqual(request.ttl.ToNanoseconds(), 1500000000)
        self.assertEqual(list(request.context["a"]), [1, None])
        self.assertFalse(methods.session_request(None, None).HasField("ttl"))


if __name__ == "__main__":
    unittest.main()
