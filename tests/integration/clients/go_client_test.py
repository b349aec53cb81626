"""The client for Go."""

import unittest

from tests.integration.clients import client_cases
from tests.integration.clients import retry_cases
from tests.integration.clients import tool_cases

_COMMAND = ["tests/integration/clients/go_driver/run"]


class CallTest(client_cases.CallCases):
    command = _COMMAND


class ErrorTest(client_cases.ErrorCases):
    command = _COMMAND


class RetryTest(retry_cases.RetryCases):
    command = _COMMAND


class ToolTest(tool_cases.ToolCases):
    command = _COMMAND


class ConnectionTest(client_cases.ConnectionCases):
    command = _COMMAND


class QuickStartTest(client_cases.QuickStartCase):
    hello = ["tests/integration/clients/go_hello/run"]


if __name__ == "__main__":
    unittest.main()
