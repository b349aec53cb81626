#include "service/grpc/grpc_server.h"

#include <grpc/grpc.h>
#include <grpc/support/log.h>
#include <grpcpp/ext/channelz_service_plugin.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/net/host_port.h"
#include "base/os/clock.h"
#include "base/os/logging.h"
#include "base/status_macros.h"
#include "service/api/call_faults.h"
#include "service/grpc/call_roster.h"
#include "service/grpc/grpc_call.h"
#include "service/grpc/server_certificates.h"

namespace gateway {
namespace {

int Milliseconds(absl::Duration duration) {
  return static_cast<int>(std::clamp<int64_t>(
      absl::ToInt64Milliseconds(duration), 0, INT32_MAX));
}

int Bytes(int64_t bytes) {
  return static_cast<int>(std::min<int64_t>(bytes, INT32_MAX));
}

// Holds a reference for good: otherwise the library shuts itself down with its
// last server or channel, and then waits for a poller of its own that looks up
// every ten seconds.
void KeepLibraryUp() {
  static const bool up = [] {
    grpc_init();
    return true;
  }();
  static_cast<void>(up);
}

// Logs a line of the library. Its complaints are mostly about what clients
// send, so its errors are logged as information, not as warnings.
void LogForLibrary(gpr_log_func_args* line) {
  Log(line->severity == GPR_LOG_SEVERITY_ERROR ? LogLevel::kInfo
                                               : LogLevel::kDebug,
      "grpc_core", line->message);
}

std::shared_ptr<grpc::ServerCredentials> CredentialsOf(
    const std::shared_ptr<ServerCertificates>& certificates) {
  if (certificates == nullptr) return grpc::InsecureServerCredentials();
  return ReloadableCredentials(certificates);
}

void SetLimits(const GrpcServer::Options& options,
               grpc::ServerBuilder& builder) {
  grpc::ResourceQuota quota;
  quota.Resize(static_cast<size_t>(options.memory_bytes_limit));
  builder.SetResourceQuota(quota);
  builder.SetMaxReceiveMessageSize(Bytes(options.receive_message_bytes_limit));
  builder.SetMaxSendMessageSize(-1);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE,
                             Bytes(options.metadata_bytes_limit));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS,
                             options.concurrent_streams_limit);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
}

void SetConnections(const GrpcServer::Options& options,
                    grpc::ServerBuilder& builder) {
  // Not shared: a second server on the same port is a mistake, not a second
  // listener.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  const std::pair<const char*, absl::Duration> durations[] = {
      {GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, options.handshake_timeout},
      {GRPC_ARG_KEEPALIVE_TIME_MS, options.keepalive_time},
      {GRPC_ARG_KEEPALIVE_TIMEOUT_MS, options.keepalive_timeout},
      {GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
       options.client_ping_interval_min},
      {GRPC_ARG_MAX_CONNECTION_IDLE_MS, options.connection_idle_max},
      {GRPC_ARG_MAX_CONNECTION_AGE_MS, options.connection_age_max},
      {GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, options.connection_age_grace},
  };
  for (const auto& [name, duration] : durations) {
    builder.AddChannelArgument(name, Milliseconds(duration));
  }
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
}

// Hands each call to a loop, one after the other.
class TableService : public grpc::CallbackGenericService {
 public:
  TableService(const MethodTable& table, const std::vector<EventLoop*>& loops,
               CallRoster& roster, RefusalLog* refusals)
      : table_(table), loops_(loops), roster_(roster), refusals_(refusals) {}

  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    const Method* const method = table_.Find(context->method());
    if (method == nullptr) {
      return RefuseCall(*context, table_.Unimplemented(context->method()),
                        refusals_);
    }
    const uint64_t turn = turn_.fetch_add(1, std::memory_order_relaxed);
    return GrpcCall::Start(*context, *method, *loops_[turn % loops_.size()],
                           roster_);
  }

 private:
  const MethodTable& table_;
  const std::vector<EventLoop*>& loops_;
  CallRoster& roster_;
  RefusalLog* const refusals_;
  std::atomic<uint64_t> turn_ = 0;
};

}  // namespace

struct GrpcServer::Library {
  explicit Library(const Options& options)
      : certificates(options.tls.has_value()
                         ? std::make_shared<ServerCertificates>(*options.tls)
                         : nullptr),
        service(*options.table, options.loops, roster, options.refusals) {}

  // Null for plaintext.
  const std::shared_ptr<ServerCertificates> certificates;
  CallRoster roster;
  TableService service;
  std::unique_ptr<grpc::Server> server;  // Null once shut down.
};

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Start(
    Options options) {
  GATEWAY_RETURN_IF_ERROR(options.table->status());
  GATEWAY_RETURN_IF_ERROR(ParseHostPort(options.address).status());
  if (options.loops.empty()) {
    return absl::InvalidArgumentError("a gRPC server needs an event loop");
  }
  std::unique_ptr<GrpcServer> server(new GrpcServer(std::move(options)));
  GATEWAY_RETURN_IF_ERROR(server->Listen());
  return server;
}

GrpcServer::GrpcServer(Options options)
    : options_(std::move(options)),
      library_(std::make_unique<Library>(options_)) {}

GrpcServer::~GrpcServer() { Shutdown(); }

absl::Status GrpcServer::Listen() {
  KeepLibraryUp();
  gpr_set_log_function(LogForLibrary);
  if (options_.channelz) grpc::channelz::experimental::InitChannelzService();
  grpc::ServerBuilder builder;
  SetLimits(options_, builder);
  SetConnections(options_, builder);
  builder.RegisterCallbackGenericService(&library_->service);
  builder.AddListeningPort(options_.address,
                           CredentialsOf(library_->certificates), &port_);
  library_->server = builder.BuildAndStart();
  if (library_->server != nullptr && port_ != 0) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(
      "cannot listen on ", options_.address,
      options_.tls.has_value()
          ? ": the address is in use or not ours, or its certificate and key "
            "do not fit"
          : ": the address is in use or not ours"));
}

void GrpcServer::SetTls(const Tls& tls) { library_->certificates->Set(tls); }

size_t GrpcServer::running_calls() { return library_->roster.running(); }

void GrpcServer::StartDraining() {
  if (options_.health != nullptr) options_.health->StopServing();
  library_->roster.StartDraining();
}

bool GrpcServer::AwaitIdle(absl::Duration timeout) {
  return library_->roster.AwaitIdle(timeout);
}

void GrpcServer::Drain(absl::Duration grace) {
  StartDraining();
  AwaitIdle(grace);
  Shutdown();
}

void GrpcServer::Shutdown() {
  if (library_->server == nullptr) return;
  StartDraining();
  library_->roster.CancelAll(Draining());
  library_->server->Shutdown(
      absl::ToChronoTime(SystemClock().WallTime() + kFarewell));
  library_->server.reset();
  library_->roster.AwaitGone();
}

}  // namespace gateway
