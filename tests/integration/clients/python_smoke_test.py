"""Python's stubs, by Debian's Python and its gRPC."""

import os
import unittest

from tests.integration.clients import smoke

# The one that Debian's packages are for.
_PYTHON = "/usr/bin/python3"


class PythonSmokeTest(smoke.SmokeCases, unittest.TestCase):

    command = [_PYTHON, "tests/integration/clients/python_smoke.py"]
    env = {
        "PATH": os.environ["PATH"],
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": "clients/python/stubs",
    }


if __name__ == "__main__":
    unittest.main()
