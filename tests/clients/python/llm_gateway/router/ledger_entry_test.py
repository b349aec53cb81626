"""LedgerEntry's hash is that of the published systems, and of the gateway."""

import hashlib
import unittest

from tests.clients.python.llm_gateway import client_path  # For the path.

from llm_gateway.router.ledger_entry import (
    LedgerEntry, TierContext, entry_hash, merkle_root)


def _hash(text):
    return hashlib.sha256(text.encode()).hexdigest()


class EntryHashTest(unittest.TestCase):

    def test_is_that_of_the_published_vector(self):
        self.assertEqual(entry_hash({
            "event_type": "DISPATCH", "submission_id": "PRC-TEST-1",
            "decision": "DISPATCHED",
            "reason": "Dispatching to mock/mock-model-1",
            "prompts_used": [],
            "metadata": {"contract_id": "PRC-TEST-1", "agent_id": "agent-1",
                         "session_id": "SES-TEST0001"},
            "id": "LED-00000001", "timestamp": "2026-01-01T00:00:00+00:00",
            "previous_hash": "", "entry_hash": "is not in it"}),
            "86a84b4a1327f255c21ef24e4a29ef8a"
            "e86980b8bf686166fdf1ebf2f3a7d7cb")

    def test_covers_each_member_but_itself(self):
        entry = LedgerEntry("A", "B", "C", "D")
        members = dict(vars(entry))
        whole = entry_hash(members)
        for name in members:
            changed = {**members, name: ["another"]}
            if name == "entry_hash":
                self.assertEqual(entry_hash(changed), whole)
            else:
                self.assertNotEqual(entry_hash(changed), whole, name)

    def test_leaves_letters_as_they_are(self):
        self.assertEqual(entry_hash({"reason": "Größe 日本"}),
                         _hash('{"reason": "Größe 日本"}'))


class MerkleRootTest(unittest.TestCase):

    def test_of_none_is_empty_and_of_one_itself(self):
        self.assertEqual(merkle_root([]), "")
        self.assertEqual(merkle_root(["a"]), "a")

    def test_of_three_has_the_last_twice(self):
        self.assertEqual(
            merkle_root([_hash(text) for text in "abc"]),
            "0bdf27bf7ec894ca7cadfe491ec1a3ece840f117989e8c5e9bd7086467bf6c38")


class LedgerEntryTest(unittest.TestCase):

    def test_is_written_in_this_order(self):
        entry = LedgerEntry("A", "B", "C", "D", id="LED-1", timestamp="t")
        self.assertEqual(
            entry.to_json(),
            '{"event_type": "A", "submission_id": "B", "decision": "C", '
            '"reason": "D", "prompts_used": [], "metadata": {}, '
            '"id": "LED-1", "timestamp": "t", "previous_hash": "", '
            '"entry_hash": ""}')

    def test_is_read_as_it_was_written(self):
        entry = LedgerEntry("A", "B", "C", "é", ["p"], {"n": 1.5})
        self.assertEqual(LedgerEntry.from_json(entry.to_json()), entry)

    def test_a_line_that_is_none_is_refused(self):
        for line in ("", "[]", "{", '{"event_type": "A"}', '{"x": 1}'):
            with self.assertRaises((ValueError, TypeError), msg=line):
                LedgerEntry.from_json(line)

    def test_has_an_id_and_a_time_of_its_own(self):
        first, second = LedgerEntry("A", "", "", ""), LedgerEntry("A", "", "",
                                                                  "")
        self.assertRegex(first.id, "^LED-[0-9a-f]{8}$")
        self.assertNotEqual(first.id, second.id)
        self.assertTrue(first.timestamp.endswith("+00:00"), first.timestamp)

    def test_a_tier_stamps_what_is_known(self):
        self.assertEqual(TierContext("hot", "/plane").to_metadata(),
                         {"_tier": "hot", "_plane_root": "/plane"})
        self.assertEqual(
            TierContext("hot", "/plane", "WO-1", "SES-1").to_metadata(),
            {"_tier": "hot", "_plane_root": "/plane",
             "_work_order_id": "WO-1", "_session_id": "SES-1"})


if __name__ == "__main__":
    unittest.main()
