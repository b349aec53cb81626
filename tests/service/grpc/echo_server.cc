#include "tests/service/grpc/echo_server.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/cancellation.h"
#include "base/clock.h"
#include "errors/fault.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::llmgateway::testing::v1::EchoRequest;
using ::llmgateway::testing::v1::EchoResponse;

constexpr std::string_view kService = "llmgateway.testing.v1.EchoService";

Task<absl::Status> Echo(CallContext&, const EchoRequest& request,
                        EchoResponse* response) {
  response->set_text(request.text());
  response->set_payload(request.payload());
  co_return absl::OkStatus();
}

Task<absl::Status> Expand(CallContext& call, const EchoRequest& request,
                          MessageWriter& writer) {
  EchoResponse response;
  response.set_payload(request.payload());
  for (int i = 0; i < request.repeat(); ++i) {
    response.set_text(absl::StrCat(request.text(), i));
    const bool written = co_await writer.Write(response);
    if (!written) co_return call.cancel().status();
  }
  co_return absl::OkStatus();
}

Task<absl::Status> Collect(CallContext& call, MessageReader& reader,
                           EchoResponse* response) {
  EchoRequest request;
  for (;;) {
    const bool more = co_await reader.Read(&request);
    if (!more) break;
    response->set_text(response->text() + request.text());
  }
  co_return call.cancel().status();
}

Task<absl::Status> Chat(CallContext& call, MessageReader& reader,
                        MessageWriter& writer) {
  EchoRequest request;
  EchoResponse response;
  for (;;) {
    const bool more = co_await reader.Read(&request);
    if (!more) break;
    response.set_text(request.text());
    response.set_payload(request.payload());
    const bool written = co_await writer.Write(response);
    if (!written) break;
  }
  co_return call.cancel().status();
}

}  // namespace

EchoServer::EchoServer(GrpcServer::Options options)
    : echo(Echo), expand(Expand), collect(Collect), chat(Chat) {
  FillTable();
  health_.AddTo(table_);
  reflection_.AddTo(table_);
  options.address = "127.0.0.1:0";
  options.table = &table_;
  options.loops = {&first_.loop(), &second_.loop()};
  options.health = &health_;
  auto server = GrpcServer::Start(std::move(options));
  EXPECT_TRUE(server.ok()) << server.status();
  server_ = *std::move(server);
  health_.StartServing();
}

EchoServer::~EchoServer() = default;

void EchoServer::FillTable() {
  table_.AddUnary<EchoRequest, EchoResponse>(
      kService, "Echo",
      [this](CallContext& call, const EchoRequest& request,
             EchoResponse* response) { return echo(call, request, response); });
  table_.AddServerStream<EchoRequest, EchoResponse>(
      kService, "Expand",
      [this](CallContext& call, const EchoRequest& request,
             MessageWriter& writer) { return expand(call, request, writer); });
  table_.AddClientStream<EchoRequest, EchoResponse>(
      kService, "Collect",
      [this](CallContext& call, MessageReader& reader,
             EchoResponse* response) {
        return collect(call, reader, response);
      });
  table_.AddBidiStream<EchoRequest, EchoResponse>(
      kService, "Chat",
      [this](CallContext& call, MessageReader& reader, MessageWriter& writer) {
        return chat(call, reader, writer);
      });
}

std::string EchoServer::address() const {
  return absl::StrCat("127.0.0.1:", server_->port());
}

std::shared_ptr<grpc::Channel> EchoServer::NewChannel(
    grpc::ChannelArguments arguments) const {
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(
      address(), grpc::InsecureChannelCredentials(), arguments);
}

Task<absl::Status> AwaitCancel(CallContext& call) {
  WakeUp cancelled;
  CancelListener listener(call.cancel(), [&] { cancelled.Set(); });
  co_await cancelled.Wait();
  co_return call.cancel().status();
}

std::chrono::system_clock::time_point After(absl::Duration delay) {
  return absl::ToChronoTime(SystemClock().WallTime() + delay);
}

std::unique_ptr<grpc::ClientContext> NewContext() {
  auto context = std::make_unique<grpc::ClientContext>();
  context->set_deadline(After(absl::Seconds(30)));
  return context;
}

absl::Status Received(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  google::rpc::Status rpc;
  if (status.error_details().empty()) {
    rpc.set_code(status.error_code());
    rpc.set_message(status.error_message());
  } else {
    EXPECT_TRUE(rpc.ParseFromString(status.error_details()));
    EXPECT_EQ(rpc.code(), status.error_code());
    EXPECT_EQ(rpc.message(), status.error_message());
  }
  return FromRpcStatus(rpc);
}

std::string Trailer(const grpc::ClientContext& context,
                    std::string_view name) {
  const auto& trailers = context.GetServerTrailingMetadata();
  const auto found = trailers.find(grpc::string_ref(name.data(), name.size()));
  if (found == trailers.end()) return std::string();
  return std::string(found->second.data(), found->second.size());
}

}  // namespace gateway
