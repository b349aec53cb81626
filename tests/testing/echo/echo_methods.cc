#include "tests/testing/echo/echo_methods.h"

#include <string_view>

#include "absl/strings/str_cat.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"

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

EchoMethods::EchoMethods()
    : echo(Echo), expand(Expand), collect(Collect), chat(Chat) {
  FillTable();
  health_.AddTo(table_);
  reflection_.AddTo(table_);
}

void EchoMethods::FillTable() {
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
  // The handlers see unauthenticated callers, too, as those do that run calls.
  table_.AuthorizeBy(kService,
                     {.check = [this](const CallContext& call) -> absl::Status {
                        if (admits == nullptr || admits(call)) {
                          return absl::OkStatus();
                        }
                        return absl::UnauthenticatedError("who?");
                      },
                      .run_calls = {"Echo", "Expand", "Collect", "Chat"}});
}

Task<absl::Status> AwaitCancel(CallContext& call) {
  WakeUp cancelled;
  CancelListener listener(call.cancel(), [&] { cancelled.Set(); });
  co_await cancelled.Wait();
  co_return call.cancel().status();
}

}  // namespace gateway
