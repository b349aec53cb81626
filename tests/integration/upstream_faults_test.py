"""What callers see when a provider breaks off or falls silent."""

import unittest

from tests.integration import fault_case
from tests.integration import gateway_case
from tests.integration import http_calls
from tests.integration import ways


class BeforeFirstByteTest(fault_case.FaultCase):
    """F-03: nothing was delivered, so another attempt costs nobody anything."""

    def test_a_reset_is_tried_again_on_a_fresh_connection(self):
        for fault in ("reset_before_first_byte", "close_before_first_byte"):
            for result in self.each([{fault: True}, {"text": fault_case.WORDS}]):
                self.assertEqual((result.code, result.text), ("OK", fault_case.WORDS))
                self.assertEqual(result.attempts, 2)
                self.assertEqual(self.requests(result), 2)
                recent = self.upstream.stats()["models"][result.model][
                    "recent"]
                self.assertEqual(len({one["connection"] for one in recent}), 2)

    def test_a_kept_connection_that_has_died_is_replaced(self):
        for fault in ("reset_reused_connection", "close_reused_connection"):
            for way in ways.WAYS:
                with self.subTest(way=str(way), fault=fault):
                    self.check_replaced(way, fault)

    def check_replaced(self, way, fault):
        """Asks until a connection has been kept, and lost, and replaced."""
        asker = ways.Asker(self)
        model = way.model(fault)
        # Loops have pools of their own: one of these finds its loop's first.
        for _ in range(16):
            self.upstream.reset()
            self.upstream.set_script(model, {fault: True, "text": fault_case.WORDS})
            result = asker.ask(way, False, model=model)
            self.assertEqual((result.code, result.text), ("OK", fault_case.WORDS))
            self.assertLessEqual(result.attempts, 2)
            if result.attempts == 2:
                self.assertEqual(self.requests(result), 2)
                self.assertEqual(self.upstream.stat(model, "aborted"), 1)
                return
        self.fail("no connection was ever reused")

    def test_resets_without_end_become_unavailable(self):
        for result in self.each({"reset_before_first_byte": True}):
            self.assert_failed(result, "UNAVAILABLE", "PROVIDER_UNAVAILABLE")
            # One more if the first was on a kept connection, which is
            # replaced for free.
            self.assertIn(result.attempts, (3, 4))
            self.assertEqual(self.requests(result), result.attempts)
            self.assertEqual(result.ends, [])

    def test_a_stream_that_breaks_before_its_content_is_tried_again(self):
        script = [{"text": fault_case.WORDS, "close_after_chunks": 0}, {"text": fault_case.WORDS}]
        for result in self.each(script, streamed=(True,)):
            self.assertEqual((result.code, result.text), ("OK", fault_case.WORDS))
            self.assertEqual(result.attempts, 2)

    def test_an_answer_that_breaks_off_before_its_end_is_tried_again(self):
        script = [{"text": fault_case.WORDS, "reset_after_chunks": 3}, {"text": fault_case.WORDS}]
        for result in self.each(script, streamed=(False,)):
            self.assertEqual((result.code, result.text), ("OK", fault_case.WORDS))
            self.assertEqual(result.attempts, 2)


