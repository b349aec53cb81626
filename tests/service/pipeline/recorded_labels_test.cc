#include "service/pipeline/recorded_labels.h"

#include <vector>

#include "gtest/gtest.h"
#include "service/audit/redaction/redaction_patterns.h"
#include "service/observability/call_record.h"

namespace gateway {
namespace {

TEST(RecordedLabelsTest, LeaveOutWhatThePatternsFind) {
  const auto redactor =
      BodyRedactor::Make({.built_in = {RedactionPatterns::BuiltIn::kEmail}});
  ASSERT_TRUE(redactor.ok());
  const std::vector<CallLabel> said = {{"team", "search"},
                                       {"who", "ann@mail.example"},
                                       {"bob@mail.example", "is it"}};
  const RecordedLabels recorded(said, &*redactor);
  ASSERT_EQ(recorded.labels().size(), 3u);
  EXPECT_EQ(recorded.labels()[0].key, "team");
  EXPECT_EQ(recorded.labels()[0].value, "search");
  EXPECT_EQ(recorded.labels()[1].value, "[redacted:email]");
  EXPECT_EQ(recorded.labels()[2].key, "[redacted:email]");
  EXPECT_EQ(recorded.labels()[2].value, "is it");
}

TEST(RecordedLabelsTest, WithoutARedactorStayAsTheyAre) {
  const std::vector<CallLabel> said = {{"who", "ann@mail.example"}};
  const RecordedLabels recorded(said, nullptr);
  ASSERT_EQ(recorded.labels().size(), 1u);
  EXPECT_EQ(recorded.labels()[0].value, "ann@mail.example");
}

}  // namespace
}  // namespace gateway
