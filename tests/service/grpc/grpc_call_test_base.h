// GrpcCallTest is an EchoServer of either engine with a client beside it.
//
//   TEST_P(GrpcCallTest, AnswersAUnaryCall) {
//     ASSERT_TRUE(Echo(Request("hello")).ok());
//     EXPECT_EQ(response_.text(), "hello");
//   }
//
// Thread contract: the test's.

#ifndef TESTS_SERVICE_GRPC_GRPC_CALL_TEST_BASE_H_
#define TESTS_SERVICE_GRPC_GRPC_CALL_TEST_BASE_H_

#include <grpcpp/client_context.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/slice.h>
#include <grpcpp/support/status.h>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "tests/testing/echo/echo.grpc.pb.h"
#include "tests/testing/echo/echo_server.h"
#include "tests/testing/event.h"

namespace gateway {

inline EchoServer::EchoRequest Request(const std::string& text, int repeat = 0,
                                       size_t payload_bytes = 0) {
  EchoServer::EchoRequest request;
  request.set_text(text);
  request.set_repeat(repeat);
  request.set_payload(std::string(payload_bytes, 'p'));
  return request;
}

class GrpcCallTest : public testing::TestWithParam<Engine> {
 protected:
  using EchoRequest = EchoServer::EchoRequest;
  using EchoResponse = EchoServer::EchoResponse;

  absl::Status Echo(const EchoRequest& request) {
    context_ = NewContext();
    return Echo(*context_, request);
  }

  absl::Status Echo(grpc::ClientContext& context, const EchoRequest& request) {
    return Received(stub_->Echo(&context, request, &response_));
  }

  // Calls Echo with bytes instead of a message.
  absl::Status EchoBytes(const std::string& bytes) {
    grpc::GenericStub stub(server_.NewChannel());
    const grpc::Slice slice(bytes);
    const grpc::ByteBuffer request(&slice, 1);
    grpc::ByteBuffer response;
    const auto context = NewContext();
    Event done;
    grpc::Status status;
    stub.UnaryCall(context.get(), "/llmgateway.testing.v1.EchoService/Echo",
                   grpc::StubOptions(), &request, &response,
                   [&](grpc::Status result) {
                     status = std::move(result);
                     done.Set();
                   });
    EXPECT_TRUE(done.Wait());
    return Received(status);
  }

  EchoServer server_{{.engine = GetParam()}};
  std::unique_ptr<EchoServer::EchoService::Stub> stub_ = server_.NewStub();
  std::unique_ptr<grpc::ClientContext> context_;
  EchoResponse response_;
};

}  // namespace gateway

#endif  // TESTS_SERVICE_GRPC_GRPC_CALL_TEST_BASE_H_
