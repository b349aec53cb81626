"""A call has its metadata, its time and its trace."""

import math
import unittest

from tests.clients.python.llm_gateway import client_path  # For the path.

from llm_gateway import ConfigurationError
from llm_gateway.rpc.call_plan import CallPlan
from llm_gateway.rpc.errors import CallError
from llm_gateway.rpc.options import ClientOptions
from llm_gateway.rpc.retrying import RetryBudget
from opentelemetry import baggage, context, trace
from opentelemetry.sdk.trace import TracerProvider

_TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class CallPlanTest(unittest.TestCase):

    def plan(self, options=None, repeatable=False, **call):
        return CallPlan(options or ClientOptions(), RetryBudget(), 60.0,
                        repeatable, call)

    def metadata(self, options=None, **call):
        return dict(self.plan(options, **call).begin_attempt()["metadata"])

    def refused(self, kind, told, **call):
        with self.assertRaisesRegex(kind, told):
            self.plan(**call)

    def test_a_key_is_a_bearer_token(self):
        options = ClientOptions(api_key="mine")
        self.assertEqual(self.metadata(options)["authorization"],
                         "Bearer mine")
        self.assertEqual(self.metadata(options, api_key="other")
                         ["authorization"], "Bearer other")
        self.assertNotIn("authorization", self.metadata())

    def test_an_empty_key_of_a_call_is_none(self):
        # As a server may have it of its own caller.
        options = ClientOptions(api_key="mine")
        self.assertNotIn("authorization", self.metadata(options, api_key=""))

    def test_a_key_that_changes_is_asked_for_each_time(self):
        keys = iter(("first", "second"))
        options = ClientOptions(api_key=lambda: next(keys))
        self.assertEqual([self.metadata(options)["authorization"]
                          for _ in range(2)],
                         ["Bearer first", "Bearer second"])

    def test_a_key_that_cannot_be_sent_is_not_shown(self):
        options = ClientOptions(api_key=lambda: "very-secret\n")
        with self.assertRaisesRegex(ValueError, "^api_key has what is no "
                                                "printable ASCII letter"):
            self.plan(options)

    def test_metadata_is_the_clients_and_the_calls(self):
        options = ClientOptions(metadata={"x-a": "1", "x-b": "2"})
        self.assertEqual(
            self.metadata(options, metadata={"x-b": "3"}, request_id="r-1"),
            {"x-a": "1", "x-b": "3", "x-request-id": "r-1"})

    def test_metadata_of_the_client_may_be_made_for_each_call(self):
        made = iter(({"X-A": "1"}, {"x-a": "2"}, {"x-a": "very-secret\n"}))
        options = ClientOptions(metadata=lambda: next(made))
        self.assertEqual([self.metadata(options) for _ in range(2)],
                         [{"x-a": "1"}, {"x-a": "2"}])
        with self.assertRaisesRegex(ConfigurationError, "'x-a'") as caught:
            self.plan(options)
        self.assertNotIn("very-secret", str(caught.exception))

    def test_none_is_as_if_it_were_not_given(self):
        options = ClientOptions(api_key="mine", metadata=lambda: None)
        plan = self.plan(options, timeout_s=None, request_id=None,
                         metadata=None, wait_for_ready=None, traceparent=None,
                         api_key=None)
        begun = plan.begin_attempt()
        self.assertEqual(begun["metadata"], [("authorization", "Bearer mine")])
        self.assertLessEqual(begun["timeout"], 60)
        self.assertIs(begun["wait_for_ready"], False)

    def test_what_is_of_another_type_is_refused_by_its_name(self):
        for name in ("timeout_s", "request_id", "metadata", "traceparent",
                     "api_key"):
            self.refused(ConfigurationError, name, **{name: [5]})

    def test_a_timeout_of_more_than_a_life_is_none(self):
        self.assertIsNone(self.plan(timeout_s=1e15).begin_attempt()["timeout"])

    def test_what_a_call_cannot_have_is_refused(self):
        self.refused(TypeError, "a call has no timeout; there are timeout_s",
                     timeout=5)
        self.refused(ValueError, "timeout_s is 0", timeout_s=0)
        self.refused(ValueError, "request_id has", request_id="a\nb")
        self.refused(ConfigurationError, "'x y'.*names have",
                     metadata={"x y": "z"})

    def test_the_trace_is_the_calls_or_the_open_spans(self):
        self.assertNotIn("traceparent", self.metadata())
        self.assertEqual(self.metadata(traceparent=_TRACEPARENT)
                         ["traceparent"], _TRACEPARENT)
        tracer = TracerProvider().get_tracer("test")
        token = context.attach(baggage.set_baggage("of", "nobody"))
        try:
            with tracer.start_as_current_span("outer") as span:
                told = self.metadata()
                self.assertEqual(
                    told["traceparent"].split("-")[1:3],
                    [trace.format_trace_id(span.get_span_context().trace_id),
                     trace.format_span_id(span.get_span_context().span_id)])
                self.assertNotIn("baggage", told)
                self.assertEqual(self.metadata(traceparent=_TRACEPARENT)
                                 ["traceparent"], _TRACEPARENT)
        finally:
            context.detach(token)

    def test_time_is_the_calls_and_runs_out(self):
        first = self.plan(timeout_s=5.0)
        timeout = first.begin_attempt()["timeout"]
        self.assertTrue(0 < timeout <= 5, timeout)
        self.assertLessEqual(first.begin_attempt()["timeout"], timeout)
        self.assertIsNone(
            self.plan(timeout_s=math.inf).begin_attempt()["timeout"])

    def test_no_wait_is_longer_than_the_time_that_is_left(self):
        error = CallError("later", "UNAVAILABLE", "OVERLOADED",
                          pushback_ms=10000)
        for timeout_s, wait in ((9.0, None), (60.0, 10.0)):
            plan = self.plan(timeout_s=timeout_s)
            plan.begin_attempt()
            self.assertEqual(plan.wait_s(error), wait)

    def test_waiting_for_ready_is_the_clients_or_the_calls(self):
        options = ClientOptions(wait_for_ready=True)
        for plan, waits in ((self.plan(), False), (self.plan(options), True),
                            (self.plan(options, wait_for_ready=False),
                             False)):
            self.assertIs(plan.begin_attempt()["wait_for_ready"], waits)


if __name__ == "__main__":
    unittest.main()
