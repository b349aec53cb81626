"""Bytes of a ledger's files that are not what was written: a bit that has
turned, a page of which the end is missing. Whatever it hits is found and named,
or nothing of an entry has changed."""

import contextlib
import json
import os
import random
import shutil
import sqlite3
import subprocess
import tempfile
import unittest

from tests.integration import ledger_case
from tests.integration import ledger_fault_case
from tests.integration.grpc_caller import GrpcCaller
from tests.integration.http_calls import RawConnection, ask, chat, request_bytes
from tests.integration.ledger_case import Callers
from tests.integration.ledger_fault_case import GATEWAYCTL, verify_file
from tests.testing.gateway_process import GatewayError, environment

_SEED = 14
_CALLS = 60
_BITS = 120
_STARTS = 8
_HALF_PAGE = 2048
_ADMIN = "/llmgateway.v1.AdminService/"
# Some more than a segment of the index has.
_INDEXED = 66000
_SESSIONS = 1000
_INDEX_BITS = (1, 16, 256, 4096, 65536)


def _turn_bit(path, dice, begin=0):
    """Turns a bit of the file, and returns in which byte."""
    with open(path, "r+b") as file:
        size = file.seek(0, os.SEEK_END)
        offset = dice.randrange(begin, size)
        file.seek(offset)
        byte = file.read(1)[0] ^ (1 << dice.randrange(8))
        file.seek(offset)
        file.write(bytes([byte]))
    return offset


def _commits(path):
    """All rows, which a database has in other bytes once it was opened."""
    with contextlib.closing(sqlite3.connect(path)) as database:
        return database.execute("SELECT * FROM commits ORDER BY number"
                                ).fetchall()


def _contents(path):
    with open(path, "rb") as file:
        return file.read()


