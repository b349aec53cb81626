"""The client for Node."""

import json
import subprocess
import unittest

from tests.integration.clients import client_cases
from tests.integration.clients import metadata_cases
from tests.integration.clients import option_cases
from tests.integration.clients import retry_cases
from tests.integration.clients import stream_cases
from tests.integration.clients import tool_cases
from tests.testing.gateway_process import environment

_COMMAND = ["tests/integration/clients/node_driver/run"]


class CallTest(client_cases.CallCases):
    command = _COMMAND


class ErrorTest(client_cases.ErrorCases):
    command = _COMMAND


class RetryTest(retry_cases.RetryCases):
    command = _COMMAND


class OptionTest(option_cases.OptionCases):
    command = _COMMAND
    names = {
        "target": "target",
        "api_key": "apiKey",
        "generate_timeout_ms": "generateTimeoutMs",
        "lookup_timeout_ms": "lookupTimeoutMs",
        "attempts_max": "attemptsMax",
        "ca": "tls.ca",
        "cert": "tls.cert",
        "key": "tls.key",
        "plaintext": "plaintext",
        "server_name": "tls.serverName",
    }
    takes_files = False


class MetadataTest(metadata_cases.MetadataCases):
    command = _COMMAND


class StreamTest(stream_cases.StreamCases):
    command = _COMMAND


class ToolTest(tool_cases.ToolCases):
    command = _COMMAND


class ConnectionTest(client_cases.ConnectionCases):
    command = _COMMAND


class TypesTest(unittest.TestCase):
    """node_types.ts has compiled; what it found declared is there."""

    def test_what_is_declared_is_there(self):
        told = json.loads(subprocess.run(
            ["tests/integration/clients/node_types/run"], check=True,
            env=environment(), capture_output=True, text=True,
            timeout=60).stdout)
        self.assertEqual(told, {
            "version": "0.1.0", "messages": 3,
            "reason": "ERROR_REASON_BUDGET_EXCEEDED", "code": 14,
            "wrongOptions": [
                "timeoutMs: is no number", "signal: is no AbortSignal",
                "metadata: is a promise",
                "metadata: is no object with values by their names",
                "metadata: is a promise", "metadata: is no function"],
            "keys": ["ConfigurationError: apiKey has what is no printable "
                     "ASCII letter, such as a line's end"] * 2})


class QuickStartTest(client_cases.QuickStartCase):
    hello = ["tests/integration/clients/node_hello/run"]


if __name__ == "__main__":
    unittest.main()
