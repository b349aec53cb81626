#include "service/pipeline/stored_response.h"

#include <string>

#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"

namespace gateway {
namespace {

TEST(StoredResponseTest, WhatIsHeldIsReadAgain) {
  v1::GenerateRequest before;
  before.add_messages()->add_parts()->set_text("Where?");
  before.add_messages()->add_parts()->set_text("There.");
  v1::GenerateResponse response;
  response.set_id("resp_1");
  const StoredResponse kept = {.before = before.SerializeAsString(),
                               .response = response.SerializeAsString()};
  ASSERT_EQ(kept.Before().size(), 2);
  EXPECT_EQ(kept.Before()[1].parts(0).text(), "There.");
  EXPECT_EQ(kept.Response().id(), "resp_1");
}

TEST(StoredResponseTest, OneThatLivesElsewhereHasNothingHere) {
  const StoredResponse kept = {.provider = "openai"};
  EXPECT_TRUE(kept.Before().empty());
  EXPECT_EQ(kept.Response().id(), "");
}

}  // namespace
}  // namespace gateway
