"""The client for Python: of coroutines, and what the one for threads does by
itself."""

import subprocess
import sys
import unittest

from tests.clients.python.llm_gateway import client_path
from tests.integration.clients import client_cases
from tests.integration.clients import metadata_cases
from tests.integration.clients import option_cases
from tests.integration.clients import retry_cases
from tests.integration.clients import stream_cases
from tests.integration.clients import tool_cases
from tests.testing import gateway_process

_COMMAND = ["env", "PYTHONPATH=" + client_path.CLIENT_PATH, sys.executable,
            "tests/integration/clients/python_driver.py"]

_STREAM_OF_CLOSED = """
import asyncio
from llm_gateway import CallError, LLMGateway
from llmgateway.v1.gateway_pb2 import GenerateRequest

async def main():
    gateway = LLMGateway.%s("127.0.0.1:1", plaintext=True)
    closing = gateway.close()
    if closing is not None:
        await closing
    try:
        gateway.stream_generate(GenerateRequest(model="m"))
    except CallError as error:
        print(type(error).__name__)

asyncio.run(main())
"""


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
        "server_name": "server_name",
    }


class MetadataTest(metadata_cases.MetadataCases):
    command = _COMMAND


class StreamTest(stream_cases.StreamCases):
    command = _COMMAND


class ToolTest(tool_cases.ToolCases):
    command = _COMMAND


class ConnectionTest(client_cases.ConnectionCases):
    command = _COMMAND


class BlockingRetryTest(RetryTest):
    command = [*_COMMAND, "--blocking"]
    CANCELLABLE = ("stream",)


class BlockingConnectionTest(ConnectionTest):
    command = [*_COMMAND, "--blocking"]


class BlockingOptionTest(OptionTest):
    command = [*_COMMAND, "--blocking"]


class BlockingMetadataTest(MetadataTest):
    command = [*_COMMAND, "--blocking"]


class BlockingStreamTest(StreamTest):
    command = [*_COMMAND, "--blocking"]


class ClosedClientTest(unittest.TestCase):
    """A call of a client that was closed fails, and no more is said of it."""

    def test_a_stream_that_cannot_be_begun_leaves_nothing_behind(self):
        for connect in ("connect", "connect_async"):
            with self.subTest(connect):
                done = subprocess.run(
                    [*_COMMAND[:3], "-c", _STREAM_OF_CLOSED % connect],
                    check=False, capture_output=True, text=True, timeout=60,
                    env=gateway_process.environment())
                self.assertEqual((done.stdout, done.stderr),
                                 ("CallCancelledError\n", ""))


if __name__ == "__main__":
    unittest.main()
