"""Java's stubs, in a program compiled against them."""

import unittest

from tests.integration.clients import smoke


class JavaSmokeTest(smoke.SmokeCases, unittest.TestCase):

    command = ["tests/integration/clients/java_smoke/run"]


if __name__ == "__main__":
    unittest.main()
