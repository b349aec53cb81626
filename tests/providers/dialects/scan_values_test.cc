#include "providers/dialects/scan_values.h"

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/text/json.h"
#include "gtest/gtest.h"
#include "providers/dialects/dialect.h"

namespace gateway::wire {
namespace {

absl::Status Scan(const std::string& body, RequestScan* scan) {
  const std::string padded = body + std::string(kJsonPaddingBytes, ' ');
  const std::string_view text = std::string_view(padded).substr(0, body.size());
  return ReadJson(text, JsonPadding::kPresent, [&](JsonValue& root) {
    return root.EachField([&](std::string_view, JsonValue& value) {
      return ScanModel(value, text, scan);
    });
  });
}

TEST(ScanValuesTest, AModelIsFoundAndUnescaped) {
  RequestScan scan;
  const std::string body = R"({ "model" : "a\u002fb" })";
  ASSERT_TRUE(Scan(body, &scan).ok());
  EXPECT_EQ(scan.model, "a/b");
  EXPECT_EQ(body.substr(scan.model_value.offset, scan.model_value.length),
            R"("a\u002fb")");
}

TEST(ScanValuesTest, AModelIsAString) {
  RequestScan scan;
  for (const char* body :
       {R"({"model":7})", R"({"model":null})", R"({"model":"\ud800"})"}) {
    EXPECT_FALSE(Scan(body, &scan).ok()) << body;
  }
}

TEST(ScanValuesTest, ATextMayBeNull) {
  std::string text = "before";
  const auto read = [&](std::string_view body) {
    return ReadJson(body, JsonPadding::kAbsent, [&](JsonValue& root) {
      return root.EachField([&](std::string_view, JsonValue& value) {
        return ReadText(value, &text);
      });
    });
  };
  EXPECT_TRUE(read(R"({"a":null})").ok());
  EXPECT_EQ(text, "before");
  EXPECT_TRUE(read(R"({"a":"after"})").ok());
  EXPECT_EQ(text, "after");
  EXPECT_FALSE(read(R"({"a":7})").ok());
}

}  // namespace
}  // namespace gateway::wire
