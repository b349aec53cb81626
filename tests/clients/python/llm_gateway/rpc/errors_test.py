"""A failed call raises what says what to do about it."""

import pickle
import unittest

from tests.clients.python.llm_gateway.client_case import (
    details_trailer, error_info)

import grpc
from google.protobuf import duration_pb2
from google.rpc import error_details_pb2
from llm_gateway.exceptions import GatewayError
from llm_gateway.rpc import errors
from llm_gateway.rpc.errors import (
    CallError, FieldViolation, QuotaViolation, call_error)
from llmgateway.v1 import errors_pb2

_CODE = grpc.StatusCode


class _Ended:
    """As grpc.RpcError is asked."""

    def __init__(self, code, *trailers, message="because"):
        self._told = code, trailers, message

    def code(self):
        return self._told[0]

    def trailing_metadata(self):
        return self._told[1]

    def details(self):
        return self._told[2]


class CallErrorTest(unittest.TestCase):

    def test_has_all_that_the_status_says(self):
        error = call_error(_Ended(
            _CODE.INVALID_ARGUMENT, ("x-request-id", "r-1"),
            ("grpc-retry-pushback-ms", "1500"), details_trailer(
                _CODE.INVALID_ARGUMENT, "because",
                error_info("INVALID_REQUEST", provider="openai"),
                error_details_pb2.RetryInfo(retry_delay=duration_pb2.Duration(
                    seconds=2, nanos=500000000)),
                error_details_pb2.BadRequest(field_violations=[
                    {"field": "model", "description": "is empty"}]),
                error_details_pb2.QuotaFailure(violations=[
                    {"subject": "hourly", "description": "is spent"}]))))
        self.assertIs(type(error), errors.InvalidRequestError)
        self.assertEqual(
            (error.code, error.reason, error.message, error.metadata,
             error.retry_after_s, error.pushback_ms, error.fields,
             error.request_id, error.quotas),
            ("INVALID_ARGUMENT", "INVALID_REQUEST", "because",
             {"provider": "openai"}, 2.5, 1500,
             (FieldViolation("model", "is empty"),), "r-1",
             (QuotaViolation("hourly", "is spent"),)))
        self.assertEqual(str(error), "INVALID_REQUEST: because")
        # As the processes of a pool send it.
        same = pickle.loads(pickle.dumps(error))
        self.assertIs(type(same), errors.InvalidRequestError)
        self.assertEqual((str(same), vars(same)), (str(error), vars(error)))

    def test_without_details_there_is_the_code(self):
        error = call_error(_Ended(_CODE.UNAVAILABLE, message=""))
        self.assertIs(type(error), errors.UnavailableError)
        self.assertEqual((error.reason, error.pushback_ms, error.fields),
                         ("", None, ()))
        self.assertTrue(str(error).startswith("UNAVAILABLE: "))

    def test_reasons_of_others_are_not_ours(self):
        info = error_info("BUDGET_EXCEEDED")
        info.domain = "example.com"
        error = call_error(_Ended(
            _CODE.UNAVAILABLE,
            details_trailer(_CODE.UNAVAILABLE, "because", info)))
        self.assertEqual(error.reason, "")

    def test_a_pushback_that_is_no_number_forbids(self):
        for value in ("-1", "soon", "1.5", ""):
            error = call_error(_Ended(_CODE.UNAVAILABLE,
                                      ("grpc-retry-pushback-ms", value)))
            self.assertEqual(error.pushback_ms, -1, value)

    def test_all_are_the_packages_errors(self):
        self.assertTrue(issubclass(CallError, GatewayError))


class ErrorClassTest(unittest.TestCase):

    def test_each_code_has_a_class(self):
        for code in _CODE:
            if code.name not in ("OK", "UNKNOWN", "DATA_LOSS",
                                 "OUT_OF_RANGE", "ALREADY_EXISTS"):
                self.assertIsNot(errors.error_class(code.name, ""), CallError,
                                 code)

    def test_reasons_that_want_another_than_their_code_are_in_the_contract(
            self):
        for reason in errors._BY_REASON:
            self.assertIn("ERROR_REASON_" + reason,
                          errors_pb2.ErrorReason.keys())

    def test_money_is_told_from_rates_and_providers_from_the_gateway(self):
        for code, reason, name in (
                ("RESOURCE_EXHAUSTED", "BUDGET_EXCEEDED", "BudgetError"),
                ("RESOURCE_EXHAUSTED", "RATE_LIMITED", "RateLimitError"),
                ("UNAVAILABLE", "PROVIDER_TIMEOUT", "ProviderFailedError"),
                ("UNAVAILABLE", "DRAINING", "UnavailableError"),
                ("UNAVAILABLE", "STREAM_INTERRUPTED",
                 "StreamInterruptedError"),
                ("FAILED_PRECONDITION", "NOT_CONFIGURED",
                 "PreconditionError"),
                ("FAILED_PRECONDITION", "RESPONSE_VALIDATION",
                 "OutputInvalidError"),
                ("SOMETHING_NEW", "SOMETHING_NEW", "CallError")):
            self.assertEqual(errors.error_class(code, reason).__name__, name)


if __name__ == "__main__":
    unittest.main()
