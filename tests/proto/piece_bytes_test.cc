#include "proto/piece_bytes.h"

#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"

namespace gateway {
namespace {

using ::llmgateway::v1::Delta;

TEST(PieceBytesTest, TextsCountAsTheyAre) {
  Delta delta;
  delta.set_text("four");
  EXPECT_EQ(PieceBytes(delta), 4u);
  delta.set_refusal("refuse");
  EXPECT_EQ(PieceBytes(delta), 6u);
  delta.set_reasoning("why");
  EXPECT_EQ(PieceBytes(delta), 3u);
}

TEST(PieceBytesTest, OfACallAllItsTextsCount) {
  Delta delta;
  delta.mutable_tool_call()->set_id("id");
  delta.mutable_tool_call()->set_name("name");
  delta.mutable_tool_call()->set_arguments("{}");
  EXPECT_EQ(PieceBytes(delta), 8u);
}

TEST(PieceBytesTest, WhatIsNoTextCountsWhole) {
  Delta delta;
  delta.set_choice_index(1);
  EXPECT_EQ(PieceBytes(delta), delta.ByteSizeLong());
}

}  // namespace
}  // namespace gateway
