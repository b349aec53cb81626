"""Node's stubs, in a TypeScript program checked against their types."""

import unittest

from tests.integration.clients import smoke


class NodeSmokeTest(smoke.SmokeCases, unittest.TestCase):

    command = ["tests/integration/clients/node_smoke/run"]


if __name__ == "__main__":
    unittest.main()
