#include "proto/overlay.h"

#include "google/protobuf/duration.pb.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/usage.pb.h"

namespace gateway {
namespace {

using ::llmgateway::v1::Attempt;

TEST(OverlayTest, WhatIsSetReplacesAndTheRestStays) {
  Attempt base;
  base.set_provider("general");
  base.set_model("m");
  base.mutable_duration()->set_nanos(250'000'000);
  Attempt over;
  over.set_provider("special");
  over.mutable_duration()->set_seconds(1);
  LayOver(over, &base);
  EXPECT_EQ(base.provider(), "special");
  EXPECT_EQ(base.model(), "m");
  EXPECT_EQ(base.duration().seconds(), 1);
  EXPECT_EQ(base.duration().nanos(), 0);
}

TEST(OverlayTest, NothingReplacesNothing) {
  Attempt base;
  base.set_provider("general");
  LayOver(Attempt(), &base);
  EXPECT_EQ(base.provider(), "general");
}

}  // namespace
}  // namespace gateway
