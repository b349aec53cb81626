"""Packages depend on their files alone."""

import os
import tarfile
import tempfile
import unittest
import zipfile

from tools.packaging import pack


class PackTest(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="pack")
        self.addCleanup(folder.cleanup)
        self.root = folder.name

    def tree(self, name, files, time):
        """A folder with the files, written in this order at this time."""
        folder = os.path.join(self.root, name)
        for path, text in files:
            path = os.path.join(folder, path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            os.utime(path, (time, time))
        return folder

    def pack(self, name, folder, *flags):
        out = os.path.join(self.root, name)
        pack.main([out, folder, *flags])
        with open(out, "rb") as file:
            return out, file.read()

    def test_order_and_time_of_writing_make_no_difference(self):
        files = [("b/x.txt", "one"), ("a.txt", "two"), ("b/c/y.txt", "three")]
        one = self.tree("one", files, 1_000_000_000)
        other = self.tree("other", list(reversed(files)), 1_500_000_000)
        os.chmod(os.path.join(other, "a.txt"), 0o600)
        for kind in ("zip", "tgz"):
            with self.subTest(kind):
                self.assertEqual(self.pack("1." + kind, one)[1],
                                 self.pack("2." + kind, other)[1])

    def test_another_text_is_another_archive(self):
        one = self.tree("one", [("a", "1")], 0)
        other = self.tree("other", [("a", "2")], 0)
        for kind in ("zip", "tgz"):
            with self.subTest(kind):
                self.assertNotEqual(self.pack("1." + kind, one)[1],
                                    self.pack("2." + kind, other)[1])

    def test_entries_are_sorted_behind_the_first_and_have_the_prefix(self):
        folder = self.tree("one", [("a", "1"), ("m/f", "2"), ("z", "3")], 0)
        os.chmod(os.path.join(folder, "z"), 0o700)
        out, _ = self.pack("x.jar", folder, "--prefix=p/", "--first=m/f")
        with zipfile.ZipFile(out) as packed:
            self.assertEqual(packed.namelist(), ["p/m/f", "p/a", "p/z"])
            self.assertEqual(packed.read("p/m/f"), b"2")
        out, _ = self.pack("x.tgz", folder, "--prefix=package/")
        with tarfile.open(out) as packed:
            self.assertEqual(
                [(entry.name, oct(entry.mode)) for entry in packed
                 if entry.isfile()],
                [("package/a", "0o644"), ("package/m/f", "0o644"),
                 ("package/z", "0o755")])

    def test_what_is_to_come_first_must_be_there(self):
        folder = self.tree("one", [("a", "1")], 0)
        with self.assertRaisesRegex(FileNotFoundError, "^b is to come first"):
            self.pack("x.zip", folder, "--first=b")


if __name__ == "__main__":
    unittest.main()
