"""The examples of RFC 7541, appendix C."""

import unittest

from tests.testing import hpack

_DATE = b"Mon, 21 Oct 2013 20:13:21 GMT"
_URL = b"https://www.example.com"


class DecoderTest(unittest.TestCase):

    def test_integers_are_as_long_as_they_must(self):
        self.assertEqual(hpack.integer(10, 5), bytes([10]))
        self.assertEqual(hpack.integer(1337, 5), bytes([31, 154, 10]))
        self.assertEqual(hpack.integer(42, 8), bytes([42]))

    def test_what_is_written_is_read(self):
        block = (hpack.literal("a", b"\x00\r\n" * 100) +
                 hpack.literal("B", "x", into_table=True) +
                 hpack.indexed(hpack.STATIC_SIZE + 1) + hpack.indexed(8))
        self.assertEqual(hpack.Decoder().decode(block), [
            (b"a", b"\x00\r\n" * 100), (b"B", b"x"), (b"B", b"x"),
            (b":status", b"200")])

    def test_what_nobody_is_to_remember_is_named(self):
        decoder = hpack.Decoder()
        # Appendix C.2.3.
        secret = bytes.fromhex("100870617373776f726406736563726574")
        self.assertEqual(decoder.decode(hpack.literal("a", "b") + secret),
                         [(b"a", b"b"), (b"password", b"secret")])
        self.assertEqual(decoder.never_indexed, [b"password"])
        decoder.decode(hpack.literal("a", "b"))
        self.assertEqual(decoder.never_indexed, [])

    def test_answers_that_are_compressed_and_evict_each_other(self):
        decoder = hpack.Decoder(table_bytes=256)
        first = [(b":status", b"302"), (b"cache-control", b"private"),
                 (b"date", _DATE), (b"location", _URL)]
        self.assertEqual(decoder.decode(bytes.fromhex(
            "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a6"
            "2d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3")), first)
        self.assertEqual(decoder.decode(bytes.fromhex("4883640effc1c0bf")),
                         [(b":status", b"307"), *first[1:]])
        self.assertEqual(decoder.decode(bytes.fromhex(
            "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab"
            "77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f"
            "9587316065c003ed4ee5b1063d5007")), [
                (b":status", b"200"), (b"cache-control", b"private"),
                (b"date", b"Mon, 21 Oct 2013 20:13:22 GMT"),
                (b"location", _URL), (b"content-encoding", b"gzip"),
                (b"set-cookie", b"foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; "
                                b"max-age=3600; version=1")])


if __name__ == "__main__":
    unittest.main()
