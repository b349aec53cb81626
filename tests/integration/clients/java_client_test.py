"""The client for Java."""

import unittest

from tests.integration.clients import client_cases
from tests.integration.clients import metadata_cases
from tests.integration.clients import option_cases
from tests.integration.clients import retry_cases
from tests.integration.clients import stream_cases
from tests.integration.clients import tool_cases

_COMMAND = ["tests/integration/clients/java_driver/run"]


class CallTest(client_cases.CallCases):
    command = _COMMAND

    def test_a_future_whose_own_time_is_over_cancels_its_call(self):
        self.upstream.set_script("gpt-slow", {"stall_before_first_byte": True})
        answer = self.call("generate", model="gpt-slow",
                           future_timeout_ms=3000)
        self.assertEqual(answer["error"]["code"], "DEADLINE_EXCEEDED")
        self.upstream.wait_for("cancelled", "gpt-slow")


class ErrorTest(client_cases.ErrorCases):
    command = _COMMAND


class RetryTest(retry_cases.RetryCases):
    command = _COMMAND


class OptionTest(option_cases.OptionCases):
    command = _COMMAND
    names = {
        "target": "target",
        "api_key": "apiKey",
        "generate_timeout_ms": "generateTimeout",
        "lookup_timeout_ms": "lookupTimeout",
        "attempts_max": "attempts",
        "ca": "rootCertificates",
        "cert": "clientCertificate",
        "key": "clientCertificate",
        "plaintext": "plaintext",
        "server_name": "serverName",
    }


class MetadataTest(metadata_cases.MetadataCases):
    command = _COMMAND


class StreamTest(stream_cases.StreamCases):
    command = _COMMAND


class ToolTest(tool_cases.ToolCases):
    command = _COMMAND


class ConnectionTest(client_cases.ConnectionCases):
    command = _COMMAND


class QuickStartTest(client_cases.QuickStartCase):
    hello = ["tests/integration/clients/java_hello/run"]


if __name__ == "__main__":
    unittest.main()
