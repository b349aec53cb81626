#include "service/alerts/alert_text.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

const AlertEvent kSpend = {.id = "e1",
                           .alert = "spend",
                           .condition = "hourly_cost > $50",
                           .firing = true,
                           .value = 50.25};

TEST(AlertTextTest, ItIsASentence) {
  EXPECT_EQ(AlertText(kSpend), "spend fires: hourly_cost > $50, it is 50.25");
  AlertEvent event = kSpend;
  event.subject = "openai/gpt-4o";
  event.firing = false;
  EXPECT_EQ(AlertText(event),
            "spend is resolved for openai/gpt-4o: hourly_cost > $50");
}

TEST(AlertTextTest, ALineSaysTheSame) {
  testing::internal::CaptureStderr();
  WriteAlertLine(kSpend);
  AlertEvent event = kSpend;
  event.firing = false;
  event.id = "e2";
  WriteAlertLine(event);
  const std::string lines = testing::internal::GetCapturedStderr();
  EXPECT_THAT(lines, AllOf(HasSubstr("An alert fires"), HasSubstr("spend"),
                           HasSubstr("hourly_cost > $50"), HasSubstr("50.25"),
                           HasSubstr("An alert is resolved")));
}

}  // namespace
}  // namespace gateway
