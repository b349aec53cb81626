"""Plays faults of a provider by every way through the gateway.

    class RefusalTest(fault_case.FaultCase):
        def test_a_spent_quota_is_not_tried_again(self):
            for result in self.each({"status": 402}):
                self.assertEqual(self.requests(result), 1)
"""

from tests.integration import gateway_case
from tests.integration import ways

STREAMED = (False, True)
WORDS = "one two three four five six"
# What a stream has delivered when it breaks off after three words.
BEGUN = "one two three "


class FaultCase(gateway_case.GatewayCase):

    calls_grpc = True
    _now = ""

    def each(self, script, streamed=STREAMED, every=ways.WAYS, **options):
        """Plays the script by every way; yields the results.

        After each, the next request must be served as if nothing had been.
        """
        asker = ways.Asker(self)
        for way in every:
            for stream in streamed:
                self._now = "%s, stream=%s, %r" % (way, stream, script)
                yield asker.ask(way, stream, script, **options)
                if "api_key" not in self.config:
                    self.rest_is_over()
                after = asker.ask(way, stream, {"text": "well again"})
                self.assertEqual((after.code, after.text),
                                 ("OK", "well again"))
        self._now = ""

    def _formatMessage(self, msg, standardMsg):
        """Says what was being asked, too."""
        return "%s (%s)" % (super()._formatMessage(msg, standardMsg),
                            self._now)

    def requests(self, result):
        """How often the mock was asked."""
        return self.upstream.stat(result.model, "requests")

    def assert_failed(self, result, code, reason):
        self.assertEqual((result.code, result.reason), (code, reason),
                         result.message)
