"""The C++ client, over C++'s stubs."""

import unittest

from tests.integration.clients import smoke


class CppSmokeTest(smoke.SmokeCases, unittest.TestCase):

    command = ["tests/integration/clients/cpp_smoke"]


if __name__ == "__main__":
    unittest.main()
