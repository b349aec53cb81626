// Compares JSON texts by what they say: the order of fields, white space and
// the form of numbers do not matter.
//
//   EXPECT_TRUE(SameJson(written, golden));

#ifndef TESTS_PROVIDERS_DIALECTS_JSON_EQUALITY_H_
#define TESTS_PROVIDERS_DIALECTS_JSON_EQUALITY_H_

#include <rapidjson/document.h>

#include <string_view>

#include "gtest/gtest.h"

namespace gateway {

inline testing::AssertionResult SameJson(std::string_view left,
                                         std::string_view right) {
  rapidjson::Document documents[2];
  const std::string_view texts[2] = {left, right};
  for (int i = 0; i < 2; ++i) {
    documents[i].Parse(texts[i].data(), texts[i].size());
    if (documents[i].HasParseError()) {
      return testing::AssertionFailure() << "not JSON: " << texts[i];
    }
  }
  if (documents[0] == documents[1]) return testing::AssertionSuccess();
  return testing::AssertionFailure() << left << "\n  is not\n" << right;
}

}  // namespace gateway

#endif  // TESTS_PROVIDERS_DIALECTS_JSON_EQUALITY_H_