class LedgerDamageTest(ledger_fault_case.LedgerFaultCase):

    maxDiff = 500

    def write(self, killed):
        """A ledger that a gateway has left; its entries."""
        gateway = self.start()
        callers = Callers(gateway.http)
        callers.wait_for(_CALLS)
        callers.stop()
        # Whose end the ledger has told before it is acknowledged.
        self.assertEqual(self.call(gateway).status, 200)
        if killed:
            gateway.kill()
        else:
            gateway.stop()
        with self.copied() as path:
            return ledger_case.read_ledger(path)

    def copied(self):
        """A copy of the ledger, to be damaged."""
        return _Copy(self.state)

    def check(self, path, entries):
        """Whether damage is found; if not, there is none to entries."""
        code, said = verify_file(path)
        if code == 0:
            self.assertEqual(ledger_case.read_ledger(path), entries)
            return False
        self.assertIn(path, said)
        return True

    def assert_refused(self, path):
        """No gateway goes on from it, nor changes what may mend it."""
        files = [name for name in (path, path + "-wal")
                 if os.path.exists(name)]
        before = [_contents(name) for name in files]
        self.assert_not_started(path)
        self.assertEqual([_contents(name) for name in files], before)

    def assert_not_started(self, path):
        self.state, state = os.path.dirname(path), self.state
        with self.assertRaisesRegex(GatewayError, "ledger.path: .*" + path):
            self.start()
        self.state = state

    def test_a_turned_bit_of_the_file(self):
        entries = self.write(killed=False)
        dice = random.Random(_SEED)
        found = 0
        for _ in range(_BITS):
            with self.copied() as path:
                offset = _turn_bit(path, dice)
                with self.subTest(offset=offset):
                    found += self.check(path, entries)
        # The rest is of pages that so few entries do not fill.
        self.assertGreater(found, _BITS // 3)

    def test_a_gateway_says_what_bit_has_turned_before_its_checkpoint(self):
        entries = self.write(killed=False)
        text = json.dumps(entries[0], sort_keys=True, ensure_ascii=False)
        with self.copied() as path:
            where = _contents(path).index(text.encode()[:100])
            with open(path, "r+b") as file:
                file.seek(where + 20)
                byte = file.read(1)[0]
                file.seek(where + 20)
                file.write(bytes([byte ^ 1]))
            self.assertTrue(self.check(path, entries))
            self.state = os.path.dirname(path)
            gateway = self.start()
            with GrpcCaller() as caller:
                said = caller.call(gateway.admin, _ADMIN + "VerifyLedger",
                                   {}, stream=True).events[-1]
            self.assertFalse(said.get("valid", False), said)
            self.assertEqual(said["broken_entry"], "1")
            gateway.wait_for_log(level="error", module="ledger")
            self.assertEqual(self.call(gateway).status, 200)
            self.assert_alive(gateway)
            gateway.stop()

    def test_another_note_than_a_dispatch_was_written_with(self):
        self.upstream.set_script("gpt-slow", {"stall_before_first_byte": True})
        gateway = self.start()
        with RawConnection(gateway.http) as connection:
            connection.send(request_bytes(chat("gpt-slow")))
            self.upstream.wait_for("started", "gpt-slow")
            gateway.kill()
        with self.copied() as path:
            self.assertIn("dispatches without an exchange 1: ",
                          verify_file(path)[1])
        for notes in ("x''", "replace(notes, 'unknown', 'success')",
                      "notes || 'W5:LED-1'"):
            with self.subTest(notes=notes), self.copied() as path:
                with contextlib.closing(sqlite3.connect(path)) as database:
                    changed = database.execute(
                        "UPDATE commits SET notes = CAST(%s AS BLOB) "
                        "WHERE number = 1" % notes.replace(
                            "notes", "CAST(notes AS TEXT)"))
                    self.assertEqual(changed.rowcount, 1)
                    database.commit()
                code, said = verify_file(path)
                self.assertEqual(code, 1, said)
                self.assertIn("entry 1, LED-", said)
                self.assertIn("note", said)
                before = _commits(path)
                self.assert_not_started(path)
                self.assertEqual(_commits(path), before)

    def test_an_index_that_stands_still_is_seen(self):
        entries = self.write(killed=False)
        with self.copied() as path:
            with contextlib.closing(sqlite3.connect(path)) as database:
                number, first = database.execute(
                    "SELECT number, first_entry FROM commits "
                    "WHERE number > 2 LIMIT 1").fetchone()
                database.execute("DELETE FROM commits WHERE number = ?",
                                 (number,))
                database.commit()
            os.remove(path + ".index")
            state, self.state = self.state, os.path.dirname(path)
            gateway = self.start()
            self.state = state
            gateway.wait_for_log(
                msg="the ledger's index does not go on; new entries cannot be "
                "found")
            made = subprocess.run(
                [GATEWAYCTL, "ledger", "query"], text=True, check=False,
                capture_output=True,
                env=environment({"GATEWAY_ADMIN": gateway.admin}))
            self.assertEqual(made.returncode, 1, made.stdout)
            self.assertIn(entries[0]["id"], made.stdout)
            self.assertIn("not all was searched, but %d of %d entries: "
                          % (first - 1, len(entries)), made.stderr)
            with GrpcCaller() as caller:
                health = caller.call(gateway.admin, _ADMIN + "GetHealth",
                                     {}).response
            problem = [each["problem"] for each in health["components"]
                       if each["name"] == "ledger_index"]
            self.assertIn("commit %d" % number, problem[0])
            text = ask(gateway.operations, path="/metrics").body.decode()
            self.assertIn("llmgw_ledger_index_failing 1\n", text)
            self.assertIn("llmgw_ledger_indexed_entries %d\n" % (first - 1),
                          text)
            self.assertEqual(self.call(gateway).status, 200)
            gateway.stop()

    def test_a_turned_bit_of_the_log(self):
        entries = self.write(killed=True)
        dice = random.Random(_SEED)
        found = 0
        starts = 0
        for _ in range(_BITS):
            with self.copied() as path:
                offset = _turn_bit(path + "-wal", dice)
                with self.subTest(offset=offset):
                    if not self.check(path, entries):
                        continue
                    found += 1
                    if starts < _STARTS:
                        starts += 1
                        self.assert_refused(path)
        self.assertGreater(found, _BITS // 3)
        self.assertEqual(starts, _STARTS)

    def test_half_a_page_at_the_end(self):
        entries = self.write(killed=True)
        for name in ("", "-wal"):
            for torn in ("cut off", "zeros"):
                with self.subTest(file=name, torn=torn), \
                        self.copied() as path:
                    size = os.path.getsize(path + name)
                    os.truncate(path + name, size - _HALF_PAGE)
                    if torn == "zeros":
                        os.truncate(path + name, size)
                    if self.check(path, entries):
                        self.assert_refused(path)
                    # The log has the file's last page, too.
                    else:
                        self.assertEqual(name, "")

    def write_indexed(self):
        """A ledger with more than the index keeps in memory."""
        lines = os.path.join(self.state, "lines")
        os.makedirs(self.state)
        previous = ""
        with open(lines, "w", encoding="utf-8") as file:
            for number in range(_INDEXED):
                entry = {
                    "decision": "REJECTED", "event_type": "PROMPT_REJECTED",
                    "id": "LED-%016x" % number, "previous_hash": previous,
                    "metadata": {"session_id": "SES-%d" % (number % _SESSIONS)},
                    "prompts_used": [], "reason": "", "submission_id": "",
                    "timestamp": "2026-11-23T04:00:00+00:00"}
                entry["entry_hash"] = ledger_case.entry_hash(entry)
                previous = entry["entry_hash"]
                file.write(json.dumps(entry, sort_keys=True) + "\n")
        subprocess.run([GATEWAYCTL, "ledger", "import", lines, "--to",
                        self.path], check=True, stdout=subprocess.DEVNULL)

    def search(self, gateway):
        """What the index finds of a session, once it has all."""
        with GrpcCaller() as caller:
            while True:
                found = caller.call(gateway.admin, _ADMIN + "QueryLedger", {
                    "filter": {"session_id": "SES-7"}, "page_size": 1000})
                # Until the index is noticed to be damaged, and made anew.
                if found.end["code"] != "OK":
                    self.assertEqual(found.end["code"], "UNAVAILABLE")
                elif (found.response.get("indexed_entries") ==
                      str(_INDEXED)):
                    return [entry["id"]
                            for entry in found.response["entries"]]

    def test_a_turned_bit_of_the_index_makes_no_wrong_answer(self):
        self.write_indexed()
        gateway = self.start()
        expected = self.search(gateway)
        gateway.stop()
        self.assertEqual(len(expected), _INDEXED // _SESSIONS)
        dice = random.Random(_SEED)
        made_anew = 0
        for bits in _INDEX_BITS:
            with self.copied() as path:
                for _ in range(bits):
                    # Of its first page, none that say what kind of file it is.
                    _turn_bit(path + ".index", dice, 100)
                state, self.state = self.state, os.path.dirname(path)
                gateway = self.start()
                with self.subTest(bits=bits):
                    self.assertEqual(self.search(gateway), expected)
                made_anew += len(gateway.log_lines(
                    msg="the ledger's index is made anew"))
                gateway.stop()
                self.state = state
        self.assertGreater(made_anew, 0)


class _Copy:

    def __init__(self, state):
        self._state = state
        self._folder = tempfile.TemporaryDirectory(prefix="damage")

    def __enter__(self):
        for name in os.listdir(self._state):
            if name.startswith("ledger.db") and not name.endswith("-shm"):
                shutil.copy(os.path.join(self._state, name),
                            self._folder.name)
        return os.path.join(self._folder.name, "ledger.db")

    def __exit__(self, *_):
        self._folder.cleanup()


if __name__ == "__main__":
    unittest.main()
