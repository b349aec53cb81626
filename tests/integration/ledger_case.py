"""What the tests of the ledger share: a gateway that has one, and a reader of
its file that is nobody's but the tests' own."""

import hashlib
import json
import os
import sqlite3
import tempfile
import unittest

from tests.integration import gateway_case
from tests.testing.gateway_process import GatewayProcess
from tests.testing.mock_upstream import MockUpstream


def entry_hash(entry):
    """The hash that an entry of the ledger is to have."""
    hashed = {key: value for key, value in entry.items()
              if key != "entry_hash"}
    text = json.dumps(hashed, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def read_ledger(path):
    """All entries of a ledger's file."""
    with sqlite3.connect("file:%s?mode=ro" % path, uri=True) as file:
        commits = file.execute(
            "SELECT texts FROM commits ORDER BY number").fetchall()
    file.close()
    return [json.loads(line) for (texts,) in commits
            for line in texts.decode().splitlines()]


def verify(case, entries):
    """The chain is whole, and each id is there once."""
    previous = ""
    for entry in entries:
        case.assertEqual(entry["previous_hash"], previous)
        case.assertEqual(entry["entry_hash"], entry_hash(entry))
        previous = entry["entry_hash"]
    ids = [entry["id"] for entry in entries]
    case.assertEqual(len(set(ids)), len(ids))


def of_type(entries, event_type):
    return [entry for entry in entries if entry["event_type"] == event_type]


class LedgerCase(unittest.TestCase):
    """Each test has a ledger of its own."""

    config = gateway_case.CONFIG
    env = gateway_case.ENV
    ledger = "ledger: {}\n"

    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory(prefix="ledger")
        self.addCleanup(folder.cleanup)
        self.state = os.path.join(folder.name, "state")
        self.path = os.path.join(self.state, "ledger.db")
        self.upstream = MockUpstream()
        self.addCleanup(self.upstream.close)

    def start(self, ledger=None):
        gateway = GatewayProcess(
            self.config.format(upstream=self.upstream.address) +
            "runtime: {state_dir: '%s'}\n" % self.state +
            (self.ledger if ledger is None else ledger), env=self.env)
        self.addCleanup(gateway.kill)
        return gateway

    def entries(self):
        """All entries, of which the chain is verified."""
        entries = read_ledger(self.path)
        verify(self, entries)
        return entries

    def lock(self):
        """Nobody else can write the ledger until the result is closed."""
        holder = sqlite3.connect(self.path, isolation_level=None)
        self.addCleanup(holder.close)
        holder.execute("BEGIN IMMEDIATE")
        return holder
