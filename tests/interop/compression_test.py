"""Compressed requests by grpcio and frame by frame, and compressed answers."""

import gzip
import os
import subprocess
import unittest
import zlib

from tests.interop import compression_cases
from tests.interop import interop_case
from tests.interop.compression_cases import simple_request, with_payload
from tests.interop.raw_caller import RawCaller, Request, frame

_DRIVER = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                       "compression_driver.py")
_UNARY = compression_cases.TEST + "UnaryCall"
_OUTPUT = compression_cases.TEST + "StreamingOutputCall"
_COMPRESS = {"deflate": zlib.compress, "gzip": gzip.compress}
_MESSAGE_BYTES_LIMIT = 4 * 1024 * 1024
_LARGE = 300000

# Engines that compress nothing themselves.
_PLAIN_ANSWERS = ("grpc_core",)
# An encoding that is refused, and what the refusal says is taken, where that is
# not as the protocol asks: gRPC C++ says nothing.
_REFUSALS = {"grpc_core": ("gzip", None)}


class GrpcioCases(compression_cases.CompressionCases):

    command = [interop_case.DEBIAN_PYTHON, _DRIVER]

    @classmethod
    def setUpClass(cls):
        found = subprocess.run(
            [interop_case.DEBIAN_PYTHON, "-c", "import grpc"], check=False,
            stderr=subprocess.DEVNULL)
        if found.returncode != 0:
            raise AssertionError(
                "python3-grpcio is missing; to install it, run: make deps")
        super().setUpClass()


class _RawCases(interop_case.ServerCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.caller = RawCaller()
        cls.addClassCleanup(cls.caller.close)

    def call(self, request):
        [answer] = self.caller.call(self.server.address, [request])
        return answer


class RequestCases(_RawCases):
    """What a request's bytes may be, by encoding."""

    def summaries(self, data_of, encodings=("deflate", "gzip")):
        """{encoding: summary} of requests made of what `data_of` returns."""
        return {encoding: self.call(Request(
                    _UNARY, data=data_of(_COMPRESS[encoding]),
                    headers={"grpc-encoding": encoding})).summary
                for encoding in encodings}

    def check(self, data_of, summary):
        for encoding, found in self.summaries(data_of).items():
            code = compression_cases.expected_code(self.engine, encoding)
            with self.subTest(encoding=encoding):
                self.assertEqual(found, summary if code == "OK" else code)

    def test_a_compressed_message_is_inflated(self):
        self.check(lambda compress: [
            frame(compress(simple_request(3, 1000)), flag=1)], "OK")

    def test_byte_by_byte(self):
        def data(compress):
            whole = frame(compress(simple_request(3, 1000)), flag=1)
            return [whole[at:at + 1] for at in range(len(whole))]
        self.check(data, "OK")

    def test_one_message_need_not_be_compressed(self):
        self.check(lambda _: [frame(simple_request(3))], "OK")

    def test_a_bomb_is_refused(self):
        self.check(lambda compress: [
            frame(compress(simple_request(3, 16 * _MESSAGE_BYTES_LIMIT)),
                  flag=1)], "RESOURCE_EXHAUSTED")

    def test_the_limit_is_of_the_inflated_message(self):
        overhead = (len(simple_request(3, _MESSAGE_BYTES_LIMIT)) -
                    _MESSAGE_BYTES_LIMIT)
        for size, summary in ((0, "OK"), (1, "RESOURCE_EXHAUSTED")):
            request = simple_request(
                3, _MESSAGE_BYTES_LIMIT - overhead + size)
            self.assertEqual(len(request), _MESSAGE_BYTES_LIMIT + size)
            self.check(lambda compress, request=request: [
                frame(compress(request), flag=1)], summary)

    def test_what_does_not_inflate_is_refused(self):
        self.check(lambda _: [frame(b"neither of both", flag=1)], "INTERNAL")

    def test_what_is_cut_short_is_refused(self):
        self.check(lambda compress: [
            frame(compress(simple_request(3, 1000))[:-9], flag=1)],
            "INTERNAL")

    def test_a_refusal_says_what_is_taken(self):
        encoding, taken = _REFUSALS.get(
            self.engine, ("snappy", "identity,deflate,gzip"))
        answer = self.call(Request(
            _UNARY, data=[frame(simple_request(3), flag=1)],
            headers={"grpc-encoding": encoding}))
        self.assertEqual(answer.summary, "UNIMPLEMENTED")
        self.assertEqual(answer.header("grpc-accept-encoding"), taken)


class AnswerCases(_RawCases):
    """How answers are compressed."""

    def answer(self, path, message, accepts):
        headers = {} if accepts is None else {"grpc-accept-encoding": accepts}
        answer = self.call(Request(path, [message], headers))
        self.assertEqual(answer.summary, "OK")
        return answer

    def check_plain(self, answer, messages):
        self.assertIn(answer.header("grpc-encoding"), (None, "identity"))
        self.assertEqual(answer.frames, [(False, message)
                                         for message in messages])

    def test_a_small_answer_goes_as_it_is(self):
        self.check_plain(
            self.answer(_UNARY, simple_request(100), "identity,deflate,gzip"),
            [with_payload(100)])

    def test_a_large_answer_is_compressed_for_those_who_take_gzip(self):
        for accepts in ("gzip", "identity,deflate,gzip", "identity, gzip"):
            answer = self.answer(_UNARY, simple_request(_LARGE), accepts)
            with self.subTest(accepts=accepts):
                if self.engine in _PLAIN_ANSWERS:
                    self.check_plain(answer, [with_payload(_LARGE)])
                    continue
                self.assertEqual(answer.header("grpc-encoding"), "gzip")
                [(compressed, message)] = answer.frames
                self.assertTrue(compressed)
                self.assertLess(len(message), _LARGE // 10)
                self.assertEqual(gzip.decompress(message),
                                 with_payload(_LARGE))

    def test_a_large_answer_goes_as_it_is_to_those_who_do_not(self):
        for accepts in (None, "identity", "deflate", "gzipped"):
            with self.subTest(accepts=accepts):
                self.check_plain(
                    self.answer(_UNARY, simple_request(_LARGE), accepts),
                    [with_payload(_LARGE)])

    def test_streams_go_as_they_are(self):
        wanted = compression_cases.field(
            2, compression_cases.field(1, _LARGE))
        self.check_plain(self.answer(_OUTPUT, wanted * 2, "gzip"),
                         [with_payload(_LARGE)] * 2)


interop_case.for_each_engine(globals(), GrpcioCases, "CompressionGrpcio")
interop_case.for_each_engine(globals(), RequestCases, "CompressedRequests")
interop_case.for_each_engine(globals(), AnswerCases, "CompressedAnswers")


if __name__ == "__main__":
    unittest.main()
