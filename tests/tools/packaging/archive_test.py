"""Trees that are packed."""

import gzip
import io
import os
import subprocess
import tarfile
import tempfile
import unittest

from tools.packaging import archive


def _tree(backwards=False):
    steps = [lambda tree: tree.add("usr/bin/run", b"\x7fELF", archive.PROGRAM),
             lambda tree: tree.add("etc/words", "f\u00fcr"),
             lambda tree: tree.link("etc/link", "/usr/bin/run"),
             lambda tree: tree.folder("var/lib/own", mode=0o750, owner=7)]
    tree = archive.Tree()
    for step in reversed(steps) if backwards else steps:
        step(tree)
    return tree


class TreeTest(unittest.TestCase):

    def test_the_order_of_adding_leaves_no_trace(self):
        self.assertEqual(_tree().tar(1), _tree(backwards=True).tar(1))

    def test_members_have_the_time_and_owners_that_are_said(self):
        with tarfile.open(fileobj=io.BytesIO(_tree().tar(99, "x/"))) as tar:
            told = {one.name: one for one in tar}
            self.assertEqual(tar.extractfile("x/etc/words").read(),
                             "f\u00fcr".encode())
        self.assertEqual(list(told), [
            "x/etc", "x/etc/link", "x/etc/words", "x/usr", "x/usr/bin",
            "x/usr/bin/run", "x/var", "x/var/lib", "x/var/lib/own"])
        self.assertEqual({one.mtime for one in told.values()}, {99})
        self.assertEqual(told["x/var/lib/own"].uid, 7)
        self.assertEqual(told["x/var/lib/own"].mode, 0o750)
        self.assertEqual(told["x/usr/bin/run"].mode, 0o755)
        self.assertEqual(told["x/etc/words"].uname, "")
        self.assertEqual(told["x/etc/link"].linkname, "/usr/bin/run")

    def test_it_is_written_out_with_modes_and_times(self):
        with tempfile.TemporaryDirectory() as folder:
            _tree().write(folder, 99)
            run = os.path.join(folder, "usr/bin/run")
            self.assertEqual(os.stat(run).st_mode & 0o777, 0o755)
            self.assertEqual(os.stat(run).st_mtime, 99)
            self.assertEqual(os.stat(os.path.join(folder, "etc")).st_mtime, 99)
            self.assertEqual(os.readlink(os.path.join(folder, "etc/link")),
                             "/usr/bin/run")

    def test_a_path_that_leads_out_is_refused(self):
        for path in ("/etc/x", "../x", "a//b", "a/./b", "a/", ""):
            with self.assertRaises(ValueError, msg=path):
                archive.Tree().add(path, b"")

    def test_a_file_is_not_added_twice(self):
        tree = _tree()
        with self.assertRaisesRegex(ValueError, "'etc/words' is added twice"):
            tree.add("etc/words", b"")
        tree.folder("etc", mode=0o700)  # There so far by itself alone.


class CompressionTest(unittest.TestCase):

    def test_the_same_bytes_make_the_same_bytes(self):
        data = b"words " * 5000
        for pack in (archive.gzipped, archive.zstandard):
            self.assertEqual(pack(data), pack(data))
        self.assertEqual(gzip.decompress(archive.gzipped(data)), data)
        self.assertEqual(subprocess.run(
            ["zstd", "-d", "-q", "-c"], input=archive.zstandard(data),
            stdout=subprocess.PIPE, check=True).stdout, data)

    def test_gzip_tells_neither_name_nor_time(self):
        self.assertEqual(archive.gzipped(b"")[3:8], bytes(5))


if __name__ == "__main__":
    unittest.main()
