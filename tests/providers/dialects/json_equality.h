// Compares JSON texts by what they say: the order of fields, white space and
// the form of numbers do not matter.
//
//   EXPECT_TRUE(SameJson(written, golden));

#ifndef TESTS_PROVIDERS_DIALECTS_JSON_EQUALITY_H_
#define TESTS_PROVIDERS_DIALECTS_JSON_EQUALITY_H_

#include <string>
#include <string_view>

#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"

namespace gateway {

inline testing::AssertionResult SameJson(std::string_view left,
                                         std::string_view right) {
  google::protobuf::Value values[2];
  const std::string texts[2] = {std::string(left), std::string(right)};
  for (int i = 0; i < 2; ++i) {
    if (!google::protobuf::util::JsonStringToMessage(texts[i], &values[i])
             .ok()) {
      return testing::AssertionFailure() << "not JSON: " << texts[i];
    }
  }
  if (google::protobuf::util::MessageDifferencer::Equals(values[0],
                                                         values[1])) {
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure() << left << "\n  is not\n" << right;
}

}  // namespace gateway

#endif  // TESTS_PROVIDERS_DIALECTS_JSON_EQUALITY_H_
