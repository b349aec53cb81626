"""Compressed requests by grpc-go, to every engine."""

import unittest

from tests.interop import compression_cases
from tests.interop import interop_case


class GoCases(compression_cases.CompressionCases):

    command = ["tests/interop/compression_client/run"]


interop_case.for_each_engine(globals(), GoCases, "CompressionGo")


if __name__ == "__main__":
    unittest.main()
