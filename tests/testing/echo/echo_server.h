// EchoServer serves EchoMethods with either gRPC engine on two loops, for
// tests with clients of gRPC C++.
//
//   EchoServer server({.engine = Engine::kNative});
//   server.echo = [&](CallContext& call, ...) -> Task<absl::Status> { ... };
//   auto stub = server.NewStub();
//
// Thread contract: that of the test.

#ifndef TESTS_TESTING_ECHO_ECHO_SERVER_H_
#define TESTS_TESTING_ECHO_ECHO_SERVER_H_

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/channel_arguments.h>
#include <grpcpp/support/status.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "tests/testing/echo/echo.grpc.pb.h"
#include "tests/testing/echo/echo_methods.h"
#include "tests/testing/loop_thread.h"

namespace gateway {

enum class Engine { kNative, kGrpcCore };

// For the names of a suite's instances: `Native`, `GrpcCore`.
std::string NameOf(Engine engine);

// What the tests use of RpcServer and GrpcServer.
class ServerOfAnEngine {
 public:
  virtual ~ServerOfAnEngine() = default;
  virtual int port() const = 0;
  virtual size_t running_calls() = 0;
  virtual void StartDraining() = 0;
  virtual bool AwaitIdle(absl::Duration timeout) = 0;
  virtual void Drain(absl::Duration grace) = 0;
  virtual void Shutdown() = 0;
};

class EchoServer : public EchoMethods {
 public:
  using EchoService = ::llmgateway::testing::v1::EchoService;

  // PEM texts.
  struct Tls {
    std::string cert_chain;
    std::string private_key;
    // If set, clients must show a certificate that one of these issued.
    std::string client_ca;
  };

  struct Options {
    Engine engine = Engine::kNative;
    size_t message_bytes_limit = 4 * 1024 * 1024;
    size_t metadata_bytes_limit = 16 * 1024;
    std::optional<Tls> tls;
    bool channelz = false;  // With gRPC C++: serves it too.
  };

  explicit EchoServer(const Options& options);
  ~EchoServer();

  ServerOfAnEngine& server() { return *server_; }
  EventLoop& loop() { return first_.loop(); }
  std::string address() const;

  // A channel with a connection of its own.
  std::shared_ptr<grpc::Channel> NewChannel(
      grpc::ChannelArguments arguments = {}) const;
  std::unique_ptr<EchoService::Stub> NewStub() const {
    return EchoService::NewStub(NewChannel());
  }

 private:
  LoopThread first_;
  LoopThread second_;
  std::unique_ptr<ServerOfAnEngine> server_;
};

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

#endif  // TESTS_TESTING_ECHO_ECHO_SERVER_H_
