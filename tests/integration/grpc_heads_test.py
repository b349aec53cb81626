"""B-04, B-12, B-13: metadata, requests that are no calls, and deadlines."""

import json
import unittest

from tests.integration import gateway_case
from tests.integration import grpc_abuse_case
from tests.integration.grpc_abuse_case import GENERATE
from tests.integration.grpc_abuse_case import framed_request
from tests.testing import hpack
from tests.testing import http2_wire
from tests.testing.http2_wire import block_of
from tests.testing.http2_wire import grpc_fields

_KEY = ("authorization", "Bearer sk-a-0123456789abcdef")
_OTHER_KEY = ("authorization", "Bearer sk-b-0123456789abcdef")
_WRONG_KEY = ("authorization", "Bearer sk-x-0123456789abcdef")
_MALFORMED = ("RST_STREAM PROTOCOL_ERROR", "GOAWAY PROTOCOL_ERROR")


class _HeadCase(grpc_abuse_case.AbuseCase):

    def told_of(self, side, fields, body=None):
        """How a call with these fields ends, which must say why."""
        connection = self.connect(side)
        stream = connection.call(
            fields=fields, body=framed_request() if body is None else body)
        told = connection.told(stream)
        answer = connection.answers[stream]
        if side is self.native and answer.field("grpc-status") is not None:
            self.assertEqual(
                answer.field("grpc-status-details-bin") is None,
                told == "OK", told)
            self.assertRegex(answer.field("x-request-id"), "^[0-9a-f]{32}$")
        connection.close()
        return told

    def try_head(self, case, fields, *expected, body=None):
        """Unless a call is expected to be served, it goes no further."""
        def observe(side):
            before = self.upstream.stat("", "total.requests")
            told = self.told_of(side, fields, body)
            if side is self.native and "OK" not in expected:
                self.assertEqual(
                    self.upstream.stat("", "total.requests"), before, case)
            return told
        self.compare(case, observe, *expected)

    def try_metadata(self, case, metadata, *expected):
        self.try_head("B-04 " + case, grpc_fields(GENERATE, metadata),
                      *expected)


def _counted(name, value):
    """What a field counts for."""
    return len(name) + len(value) + 32


class MetadataSizeTest(_HeadCase):

    listener = "metadata_bytes_limit: 8KiB"
    _LIMIT = 8 * 1024

    def test_sizes_around_the_limit(self):
        value = "v" * (self._LIMIT - _counted("x", ""))
        self.try_metadata("8 KiB of metadata at a limit of 8 KiB",
                          [("x", value)], "OK")
        self.try_metadata("8 KiB and a byte",
                          [("x", value + "v")], "RESOURCE_EXHAUSTED")
        for size in (12, 13, 17, 60):
            self.try_metadata("%d KiB" % size, [("x", "v" * 1024 * size)],
                              "RESOURCE_EXHAUSTED")
        # What no field may have, and what is no mistake any more.
        self.try_metadata("127 KiB", [("x", "v" * 1024 * 127)],
                          "GOAWAY COMPRESSION_ERROR")
        self.try_metadata("240 KiB in many fields",
                          [("x", "v" * 1024)] * 240,
                          "GOAWAY ENHANCE_YOUR_CALM", "closed")

    def test_many_keys(self):
        for count in (128, 129):
            self.try_metadata(
                "%d keys" % count, [("x-%d" % i, "") for i in range(count)],
                "OK" if count == 128 else "RESOURCE_EXHAUSTED")
        self.try_metadata("1000 keys", [("x-%d" % i, "v")
                                        for i in range(1000)],
                          "RESOURCE_EXHAUSTED")
        self.try_metadata("1000 times one key", [("x", "v")] * 1000,
                          "RESOURCE_EXHAUSTED")
        self.try_metadata("1000 values in a field", [(
            "x-bin", ",".join(["YQ"] * 1000))], "RESOURCE_EXHAUSTED")

    def test_a_connection_survives_what_is_refused(self):
        connection = self.connect(self.native)
        for size in (9, 13, 17):
            stream = connection.call(
                fields=grpc_fields(GENERATE, [("x", "v" * 1024 * size)]),
                body=framed_request())
            self.assertEqual(connection.told(stream), "RESOURCE_EXHAUSTED")
            # The table of the next head is as it should be.
            stream = connection.call(GENERATE, framed_request())
            self.assertEqual(connection.told(stream), "OK")


