#include "clients/cpp/call_status.h"

#include <grpcpp/support/status.h>

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

// A refusal with these details, as it comes from the wire.
template <typename... Details>
grpc::Status Refusal(const Details&... details) {
  google::rpc::Status status;
  status.set_code(grpc::StatusCode::RESOURCE_EXHAUSTED);
  status.set_message("slow down");
  (status.add_details()->PackFrom(details), ...);
  return grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "slow down",
                      status.SerializeAsString());
}

TEST(CallStatusTest, SuccessIsOk) {
  EXPECT_TRUE(ToStatus(grpc::Status::OK).ok());
}

TEST(CallStatusTest, KeepsCodeAndMessage) {
  EXPECT_EQ(ToStatus(Refusal()), absl::ResourceExhaustedError("slow down"));
}

TEST(CallStatusTest, KeepsTheReason) {
  google::rpc::ErrorInfo info;
  info.set_reason("RATE_LIMITED");
  info.set_domain("llmgateway.dev");
  (*info.mutable_metadata())["rule"] = "per-key";
  const std::optional<google::rpc::ErrorInfo> found =
      ErrorInfoOf(ToStatus(Refusal(info)));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->reason(), "RATE_LIMITED");
  EXPECT_EQ(found->domain(), "llmgateway.dev");
  EXPECT_EQ(found->metadata().at("rule"), "per-key");
}

TEST(CallStatusTest, KeepsEveryDetailBesideTheOthers) {
  google::rpc::ErrorInfo info;
  info.set_reason("RATE_LIMITED");
  info.set_domain("llmgateway.dev");
  google::rpc::RetryInfo retry;
  retry.mutable_retry_delay()->set_seconds(2);
  retry.mutable_retry_delay()->set_nanos(500'000'000);
  google::rpc::BadRequest bad;
  bad.add_field_violations()->set_field("model");
  const absl::Status status = ToStatus(Refusal(info, retry, bad));
  EXPECT_TRUE(ErrorInfoOf(status).has_value());
  EXPECT_EQ(RetryDelayOf(status), absl::Milliseconds(2500));
  ASSERT_EQ(BadRequestOf(status).field_violations_size(), 1);
  EXPECT_EQ(BadRequestOf(status).field_violations(0).field(), "model");
}

TEST(CallStatusTest, WhatIsNotThereIsNotFound) {
  const absl::Status status = ToStatus(Refusal());
  EXPECT_FALSE(ErrorInfoOf(status).has_value());
  EXPECT_FALSE(RetryDelayOf(status).has_value());
  EXPECT_EQ(BadRequestOf(status).field_violations_size(), 0);
  EXPECT_FALSE(ErrorInfoOf(absl::OkStatus()).has_value());
}

TEST(CallStatusTest, GarbageInPlaceOfDetailsIsIgnored) {
  const absl::Status status = ToStatus(
      grpc::Status(grpc::StatusCode::INTERNAL, "oops", "\xff\xff\xff"));
  EXPECT_EQ(status, absl::InternalError("oops"));
}

}  // namespace
}  // namespace gateway
