#include "providers/unsupported_parameters.h"

#include <vector>

#include "absl/status/status.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/provider.pb.h"
#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/usage.pb.h"

namespace gateway {
namespace {

using Config = ::llmgateway::config::v1::ProviderConfig;

std::vector<v1::Warning> Warnings() {
  std::vector<v1::Warning> warnings(3);
  warnings[0].set_field("before");
  warnings[1].set_field("sampling.top_k");
  warnings[1].set_message("left out");
  warnings[2].set_field("sampling.seed");
  return warnings;
}

v1::GenerateRequest Request() {
  v1::GenerateRequest request;
  request.mutable_sampling()->set_top_k(1);
  return request;
}

TEST(UnsupportedParametersTest, WhatNobodyAskedForIsNotDropped) {
  std::vector<v1::Warning> warnings(1);
  warnings[0].set_field("max_output_tokens");
  v1::GenerateRequest request;
  const auto checked = [&] {
    return CheckDropped(Config::UNSUPPORTED_PARAMETERS_REFUSE, request,
                        warnings, 0);
  };
  EXPECT_TRUE(checked().ok());
  request.set_max_output_tokens(5);
  EXPECT_FALSE(checked().ok());
  warnings[0].set_field("messages[].name");
  EXPECT_TRUE(checked().ok());
  request.add_messages();
  EXPECT_FALSE(checked().ok());
}

TEST(UnsupportedParametersTest, RefusalNamesEachLossFromTheFirstOn) {
  const absl::Status refused =
      CheckDropped(Config::UNSUPPORTED_PARAMETERS_REFUSE, Request(), Warnings(),
                   /*first=*/1);
  EXPECT_EQ(FaultReason(refused), v1::ERROR_REASON_CAPABILITY_UNSUPPORTED);
  EXPECT_EQ(refused.message(), "this provider cannot be told sampling.top_k");
  ASSERT_EQ(FieldViolations(refused).size(), 2u);
  EXPECT_EQ(FieldViolations(refused)[0].second, "left out");
  EXPECT_EQ(FieldViolations(refused)[1].first, "sampling.seed");
}

TEST(UnsupportedParametersTest, NothingLostIsNothingRefused) {
  EXPECT_TRUE(CheckDropped(Config::UNSUPPORTED_PARAMETERS_REFUSE, Request(),
                           Warnings(), 3)
                  .ok());
  for (const auto policy : {Config::UNSUPPORTED_PARAMETERS_DROP,
                            Config::UNSUPPORTED_PARAMETERS_PASS}) {
    EXPECT_TRUE(CheckDropped(policy, Request(), Warnings(), 0).ok());
  }
}

}  // namespace
}  // namespace gateway
