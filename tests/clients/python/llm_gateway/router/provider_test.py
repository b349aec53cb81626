"""MockProvider does as it was told, and errors say what they are."""

import unittest

from tests.clients.python.llm_gateway import client_path  # For the path.

from llm_gateway.router.provider import (
    MockProvider, ProviderError, ProviderResponse)


class MockProviderTest(unittest.TestCase):

    def test_answers_the_same_unless_told(self):
        self.assertEqual(
            MockProvider().send("any", "Hello"),
            ProviderResponse("Mock response", "any", 100, 50, "mock-1", "mock"))
        self.assertEqual(
            MockProvider("second", "Hi", "own", 1, 2).send("", "Hello"),
            ProviderResponse("Hi", "own", 1, 2, "mock-1", "second"))

    def test_answers_in_the_order_of_its_list(self):
        queued = [ProviderResponse(text, "m", 1, 1, "r", "mock")
                  for text in ("one", "two")]
        provider = MockProvider(responses=queued, default_response="more")
        self.assertEqual([provider.send("m", "?").content for _ in range(4)],
                         ["one", "two", "more", "more"])

    def test_fails_from_the_call_after_so_many(self):
        provider = MockProvider(fail_after=1)
        provider.send("m", "?")
        with self.assertRaises(ProviderError) as caught:
            provider.send("m", "?")
        self.assertEqual(caught.exception.code, "SERVER_ERROR")
        self.assertTrue(caught.exception.retryable)

    def test_fails_as_it_is_told(self):
        provider = MockProvider(fail_after=0,
                                fail_with=TimeoutError("too late"))
        with self.assertRaisesRegex(TimeoutError, "too late"):
            provider.send("m", "?")

    def test_keeps_what_it_was_asked_until_reset(self):
        provider = MockProvider()
        provider.send("m", "Hello", 7, 0.5, 100, {"a": 1}, [{"name": "f"}])
        self.assertEqual(provider.calls, [{
            "model_id": "m", "prompt": "Hello", "max_tokens": 7,
            "temperature": 0.5, "timeout_ms": 100,
            "structured_output": {"a": 1}, "tools": [{"name": "f"}]}])
        self.assertEqual(provider.call_count, 1)
        provider.reset()
        self.assertEqual((provider.calls, provider.call_count), ([], 0))


class ProviderErrorTest(unittest.TestCase):

    def test_prints_its_code(self):
        error = ProviderError("busy", "RATE_LIMITED", True, {"wait": 3})
        self.assertEqual(str(error), "ProviderError(RATE_LIMITED): busy")
        self.assertEqual((error.message, error.details),
                         ("busy", {"wait": 3}))

    def test_has_a_code_of_its_own_if_nobody_knows_another(self):
        error = ProviderError("what")
        self.assertEqual((error.code, error.retryable, error.details),
                         ("PROVIDER_ERROR", False, None))


if __name__ == "__main__":
    unittest.main()
