"""What the tests of the prompt router share."""

import os
import tempfile
import unittest

from tests.clients.python.llm_gateway import client_path  # For the path.

from llm_gateway.router.ledger_client import LedgerClient
from llm_gateway.router.messages import PromptRequest


def prompt_request(**fields):
    """A request that nothing is wrong with, but for `fields`."""
    return PromptRequest(**{
        "prompt": "What is 2+2?", "prompt_pack_id": "PRC-1",
        "contract_id": "PRC-TEST-1", "agent_id": "agent-1",
        "agent_class": "ADMIN", "framework_id": "FMWK-000",
        "package_id": "PKG-1", "work_order_id": "WO-1",
        "session_id": "SES-TEST0001", "tier": "hot",
        "auth_token": "token", **fields})


class RouterCase(unittest.TestCase):
    """Each test has a folder, and a ledger in it."""

    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory(prefix="router")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.ledger_path = self.path("ledger/governance.jsonl")
        self.ledger = LedgerClient(self.ledger_path)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        """A file of this text; returns its path."""
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def kinds(self):
        """The event types of all entries, in order."""
        return [entry.event_type for entry in self.ledger.read_all()]

    def entry(self, event_type):
        """The one entry of this type."""
        found = self.ledger.read_by_event_type(event_type)
        self.assertEqual(len(found), 1, self.kinds())
        return found[0]
