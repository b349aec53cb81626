"""LedgerClient appends to a chain, and finds whatever was changed in it."""

import json
import os
import subprocess
import sys
import unittest
from datetime import datetime, timedelta, timezone

from tests.clients.python.llm_gateway import client_path, router_case

from llm_gateway.router.ledger_client import (
    LedgerClient, create_session_ledger_client, get_session_ledger_path)
from llm_gateway.router.ledger_entry import (
    LedgerEntry, TierContext, merkle_root)

_WRITER = """
import sys
from llm_gateway.router.ledger_client import LedgerClient
from llm_gateway.router.ledger_entry import LedgerEntry
ledger = LedgerClient(sys.argv[1])
for number in range(int(sys.argv[3])):
    ledger.write(LedgerEntry("A", sys.argv[2], "D", "R"))
"""


def _entry(submission="S-1", event_type="A", **fields):
    return LedgerEntry(event_type, submission, "DECIDED", "why", **fields)


class LedgerClientCase(router_case.RouterCase):

    def write_entries(self, count, ledger=None):
        for number in range(count):
            (ledger or self.ledger).write(_entry("S-%d" % number))

    def start_program(self, program, *arguments):
        """Python that finds the package, with the ledger's path."""
        return subprocess.Popen(
            [sys.executable, "-c", program, self.ledger_path, *arguments],
            env={**os.environ, "PYTHONPATH": client_path.CLIENT_PATH})

    def lines(self, path=None):
        with open(path or self.ledger_path, encoding="utf-8") as file:
            return file.read().splitlines()

    def put_lines(self, lines):
        with open(self.ledger_path, "w", encoding="utf-8") as file:
            file.write("".join(line + "\n" for line in lines))

    def change(self, index, **members):
        """Someone edits an entry of the file."""
        lines = self.lines()
        lines[index] = json.dumps({**json.loads(lines[index]), **members})
        self.put_lines(lines)

    def segments(self):
        """The names of those behind the first file, in their order."""
        found = [name for name in
                 os.listdir(os.path.dirname(self.ledger_path))
                 if name.startswith("governance-")]
        return sorted(found, key=lambda name: name[:-len(".jsonl")])

    def verify(self):
        both = (self.ledger.verify_chain(),
                self.ledger.verify_chain_parallel())
        self.assertEqual(both[0][0], both[1][0], both)
        return both[0]


