#include "service/rpc/rpc_metrics.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/async/event_loop.h"
#include "base/http/http2_session.h"
#include "base/os/logging.h"
#include "base/text/utf8.h"
#include "errors/fault.h"
#include "service/observability/flood_metric.h"
#include "service/observability/handshake_metric.h"

namespace gateway {
namespace {

constexpr std::string_view kListenerLabel[] = {"listener"};
constexpr std::string_view kReasonLabels[] = {"listener", "reason"};

constexpr MetricDefinition kOpen = {
    .name = "llmgw_grpc_connections",
    .help = "Connections to native gRPC listeners that are open.",
    .kind = MetricKind::kGauge,
    .label_names = kListenerLabel};

constexpr MetricDefinition kAccepted = {
    .name = "llmgw_grpc_connections_accepted_total",
    .help = "Connections that native gRPC listeners have accepted.",
    .label_names = kListenerLabel};

constexpr MetricDefinition kClosed = {
    .name = "llmgw_grpc_connections_closed_total",
    .help = "Connections to native gRPC listeners that were closed, by why.",
    .label_names = kReasonLabels};

constexpr MetricDefinition kRefused = {
    .name = "llmgw_grpc_calls_refused_total",
    .help = "Calls that ended before their handler did anything, by the reason "
            "told.",
    .label_names = kReasonLabels};

// How much of a method's name is shown.
constexpr size_t kMethodBytesShown = 256;
// It is looked at so much further, so that no part of a key stays before that.
constexpr size_t kKeyBytesMax = 1024;

constexpr RpcClose kCloses[] = {
    RpcClose::kDone,  RpcClose::kLost,    RpcClose::kLimit, RpcClose::kProtocol,
    RpcClose::kFlood, RpcClose::kTimeout, RpcClose::kTls};

std::string_view NameOf(RpcClose close) {
  switch (close) {
    case RpcClose::kDone:
      return "done";
    case RpcClose::kLost:
      return "lost";
    case RpcClose::kLimit:
      return "limit";
    case RpcClose::kProtocol:
      return "protocol";
    case RpcClose::kFlood:
      return "flood";
    case RpcClose::kTimeout:
      return "timeout";
    case RpcClose::kTls:
      return "tls";
  }
  return kOtherLabel;
}

RpcClose CloseOf(const absl::Status& why) {
  if (Http2Session::IsFlood(why)) return RpcClose::kFlood;
  switch (why.code()) {
    case absl::StatusCode::kOk:
      return RpcClose::kDone;
    case absl::StatusCode::kInternal:
      return RpcClose::kProtocol;
    case absl::StatusCode::kDeadlineExceeded:
      return RpcClose::kTimeout;
    case absl::StatusCode::kResourceExhausted:
      return RpcClose::kLimit;
    default:
      return RpcClose::kLost;
  }
}

}  // namespace

RpcMetrics::RpcMetrics(std::string_view listener, MetricRegistry* registry,
                       WithoutKeys without_keys)
    : listener_(listener),
      without_keys_(std::move(without_keys)),
      shard_(registry == nullptr ? nullptr : &registry->AddShard()) {
  if (shard_ == nullptr) return;
  // Made now, so that the first of each is a rise from zero.
  shard_->GaugeOf(kOpen, {listener_});
  shard_->CounterOf(kAccepted, {listener_});
  shard_->CounterOf(kFloods, {listener_});
  for (const RpcClose close : kCloses) {
    shard_->CounterOf(kClosed, {listener_, NameOf(close)});
  }
}

void RpcMetrics::ConnectionOpened() {
  if (shard_ == nullptr) return;
  shard_->GaugeOf(kOpen, {listener_}).Add(1);
  shard_->CounterOf(kAccepted, {listener_}).Add(1);
}

void RpcMetrics::ConnectionClosed(RpcClose close, std::string_view peer,
                                  const absl::Status& why) {
  if (shard_ != nullptr) shard_->GaugeOf(kOpen, {listener_}).Add(-1);
  CountClose(close);
  if (shard_ != nullptr && close == RpcClose::kTls) {
    shard_->CounterOf(kHandshakesFailed, {listener_}).Add(1);
  }
  if (shard_ != nullptr && close == RpcClose::kFlood) {
    shard_->CounterOf(kFloods, {listener_}).Add(1);
  }
  if (close != RpcClose::kDone && close != RpcClose::kLost) {
    LogClose(close, peer, why);
  }
}

void RpcMetrics::SessionEnded(std::string_view peer, const absl::Status& why) {
  ConnectionClosed(CloseOf(why), peer, why);
}

void RpcMetrics::ConnectionRefused(std::string_view peer) {
  CountClose(RpcClose::kLimit);
  LogClose(RpcClose::kLimit, peer,
           absl::ResourceExhaustedError("connections_limit is reached"));
}

void RpcMetrics::CallRefused(const absl::Status& why,
                             const RefusedCall& call) {
  const std::string_view reason = ReasonName(FaultReason(why));
  CountRefusal(reason);
  const std::optional<int64_t> unlogged =
      refusals_.Take(EventLoop::Current()->Now());
  if (!unlogged.has_value()) return;
  // A caller may have named a key, which the reason may quote.
  const auto shown = [this](std::string_view text) {
    return without_keys_ == nullptr ? std::string(text) : without_keys_(text);
  };
  const std::string method =
      shown(CutText(call.method, kMethodBytesShown + kKeyBytesMax));
  Log(LogLevel::kInfo, "grpc", "a call was refused",
      {{"listener", listener_},
       {"reason", reason},
       {"method", CutText(method, kMethodBytesShown)},
       {"peer", call.peer},
       {"request_id", call.request_id},
       {"error", shown(absl::StrCat(absl::StatusCodeToString(why.code()), ": ",
                                    why.message()))},
       {"unlogged", *unlogged}});
}

void RpcMetrics::PlainRequestRefused() { CountRefusal("NOT_GRPC"); }

void RpcMetrics::CountClose(RpcClose close) {
  if (shard_ == nullptr) return;
  shard_->CounterOf(kClosed, {listener_, NameOf(close)}).Add(1);
}

void RpcMetrics::CountRefusal(std::string_view reason) {
  if (shard_ == nullptr) return;
  shard_->CounterOf(kRefused, {listener_, reason}).Add(1);
}

void RpcMetrics::LogClose(RpcClose close, std::string_view peer,
                          const absl::Status& why) {
  const std::optional<int64_t> unlogged =
      closes_.Take(EventLoop::Current()->Now());
  if (!unlogged.has_value()) return;
  // At info for TLS: those who only look whether the port is open fail, too.
  Log(close == RpcClose::kTls ? LogLevel::kInfo : LogLevel::kWarn, "grpc",
      "a connection was closed for what its peer did",
      {{"listener", listener_},
       {"peer", peer},
       {"reason", NameOf(close)},
       {"error", why},
       {"unlogged", *unlogged}});
}

}  // namespace gateway
