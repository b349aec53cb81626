"""A machine whose disk fails and whose clock is wrong, for one program.

    with MachineFaults(folder) as machine:
        gateway = GatewayProcess(config, env={**ENV, **machine.env})
        machine.fail("sync", errno.EIO, times=1)
        with machine.stalled():
            machine.wait_until_stalled()
            ...
        machine.step_clock(-3600)

The disk is what the program has in the folder. The program must not be linked
statically, nor run under a sanitizer. What happens is
machine_faults/machine_faults.cc; with `journal`, disk_journal.py reads it.
"""

import contextlib
import mmap
import os
import struct
import tempfile
import time

LIBRARY = os.path.abspath(
    "tests/testing/machine_faults/libmachine_faults.so")
_TIMEOUT_S = 30.0
_WORD = struct.Struct("=q")
# As Control has them.
_WALL_OFFSET, _IS_STALLED, _STALLED, _ROOM, _SYNCS = range(5)
_FAULTS = {"open": 5, "read": 7, "write": 9, "sync": 11, "folder_sync": 13}
_NANOS = 10**9


class MachineFaults:

    def __init__(self, folder, journal=False):
        self._own = tempfile.TemporaryDirectory(prefix="faults")
        control = os.path.join(self._own.name, "control")
        self.env = {"LD_PRELOAD": LIBRARY, "MACHINE_FAULTS": control,
                    "MACHINE_FAULTS_FOLDER": folder}
        with open(control, "w+b") as file:
            file.truncate(mmap.PAGESIZE)
            self._words = mmap.mmap(file.fileno(), mmap.PAGESIZE)
        self.heal()
        self.journal = None
        if journal:
            self.journal = os.path.join(self._own.name, "journal")
            with open(self.journal, "wb"):
                pass
            self.env["MACHINE_FAULTS_JOURNAL"] = self.journal

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._set(_IS_STALLED, 0)
        self._words.close()
        self._own.cleanup()

    def fail(self, what, error, times=-1):
        """The next so many of "open" (to write, make, remove or rename),
        "read", "write", "sync", "folder_sync" (of a folder alone) fail with the
        error; all from now on, if negative."""
        self._set(_FAULTS[what], error)
        self._set(_FAULTS[what] + 1, times)

    def failures_left(self, what):
        return self._get(_FAULTS[what] + 1)

    def limit_room(self, room_bytes):
        """By so much files may grow before there is no room on the disk."""
        self._set(_ROOM, room_bytes)

    def heal(self):
        """All goes well from now on, but for the clock."""
        self._set(_ROOM, -1)
        for word in _FAULTS.values():
            self._set(word + 1, 0)

    @contextlib.contextmanager
    def stalled(self):
        """Meanwhile no file is brought to the disk, and who wants that
        waits."""
        self._set(_IS_STALLED, 1)
        try:
            yield
        finally:
            self._set(_IS_STALLED, 0)

    def wait_until_stalled(self):
        """Until somebody waits for the disk."""
        deadline = time.monotonic() + _TIMEOUT_S
        while self._get(_STALLED) == 0:
            if time.monotonic() > deadline:
                raise TimeoutError("nobody waits for the disk")
            time.sleep(0.001)

    @property
    def syncs(self):
        """How often a file was brought to the disk, or was to be."""
        return self._get(_SYNCS)

    def step_clock(self, seconds):
        """Puts the clock of the day forward, or back."""
        self._set(_WALL_OFFSET,
                  self._get(_WALL_OFFSET) + int(seconds * _NANOS))

    def _get(self, word):
        return _WORD.unpack_from(self._words, word * _WORD.size)[0]

    def _set(self, word, value):
        _WORD.pack_into(self._words, word * _WORD.size, value)
