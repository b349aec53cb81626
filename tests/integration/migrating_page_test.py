"""The configurations of docs/migrating.md are whole and right."""

import re
import subprocess
import tempfile
import unittest

from tests.testing import gateway_process

_PAGE = "docs/migrating.md"
_BLOCK = re.compile(r"```yaml\n(.*?)```", re.DOTALL)
_VARIABLE = re.compile(r"env:([A-Z0-9_]+)")


class MigratingPageTest(unittest.TestCase):

    def test_each_configuration_is_taken_without_a_warning(self):
        with open(_PAGE, encoding="utf-8") as file:
            configurations = _BLOCK.findall(file.read())
        self.assertGreaterEqual(len(configurations), 3)
        for config in configurations:
            with self.subTest(config=config), \
                    tempfile.NamedTemporaryFile(suffix=".yaml") as file:
                file.write(config.encode())
                file.flush()
                keys = {name: "a-key-of-a-test-1234567890"
                        for name in _VARIABLE.findall(config)}
                checked = subprocess.run(
                    [gateway_process.BINARY, "--config=" + file.name,
                     "--check_config", "--strict"],
                    env=gateway_process.environment(keys), check=False,
                    text=True, capture_output=True)
                self.assertEqual(
                    (checked.returncode, checked.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main()
