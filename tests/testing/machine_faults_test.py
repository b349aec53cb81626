"""Holds the machine that fails true, and what a disk is said to have after it:
Python is the program."""

import errno
import os
import random
import subprocess
import sys
import tempfile
import threading
import unittest

from tests.testing import disk_journal
from tests.testing.machine_faults import MachineFaults

_DICE = 40
# As ReplaceFile of base/os/file.h does it, by what Python has no name for.
_REPLACE = """
import ctypes
library = ctypes.CDLL(None, use_errno=True)
def check(outcome):
    return outcome if outcome >= 0 else -ctypes.get_errno()
name = ctypes.create_string_buffer(b'%s.XXXXXX')
draft = check(library.mkostemp(name, os.O_CLOEXEC))
if draft < 0:
    print(draft)
    raise SystemExit
print(attempt(lambda: os.write(draft, b'new')))
print(attempt(lambda: os.fsync(draft)))
print(check(library.renameat2(-100, name, -100, b'%s', 2)))
"""


class MachineFaultsTest(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="machine")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.path = os.path.join(self.folder, "file")
        self.machine = MachineFaults(self.folder, journal=True)
        self.addCleanup(self.machine.close)

    def run_program(self, text, opens=True):
        """What a program prints whose disk and clock are the machine's, and
        which may have the file open."""
        opened = "file = os.open(%r, os.O_RDWR | os.O_CREAT)\n" % self.path
        done = subprocess.run(
            [sys.executable, "-c",
             "import os, time\n%s"
             "def attempt(what):\n"
             "    try: return what()\n"
             "    except OSError as error: return -error.errno\n%s"
             % (opened if opens else "", text)],
            stdout=subprocess.PIPE, text=True, check=True,
            env={**os.environ, **self.machine.env})
        return done.stdout.split()

    def test_so_many_calls_fail_with_the_error(self):
        self.machine.fail("write", errno.EROFS, times=1)
        self.machine.fail("sync", errno.EIO, times=2)
        said = self.run_program(
            "for _ in range(2): print(attempt(lambda: os.write(file, b'ab')))\n"
            "for _ in range(3): print(attempt(lambda: os.fsync(file)))\n")
        self.assertEqual(said, ["-%d" % errno.EROFS, "2", "-%d" % errno.EIO,
                                "-%d" % errno.EIO, "None"])
        self.assertEqual(self.machine.syncs, 3)
        self.machine.fail("read", errno.EIO)
        self.assertEqual(self.run_program(
            "print(attempt(lambda: os.read(file, 9)))"), ["-%d" % errno.EIO])
        self.machine.heal()
        self.machine.fail("open", errno.EACCES)
        with self.assertRaises(subprocess.CalledProcessError):
            self.run_program("")

    def test_a_file_that_is_replaced_fails_as_another(self):
        with open(self.path, "wb") as file:
            file.write(b"old")
        for what, error, expected in (
                ("open", errno.EROFS, ["-%d" % errno.EROFS]),
                ("write", errno.ENOSPC, ["-%d" % errno.ENOSPC, "None", "0"]),
                ("sync", errno.EIO, ["3", "-%d" % errno.EIO, "0"]),
                ("folder_sync", errno.EIO, ["3", "None", "0"])):
            with self.subTest(what=what):
                self.machine.heal()
                self.machine.fail(what, error)
                self.assertEqual(
                    self.run_program(_REPLACE % (self.path, self.path),
                                     opens=False), expected)
        self.machine.heal()
        self.machine.fail("open", errno.EROFS)
        said = self.run_program(
            "print(attempt(lambda: os.rename(%r, 'other')))" % self.path,
            opens=False)
        self.assertEqual(said, ["-%d" % errno.EROFS])

    def test_a_folder_fails_alone(self):
        self.machine.fail("folder_sync", errno.EIO)
        self.assertEqual(self.run_program(
            "print(attempt(lambda: os.fsync(file)),\n"
            "      attempt(lambda: os.fsync(os.open(%r, os.O_RDONLY))))"
            % self.folder), ["None", "-%d" % errno.EIO])

    def test_power_leaves_the_old_name_or_the_new_one(self):
        self.run_program(
            "os.pwrite(file, b'old', 0)\nos.fsync(file)\n"
            "folder = os.open(%r, os.O_RDONLY)\nos.fsync(folder)\n"
            % self.folder + _REPLACE % (self.path, self.path))
        self.assertEqual(self.left(), {b"old", b"new"})
        self.run_program("os.fsync(os.open(%r, os.O_RDONLY))" % self.folder)
        self.assertEqual(self.left(), {b"new"})

    def test_a_disk_takes_what_there_is_room_for(self):
        self.machine.limit_room(5)
        said = self.run_program(
            "print(os.pwrite(file, b'abc', 0), os.pwrite(file, b'defg', 3),\n"
            "      attempt(lambda: os.pwrite(file, b'h', 5)),\n"
            "      os.pwrite(file, b'AB', 0))\n")
        self.assertEqual(said, ["3", "2", "-%d" % errno.ENOSPC, "2"])
        with open(self.path, "rb") as file:
            self.assertEqual(file.read(), b"ABcde")

    def test_who_syncs_waits_while_the_disk_stalls(self):
        said = []
        with self.machine.stalled():
            program = threading.Thread(target=lambda: said.extend(
                self.run_program("os.fdatasync(file); print('synced')")))
            program.start()
            self.machine.wait_until_stalled()
            self.assertEqual(said, [])
        program.join()
        self.assertEqual(said, ["synced"])

    def test_the_clock_of_the_day_is_stepped_and_no_other(self):
        text = "print(time.time(), time.monotonic())"
        before = [float(each) for each in self.run_program(text)]
        self.machine.step_clock(86400)
        after = [float(each) for each in self.run_program(text)]
        self.assertGreaterEqual(after[0] - before[0], 86400)
        self.assertLess(after[1] - before[1], 86400)

    def left(self, index=None):
        """All that may be found once power is lost at that moment, or in the
        end."""
        found = set()
        for seed in range(_DICE):
            *_, last = disk_journal.moments(self.machine.journal)
            for moment in disk_journal.moments(self.machine.journal):
                if moment.index != (last.index if index is None else index):
                    continue
                with tempfile.TemporaryDirectory() as folder:
                    moment.write(folder, "file", random.Random(seed))
                    path = os.path.join(folder, "file")
                    if not os.path.exists(path):
                        found.add(None)
                        continue
                    with open(path, "rb") as file:
                        found.add(file.read())
        return found

    def test_power_leaves_what_was_synced_and_perhaps_more(self):
        self.run_program(
            "os.pwrite(file, b'a' * 4096, 0)\nos.fsync(file)\n"
            "os.pwrite(file, b'b' * 4096, 4096)\n"
            "os.fsync(os.open(%r, os.O_RDONLY))\n" % self.folder)
        found = self.left()
        self.assertIn(b"a" * 4096, found)
        self.assertIn(b"a" * 4096 + b"b" * 4096, found)
        for each in found:
            self.assertEqual(each[:4096], b"a" * 4096)

    def test_a_file_whose_folder_was_not_synced_may_be_gone(self):
        self.run_program("os.pwrite(file, b'a', 0)\nos.fsync(file)\n")
        self.assertEqual(self.left(), {None, b"a"})

    def test_what_a_sync_has_failed_to_bring_is_not_brought_by_the_next(self):
        self.machine.fail("sync", errno.EIO, times=1)
        self.run_program(
            "os.pwrite(file, b'a' * 4096, 0)\n"
            "attempt(lambda: os.fsync(file))\nos.fsync(file)\n"
            "os.fsync(os.open(%r, os.O_RDONLY))\n"
            % self.folder)
        self.assertEqual(self.left(), {b""})


if __name__ == "__main__":
    unittest.main()
