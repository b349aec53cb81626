"""The day against the real program, in short: the books agree, and the day had
in it what it is to prove."""

import io
import os
import unittest

from tests.demo import ledger_day
from tests.integration import grpc_caller
from tests.testing import gateway_process
from tests.testing import mock_upstream

_GATEWAYCTL = os.path.abspath(os.path.join("clients", "cli", "gatewayctl"))


class LedgerDayTest(unittest.TestCase):

    def test_the_books_agree_to_the_nano_dollar(self):
        shown = io.StringIO()
        books = ledger_day.run(ledger_day.parse_arguments([
            "--calls=300", "--kills=2", "--gatewayctl=" + _GATEWAYCTL,
            "--gateway=" + gateway_process.BINARY,
            "--upstream=" + mock_upstream.BINARY,
            "--stubs=" + grpc_caller.STUBS]), shown)
        self.assertEqual(books.differences, [], shown.getvalue())
        self.assertIn("the books agree", shown.getvalue())
        # Every API has been billed, and each way to end has happened.
        self.assertLessEqual(
            {"/v1/chat/completions", "/v1/messages", ":generateContent",
             "/v1/embeddings"},
            {pair.line["path"] for pair in books.found.exact})
        self.assertEqual(
            {pair.exchange["metadata"]["gateway"]["operation"]
             for pair in books.found.exact},
            {"POST /v1/chat/completions", "POST /v1/messages",
             "POST /v1/responses", "POST /v1/embeddings",
             "POST /v1beta/models/{model}:generateContent",
             "POST /v1beta/models/{model}:streamGenerateContent",
             "llmgateway.v1.GatewayService/Generate",
             "llmgateway.v1.GatewayService/StreamGenerate"})
        self.assertGreater(books.found.free, 0)
        apart = {pair.exchange["decision"] for pair in books.found.apart}
        self.assertIn("ERROR", apart)
        self.assertIn("UNKNOWN", apart)
        self.assertIn("gpt-spare", {pair.line["model"]
                                    for pair in books.found.exact})


if __name__ == "__main__":
    unittest.main()
