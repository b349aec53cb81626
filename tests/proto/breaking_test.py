"""The contract against its last release: what callers rely on stays."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

_BASELINE = "proto/baseline.binpb.gz"


def buf():
    """Where tools/deps.sh keeps the program."""
    folder = os.environ.get("GATEWAY_TOOLS_DIR")
    if not folder:
        cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(
            os.environ.get("HOME", ""), ".cache")
        folder = os.path.join(cache, "llm-gateway", "tools")
    return os.path.join(folder, "bin", "buf")


class BreakingTest(unittest.TestCase):

    def setUp(self):
        self.assertTrue(os.path.exists(buf()),
                        "buf is missing; run: make deps")
        self._folder = tempfile.TemporaryDirectory()
        self.addCleanup(self._folder.cleanup)
        self.root = pathlib.Path(self._folder.name)
        # Copied, since Bazel's are links, and are to be changed.
        for path in pathlib.Path("proto").rglob("*.proto"):
            copy = self.root / path
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
        shutil.copyfile("buf.yaml", self.root / "buf.yaml")

    def compare(self):
        environment = dict(os.environ, BUF_CACHE_DIR=str(self.root / "cache"))
        return subprocess.run(
            [buf(), "breaking", "--against", os.path.abspath(_BASELINE)],
            cwd=self.root, env=environment, capture_output=True, text=True,
            timeout=120, check=False)

    def test_nothing_that_callers_rely_on_has_changed(self):
        result = self.compare()
        self.assertEqual(
            result.returncode, 0,
            result.stdout + result.stderr +
            "\nCONTRIBUTING.md, \"Change the contract\", says what to do.")

    def test_a_field_that_changes_its_meaning_is_found(self):
        target = self.root / "proto/llmgateway/type/v1/target.proto"
        text = target.read_text(encoding="utf-8")
        self.assertIn("string provider = 1;", text)
        target.write_text(text.replace("string provider = 1;",
                                       "string provider = 9;"),
                          encoding="utf-8")
        result = self.compare()
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("provider", result.stdout)


if __name__ == "__main__":
    unittest.main()
