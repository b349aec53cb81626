#include "tests/interop/interop_service.h"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/sleep.h"
#include "base/async/task.h"
#include "base/status_macros.h"
#include "service/api/call_context.h"
#include "service/api/message_stream.h"
#include "tests/interop/proto/empty.pb.h"
#include "tests/interop/proto/messages.pb.h"

namespace gateway {
namespace {

using ::grpc::testing::EchoStatus;
using ::grpc::testing::Empty;
using ::grpc::testing::Payload;
using ::grpc::testing::ResponseParameters;
using ::grpc::testing::SimpleRequest;
using ::grpc::testing::SimpleResponse;
using ::grpc::testing::StreamingInputCallRequest;
using ::grpc::testing::StreamingInputCallResponse;
using ::grpc::testing::StreamingOutputCallRequest;
using ::grpc::testing::StreamingOutputCallResponse;

constexpr std::string_view kService = "grpc.testing.TestService";
constexpr std::string_view kEchoInitial = "x-grpc-test-echo-initial";
constexpr std::string_view kEchoTrailing = "x-grpc-test-echo-trailing-bin";
constexpr int32_t kPayloadBytesMax = 64 * 1024 * 1024;
constexpr size_t kHalfDuplexRequestsMax = 1024;

void EchoMetadata(CallContext& call) {
  if (const auto value = call.FindMetadata(kEchoInitial)) {
    call.AddInitialMetadata(kEchoInitial, *value);
  }
  if (const auto value = call.FindMetadata(kEchoTrailing)) {
    call.AddTrailer(kEchoTrailing, *value);
  }
}

absl::Status ToStatus(const EchoStatus& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.code()),
                      status.message());
}

absl::Status Fill(int32_t bytes, Payload* payload) {
  if (bytes < 0 || bytes > kPayloadBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot answer with ", bytes, " bytes"));
  }
  payload->mutable_body()->assign(static_cast<size_t>(bytes), '\0');
  return absl::OkStatus();
}

Task<absl::Status> EmptyCall(CallContext&, const Empty&, Empty*) {
  co_return absl::OkStatus();
}

Task<absl::Status> UnaryCall(CallContext& call, const SimpleRequest& request,
                             SimpleResponse* response) {
  EchoMetadata(call);
  GATEWAY_CO_RETURN_IF_ERROR(ToStatus(request.response_status()));
  if (request.fill_server_id()) response->set_server_id("llm-gateway");
  co_return Fill(request.response_size(), response->mutable_payload());
}

Task<absl::Status> CacheableUnaryCall(CallContext& call,
                                      const SimpleRequest& request,
                                      SimpleResponse* response) {
  call.AddInitialMetadata("cache-control", "max-age=60, public");
  co_return co_await UnaryCall(call, request, response);
}

// Answers one request of a stream.
Task<absl::Status> Answer(CallContext& call,
                          const StreamingOutputCallRequest& request,
                          MessageWriter& writer) {
  GATEWAY_CO_RETURN_IF_ERROR(ToStatus(request.response_status()));
  StreamingOutputCallResponse response;
  for (const ResponseParameters& wanted : request.response_parameters()) {
    const absl::Status slept = co_await Sleep(
        call.loop(), absl::Microseconds(wanted.interval_us()), call.cancel());
    GATEWAY_CO_RETURN_IF_ERROR(slept);
    GATEWAY_CO_RETURN_IF_ERROR(
        Fill(wanted.size(), response.mutable_payload()));
    const bool written = co_await writer.Write(response);
    if (!written) co_return call.cancel().status();
  }
  co_return absl::OkStatus();
}

Task<absl::Status> StreamingOutputCall(
    CallContext& call, const StreamingOutputCallRequest& request,
    MessageWriter& writer) {
  EchoMetadata(call);
  co_return co_await Answer(call, request, writer);
}

Task<absl::Status> StreamingInputCall(CallContext& call, MessageReader& reader,
                                      StreamingInputCallResponse* response) {
  EchoMetadata(call);
  StreamingInputCallRequest request;
  size_t bytes = 0;
  for (;;) {
    const bool more = co_await reader.Read(&request);
    if (!more) break;
    bytes += request.payload().body().size();
  }
  response->set_aggregated_payload_size(static_cast<int32_t>(bytes));
  co_return call.cancel().status();
}

Task<absl::Status> FullDuplexCall(CallContext& call, MessageReader& reader,
                                  MessageWriter& writer) {
  EchoMetadata(call);
  StreamingOutputCallRequest request;
  for (;;) {
    const bool more = co_await reader.Read(&request);
    if (!more) break;
    const absl::Status answered = co_await Answer(call, request, writer);
    GATEWAY_CO_RETURN_IF_ERROR(answered);
  }
  co_return call.cancel().status();
}

Task<absl::Status> HalfDuplexCall(CallContext& call, MessageReader& reader,
                                  MessageWriter& writer) {
  EchoMetadata(call);
  std::vector<StreamingOutputCallRequest> requests;
  for (;;) {
    StreamingOutputCallRequest request;
    const bool more = co_await reader.Read(&request);
    if (!more) break;
    if (requests.size() == kHalfDuplexRequestsMax) {
      co_return absl::ResourceExhaustedError("too many requests to keep");
    }
    requests.push_back(std::move(request));
  }
  for (const StreamingOutputCallRequest& request : requests) {
    const absl::Status answered = co_await Answer(call, request, writer);
    GATEWAY_CO_RETURN_IF_ERROR(answered);
  }
  co_return call.cancel().status();
}

}  // namespace

void AddInteropService(MethodTable& table) {
  table.AddUnary<Empty, Empty>(kService, "EmptyCall", EmptyCall);
  table.AddUnary<SimpleRequest, SimpleResponse>(kService, "UnaryCall",
                                                UnaryCall);
  table.AddUnary<SimpleRequest, SimpleResponse>(
      kService, "CacheableUnaryCall", CacheableUnaryCall);
  table.AddServerStream<StreamingOutputCallRequest,
                        StreamingOutputCallResponse>(
      kService, "StreamingOutputCall", StreamingOutputCall);
  table.AddClientStream<StreamingInputCallRequest,
                        StreamingInputCallResponse>(
      kService, "StreamingInputCall", StreamingInputCall);
  table.AddBidiStream<StreamingOutputCallRequest,
                      StreamingOutputCallResponse>(kService, "FullDuplexCall",
                                                   FullDuplexCall);
  table.AddBidiStream<StreamingOutputCallRequest,
                      StreamingOutputCallResponse>(kService, "HalfDuplexCall",
                                                   HalfDuplexCall);
}

}  // namespace gateway
