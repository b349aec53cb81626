"""A stream ends once, and truly."""

import threading
import unittest

from tests.clients.python.llm_gateway import client_case
from tests.clients.python.llm_gateway.client_case import (
    Refusal, ScriptedGateway, generate_request)

import grpc
from llm_gateway.rpc import errors
from llmgateway.v1 import errors_pb2, gateway_pb2

_UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
_ENDLESS = {"chunks": 1000000, "chunk_bytes": 16, "chunk_delay_ms": 20}


def event(seq, **what):
    return gateway_pb2.GenerateEvent(seq=seq, **what)


STARTED = event(1, started={"request_id": "r-1", "model": "m"})
TEXT = event(2, delta={"text": "Hello"})
FINISHED = event(3, end={"outcome": "OUTCOME_FINISHED",
                         "usage": {"output_tokens": 5}})


class RealStreamTest(client_case.ClientCase):

    def stream(self, model="gpt-x", **call):
        return self.enter(self.connect().stream_generate(
            generate_request(model), **call))

    def test_brings_the_answer_piece_by_piece(self):
        self.upstream.set_script("gpt-x", {"text": "one two three"})
        stream = self.stream(request_id="mine")
        self.assertEqual((stream.started, stream.end, stream.request_id),
                         (None, None, ""))
        self.assertEqual("".join(stream.texts()), "one two three")
        self.assertEqual(stream.request_id, "mine")
        self.assertEqual(stream.started.route.provider, "openai")
        self.assertEqual(stream.end.outcome,
                         gateway_pb2.StreamEnd.OUTCOME_FINISHED)
        self.assertGreater(stream.end.usage.output_tokens, 0)
        # And nothing comes behind its end.
        self.assertEqual(list(stream), [])

    def test_events_are_counted(self):
        stream = self.stream()
        seqs = [each.seq for each in stream]
        self.assertEqual(seqs, list(range(1, len(seqs) + 1)))
        self.assertEqual(stream.seq, len(seqs))

    def test_what_breaks_off_raises(self):
        self.upstream.set_script("gpt-x", {"text": "one two three four",
                                           "reset_after_chunks": 2})
        stream = self.stream()
        pieces = []
        with self.assertRaises(errors.StreamInterruptedError) as caught:
            pieces.extend(stream.texts())
        error = caught.exception
        self.assertEqual((error.code, error.reason),
                         ("UNAVAILABLE", "STREAM_INTERRUPTED"))
        self.assertEqual(error.metadata["events_delivered"], "2")
        self.assertEqual(stream.end.outcome,
                         gateway_pb2.StreamEnd.OUTCOME_TRUNCATED)
        # Who asks again is told again.
        with self.assertRaises(errors.StreamInterruptedError):
            next(stream)

    def test_what_never_begins_raises(self):
        self.upstream.set_script("gpt-x", {"status": 400})
        with self.assertRaises(errors.InvalidRequestError):
            next(self.stream())

    def test_one_that_is_left_stops_the_model(self):
        self.upstream.set_script("gpt-x", _ENDLESS)
        with self.connect().stream_generate(
                generate_request("gpt-x")) as stream:
            next(stream)
        self.upstream.wait_for("cancelled", "gpt-x")
        with self.assertRaises(errors.CallCancelledError):
            next(stream)

    def test_one_that_nobody_has_any_more_stops_the_model(self):
        self.upstream.set_script("gpt-x", _ENDLESS)
        client = self.connect()
        next(client.stream_generate(generate_request("gpt-x")))
        self.upstream.wait_for("cancelled", "gpt-x")

    def test_one_whose_texts_are_left_stops_the_model(self):
        self.upstream.set_script("gpt-x", _ENDLESS)
        stream = self.stream()
        for _ in stream.texts():
            break
        self.upstream.wait_for("cancelled", "gpt-x")
        with self.assertRaises(errors.CallCancelledError):
            next(stream)

    def test_another_thread_may_cancel(self):
        self.upstream.set_script("gpt-x", _ENDLESS)
        stream = self.stream()
        next(stream)
        threading.Thread(target=stream.cancel).start()
        with self.assertRaises(errors.CallCancelledError):
            for _ in stream:
                pass
        self.upstream.wait_for("cancelled", "gpt-x")

    def test_a_deadline_is_for_all_of_it(self):
        self.upstream.set_script("gpt-x", _ENDLESS)
        with self.assertRaises(errors.DeadlineError):
            for _ in self.stream(timeout_s=0.5):
                pass


