"""The client for Python: of coroutines, and what the one for threads does by
itself."""

import sys
import unittest

from tests.clients.python.llm_gateway import client_path
from tests.integration.clients import client_cases
from tests.integration.clients import metadata_cases
from tests.integration.clients import option_cases
from tests.integration.clients import retry_cases
from tests.integration.clients import stream_cases
from tests.integration.clients import tool_cases

_COMMAND = ["env", "PYTHONPATH=" + client_path.CLIENT_PATH, sys.executable,
            "tests/integration/clients/python_driver.py"]


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
        "api_key": "api_key",
        "generate_timeout_ms": "generate_timeout_s",
        "lookup_timeout_ms": "lookup_timeout_s",
        "attempts_max": "attempts_max",
        "ca": "ca",
        "cert": "certificate",
        "key": "private_key",
        "plaintext": "ca",
    }


class MetadataTest(metadata_cases.MetadataCases):
    command = _COMMAND


class StreamTest(stream_cases.StreamCases):
    command = _COMMAND


class ToolTest(tool_cases.ToolCases):
    command = _COMMAND


class ConnectionTest(client_cases.ConnectionCases):
    command = _COMMAND


class BlockingOptionTest(OptionTest):
    command = [*_COMMAND, "--blocking"]


class BlockingMetadataTest(MetadataTest):
    command = [*_COMMAND, "--blocking"]


class BlockingStreamTest(StreamTest):
    command = [*_COMMAND, "--blocking"]


if __name__ == "__main__":
    unittest.main()
