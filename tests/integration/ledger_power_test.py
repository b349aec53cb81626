"""What a loss of power leaves of a ledger at any moment: each page that was not
synced may be there, or not, or in part. Nothing acknowledged is lost."""

import contextlib
import errno
import os
import random
import sqlite3
import tempfile
import unittest

from tests.integration import gateway_case
from tests.integration import ledger_case
from tests.integration import ledger_fault_case
from tests.integration.ledger_case import Callers, of_type
from tests.integration.ledger_fault_case import verify_file
from tests.testing import disk_journal

_SEED = 14
_OTHER_BOOT = bytes.maketrans(b"0123456789abcdef", b"123456789abcdef0")
_CALLS = 150
_FAILURES = 5
# So many moments are looked at, and so many of them gone on from.
_MOMENTS = 80
_STARTS = 5


class LedgerPowerTest(ledger_fault_case.LedgerFaultCase):

    journal = True

    def setUp(self):
        super().setUp()
        self.acknowledged = []  # (When, which.)

    def write(self, ledger, failures=0):
        """Calls, a start between them, as the machine's journal has it."""
        for _ in range(2):
            gateway = self.start(ledger)
            callers = Callers(gateway.http)
            for _ in range(failures + 1):
                callers.wait_for(_CALLS // (failures + 1))
                self.machine.fail("sync", errno.EIO, times=min(failures, 1))
            self.machine.heal()
            callers.stop()
            self.acknowledged += zip(callers.times_s, callers.acknowledged)
            gateway.stop()
        # What goes on from what is left has a good machine.
        self.env = gateway_case.ENV

    def left_by_power(self):
        """Moments, with the folder that power has left of each."""
        journal = self.machine.journal
        total = sum(1 for _ in disk_journal.moments(journal))
        dice = random.Random(_SEED)
        chosen = set(dice.sample(range(total), _MOMENTS))
        for moment in disk_journal.moments(journal):
            if moment.index not in chosen:
                continue
            with tempfile.TemporaryDirectory(prefix="power") as folder:
                moment.write(folder, "ledger.db", dice)
                path = os.path.join(folder, "ledger.db")
                self.boot_anew(path + ".end")
                if self.is_ledger(path):
                    yield moment, path

    @staticmethod
    def boot_anew(path):
        """What is left says, if anything, that another boot has written it."""
        if not os.path.exists(path):
            return
        with open(path, "r+b") as file:
            words = file.read().split()
            if len(words) == 4:
                file.seek(0)
                file.write(b" ".join(words[:3]) + b" " +
                           words[3].translate(_OTHER_BOOT) + b"\n")

    @staticmethod
    def is_ledger(path):
        """Whether it was begun."""
        if not os.path.exists(path):
            return False
        with contextlib.closing(sqlite3.connect(path)) as file:
            return file.execute("SELECT name FROM sqlite_master "
                                "WHERE name = 'commits'").fetchone() is not None

    def go_on(self, path, ledger):
        """A gateway goes on from what is left."""
        self.state = os.path.dirname(path)
        gateway = self.start(ledger)
        answer = self.call(gateway)
        self.assertEqual(answer.status, 200)
        gateway.stop()
        return [answer.headers["x-llmgateway-exchange-entry-id"]]

    def check_what_is_left(self, ledger, durable):
        starts = 0
        most = 0
        for moment, path in self.left_by_power():
            acknowledged = [entry for time_s, entry in self.acknowledged
                            if durable and time_s < moment.time_s]
            entries = ledger_case.read_ledger(path)
            ledger_case.verify(self, entries)
            there = {entry["id"] for entry in of_type(entries, "EXCHANGE")}
            self.assertEqual(set(acknowledged) - there, set(),
                             "moment %d" % moment.index)
            most = max(most, len(entries))
            if entries and moment.index % 4 == 0 and starts < _STARTS:
                starts += 1
                acknowledged += self.go_on(path, ledger)
                self.assert_true(acknowledged, path)
            elif durable:
                # One without an entry is none that was verified.
                self.assertEqual(verify_file(path)[0], 0 if entries else 1)
        self.assertEqual(starts, _STARTS)
        self.assertGreater(most, 2 * _CALLS)

    def test_nothing_acknowledged_is_lost(self):
        self.write("ledger: {}\n")
        self.check_what_is_left("ledger: {}\n", durable=True)

    def test_a_sync_that_failed_acknowledges_nothing(self):
        """The kernel has forgotten what it was to bring."""
        self.write("ledger: {}\n", _FAILURES)
        self.check_what_is_left("ledger: {}\n", durable=True)

    def test_where_the_disk_is_not_waited_for_the_end_may_be_lost_alone(self):
        ledger = "ledger: {sync: normal}\n"
        self.write(ledger)
        self.check_what_is_left(ledger, durable=False)


if __name__ == "__main__":
    unittest.main()
