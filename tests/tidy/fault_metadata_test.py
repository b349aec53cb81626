"""The checker of the metadata of errors finds what the code and the contract
say apart from each other."""

import unittest

from tests.tidy import fault_metadata
from tests.tidy.tree import Tree

_CONTRACT = """\
// * `provider`: the provider's name.
//
// Callers ignore others.
enum ErrorReason {
  // Never sent.
  ERROR_REASON_UNSPECIFIED = 0;

  // The `model` is not there. `NOT_FOUND`. No metadata.
  ERROR_REASON_NOT_FOUND = 1;
  // Too much. Metadata: `limit`, the name of the rule; and
  // `code`: `SPENT`, or "gone".
  ERROR_REASON_LIMITED = 2;
}
"""
_CODE = """\
inline constexpr std::string_view kCodeKey = "code";
absl::Status Limited(std::string_view name) {
  absl::Status fault = MakeFault(v1::ERROR_REASON_LIMITED, "a, (b");
  // AddFaultMetadata(fault, "of_a_comment", name);
  AddFaultMetadata(fault, "limit", absl::StrCat(name, ","));
  AddFaultMetadata(fault, kCodeKey, "SPENT");
  return fault;
}
void Wrap(absl::Status& fault) { AddFaultMetadata(fault, "provider", "p"); }
"""


def tree(code=_CODE, contract=_CONTRACT):
    return Tree({"proto/llmgateway/v1/errors.proto": contract, "a/b.cc": code})


class FaultMetadataTest(unittest.TestCase):

    def check_written(self, code, *words):
        found = fault_metadata.fault_metadata_is_in_the_contract(tree(code))
        self.assertEqual(len(found), 1, found)
        for word in words:
            self.assertIn(word, found[0])

    def test_what_agrees_is_fine(self):
        for rule in fault_metadata.RULES:
            self.assertEqual(rule(tree()), [])

    def test_a_key_that_the_contract_lacks_is_found(self):
        self.check_written(_CODE.replace('"limit"', '"rule"'),
                           "a/b.cc:5", "`rule`", "LIMITED")

    def test_a_key_of_another_reason_is_none_of_this(self):
        self.check_written(_CODE.replace(
            '"p"); }', '"p"); }\nvoid F() {\n'
            '  absl::Status fault = MakeFault(v1::ERROR_REASON_NOT_FOUND);\n'
            '  AddFaultMetadata(fault, "limit", "x");\n}'),
                           "a/b.cc:12", "`limit`", "NOT_FOUND")

    def test_keys_of_a_loop_are_seen(self):
        loop = ('\nvoid Copy() {\n  for (const std::string_view key :\n'
                '       {kCodeKey, kOther}) {\n'
                '    AddFaultMetadata(fault, key, said);\n  }\n}\n'
                'constexpr char kOther[] = "%s";\n')
        self.assertEqual(fault_metadata.fault_metadata_is_in_the_contract(
            tree(_CODE + loop % "limit")), [])
        self.check_written(_CODE + loop % "other", "`other`", "any reason")

    def test_a_key_that_cannot_be_seen_is_refused(self):
        self.check_written(_CODE.replace('"limit"', "NameOf(name)"),
                           "a/b.cc:5", "literal or a constant")

    def test_time_limits_are_a_key(self):
        self.check_written(
            _CODE + 'void G() { AddTimeLimit(fault, "timeout"); }\n',
            "`time_limit`")

    def test_what_nobody_writes_is_found(self):
        for key, of in (("provider", ""), ("limit", "LIMITED")):
            found = fault_metadata.metadata_in_the_contract_is_written(
                tree(_CODE.replace('"%s"' % key, '"else"')))
            self.assertEqual(len(found), 1, found)
            self.assertIn("`%s`" % key, found[0])
            self.assertIn(of, found[0])


if __name__ == "__main__":
    unittest.main()
