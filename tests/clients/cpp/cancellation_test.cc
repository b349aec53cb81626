#include "clients/cpp/cancellation.h"

#include <grpcpp/server_context.h>
#include <grpcpp/support/status.h>

#include <atomic>
#include <memory>

#include "absl/status/status.h"
#include "base/os/thread.h"
#include "clients/cpp/llm_gateway.h"
#include "gtest/gtest.h"
#include "tests/clients/cpp/scripted_gateway.h"
#include "tests/testing/event.h"

namespace gateway {
namespace {

TEST(CancellationTest, AnotherThreadEndsACall) {
  ScriptedGateway server;
  Event begun;
  Event told;
  server.generate = [&](grpc::ServerContext& context, const auto&, auto&) {
    begun.Set();
    while (!context.IsCancelled()) {
    }
    told.Set();
    return grpc::Status::OK;
  };
  server.stream_generate = [](auto&, const auto&, auto&) {
    return grpc::Status::OK;
  };
  LLMGateway gateway(server.Options());
  LLMGateway::CallOptions call;
  call.cancellation = std::make_shared<Cancellation>();
  absl::Status status;
  Thread asking("asking",
                [&] { status = gateway.Generate({}, call).status(); });
  ASSERT_TRUE(begun.Wait());
  call.cancellation->Cancel();
  asking.Join();
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled) << status;
  EXPECT_TRUE(told.Wait());
}

TEST(CancellationTest, WhatBeginsLaterEndsAtOnce) {
  ScriptedGateway server;
  std::atomic<int> asked = 0;
  server.generate = [&](auto&, const auto&, auto&) {
    ++asked;
    return grpc::Status::OK;
  };
  server.stream_generate = [&](auto&, const auto&, auto&) {
    ++asked;
    return grpc::Status::OK;
  };
  LLMGateway gateway(server.Options());
  LLMGateway::CallOptions call;
  call.cancellation = std::make_shared<Cancellation>();
  // Of several calls that follow each other.
  EXPECT_TRUE(gateway.Generate({}, call).ok());
  EXPECT_TRUE(gateway.Generate({}, call).ok());
  call.cancellation->Cancel();
  EXPECT_EQ(gateway.Generate({}, call).status().code(),
            absl::StatusCode::kCancelled);
  EXPECT_EQ(gateway.StreamGenerate({}, call).Finish().code(),
            absl::StatusCode::kCancelled);
  EXPECT_EQ(gateway.Models("", call).status().code(),
            absl::StatusCode::kCancelled);
  EXPECT_EQ(asked, 2);
}

}  // namespace
}  // namespace gateway