class MidStreamTest(fault_case.FaultCase):
    """F-04 and F-05: no end without its mark, and nothing is said twice."""

    def check_interrupted(self, script):
        for result in self.each({"text": fault_case.WORDS, **script}, streamed=(True,)):
            self.assert_failed(result, "UNAVAILABLE", "STREAM_INTERRUPTED")
            self.assertEqual(result.text, fault_case.BEGUN)
            self.assertEqual(len(result.ends), 1)
            self.assertEqual(result.attempts, 1)
            self.assertEqual(self.requests(result), 1)

    def test_a_reset_interrupts(self):
        self.check_interrupted({"reset_after_chunks": 3,
                                "chunk_delay_ms": 20})

    def test_an_end_of_file_interrupts(self):
        self.check_interrupted({"close_after_chunks": 3})

    def test_a_half_close_interrupts(self):
        self.check_interrupted({"half_close_after_chunks": 3})

    def test_a_body_that_ends_in_the_middle_interrupts(self):
        self.check_interrupted({"end_after_chunks": 3})

    def test_a_body_without_framing_that_ends_in_the_middle_interrupts(self):
        self.check_interrupted({"close_after_chunks": 3, "framing": "close"})

    def test_an_error_event_interrupts(self):
        self.check_interrupted({"error_after_chunks": 3})

    def test_a_missing_terminator_is_no_success(self):
        for omitted in ("omit_terminator", "omit_finish"):
            script = {"text": fault_case.WORDS, omitted: True}
            for result in self.each(script, streamed=(True,)):
                self.assertEqual(result.code, "UNAVAILABLE", omitted)
                self.assertEqual(result.reason, "STREAM_INTERRUPTED")
                self.assertEqual(result.text, fault_case.WORDS)
                self.assertEqual(self.requests(result), 1)

    def test_usage_told_before_the_break_is_counted(self):
        script = {"text": fault_case.WORDS, "usage_in": "every_chunk",
                  "usage": {"prompt_tokens": 77, "completion_tokens": 6},
                  "close_after_chunks": 3}
        for way in (ways.Way("http", "openai"), ways.Way("grpc", "openai")):
            with self.subTest(way=str(way)):
                result = ways.Asker(self).ask(way, True, script)
                self.assert_failed(result, "UNAVAILABLE",
                                   "STREAM_INTERRUPTED")
                self.assertEqual(result.log["input_tokens"], 77)


class KeepaliveTest(gateway_case.GatewayCase):

    def test_the_system_asks_whether_a_silent_provider_is_still_there(self):
        self.upstream.set_script("gpt-k", {"stall_after_chunks": 1})
        connection = self.enter(http_calls.RawConnection(self.gateway.http))
        connection.send(http_calls.request_bytes(
            http_calls.chat("gpt-k", stream=True)))
        connection.read_head()
        connection.read_chunk()
        port = ":%04X" % int(self.upstream.address.rpartition(":")[2])
        with open("/proc/net/tcp", encoding="ascii") as file:
            timers = [line.split()[5][:2] for line in file
                      if line.split()[2].endswith(port) and
                      line.split()[3] == "01"]
        # 02 is a timer that is neither for what was sent nor for a window.
        self.assertIn("02", timers)


def given_up_after(time):
    """A configuration in which providers may be silent for so long."""
    return gateway_case.with_upstream(
        "http: {timeouts: {first_byte: %s, idle: %s}}" % (time, time)).replace(
            "backoff_limit: 5ms", "backoff_limit: 5ms, attempts_limit: 2")


class SilenceTest(fault_case.FaultCase):
    """F-06: a provider that says nothing is given up."""

    config = given_up_after("500ms")

    def test_silence_before_the_first_byte_times_out(self):
        for result in self.each({"stall_before_first_byte": True}):
            self.assert_failed(result, "UNAVAILABLE", "PROVIDER_TIMEOUT")
            # It may still be at work on what it was sent, and bill it.
            self.assertEqual(result.attempts, 1)
            self.upstream.wait_for("cancelled", result.model, count=1)

    def test_silence_in_a_stream_interrupts_it(self):
        script = {"text": fault_case.WORDS, "stall_after_chunks": 3}
        for result in self.each(script, streamed=(True,)):
            self.assert_failed(result, "UNAVAILABLE", "STREAM_INTERRUPTED")
            self.assertEqual(result.text, fault_case.BEGUN)
            self.upstream.wait_for("cancelled", result.model)

    def test_silence_in_an_answer_times_out(self):
        script = {"text": fault_case.WORDS, "stall_after_chunks": 3}
        for result in self.each(script, streamed=(False,)):
            self.assert_failed(result, "UNAVAILABLE", "PROVIDER_TIMEOUT")
            self.assertEqual(result.attempts, 1)
            self.upstream.wait_for("cancelled", result.model)


class DripTest(fault_case.FaultCase):
    """One that says a little again and again is not."""

    config = given_up_after("1s")

    def test_bytes_that_drip_keep_a_stream_alive(self):
        # Each byte comes within the time allowed; the whole, which has more
        # than 500 of them, does not.
        script = {"text": "a b", "drip_ms": 2}
        for result in self.each(script, every=ways.APIS):
            self.assertEqual((result.code, result.text), ("OK", "a b"))


if __name__ == "__main__":
    unittest.main()
