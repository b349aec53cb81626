#include "service/pipeline/context_service.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/async/timer_wheel.h"
#include "base/http/http_destination.h"
#include "base/net/base_url.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "proto/proto_time.h"

namespace gateway {
namespace {

constexpr std::string_view kHealthPath = "/health";

// Its health is a line or two.
constexpr uint64_t kHealthBytesMax = 64 * 1024;
constexpr size_t kIdleConnectionsMax = 1;
constexpr absl::Duration kIdleConnectionTimeout = absl::Seconds(30);

constexpr int kStatusOk = 200;

}  // namespace

absl::StatusOr<std::unique_ptr<ContextService>> ContextService::Make(
    const llmgateway::config::v1::CmsConfig& config) {
  if (!config.enabled()) return nullptr;
  GATEWAY_ASSIGN_OR_RETURN(const BaseUrl url, ParseBaseUrl(config.url()));
  GATEWAY_ASSIGN_OR_RETURN(std::shared_ptr<HttpDestination> destination,
                           HttpDestinationOf(url, HttpVersion::kHttp1));
  destination->idle_connections_max = kIdleConnectionsMax;
  destination->idle_connection_timeout = kIdleConnectionTimeout;
  destination->response_bytes_limit = kHealthBytesMax;
  HttpRequestHead head(destination, "GET",
                       absl::StrCat(url.path, ToAbsl(kHealthPath)), {},
                       UseOf(*destination));
  return std::unique_ptr<ContextService>(new ContextService(
      std::move(head), ToAbsl(config.timeout()),
      {config.aware_providers().begin(), config.aware_providers().end()}));
}

Task<bool> ContextService::IsThere(EventLoop& loop, HttpClient& http,
                                   CancelSignal& cancel) {
  const int64_t asked = asked_.load(std::memory_order_acquire);
  if (asked != 0 && loop.Now() - absl::Nanoseconds(asked) < kRememberedFor) {
    co_return is_there_.load(std::memory_order_relaxed);
  }
  const bool is_there = co_await Ask(loop, http, cancel);
  // A caller who left has not found out anything.
  if (cancel.cancelled()) co_return false;
  is_there_.store(is_there, std::memory_order_relaxed);
  asked_.store(absl::ToInt64Nanoseconds(loop.Now()), std::memory_order_release);
  co_return is_there;
}

bool ContextService::Tells(std::string_view provider) const {
  return std::find(told_.begin(), told_.end(), provider) != told_.end();
}

Task<bool> ContextService::Ask(EventLoop& loop, HttpClient& http,
                               CancelSignal& cancel) {
  CancelSignal over;
  const CancelListener listener(cancel, [&] { over.Cancel(cancel.status()); });
  Timer timer([&over] {
    over.Cancel(absl::DeadlineExceededError("its health takes too long"));
  });
  loop.ArmTimer(timer, timeout_);
  HttpProgress progress;
  HttpCall call;
  call.head = &health_;
  call.cancel = &over;
  call.progress = &progress;
  const absl::StatusOr<std::unique_ptr<HttpExchange>> exchange =
      co_await http.Send(call);
  if (!exchange.ok()) co_return false;
  const bool is_well = (*exchange)->status() == kStatusOk;
  // To its end, so that the connection can be used again.
  (co_await (*exchange)->ReadAll()).IgnoreError();
  co_return is_well;
}

}  // namespace gateway