class ResumedStreamTest(client_case.ClientCase):

    config = client_case.CONFIG + "resumable_streams: {{}}\n"

    def test_one_whose_connection_broke_is_gone_on_with(self):
        self.upstream.set_script("gpt-x", {
            "chunks": 20, "chunk_bytes": 16, "chunk_delay_ms": 20})
        client = self.connect()
        stream = client.stream_generate(generate_request("gpt-x"))
        seen = [next(stream).seq for _ in range(3)]
        stream.close()
        resumed = client.resume_stream(stream.request_id, stream.seq)
        seen.extend(each.seq for each in resumed)
        self.assertEqual(seen, list(range(1, len(seen) + 1)))
        self.assertEqual(resumed.request_id, stream.request_id)
        self.assertEqual(resumed.end.outcome,
                         gateway_pb2.StreamEnd.OUTCOME_FINISHED)
        self.assertEqual(self.upstream.stat("gpt-x", "requests"), 1)

    def test_a_stream_that_is_not_there_is_not_gone_on_with(self):
        with self.assertRaises(errors.NotFoundError):
            next(self.connect().resume_stream("no-such-stream", 3))


class ScriptedStreamTest(client_case.ClientCase):
    """What no gateway of ours would do."""

    def setUp(self):
        super().setUp()
        self.slept = []

    def stream(self, *steps, sleep=None):
        self.scripted = self.enter(ScriptedGateway(*steps))
        client = self.connect(self.scripted.address, health_checks=False,
                              sleep=sleep or self.slept.append)
        return client.stream_generate(generate_request("m"))

    def refused(self, kind, told, *steps):
        """The stream of these events raises this."""
        with self.assertRaisesRegex(kind, told) as caught:
            for _ in self.stream(*steps):
                pass
        return caught.exception

    def test_no_end_is_no_success(self):
        error = self.refused(errors.StreamInterruptedError,
                             "broke off without its end", [STARTED, TEXT])
        self.assertEqual(error.request_id, "r-1")
        self.refused(errors.StreamInterruptedError, "without its end", [])

    def test_an_end_that_is_none_of_the_models_is_no_success(self):
        self.refused(errors.ProviderFailedError, "went away", [
            STARTED, event(2, end={
                "outcome": "OUTCOME_ERROR", "error": {
                    "reason": errors_pb2.ERROR_REASON_PROVIDER_UNAVAILABLE,
                    "message": "went away"}})])
        self.refused(errors.CallError, "did not finish", [
            event(1, end={"outcome": "OUTCOME_CANCELLED"})])

    def test_an_event_that_is_missing_is_told(self):
        error = self.refused(errors.StreamInterruptedError,
                             "event 3 has come in place of 2",
                             [STARTED, FINISHED])
        self.assertEqual((error.code, error.reason, error.request_id),
                         ("DATA_LOSS", "STREAM_INTERRUPTED", "r-1"))

    def test_an_event_that_comes_twice_or_too_late_is_told(self):
        for told, steps in (
                ("event 2 has come in place of 3", [STARTED, TEXT, TEXT]),
                ("event 4 has come behind the end",
                 [STARTED, TEXT, FINISHED, event(4, delta={"text": "!"})])):
            stream = self.stream(steps)
            for _ in range(2):  # Who asks again is told again.
                with self.assertRaisesRegex(errors.StreamInterruptedError,
                                            told):
                    for _ in stream:
                        pass
            self.assertEqual(stream.seq, len(steps) - 1)

    def test_one_that_is_resumed_knows_where_it_is(self):
        scripted = self.enter(ScriptedGateway(Refusal(_UNAVAILABLE)))
        stream = self.connect(scripted.address, health_checks=False,
                              sleep=self.slept.append).resume_stream("r-1", 7)
        with self.assertRaises(errors.UnavailableError):
            next(stream)
        self.assertEqual((stream.request_id, stream.seq), ("r-1", 7))
        # Nothing of it had come.
        self.assertEqual(len(scripted.calls), 3)

    def test_a_status_behind_the_end_counts(self):
        self.refused(errors.UnavailableError, "not now", [
            STARTED, TEXT, FINISHED, Refusal(_UNAVAILABLE)])

    def test_one_that_is_turned_away_comes_again(self):
        stream = self.stream([Refusal(_UNAVAILABLE, "OVERLOADED", 250)],
                             [STARTED, TEXT, FINISHED])
        self.assertEqual("".join(stream.texts()), "Hello")
        self.assertEqual((self.slept, len(self.scripted.calls)), ([0.25], 2))

    def test_one_that_has_begun_does_not(self):
        self.refused(errors.UnavailableError, "not now", [
            STARTED, Refusal(_UNAVAILABLE, "OVERLOADED", 250)])
        self.assertEqual((self.slept, len(self.scripted.calls)), ([], 1))

    def test_one_that_was_cancelled_meanwhile_does_not_either(self):
        stream = self.stream([Refusal(_UNAVAILABLE, "OVERLOADED", 250)],
                             sleep=lambda _: stream.cancel())
        for _ in range(2):
            with self.assertRaises(errors.CallCancelledError):
                next(stream)
        self.assertEqual(len(self.scripted.calls), 1)


if __name__ == "__main__":
    unittest.main()
