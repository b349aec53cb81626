"""A program that has the gateway in it works as docs/embedding.md says."""

import os
import subprocess
import unittest

from tests.testing import gateway_process

_FOLDER = os.path.join("service", "embedding", "example")


class EmbeddingExampleTest(unittest.TestCase):

    def run_example(self, config):
        return subprocess.run(
            [os.path.join(_FOLDER, "example"), config],
            env=gateway_process.environment({}), check=False, text=True,
            capture_output=True, timeout=60)

    def test_the_program_answers_itself(self):
        ran = self.run_example(os.path.join(_FOLDER, "gateway.yaml"))
        self.assertEqual((ran.returncode, ran.stdout), (0, "HELLO\n"),
                         ran.stderr)

    def test_a_file_that_is_not_there_is_named(self):
        ran = self.run_example("no-such-file.yaml")
        self.assertEqual(ran.returncode, 1)
        self.assertIn("no-such-file.yaml", ran.stderr)


if __name__ == "__main__":
    unittest.main()
