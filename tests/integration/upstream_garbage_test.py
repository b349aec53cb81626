"""What callers see when a provider makes no sense."""

import unittest

from tests.integration import fault_case
from tests.integration import gateway_case
from tests.integration import grpc_caller
from tests.integration import http_calls
from tests.integration import ways


class GarbageTest(fault_case.FaultCase):
    """F-07: what makes no sense is told so, or read where it does."""

    # So that the huge line is too long.
    config = gateway_case.CONFIG + "limits: {{sse_event_bytes_limit: 1MiB}}\n"
    _BAD_EVENTS = ("bad_utf8", "huge_line", "invalid_json", "wrong_shape")
    _BAD_HEADS = ("oversize_headers", "both_lengths", "bad_status_line",
                  "bad_header_line")

    def test_senseless_events_interrupt_a_stream(self):
        for garbage in self._BAD_EVENTS:
            script = {"text": fault_case.WORDS, "garbage": garbage}
            with self.subTest(garbage=garbage):
                for result in self.each(script, streamed=(True,)):
                    self.assertIn(
                        (result.code, result.reason),
                        (("UNAVAILABLE", "STREAM_INTERRUPTED"),
                         ("INTERNAL", "PROVIDER_BAD_RESPONSE")))
                    self.assertEqual(self.requests(result), 1)

    def test_senseless_answers_are_bad_responses(self):
        for garbage in ("bad_utf8", "invalid_json", "wrong_shape", "html",
                        "empty_body"):
            script = {"text": fault_case.WORDS, "garbage": garbage}
            with self.subTest(garbage=garbage):
                for result in self.each(script, streamed=(False,)):
                    self.assert_failed(result, "INTERNAL",
                                       "PROVIDER_BAD_RESPONSE")
                    self.assertEqual(self.requests(result), 1)

    def test_streams_that_are_none_are_bad_responses(self):
        for garbage in ("html", "wrong_content_type"):
            script = {"text": fault_case.WORDS, "garbage": garbage}
            with self.subTest(garbage=garbage):
                for result in self.each(script, streamed=(True,)):
                    self.assert_failed(result, "INTERNAL",
                                       "PROVIDER_BAD_RESPONSE")
                    self.assertEqual(result.ends, [])

    def test_answers_that_are_not_http_are_bad_responses(self):
        for garbage in self._BAD_HEADS:
            script = {"text": fault_case.WORDS, "garbage": garbage}
            with self.subTest(garbage=garbage):
                for result in self.each(script):
                    self.assert_failed(result, "INTERNAL",
                                       "PROVIDER_BAD_RESPONSE")
                    self.assertEqual(self.requests(result), 1)

    def test_harmless_oddities_are_read(self):
        for garbage in ("split_code_point", "duplicate_finish",
                        "data_after_done"):
            script = {"text": fault_case.WORDS, "garbage": garbage}
            with self.subTest(garbage=garbage):
                for result in self.each(script, streamed=(True,)):
                    self.assertEqual(result.code, "OK", result.message)

    def test_a_stream_is_the_same_however_it_is_written(self):
        text = "Grüße an 世界 with words"
        for style in ({"line_ending": "crlf"}, {"line_ending": "cr"},
                      {"line_ending": "mixed"}, {"bom": True},
                      {"comments": 2}, {"multi_line_data": True},
                      {"no_space": True}, {"split_bytes": 1},
                      {"wire_split_bytes": 7}, {"events_per_write": 3},
                      {"inform": [103]}):
            with self.subTest(style=style):
                script = {"text": text, **style}
                for way in ways.WAYS:
                    result = ways.Asker(self).ask(way, True, script)
                    self.assertEqual(result.code, "OK", result.message)
                    self.assertEqual(result.text, text)

    def test_text_that_json_forbids_is_never_read(self):
        # Where bytes are forwarded the caller decides; where they are read,
        # nothing that is no JSON gets through.
        script = {"text": fault_case.WORDS, "garbage": "nul_bytes"}
        for result in self.each(script, every=ways.WAYS[1:]):
            self.assertNotEqual(result.code, "OK")
            self.assertNotIn("\0", result.text)

    def test_no_negative_usage_is_counted(self):
        script = {"text": fault_case.WORDS, "garbage": "negative_usage"}
        for way in ways.WAYS:
            model = way.model("negative")
            self.upstream.set_script(model, script)
            for stream in fault_case.STREAMED:
                if way.api == "http":
                    http_calls.ask(self.gateway.http,
                                   http_calls.chat(model, stream=stream))
                else:
                    call = self.caller.stream if stream else (
                        self.caller.start_generate)
                    call(self.gateway.grpc, grpc_caller.prompt(model)).wait()
                line = self.gateway.wait_for_access(
                    model=model, protocol=way.api, stream=stream)
                self.assertGreaterEqual(line["input_tokens"], 0)
                self.assertGreaterEqual(line["output_tokens"], 0)


if __name__ == "__main__":
    unittest.main()
