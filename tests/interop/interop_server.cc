// Serves gRPC's interoperability service through the engine that is named, for
// clients of every kind.
//
//   interop_server --engine=grpc_core --port=0
//   interop_server --engine=grpc_core --tls_cert=a.crt --tls_key=a.key
//   interop_server --list_engines
//
// Prints the port as its first line, and drains when its standard input ends.
// EchoService is served too. Echo fails, with details, when the text is `fail`;
// Expand answers once and waits until the call is cancelled; Echo tells how
// many calls so wait when the text is `waiting`.

#include <atomic>
#include <cstddef>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/sleep.h"
#include "base/async/task.h"
#include "base/os/file.h"
#include "base/status_macros.h"
#include "errors/fault.h"
#include "service/api/call_context.h"
#include "service/api/health.h"
#include "service/api/message_stream.h"
#include "service/api/method_table.h"
#include "service/api/reflection.h"
#include "tests/interop/interop_service.h"
#include "tests/testing/echo/echo.pb.h"
#include "tests/testing/engine.h"
#include "tests/testing/loop_thread.h"

ABSL_FLAG(std::string, engine, "grpc_core", "The engine that serves.");
ABSL_FLAG(bool, list_engines, false, "Print the engines' names, and exit.");
ABSL_FLAG(int, port, 0, "The port of 127.0.0.1; 0 for any.");
ABSL_FLAG(std::string, tls_cert, "", "A PEM file; plaintext if absent.");
ABSL_FLAG(std::string, tls_key, "", "The PEM file of its key.");

namespace gateway {
namespace {

using ::llmgateway::testing::v1::EchoRequest;
using ::llmgateway::testing::v1::EchoResponse;

constexpr size_t kPemBytesLimit = 1024 * 1024;
constexpr absl::Duration kGrace = absl::Seconds(5);

// Everything that a failure can tell.
absl::Status DetailedFault() {
  absl::Status status =
      MakeFault(v1::ERROR_REASON_RATE_LIMITED, "zu schnell: 7 \xe2\x82\xac");
  AddFaultMetadata(status, "provider", "mock");
  AddFieldViolation(status, "messages[0]", "too many");
  SetRetryDelay(status, absl::Milliseconds(1500));
  return status;
}

class Echoes {
 public:
  void AddTo(MethodTable& table) {
    constexpr std::string_view kService = "llmgateway.testing.v1.EchoService";
    table.AddUnary<EchoRequest, EchoResponse>(
        kService, "Echo",
        [this](CallContext& call, const EchoRequest& request,
               EchoResponse* response) {
          return Echo(call, request, response);
        });
    table.AddServerStream<EchoRequest, EchoResponse>(
        kService, "Expand",
        [this](CallContext& call, const EchoRequest&, MessageWriter& writer) {
          return Expand(call, writer);
        });
  }

 private:
  Task<absl::Status> Echo(CallContext& call, const EchoRequest& request,
                          EchoResponse* response) {
    call.AddInitialMetadata("x-echo", "initial");
    call.AddTrailer("x-echo", "trailing");
    if (request.text() == "fail") co_return DetailedFault();
    response->set_text(request.text() == "waiting"
                           ? absl::StrCat(waiting_.load())
                           : request.text());
    response->set_payload(request.payload());
    co_return absl::OkStatus();
  }

  Task<absl::Status> Expand(CallContext& call, MessageWriter& writer) {
    ++waiting_;
    EchoResponse response;
    response.set_text("waiting");
    co_await writer.Write(response);
    const absl::Status why =
        co_await Sleep(call.loop(), absl::InfiniteDuration(), call.cancel());
    --waiting_;
    co_return why;
  }

  std::atomic<int> waiting_ = 0;
};

absl::StatusOr<Engine::Options> ReadOptions() {
  Engine::Options options;
  options.port = absl::GetFlag(FLAGS_port);
  const std::string cert = absl::GetFlag(FLAGS_tls_cert);
  if (cert.empty()) return options;
  options.tls.emplace();
  GATEWAY_ASSIGN_OR_RETURN(options.tls->cert_chain,
                           ReadFile(cert, kPemBytesLimit));
  GATEWAY_ASSIGN_OR_RETURN(
      options.tls->private_key,
      ReadFile(absl::GetFlag(FLAGS_tls_key), kPemBytesLimit));
  return options;
}

absl::Status Serve() {
  GATEWAY_ASSIGN_OR_RETURN(Engine::Options options, ReadOptions());
  MethodTable table;
  Echoes echoes;
  HealthService health;
  ReflectionService reflection;
  AddInteropService(table);
  echoes.AddTo(table);
  health.AddTo(table);
  reflection.AddTo(table);
  LoopThread first;
  LoopThread second;
  options.table = &table;
  options.loops = {&first.loop(), &second.loop()};
  options.health = &health;
  GATEWAY_ASSIGN_OR_RETURN(
      const std::unique_ptr<Engine> engine,
      StartEngine(absl::GetFlag(FLAGS_engine), options));
  health.StartServing();
  std::cout << engine->port() << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
  }
  engine->Drain(kGrace);
  return absl::OkStatus();
}

}  // namespace
}  // namespace gateway

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  if (absl::GetFlag(FLAGS_list_engines)) {
    for (const std::string_view name : gateway::EngineNames()) {
      std::cout << name << std::endl;
    }
    return 0;
  }
  const absl::Status served = gateway::Serve();
  if (served.ok()) return 0;
  std::cerr << "interop_server: " << served << std::endl;
  return 1;
}
