"""The client for Go."""

import unittest

from tests.integration.clients import client_cases
from tests.integration.clients import metadata_cases
from tests.integration.clients import option_cases
from tests.integration.clients import retry_cases
from tests.integration.clients import stream_cases
from tests.integration.clients import tool_cases

_COMMAND = ["tests/integration/clients/go_driver/run"]


class CallTest(client_cases.CallCases):
    command = _COMMAND


class ErrorTest(client_cases.ErrorCases):
    command = _COMMAND


class RetryTest(retry_cases.RetryCases):
    command = _COMMAND
    BROKEN_DETAILS = "INTERNAL"  # gRPC for Go says no more of it.


class OptionTest(option_cases.OptionCases):
    command = _COMMAND
    names = {
        "target": "target",
        "api_key": "WithAPIKey",
        "generate_timeout_ms": "WithGenerateTimeout",
        "lookup_timeout_ms": "WithLookupTimeout",
        "attempts_max": "WithAttempts",
        "ca": "WithRootCAFile",
        "cert": "WithClientCertificateFiles",
        "key": "WithClientCertificateFiles",
        "plaintext": "WithPlaintext",
        "server_name": "WithServerName",
    }


class MetadataTest(metadata_cases.MetadataCases):
    command = _COMMAND
    bytes_are_text = True


class StreamTest(stream_cases.StreamCases):
    command = _COMMAND


class ToolTest(tool_cases.ToolCases):
    command = _COMMAND


class ConnectionTest(client_cases.ConnectionCases):
    command = _COMMAND


class QuickStartTest(client_cases.QuickStartCase):
    hello = ["tests/integration/clients/go_hello/run"]


if __name__ == "__main__":
    unittest.main()
