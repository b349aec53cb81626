// EchoServer is a GrpcServer on two loops that serves EchoService, health and
// reflection, with handlers that a test can replace before it calls.
//
//   EchoServer server;
//   server.echo = [&](CallContext& call, ...) -> Task<absl::Status> { ... };
//   auto stub = server.NewStub();
//
// Thread contract: that of the test.

#ifndef TESTS_SERVICE_GRPC_ECHO_SERVER_H_
#define TESTS_SERVICE_GRPC_ECHO_SERVER_H_

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/channel_arguments.h>
#include <grpcpp/support/status.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/event_loop.h"
#include "base/task.h"
#include "service/api/call_context.h"
#include "service/api/health.h"
#include "service/api/message_stream.h"
#include "service/api/method_table.h"
#include "service/api/reflection.h"
#include "service/grpc/grpc_server.h"
#include "tests/testing/echo/echo.grpc.pb.h"
#include "tests/testing/echo/echo.pb.h"
#include "tests/testing/loop_thread.h"

namespace gateway {

class EchoServer {
 public:
  using EchoRequest = ::llmgateway::testing::v1::EchoRequest;
  using EchoResponse = ::llmgateway::testing::v1::EchoResponse;
  using EchoService = ::llmgateway::testing::v1::EchoService;

  // `options` is completed with table, loops, health and address.
  explicit EchoServer(GrpcServer::Options options = {});
  ~EchoServer();

  // What the methods do.
  std::function<Task<absl::Status>(CallContext&, const EchoRequest&,
                                   EchoResponse*)>
      echo;
  std::function<Task<absl::Status>(CallContext&, const EchoRequest&,
                                   MessageWriter&)>
      expand;
  std::function<Task<absl::Status>(CallContext&, MessageReader&,
                                   EchoResponse*)>
      collect;
  std::function<Task<absl::Status>(CallContext&, MessageReader&,
                                   MessageWriter&)>
      chat;

  GrpcServer& server() { return *server_; }
  HealthService& health() { return health_; }
  const MethodTable& table() const { return table_; }
  EventLoop& loop() { return first_.loop(); }
  std::string address() const;

  // A channel with a connection of its own.
  std::shared_ptr<grpc::Channel> NewChannel(
      grpc::ChannelArguments arguments = {}) const;
  std::unique_ptr<EchoService::Stub> NewStub() const {
    return EchoService::NewStub(NewChannel());
  }

 private:
  void FillTable();

  LoopThread first_;
  LoopThread second_;
  HealthService health_;
  ReflectionService reflection_;
  MethodTable table_;
  std::unique_ptr<GrpcServer> server_;
};

// Suspends until the call is cancelled.
Task<absl::Status> AwaitCancel(CallContext& call);

// A context with a deadline that is ample for anything, for calls that are
// expected to come back by themselves.
std::unique_ptr<grpc::ClientContext> NewContext();

// A deadline from now, as the library wants it.
std::chrono::system_clock::time_point After(absl::Duration delay);

// The status that a client got, with its details.
absl::Status Received(const grpc::Status& status);

// The value of a trailer; empty if there is none.
std::string Trailer(const grpc::ClientContext& context, std::string_view name);

}  // namespace gateway

#endif  // TESTS_SERVICE_GRPC_ECHO_SERVER_H_
