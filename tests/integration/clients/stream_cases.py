"""Of a stream no event is lost, comes twice or comes behind the end without an
error that says so, in the clients of all languages; as client_cases.py.

The contract counts the events from 1 without gaps (GenerateEvent.seq). One that
is resumed goes on behind the event that its caller names, or with whatever is
kept if that is 0.
"""

from tests.integration.clients import client_cases
from tests.integration.clients.scripted_gateway import ScriptedGateway

_RESUMABLE = ("providers: [{name: mock, mock: {}}]\n"
              "routing: {default_target: mock}\nresumable_streams: {}\n")

# Reasons for an end by their numbers: one of errors.proto, and one that
# this version of the contract does not know.
_CONTENT_POLICY = 4
_LATER_REASON = 9999


class StreamCases(client_cases.ClientCase):

    def setUp(self):
        super().setUp()
        self.server = ScriptedGateway()
        self.addCleanup(self.server.close)
        self.client = self.connect(self.server.address)

    def read(self, events, **fields):
        """What the client makes of a stream of these events."""
        self.server.play({"events": events, "stay": events[-1][1] not in (
            "end", _CONTENT_POLICY, _LATER_REASON)})
        return self.client.call(
            **{"do": "stream", "model": "m", "text": "Hello", **fields})

    def resume(self, after_seq, events):
        return self.read(events, do="resume", request_id="scripted",
                         after_seq=after_seq)

    def assert_lost(self, stream, told, text, last_seq):
        """That it failed so behind the event `last_seq`, and was cancelled."""
        self.assert_failed(stream, "DATA_LOSS", "STREAM_INTERRUPTED")
        self.assertEqual(
            (stream["error"]["message"], stream["text"], stream["last_seq"]),
            (told, text, last_seq))
        self.server.wait_until_left()

    def test_a_whole_stream_is_passed_on(self):
        stream = self.read([[1, "started"], [2, "a"], [3, "b"], [4, "end"]])
        self.assertNotIn("error", stream)
        self.assertEqual((stream["text"], stream["seqs"], stream["last_seq"]),
                         ("ab", [1, 2, 3, 4], 4))

    def test_an_event_that_is_lost_is_told(self):
        stream = self.read([[1, "started"], [2, "a"], [4, "c"]])
        self.assert_lost(stream, "event 4 has come in place of 3", "a", 2)
        self.assertEqual((stream["request_id"], stream["error"]["request_id"]),
                         ("scripted", "scripted"))
        for first in (2, 0):
            self.assert_lost(
                self.read([[first, "a"], [first + 1, "b"]]),
                "event %d has come in place of 1" % first, "", 0)

    def test_an_event_that_comes_twice_is_told(self):
        self.assert_lost(
            self.read([[1, "started"], [2, "a"], [2, "a"], [3, "b"]]),
            "event 2 has come in place of 3", "a", 2)
        self.assert_lost(
            self.read([[1, "started"], [2, "a"], [3, "b"], [1, "started"]]),
            "event 1 has come in place of 4", "ab", 3)

    def test_an_event_behind_the_end_is_told(self):
        stream = self.read([[1, "started"], [2, "a"], [3, "end"], [4, "b"]])
        self.assert_lost(stream, "event 4 has come behind the end", "a", 3)
        self.assertEqual(stream["outcome"], "OUTCOME_FINISHED")

    def test_a_stream_that_nobody_ends_says_which_it_was(self):
        # Not the program's first call, which takes its time.
        self.read([[1, "started"], [2, "end"]])
        stream = self.read([[1, "started"], [2, "a"]], timeout_ms=5000)
        self.assert_failed(stream, "DEADLINE_EXCEEDED", "")
        self.assertEqual((stream["text"], stream["error"]["request_id"]),
                         ("a", "scripted"))

    def test_an_end_that_is_not_finished_says_why(self):
        stream = self.read([[1, "started"], [2, "a"], [3, _CONTENT_POLICY]])
        self.assert_failed(stream, "UNKNOWN", "CONTENT_POLICY")
        self.assertEqual(
            (stream["error"]["message"], stream["text"], stream["last_seq"],
             stream["error"]["request_id"]),
            ("as the script says", "a", 3, "scripted"))
        self.server.play({"events": [[1, "started"], [2, "a"]]})
        stream = self.client.call("stream", model="m", text="Hello")
        self.assert_failed(stream, "UNAVAILABLE", "STREAM_INTERRUPTED")
        self.assertEqual(stream["error"]["message"],
                         "the stream broke off without its end")

    def test_a_reason_of_a_later_gateway_is_an_error_of_the_client(self):
        stream = self.read([[1, "started"], [2, "a"], [3, _LATER_REASON]])
        self.assert_failed(stream, "UNKNOWN", str(_LATER_REASON))
        self.assertEqual((stream["text"], stream["last_seq"],
                          stream["error"]["request_id"]), ("a", 3, "scripted"))

    def test_a_resumed_stream_goes_on_behind_the_last_event(self):
        stream = self.resume(2, [[3, "b"], [4, "end"]])
        self.assertNotIn("error", stream)
        # Its first event does not say whose it is.
        self.assertEqual(
            (stream["text"], stream["request_id"], stream["last_seq"]),
            ("b", "scripted", 4))
        for first in (2, 4):
            self.assert_lost(
                self.resume(2, [[first, "x"], [first + 1, "y"]]),
                "event %d has come in place of 3" % first, "", 2)

    def test_a_resumed_stream_may_begin_with_what_is_kept(self):
        stream = self.resume(0, [[17, "q"], [18, "end"]])
        self.assertNotIn("error", stream)
        self.assertEqual((stream["text"], stream["last_seq"]), ("q", 18))
        self.assert_lost(self.resume(0, [[17, "q"], [19, "s"]]),
                         "event 19 has come in place of 18", "q", 17)
        self.assert_lost(self.resume(0, [[0, "q"]]),
                         "event 0 has come in place of 1", "", 0)

    def test_a_stream_is_resumed_to_the_same_end(self):
        client = self.connect(self.start(_RESUMABLE).grpc)
        whole = client.call("stream", model="m", text="Hello",
                            metadata={"x-request-id": "resumed-1"})
        rest = client.call("resume", request_id="resumed-1", after_seq=2)
        self.assertNotIn("error", rest)
        self.assertEqual((rest["seqs"], rest["outcome"], rest["request_id"]),
                         (whole["seqs"][2:], whole["outcome"], "resumed-1"))
        self.assertTrue(whole["text"].endswith(rest["text"]))
        self.assert_failed(
            client.call("resume", request_id="unknown", after_seq=2),
            "NOT_FOUND", "NOT_FOUND")