class MetadataTest(_HeadCase):

    more = ('auth: {{callers: {{api_keys: ['
            '{{id: team-a, key: "env:TEAM_A"}}, '
            '{{id: team-b, key: "env:TEAM_B"}}]}}}}\n')
    env = {**gateway_case.ENV, "TEAM_A": "sk-a-0123456789abcdef",
           "TEAM_B": "sk-b-0123456789abcdef"}

    def test_what_http2_forbids_in_a_field(self):
        for case, field in (
                ("an upper-case name", ("X-Upper", "v")),
                ("a name with a space", ("x y", "v")),
                ("an empty name", ("", "v")),
                ("a name with CR LF", ("x\r\ny", "v")),
                ("a name with NUL", ("x\0", "v")),
                ("a name with a colon", ("x:y", "v")),
                ("a value with CR LF", ("x", "v\r\nx-internal-a: b")),
                ("a value with LF", ("x", "v\nw")),
                ("a value with CR", ("x", "v\rw")),
                ("a value with NUL", ("x", "v\0w")),
                ("connection", ("connection", "close")),
                ("transfer-encoding", ("transfer-encoding", "chunked")),
                ("te: gzip", ("te", "gzip")),
                ("another path", (":path", "/other")),
                ("an unknown pseudo field", (":internal", "v")),
                ("two lengths", ("content-length", "5, 6")),
                ("another length", ("content-length", "5"))):
            self.try_metadata(case, [_KEY, field], *_MALFORMED)

    def test_what_is_odd_and_allowed(self):
        for case, field in (
                ("an empty value", ("x", "")),
                ("bytes above 127", ("x", b"\xff\xfe")),
                ("an own -bin name", ("x-bin", "AAEC")),
                ("padded base64", ("x-bin", "AA==")),
                ("several in one", ("x-bin", "AAEC,AA==, AA")),
                ("an unknown grpc- name", ("grpc-internal-encoding", "x")),
                ("a forged trailer", ("grpc-status", "13")),
                ("a forged try", ("grpc-previous-rpc-attempts", "99"))):
            self.try_metadata(case, [_KEY, field], "OK")

    def test_binary_metadata_that_is_not_base64(self):
        for value in ("!", "AAE?", "A", "AA=A", "AAEC AA", "\xff\xff", "===="):
            self.try_metadata("-bin %r" % value, [_KEY, ("x-bin", value)],
                              "INVALID_ARGUMENT")

    def test_two_keys_are_none(self):
        for case, keys in (("a good and a wrong key", (_KEY, _WRONG_KEY)),
                           ("a wrong and a good key", (_WRONG_KEY, _KEY)),
                           ("two callers' keys", (_KEY, _OTHER_KEY)),
                           ("two keys of two kinds", (
                               _WRONG_KEY, ("x-api-key", _KEY[1][7:])))):
            self.try_metadata(case, keys, "UNAUTHENTICATED",
                              "INVALID_ARGUMENT")

    def test_forged_metadata_stays_outside(self):
        forged = [("x-internal-tenant", "forged"), ("cookie", "forged=1"),
                  ("x-forwarded-for", "forged"), ("host", "forged"),
                  ("grpc-trace-bin", "Zm9yZ2Vk"), ("api-key", "forged"),
                  ("x-mock-script", "forged"), ("user-agent", "forged"),
                  ("openai-organization", "forged"),
                  ("anthropic-version", "forged"), ("grpc-message", "forged")]
        self.try_metadata("forged names", [_KEY, *forged], "OK")
        seen = json.dumps(self.upstream.last("gpt-x")["headers"]).lower()
        for word in ("forged", "zm9yz2vk", "grpc", "x-internal", "sk-a-"):
            self.assertNotIn(word, seen)


