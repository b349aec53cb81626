"""What the tests of the ledger share: a gateway that has one, and a reader of
its file that is nobody's but the tests' own."""

import hashlib
import json
import os
import sqlite3
import tempfile
import threading
import time
import unittest

from tests.integration import gateway_case
from tests.integration import http_calls
from tests.integration.http_calls import RawConnection, chat
from tests.testing.gateway_process import GatewayProcess
from tests.testing.mock_upstream import MockUpstream

_CALLERS = 8


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
            for line in texts.splitlines()]


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


class Callers:
    """Call until the gateway is gone, or stop() is called; keep what was
    acknowledged."""

    def __init__(self, address):
        self.acknowledged = []
        self.times_s = []  # When each was, as time.monotonic().
        self._address = address
        self._changed = threading.Condition()
        self._stopped = False
        self._threads = [threading.Thread(target=self._call, args=(number,))
                         for number in range(_CALLERS)]
        for thread in self._threads:
            thread.start()

    def wait_for(self, count):
        """Until so many more calls were acknowledged."""
        with self._changed:
            wanted = len(self.acknowledged) + count
            if not self._changed.wait_for(
                    lambda: len(self.acknowledged) >= wanted,
                    timeout=http_calls.TIMEOUT_S):
                raise TimeoutError("the gateway answers nobody")

    def stop(self):
        self._stopped = True
        self.join()

    def join(self):
        for thread in self._threads:
            thread.join()

    def _call(self, number):
        try:
            with RawConnection(self._address) as connection:
                for i in range(100000):
                    if self._stopped:
                        return
                    stream = (number + i) % 2 == 1
                    connection.send(http_calls.request_bytes(
                        chat("gpt-x", stream=stream)))
                    answer = connection.read_answer()
                    if answer.status != 200:
                        continue
                    if stream and b"[DONE]" not in answer.body:
                        continue
                    with self._changed:
                        self.acknowledged.append(
                            answer.headers["x-llmgateway-exchange-entry-id"])
                        self.times_s.append(time.monotonic())
                        self._changed.notify_all()
        except (EOFError, OSError, ValueError):
            pass


class LedgerCase(unittest.TestCase):
    """Each test has a ledger of its own."""

    config = gateway_case.CONFIG
    env = gateway_case.ENV
    ledger = "ledger: {}\n"
    # Of the part `runtime`, behind its `state_dir`.
    runtime = ""

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
            "runtime: {state_dir: '%s'%s}\n" % (self.state, self.runtime) +
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