class WritingTest(LedgerClientCase):

    def test_links_each_entry_to_the_one_before(self):
        self.write_entries(3)
        first, second, third = map(json.loads, self.lines())
        self.assertEqual(first["previous_hash"], "")
        self.assertEqual(second["previous_hash"], first["entry_hash"])
        self.assertEqual(third["previous_hash"], second["entry_hash"])
        self.assertEqual(self.verify(), (True, []))

    def test_another_client_goes_on_where_one_has_ended(self):
        self.write_entries(2)
        self.write_entries(2, LedgerClient(self.ledger_path))
        self.write_entries(1)
        self.assertEqual(self.ledger.count(), 5)
        self.assertEqual(self.verify(), (True, []))

    def test_processes_write_one_chain(self):
        writers = [self.start_program(_WRITER, name, "50")
                   for name in ("one", "two", "three")]
        for writer in writers:
            self.assertEqual(writer.wait(), 0)
        self.assertEqual(self.verify(), (True, []))
        for name in ("one", "two", "three"):
            self.assertEqual(len(self.ledger.read_by_submission(name)), 50)

    def test_what_a_killed_writer_left_stays_and_is_told(self):
        self.write_entries(2)
        with open(self.ledger_path, "a", encoding="utf-8") as file:
            file.write('{"event_type": "A", "subm')
        ledger = LedgerClient(self.ledger_path)
        self.write_entries(1, ledger)
        self.assertEqual(len(self.lines()), 4)
        self.assertEqual(ledger.count(), 3)
        valid, issues = ledger.verify_chain()
        self.assertFalse(valid)
        self.assertEqual(issues, ["FAIL: governance.jsonl line 3 is no entry"])

    def test_a_batch_waits_until_it_is_full_or_closed(self):
        with LedgerClient(self.ledger_path, batch_size=3) as ledger:
            self.write_entries(2, ledger)
            self.assertEqual(self.lines(), [])
            self.write_entries(1, ledger)
            self.assertEqual(len(self.lines()), 3)
            self.write_entries(1, ledger)
        self.assertEqual(len(self.lines()), 4)
        self.assertEqual(self.verify(), (True, []))

    def test_what_could_not_be_written_is_not_written_later(self):
        os.remove(self.ledger_path)
        os.mkdir(self.ledger_path)
        with self.assertRaises(OSError):
            self.ledger.write(_entry("lost"))
        os.rmdir(self.ledger_path)
        with open(self.ledger_path, "w", encoding="utf-8"):
            pass
        self.ledger.write(_entry("kept"))
        self.assertEqual([json.loads(line)["submission_id"]
                          for line in self.lines()], ["kept"])

    def test_of_a_batch_with_one_that_cannot_be_written_the_others_are_once(
            self):
        with LedgerClient(self.ledger_path, batch_size=3) as ledger:
            self.write_entries(2, ledger)
            with self.assertRaises(TypeError):
                ledger.write(_entry("lost", metadata={"what": object()}))
            self.assertEqual(self.lines(), [])
            ledger.write(_entry("S-2"))
        self.assertEqual(
            [json.loads(line)["submission_id"] for line in self.lines()],
            ["S-0", "S-1", "S-2"])
        self.assertEqual(self.verify(), (True, []))

    def test_of_what_a_disk_takes_in_part_nothing_stays(self):
        program = """
import resource, sys
from llm_gateway.router.ledger_client import LedgerClient
from llm_gateway.router.ledger_entry import LedgerEntry
ledger = LedgerClient(sys.argv[1])
ledger.write(LedgerEntry("A", "first", "D", "R"))
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
try:
    ledger.write(LedgerEntry("A", "large", "D", "R" * 2000))
except OSError:
    ledger.write(LedgerEntry("A", "last", "D", "R"))
"""
        self.assertEqual(self.start_program(program).wait(), 0)
        self.assertEqual(
            [json.loads(line)["submission_id"] for line in self.lines()],
            ["first", "last"])
        self.assertEqual(self.verify(), (True, []))

    def test_what_waits_is_written_when_the_program_ends(self):
        program = _WRITER.replace("argv[1]", "argv[1], batch_size=10")
        self.assertEqual(self.start_program(program, "S", "3").wait(), 0)
        self.assertEqual(len(self.lines()), 3)
        self.assertEqual(self.verify(), (True, []))

    def test_what_waits_at_a_fork_is_its_parents(self):
        program = """
import os, sys
from llm_gateway.router.ledger_client import LedgerClient
from llm_gateway.router.ledger_entry import LedgerEntry
ledger = LedgerClient(sys.argv[1], batch_size=10)
ledger.write(LedgerEntry("A", "before", "D", "R"))
if child := os.fork():
    sys.exit(os.waitpid(child, 0)[1])
ledger.write(LedgerEntry("A", "child", "D", "R"))
"""
        self.assertEqual(self.start_program(program).wait(), 0)
        self.assertEqual([json.loads(line)["submission_id"]
                          for line in self.lines()], ["child", "before"])
        self.assertEqual(self.verify(), (True, []))

    def test_what_waits_is_counted_and_known_by_its_key(self):
        with LedgerClient(self.ledger_path, batch_size=3) as ledger:
            ledger.write(_entry(metadata={"_dedupe_key": "k"}))
            self.assertEqual((self.lines(), ledger.count()), ([], 1))
            self.assertTrue(ledger.has_dedupe_key("k"))
            self.assertFalse(ledger.has_dedupe_key("l"))
            ledger.flush()
            self.assertEqual(ledger.count(), 1)

    def test_half_a_character_is_a_question_mark(self):
        self.ledger.write(_entry("S", metadata={"text": "cut \ud83d"}))
        self.assertEqual(json.loads(self.lines()[0])["metadata"],
                         {"text": "cut ?"})
        self.assertEqual(self.verify(), (True, []))

    def test_a_tier_is_stamped_where_nothing_else_stands(self):
        ledger = LedgerClient(self.ledger_path, tier_context=TierContext(
            "hot", "/plane", session_id="SES-1"))
        ledger.write(_entry(metadata={"_tier": "mine"}))
        self.assertEqual(ledger.read_all()[0].metadata, {
            "_tier": "mine", "_plane_root": "/plane",
            "_session_id": "SES-1"})

    def test_genesis_is_the_first_and_no_other(self):
        self.ledger.write_genesis("hot", "/plane", parent_hash="ab")
        entry = self.entry("GENESIS")
        self.assertEqual(entry.decision, "CHAIN_INITIALIZED")
        self.assertEqual(entry.metadata["parent_hash"], "ab")
        with self.assertRaisesRegex(ValueError, "has entries already"):
            self.ledger.write_genesis("hot", "/plane")


