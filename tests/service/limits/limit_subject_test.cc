#include "service/limits/limit_subject.h"

#include "gtest/gtest.h"
#include "llmgateway/config/v1/rate_limits.pb.h"
#include "service/limits/counter_key.h"
#include "tests/service/limits/limit_config.h"

namespace gateway {
namespace {

namespace config = ::llmgateway::config::v1;

TEST(LimitSubjectTest, TheKeyIsThatOfTheTextThatWasSetLast) {
  LimitSubject subject(kTestSecret);
  subject.Set(config::LIMIT_DIMENSION_MODEL, "a");
  EXPECT_EQ(subject.KeyOf(config::LIMIT_DIMENSION_MODEL),
            KeyOfText("a", kTestSecret));
  subject.Set(config::LIMIT_DIMENSION_MODEL, "b");
  EXPECT_EQ(subject.KeyOf(config::LIMIT_DIMENSION_MODEL),
            KeyOfText("b", kTestSecret));
  EXPECT_EQ(subject.Text(config::LIMIT_DIMENSION_MODEL), "b");
}

TEST(LimitSubjectTest, WhatIsHiddenIsShownOtherwise) {
  LimitSubject subject(kTestSecret);
  subject.Set(config::LIMIT_DIMENSION_PROVIDER, "a");
  subject.Set(config::LIMIT_DIMENSION_MODEL, "secret", "shown");
  EXPECT_EQ(subject.Text(config::LIMIT_DIMENSION_MODEL), "secret");
  EXPECT_EQ(subject.Shown(config::LIMIT_DIMENSION_MODEL), "shown");
  EXPECT_EQ(subject.Shown(config::LIMIT_DIMENSION_PROVIDER), "a");
  subject.Set(config::LIMIT_DIMENSION_MODEL, "b");
  EXPECT_EQ(subject.Shown(config::LIMIT_DIMENSION_MODEL), "b");
}

TEST(LimitSubjectTest, WhatIsNotSaidIsAnEmptyText) {
  LimitSubject subject(kTestSecret);
  EXPECT_EQ(subject.Text(config::LIMIT_DIMENSION_PEER), "");
  EXPECT_EQ(subject.KeyOf(config::LIMIT_DIMENSION_PEER),
            KeyOfText("", kTestSecret));
  EXPECT_EQ(subject.Label("env"), "");
}

}  // namespace
}  // namespace gateway
