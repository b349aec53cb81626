"""Go's stubs, in a program built from them."""

import unittest

from tests.integration.clients import smoke


class GoSmokeTest(smoke.SmokeCases, unittest.TestCase):

    command = ["tests/integration/clients/go_smoke/run"]


if __name__ == "__main__":
    unittest.main()