class SegmentsTest(LedgerClientCase):

    def setUp(self):
        super().setUp()
        # Each entry fills a segment.
        self.ledger = LedgerClient(self.ledger_path, rotate_bytes=10)

    def test_a_full_one_is_followed_by_another(self):
        self.write_entries(4)
        self.assertEqual(len(self.segments()), 3)
        self.assertEqual([entry.submission_id
                          for entry in self.ledger.read_all()],
                         ["S-0", "S-1", "S-2", "S-3"])
        self.assertEqual(self.verify(), (True, []))

    def test_a_new_day_begins_another(self):
        ledger = LedgerClient(self.ledger_path)
        yesterday = datetime.now(timezone.utc) - timedelta(days=1)
        ledger.write(_entry(timestamp=yesterday.isoformat()))
        ledger.write(_entry())
        ledger.write(_entry())
        self.assertEqual(len(self.segments()), 1)
        self.assertEqual(ledger.verify_chain(), (True, []))

    def test_nor_size_nor_day_end_one_that_is_to_go_on(self):
        ledger = LedgerClient(self.ledger_path, rotate_bytes=0,
                              rotate_daily=False)
        ledger.write(_entry(timestamp="2020-01-01T00:00:00+00:00"))
        ledger.write(_entry())
        self.assertEqual(self.segments(), [])

    def test_the_index_tells_of_those_that_are_complete(self):
        self.write_entries(3)
        index = [json.loads(line) for line in
                 self.lines(str(self.ledger.segment_index_path))]
        self.assertEqual(
            [line["segment"] for line in index],
            ["governance.jsonl", self.segments()[0]])
        entries = self.ledger.read_all()
        self.assertEqual(index[0]["first_entry_hash"], entries[0].entry_hash)
        self.assertEqual(self.ledger.get_segments_root(), merkle_root(
            [entries[0].entry_hash, entries[1].entry_hash]))

    def test_a_submission_is_found_in_all_of_them(self):
        for number in range(6):
            self.ledger.write(_entry("S-%d" % (number % 2),
                                     metadata={"number": number}))
        self.assertEqual([entry.metadata["number"] for entry in
                          self.ledger.read_by_submission("S-1")], [1, 3, 5])
        self.assertEqual(self.ledger.read_by_submission("S-2"), [])

    def test_an_index_of_another_file_is_not_believed(self):
        self.write_entries(3)
        with open(self.ledger_path, "a", encoding="utf-8") as file:
            file.write(_entry("late").to_json() + "\n")
        self.assertEqual(len(self.ledger.read_by_submission("late")), 1)

    def test_a_segment_that_is_gone_breaks_the_chain(self):
        self.write_entries(3)
        os.remove(self.path("ledger/" + self.segments()[0]))
        valid, issues = self.ledger.verify_chain()
        self.assertFalse(valid)
        self.assertIn("chain broken", issues[0])
        valid, issues = self.ledger.verify_chain_parallel()
        self.assertFalse(valid)
        self.assertIn("Segment link broken", issues[0])