class NoCallTest(_HeadCase):
    """B-12: requests that are not gRPC, or not for here."""

    def try_text(self, case, fields, status, word, body=b"{}"):
        def observe(side):
            connection = self.connect(side)
            stream = connection.call(fields=fields, body=body)
            told = connection.told(stream)
            answer = connection.answers[stream]
            if side is self.native:
                self.assertEqual(answer.headers["content-type"],
                                 "text/plain; charset=utf-8")
                self.assertIn(word, answer.body)
                self.assertRegex(answer.headers["x-request-id"],
                                 "^[0-9a-f]{32}$")
                # The connection goes on.
                stream = connection.call(GENERATE, framed_request())
                self.assertEqual(connection.told(stream), "OK")
            return told
        self.compare("B-12 " + case, observe, "HTTP %d" % status)

    def test_content_types(self):
        for kind in ("application/json", "application/grpc-web",
                     "application/grpc-web+proto", "application/grpcx",
                     "text/plain", "", "application/grp"):
            self.try_text("content-type %r" % kind,
                          grpc_fields(GENERATE, content_type=kind), 415,
                          b"application/grpc")
        self.try_text("no content-type",
                      grpc_fields(GENERATE, omit=["content-type"]), 415,
                      b"application/grpc")
        for kind in ("application/grpc+proto", "application/grpc;x=y",
                     "Application/GRPC"):
            self.try_head("B-12 content-type %r" % kind,
                          grpc_fields(GENERATE, content_type=kind), "OK")

    def test_a_large_body_that_is_not_grpc_is_not_read_to_its_end(self):
        def observe(side):
            connection = self.connect(side)
            stream = connection.begin(fields=grpc_fields(
                GENERATE, content_type="application/json"))
            connection.send_body(stream, bytes(4 << 20), end=True)
            return connection.told(stream)
        self.compare("B-12 4 MiB of JSON", observe, "HTTP 415")

    def test_methods_of_http(self):
        for method in ("GET", "PUT", "OPTIONS", "post"):
            self.try_text("method " + method,
                          grpc_fields(GENERATE, method=method), 405, b"POST")
        self.try_text("method HEAD", grpc_fields(GENERATE, method="HEAD"),
                      405, b"")

    def test_calls_that_are_not_for_here(self):
        for path in ("/no.such/Method", "/llmgateway.v1.GatewayService/No",
                     "/llmgateway.v1.AdminService/GetConfig", "/",
                     GENERATE + "/", GENERATE + "?x=y", "//" + GENERATE,
                     GENERATE.lower(), "/" + "x" * 4000,
                     "/../" + GENERATE[1:]):
            self.try_head("B-12 path " + path[:40], grpc_fields(path),
                          "UNIMPLEMENTED")

    def test_paths_that_are_none(self):
        for path in ("", "llmgateway.v1.GatewayService/Generate", "*"):
            self.try_head("B-12 path %r" % path, grpc_fields(path),
                          "UNIMPLEMENTED", *_MALFORMED)

    def test_a_proxy_that_may_drop_trailers(self):
        self.try_head("B-12 no te", grpc_fields(GENERATE, omit=["te"]),
                      "INVALID_ARGUMENT")

    def test_calls_without_a_message_or_with_two(self):
        head = grpc_fields(GENERATE)
        for case, body in (("no message", b""),
                           ("two messages", framed_request() * 2),
                           ("a message that is none", b"\0\0\0\0\1\xff")):
            self.try_head("B-12 " + case, head, "INVALID_ARGUMENT", body=body)

    def test_other_protocols(self):
        for case, sent in (
                ("HTTP/1.1", b"POST / HTTP/1.1\r\nhost: localhost\r\n\r\n"),
                ("an upgrade to h2c", b"GET / HTTP/1.1\r\nhost: localhost\r\n"
                 b"connection: upgrade, http2-settings\r\nupgrade: h2c\r\n"
                 b"http2-settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n"),
                ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" +
                 bytes(509)),
                ("half a preface and another", b"PRI * HTTP/2.0\r\n\r\nXX" +
                 bytes(100)),
                ("frames without a preface", http2_wire.settings())):
            def observe(side, sent=sent):
                connection = self.connect(side, greet=False)
                connection.send(sent)
                return connection.read_end()
            self.compare("B-12 " + case, observe, "closed", "reset",
                         "GOAWAY PROTOCOL_ERROR")
            self.assert_serves()

    def test_a_head_that_is_no_hpack(self):
        for case, block in (
                ("an index of nothing", hpack.indexed(0)),
                ("an index beyond the tables", hpack.indexed(5000)),
                ("a table larger than allowed", hpack.integer(
                    1 << 20, 5, 0x20)),
                ("an integer without end", b"\xff" * 20),
                ("a text longer than the block", b"\x00\x7f" + b"x"),
                ("Huffman's end in a text", b"\x00\x84\xff\xff\xff\xff\x00")):
            def observe(side, block=block):
                connection = self.connect(side)
                connection.send(http2_wire.headers(
                    1, block_of(grpc_fields(GENERATE)) + block, end=True))
                return connection.read_end()
            self.compare("B-12 HPACK: " + case, observe,
                         "GOAWAY COMPRESSION_ERROR")


class DeadlineTest(_HeadCase):
    """B-13."""

    def try_timeout(self, value, *expected):
        self.try_head("B-13 grpc-timeout %r" % value, grpc_fields(
            GENERATE, [("grpc-timeout", value)]), *expected)

    def test_deadlines_that_have_passed(self):
        for value in ("0n", "0H", "00000000S"):
            self.try_timeout(value, "DEADLINE_EXCEEDED")

    def test_a_deadline_that_passes_at_once(self):
        # Perhaps only when upstream has been asked.
        self.upstream.set_script("gpt-x", {"stall_before_first_byte": True})
        self.addCleanup(self.upstream.set_script, "gpt-x", {})
        for value in ("1n", "1u", "1m"):
            def observe(side, value=value):
                return self.told_of(side, grpc_fields(
                    GENERATE, [("grpc-timeout", value)]))
            self.compare("B-13 grpc-timeout %r" % value, observe,
                         "DEADLINE_EXCEEDED")
        self.native.await_rest()

    def test_deadlines_that_never_pass(self):
        for value in ("99999999H", "99999999M", "99999999S"):
            self.try_timeout(value, "OK")

    def test_deadlines_that_are_none(self):
        for value in ("", "n", "5", "5s", "5 S", "-1S", "+1S", "1.5S", "0x5S",
                      "999999999S", "S5", "5SS", "5S,5S", "\xb2S"):
            self.try_timeout(value, "INVALID_ARGUMENT")
        self.try_head("B-13 two deadlines", grpc_fields(
            GENERATE, [("grpc-timeout", "5S"), ("grpc-timeout", "6S")]),
                      "INVALID_ARGUMENT")


if __name__ == "__main__":
    unittest.main()
