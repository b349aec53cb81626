#include "service/pipeline/violations.h"

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/text/json.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

TEST(ViolationsTest, NoneIsOk) {
  Violations violations;
  EXPECT_TRUE(violations.empty());
  EXPECT_TRUE(std::move(violations).ToStatus().ok());
}

TEST(ViolationsTest, NamesAllFieldsAndSaysTheFirst) {
  Violations violations;
  violations.Add("model", "is required");
  violations.Add("messages", "is required");
  EXPECT_FALSE(violations.empty());
  const absl::Status status = std::move(violations).ToStatus();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_INVALID_REQUEST);
  EXPECT_EQ(status.message(), "model is required (and 1 more)");
  EXPECT_THAT(FieldViolations(status),
              ElementsAre(Pair("model", "is required"),
                          Pair("messages", "is required")));
}

TEST(ViolationsTest, ReportsTwentyAndCountsTheRest) {
  for (const int count : {20, 21, 5000}) {
    Violations violations;
    for (int i = 0; i < count; ++i) {
      violations.Add(absl::StrCat("messages[", i, "].role"), "is required");
    }
    const absl::Status status = std::move(violations).ToStatus();
    ASSERT_EQ(FieldViolations(status).size(), 20u);
    EXPECT_EQ(FieldViolations(status)[19].first, "messages[19].role");
    EXPECT_EQ(status.message(),
              absl::StrCat("messages[0].role is required (and ", count - 1,
                           " more)"));
  }
}

TEST(FieldPathTest, NamesFieldsEntriesAndKeysFromTheRequestOnward) {
  const FieldPath messages("messages");
  EXPECT_EQ(messages.ToString(), "messages");
  const FieldPath message(messages, 3);
  EXPECT_EQ(message.ToString(), "messages[3]");
  const FieldPath part(message, "parts", 0);
  EXPECT_EQ(part.ToString(), "messages[3].parts[0]");
  EXPECT_EQ(FieldPath(part, "image.media_type").ToString(),
            "messages[3].parts[0].image.media_type");
  EXPECT_EQ(FieldPath("tools", 12).ToString(), "tools[12]");
  EXPECT_EQ(FieldPath::OfKey("labels", "").ToString(), "labels[]");
  EXPECT_EQ(FieldPath::OfKey("labels", "team").ToString(), "labels[team]");
}

TEST(ViolationsTest, CutsAPathThatACallerMadeLong) {
  Violations violations;
  violations.Add("labels[" + std::string(1 << 20, 'k') + "]", "too long");
  std::string umlauts = "x";
  for (int i = 0; i < 1000; ++i) umlauts += "ä";
  violations.Add(umlauts, "too long");
  const absl::Status status = std::move(violations).ToStatus();
  EXPECT_LT(status.message().size(), 300u);
  for (const auto& [path, description] : FieldViolations(status)) {
    EXPECT_LE(path.size(), Violations::kPathBytesMax + 3);
    EXPECT_TRUE(IsUtf8(path)) << path;
    EXPECT_EQ(path.substr(path.size() - 3), "...");
  }
}

}  // namespace
}  // namespace gateway