class VerifyingTest(LedgerClientCase):

    def setUp(self):
        super().setUp()
        self.write_entries(3)

    def test_finds_what_was_changed(self):
        self.change(1, reason="another")
        valid, issues = self.verify()
        self.assertFalse(valid)
        self.assertRegex(issues[0], "FAIL: Entry LED-[0-9a-f]{8} content "
                                    "tampered")

    def test_finds_what_was_removed(self):
        self.put_lines([self.lines()[0], self.lines()[2]])
        valid, issues = self.verify()
        self.assertFalse(valid)
        self.assertIn("chain broken", issues[0])

    def test_finds_what_was_exchanged(self):
        self.put_lines(reversed(self.lines()))
        self.assertFalse(self.verify()[0])

    def test_what_never_had_a_hash_is_a_warning(self):
        lines = self.lines()
        old = json.loads(lines[0])
        del old["entry_hash"], old["previous_hash"]
        first = json.loads(_entry().to_json())
        del first["entry_hash"], first["previous_hash"]
        ledger_path = self.write("old.jsonl", json.dumps(first) + "\n")
        ledger = LedgerClient(ledger_path)
        ledger.write(_entry())
        valid, issues = ledger.verify_chain()
        self.assertTrue(valid)
        self.assertEqual(len(issues), 1)
        self.assertTrue(issues[0].startswith("WARN"), issues)


class ReadingTest(LedgerClientCase):

    def setUp(self):
        super().setUp()
        self.write_entries(4)
        self.ledger.write(_entry("S-1", "B", metadata={"_dedupe_key": "k"}))

    def names(self, entries):
        return [entry.submission_id for entry in entries]

    def test_by_what_is_asked_for(self):
        read = self.ledger
        self.assertEqual(read.count(), 5)
        self.assertEqual(self.names(read.read_by_event_type("B")), ["S-1"])
        self.assertEqual(len(read.read_by_submission("S-1")), 2)
        self.assertEqual(self.names(read.read_entries_range(1, 3)),
                         ["S-1", "S-2"])
        self.assertEqual(self.names(read.read_recent(2)), ["S-3", "S-1"])
        self.assertEqual(read.read_recent(0), [])
        self.assertTrue(read.has_dedupe_key("k"))
        self.assertFalse(read.has_dedupe_key("l"))

    def test_the_roots_are_of_the_entries(self):
        hashes = [entry.entry_hash for entry in self.ledger.read_all()]
        self.assertEqual(self.ledger.get_session_root(), merkle_root(hashes))
        since = self.ledger.read_all()[-1].timestamp
        self.assertEqual(self.ledger.get_session_root(since), hashes[-1])
        self.assertEqual(self.ledger.get_last_entry_hash_value(), hashes[-1])

    def test_an_empty_ledger_has_none(self):
        empty = LedgerClient(self.path("empty.jsonl"))
        self.assertEqual(empty.get_session_root(), "")
        self.assertIsNone(empty.get_last_entry_hash_value())
        self.assertEqual(empty.verify_chain(), (True, []))


class SessionLedgerTest(LedgerClientCase):

    def test_is_in_the_sessions_own_folder(self):
        ledger = create_session_ledger_client("ho1", "SES-9",
                                              root=self.folder)
        ledger.write(_entry())
        path = get_session_ledger_path("ho1", "SES-9", root=self.folder)
        self.assertEqual(str(path), self.path(
            "planes/ho1/sessions/SES-9/ledger/exec.jsonl"))
        line = json.loads(self.lines(str(path))[0])
        self.assertEqual(line["metadata"]["_session_id"], "SES-9")


if __name__ == "__main__":
    unittest.main()
