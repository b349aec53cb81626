"""Proves that tokens of other people's issuers are read as they mean them.

PyJWT and jose issue them (issue_tokens.py), token_checker reads them.
"""

import collections
import json
import os
import shutil
import subprocess
import unittest

_HERE = os.path.dirname(os.path.abspath(__file__))
_CHECKER = os.path.join(_HERE, "token_checker")
# The one that Debian's packages are for.
_DEBIAN_PYTHON = "/usr/bin/python3"
# What a caller is told until its token's signature is right.
_UNTOLD = "the token is not accepted"
_UNPROVEN = {"malformed", "unsupported", "unknown_key", "wrong_signature"}


def _issue():
    packages = {"python3-jwt": [_DEBIAN_PYTHON, "-c", "import jwt"],
                "python3-cryptography": [_DEBIAN_PYTHON, "-c",
                                         "import cryptography"]}
    missing = [name for name, command in packages.items()
               if subprocess.run(command, check=False,
                                 stderr=subprocess.DEVNULL).returncode != 0]
    if shutil.which("jose") is None:
        missing.append("jose")
    if missing:
        raise AssertionError("%s missing; to install, run: make deps"
                             % " and ".join(missing))
    issued = subprocess.run(
        [_DEBIAN_PYTHON, os.path.join(_HERE, "issue_tokens.py")], check=True,
        stdout=subprocess.PIPE)
    return json.loads(issued.stdout)


def _check(issued, key_set, tokens):
    """What the checker says of each token: [(verdict, told)]."""
    path = os.path.join(os.environ.get("TEST_TMPDIR", "/tmp"),
                        "keys-%s.json" % key_set)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(issued["key_sets"][key_set], file)
    checked = subprocess.run(
        [_CHECKER, path, issued["issuer"], issued["audience"]], check=True,
        input="".join(token + "\n" for token in tokens).encode("latin-1"),
        stdout=subprocess.PIPE)
    lines = checked.stdout.decode().splitlines()
    assert len(lines) == len(tokens), "%d of %d" % (len(lines), len(tokens))
    return [line.split("\t") for line in lines]


class IssuedTokensTest(unittest.TestCase):

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        issued = _issue()
        cls.groups = collections.defaultdict(list)
        for key_set in issued["key_sets"]:
            cases = [case for case in issued["cases"]
                     if case["key_set"] == key_set]
            found = _check(issued, key_set, [case["token"] for case in cases])
            for case, (verdict, told) in zip(cases, found):
                case["found"], case["told"] = verdict, told
                cls.groups[case["group"]].append(case)

    def check_group(self, group, at_least):
        cases = self.groups[group]
        self.assertGreaterEqual(len(cases), at_least)
        wrong = {case["name"]: (case["found"], case["told"]) for case in cases
                 if case["found"] != case["verdict"]}
        self.assertEqual(wrong, {})

    def test_right_tokens_of_each_algorithm_are_accepted(self):
        self.check_group("right", 42)
        self.assertEqual({case["told"] for case in self.groups["right"]},
                         {"alice", "system:serviceaccount:prod:search"})
        # PyJWT means the same.
        self.assertTrue(all(case["pyjwt"] for case in self.groups["right"]))

    def test_wrong_claims_are_refused_and_named(self):
        self.check_group("claims", 36)
        for case in self.groups["claims"]:
            self.assertRegex(case["told"], "claim `(exp|nbf|iat|iss|aud|sub)`")

    def test_wrong_signatures_and_keys_are_refused(self):
        self.check_group("signatures", 21)

    def test_headers_that_are_not_understood_are_refused(self):
        self.check_group("headers", 36)

    def test_no_algorithm_is_taken_for_another(self):
        self.check_group("confusion", 31)

    def test_tokens_of_jose_are_read(self):
        self.check_group("jose", 6)

    def test_every_byte_of_a_token_counts(self):
        cases = self.groups["changed"]
        self.assertGreater(len(cases), 3 * 3 * 300)
        accepted = [case["name"] for case in cases
                    if case["found"] not in _UNPROVEN]
        self.assertEqual(accepted, [])

    def test_before_the_signature_is_right_nothing_is_told(self):
        told = {case["told"] for cases in self.groups.values()
                for case in cases if case["found"] in _UNPROVEN}
        self.assertEqual(told, {_UNTOLD})

    def test_nothing_is_accepted_that_pyjwt_refuses(self):
        asked = [case for cases in self.groups.values() for case in cases
                 if "pyjwt" in case]
        self.assertGreater(len(asked), 3000)
        more = [case["name"] for case in asked
                if case["found"] == "ok" and not case["pyjwt"]]
        self.assertEqual(more, [])


if __name__ == "__main__":
    unittest.main()
