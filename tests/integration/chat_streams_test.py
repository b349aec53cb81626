"""Streams of chat whose model is chosen by what a node needs, over real sockets.
docs/http_apis.md tells it."""

import unittest

from tests.integration.chat_case import ChatCase, events_of, say
from tests.integration.http_calls import RawConnection, request_bytes


class StreamTest(ChatCase):

    path = "/api/chat/stream"

    def stream(self, body, **options):
        """The events of a stream, as their names and data, and its head."""
        answer = self.answered(body, self.path, **options)
        self.assertEqual(answer.headers["content-type"],
                         "text/event-stream; charset=utf-8")
        return events_of(answer.body), answer.headers

    def test_every_event_has_all_its_fields(self):
        self.upstream.set_script("gpt-w", {
            "text": "one two three",
            "usage": {"prompt_tokens": 9, "completion_tokens": 33}})
        events, headers = self.stream(say(node_name="writer"))
        trace = headers["x-trace-id"]
        self.assertEqual([name for name, _ in events],
                         ["metadata"] + ["content"] * 3 + ["done"])
        for name, data in events:
            self.assertEqual(data.pop("type"), name)
        metadata = events[0][1]
        self.assertIn("the best of 1 model", metadata.pop("reasoning"))
        self.assertEqual(metadata, {
            "model": "writer-model", "provider": "openai", "trace_id": trace,
            "estimated_cost": 0.00045})
        self.assertEqual("".join(data["token"] for _, data in events[1:4]),
                         "one two three")
        for _, data in events[1:4]:
            data.pop("token")
            self.assertEqual(data, {"model": "gpt-w", "provider": "openai",
                                    "trace_id": trace})
        self.assertEqual(events[4][1], {
            "total_tokens": 33, "chunk_count": 3, "trace_id": trace,
            "finish_reason": "stop"})
        self.assertIn("reason=selection:balanced",
                      headers["x-llmgateway-route"])

    def test_progress_is_told_after_each_fiftieth_piece(self):
        for chunks, at in ((49, []), (50, [50]), (99, [50]), (100, [50, 100]),
                           (101, [50, 100])):
            with self.subTest(chunks=chunks):
                self.upstream.set_script("gpt-w", {
                    "text": " ".join(["word"] * chunks)})
                events, _ = self.stream(say(node_name="writer"))
                told = [(index, data) for index, (name, data)
                        in enumerate(events) if name == "progress"]
                self.assertEqual([data["chunk_count"] for _, data in told], at)
                self.assertEqual([data["tokens_generated"]
                                  for _, data in told], at)
                for place, (index, _) in enumerate(told):
                    # Behind metadata, the pieces and the progress before.
                    self.assertEqual(index, 1 + 50 * (place + 1) + place)
                self.assertEqual(events[-1][0], "done")
                self.assertEqual(events[-1][1]["chunk_count"], chunks)

    def test_a_stream_that_breaks_off_ends_with_one_error(self):
        for fault in ({"reset_after_chunks": 2}, {"error_after_chunks": 2},
                      {"close_after_chunks": 2}):
            with self.subTest(fault=fault):
                self.upstream.reset()
                self.upstream.set_script("gpt-w", {"chunks": 5, **fault})
                events, headers = self.stream(
                    say(capabilities=["streaming"],
                        strategy="cost_optimized"))
                self.assertEqual([name for name, _ in events],
                                 ["metadata", "content", "content", "error"])
                error = events[-1][1]
                self.assertEqual(
                    (error["type"], error["reason"], error["provider"],
                     error["trace_id"]),
                    ("error", "STREAM_INTERRUPTED", "openai",
                     headers["x-trace-id"]))
                self.assertIn("broke off", error["error"])
                # What has begun is not asked for again, nor elsewhere.
                self.assertEqual(self.upstream.stat("gpt-w", "requests"), 1)
                self.assertEqual(self.upstream.stat("claude-r", "requests"), 0)

    def test_before_its_first_piece_a_stream_goes_elsewhere(self):
        self.upstream.set_script("gpt-w", {"chunks": 5,
                                           "reset_after_chunks": 0})
        events, _ = self.stream(say(capabilities=["streaming"],
                                    strategy="cost_optimized"))
        self.assertEqual(events[0][1]["model"], "reasoner")
        self.assertEqual(events[0][1]["provider"], "anthropic")
        self.assertEqual(events[1][1]["model"], "claude-r")
        self.assertEqual(events[-1][0], "done")

    def test_what_fails_before_is_a_status(self):
        self.upstream.set_script("gpt-w", {"status": 503})
        answer = self.ask(say(node_name="writer"), self.path)
        self.assertEqual(answer.status, 503)
        self.assertEqual(answer.json()["reason"], "PROVIDER_UNAVAILABLE")
        (loc, _), = self.refused(say(temperature=3), self.path)
        self.assertEqual(loc, ["body", "temperature"])

    def test_what_a_stream_has_no_place_for_is_told(self):
        self.upstream.set_script("claude-r", {
            "reasoning": {"text": "Hmm.", "signature": "abc="},
            "text": "Yes."})
        answer = self.answered(say(capabilities=["reasoning"]), self.path)
        self.assertEqual(answer.body.count(
            b": x-llmgateway-warnings: reasoning: left out"), 1)
        self.assertEqual([data["token"] for name, data
                          in events_of(answer.body) if name == "content"],
                         ["Yes."])
        # Nor has a whole one.
        answer = self.answered(say(capabilities=["reasoning"]))
        self.assertEqual(answer.json()["content"], "Yes.")
        self.assertIn("reasoning", answer.headers["x-llmgateway-warnings"])

    def test_details_follow_the_last_event(self):
        answer = self.answered(say(node_name="writer"), self.path,
                               headers={"x-llmgateway-details": "true"})
        last = answer.body.decode().rstrip().rsplit("\n\n", 1)[1]
        self.assertTrue(last.startswith(": x-llmgateway-details: {"), last)

    def test_a_caller_who_hangs_up_stops_the_provider(self):
        self.upstream.set_script("gpt-w", {"chunks": 5,
                                           "stall_after_chunks": 2})
        stream = RawConnection(self.gateway.http)
        stream.send(request_bytes(say(node_name="writer"), path=self.path,
                                  headers=["x-trace-id: left-early"]))
        status, _ = stream.read_head()
        self.assertEqual(status, 200)
        stream.read_until(b"event: content")
        stream.reset()
        self.upstream.wait_for("cancelled", "gpt-w")
        line = self.gateway.wait_for_access(request_id="left-early")
        self.assertEqual(line["status"], "CANCELLED")

    def test_a_caller_who_does_not_read_holds_the_provider_back(self):
        # Far more than the sockets between hold.
        self.upstream.set_script("gpt-w", {"reply_bytes": 16 << 20,
                                           "chunk_bytes": 4096})
        with RawConnection(self.gateway.http,
                           receive_buffer_bytes=4096) as stream:
            stream.send(request_bytes(say(node_name="writer"),
                                      path=self.path))
            self.assertEqual(stream.read_head()[0], 200)
            # Others are answered meanwhile.
            self.answered(say(capabilities=["reasoning"]))
            self.assertEqual(self.upstream.stat("gpt-w", "served"), 0)
            events = events_of(stream.read_chunks())
        self.assertEqual(events[-1][0], "done")
        self.assertEqual(sum(len(data["token"].encode()) for name, data
                             in events if name == "content"), 16 << 20)


if __name__ == "__main__":
    unittest.main()
