"""The ledger's form of JSON beside what this CPython writes."""

import json
import random
import struct
import subprocess
import unittest

_FORMS = "tests/service/ledger/python_json_forms"
_TEXTS = 3000


def _forms(texts):
    """What the gateway makes of each."""
    done = subprocess.run([_FORMS], input="\n".join(texts) + "\n",
                          stdout=subprocess.PIPE, encoding="utf-8", check=True)
    # Only a newline ends a line: U+2028 and the like stand in texts.
    return done.stdout.split("\n")[:-1]


def _expected(text):
    form = json.dumps(json.loads(text), sort_keys=True, ensure_ascii=False)
    return form.encode(errors="backslashreplace").decode()


class _Values:
    """Any JSON values, the odd ones often."""

    def __init__(self, seed):
        self._random = random.Random(seed)

    def value(self, depth=0):
        kinds = [self.number, self.number, self.text, self.text,
                 lambda: self._random.choice([None, True, False])]
        if depth < 4:
            kinds += [lambda: self.array(depth + 1),
                      lambda: self.object(depth + 1)]
        return self._random.choice(kinds)()

    def object(self, depth=0):
        return {self.text(): self.value(depth)
                for _ in range(self._random.randrange(6))}

    def array(self, depth=0):
        return [self.value(depth) for _ in range(self._random.randrange(5))]

    def number(self):
        pick = self._random.random()
        if pick < 0.3:
            return self._random.randrange(-10**6, 10**6)
        if pick < 0.4:
            return self._random.randrange(-10**40, 10**40)
        if pick < 0.6:
            return round(self._random.uniform(-1000, 1000),
                         self._random.randrange(8))
        if pick < 0.8:
            return self._random.choice([1, -1, 9.5, 1.0000000000000002]) * (
                10.0 ** self._random.randrange(-30, 30))
        while True:  # Any float at all.
            number = struct.unpack("<d", self._random.randbytes(8))[0]
            if number - number == 0:
                return number

    def text(self):
        pieces = ["a", "b", "key", "\u00e9", "\u20ac", "\U0001f600", "\"", "\\",
                  "\n", "\r", "\t", "\b", "\f", "\x00", "\x1f", "\x7f", "/",
                  "\u2028", "\ufffd", "\ue000", " "]
        return "".join(self._random.choice(pieces)
                       for _ in range(self._random.randrange(8)))


class PythonJsonTest(unittest.TestCase):
    """Each text in CPython's form and in the gateway's."""

    def check(self, texts):
        """Both make the same of each."""
        for text, form in zip(texts, _forms(texts), strict=True):
            self.assertEqual(form, _expected(text), text)

    def test_any_values(self):
        values = _Values(seed=1)
        shuffled = random.Random(2)
        texts = []
        for _ in range(_TEXTS):
            texts.append(json.dumps(
                values.object(), ensure_ascii=shuffled.random() < 0.5,
                separators=shuffled.choice([(",", ":"), (", ", ": "),
                                            (" ,\t", "  : ")])))
        self.check(texts)

    def test_floats_about_where_their_spelling_changes(self):
        numbers = []
        for base in (1e15, 1e16, 1e17, 1e-3, 1e-4, 1e-5, 2.0**53, 1e22, 1e23,
                     5e-324, 2.2250738585072014e-308, 1.7976931348623157e308):
            bits = struct.unpack("<q", struct.pack("<d", base))[0]
            for step in range(-3, 4):
                number = struct.unpack("<d", struct.pack("<q", bits + step))[0]
                if number - number == 0:
                    numbers += [number, -number]
        self.check([json.dumps([number]) for number in numbers])

    def test_numbers_as_people_write_them(self):
        self.check(["[%s]" % token for token in (
            "0", "-0", "0.0", "-0.0", "1.0", "1e0", "1E+2", "1e-2", "100e-2",
            "1e16", "1e15", "12345678901234567890", "0.1e1", "1e-400",
            "-1e-400", "0e400", "123456789012345678.5", "1e400", "-1e400",
            "0." + "0" * 400 + "1", "1" + "0" * 400 + ".0", "NaN", "Infinity",
            "-Infinity")])

    def test_lone_surrogates(self):
        self.check(['["%s"]' % text for text in (
            r"\ud800", r"a\udfffb", r"\ud800\ud83d\ude00", r"\ud83d\u0041",
            r"\ude00\ud83d", r"\uD83Dx\uDE00", "\ud7ff\ue000")] + [
                r'{"\ue000": 1, "\ud800": 2, "\ud83d\ude00": 3, "\ud800": 4}'])

    def test_of_members_that_are_there_twice_the_last_one_counts(self):
        self.check(['{"a": 1, "b": 2, "a": {"c": 3, "c": 4}}'])

    def test_what_has_no_form(self):
        for text in ('[nan]', '[+Infinity]', '{"a": 1,}', '["\\ud80"]', '[01]',
                     "[" * 65 + "]" * 65, '"text"', ''):
            self.assertTrue(_forms([text])[0].startswith("!"), text)


if __name__ == "__main__":
    unittest.main()
