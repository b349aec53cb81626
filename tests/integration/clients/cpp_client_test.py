"""The client for C++."""

import unittest

from tests.integration.clients import client_cases
from tests.integration.clients import metadata_cases
from tests.integration.clients import option_cases
from tests.integration.clients import retry_cases
from tests.integration.clients import stream_cases
from tests.integration.clients import tool_cases

_COMMAND = ["tests/integration/clients/cpp_driver"]


class CallTest(client_cases.CallCases):
    command = _COMMAND


class ErrorTest(client_cases.ErrorCases):
    command = _COMMAND


class RetryTest(retry_cases.RetryCases):
    command = _COMMAND
    CLOSES = False


class OptionTest(option_cases.OptionCases):
    command = _COMMAND
    names = {
        "target": "target",
        "api_key": "api_key",
        "generate_timeout_ms": "generate_timeout",
        "lookup_timeout_ms": "lookup_timeout",
        "attempts_max": "attempts_max",
        "ca": "root_certificates_file",
        "cert": "certificate_chain_file",
        "key": "private_key_file",
        "plaintext": "plaintext",
        "server_name": "server_name",
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
    closes = False


class InstalledByPkgConfigTest(client_cases.QuickStartCase):
    hello = ["tests/integration/clients/cpp_hello/by_pkg_config"]


class InstalledByCmakeTest(client_cases.QuickStartCase):
    hello = ["tests/integration/clients/cpp_hello/by_cmake"]


if __name__ == "__main__":
    unittest.main()
