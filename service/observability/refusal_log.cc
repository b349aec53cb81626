#include "service/observability/refusal_log.h"

#include <cstdint>
#include <optional>
#include <string>

#include "base/os/logging.h"
#include "base/text/utf8.h"
#include "service/audit/redaction/key_redactor.h"
#include "service/audit/redaction/secret_digests.h"
#include "service/observability/flood_metric.h"
#include "service/observability/handshake_metric.h"

namespace gateway {
namespace {

constexpr std::string_view kRefusalLabels[] = {"listener", "code"};

constexpr MetricDefinition kRequestsRefused = {
    .name = "llmgw_requests_refused_total",
    .help = "Requests that were refused before they became a call, by HTTP "
            "status or gRPC code.",
    .label_names = kRefusalLabels};

// How much of a path is shown.
constexpr size_t kPathBytesShown = 256;

}  // namespace

RefusalLog::RefusalLog(std::string_view listener, MetricRegistry& registry,
                       Clock& clock)
    : listener_(listener),
      clock_(clock),
      shard_(registry.AddShard()) {
  MutexLock lock(mu_);
  // Made now, so that the first of each is a rise from zero.
  shard_.CounterOf(kHandshakesFailed, {listener_});
  shard_.CounterOf(kFloods, {listener_});
}

std::string RefusalLog::WithoutKeys(std::string_view text) const {
  if (keys_ == nullptr) return KeyRedactor().RedactText(text).text;
  return keys_()->RedactText(text).text;
}

void RefusalLog::Request(const RefusedRequest& refused) {
  std::optional<int64_t> unlogged;
  {
    MutexLock lock(mu_);
    shard_.CounterOf(kRequestsRefused, {listener_, refused.code}).Add(1);
    unlogged = requests_.Take(clock_.SteadyTime());
  }
  if (!unlogged.has_value()) return;
  // Beyond where it is cut, so that no part of a key stays before that.
  const std::string path = WithoutKeys(
      CutText(refused.path, kPathBytesShown + SecretDigests::kBytesMax));
  Log(LogLevel::kInfo, "refusals", "a request was refused",
      {{"listener", listener_},
       {"code", refused.code},
       {"method", WithoutKeys(refused.method)},
       {"path", CutText(path, kPathBytesShown)},
       {"peer", refused.peer},
       {"request_id", refused.request_id},
       {"error", WithoutKeys(refused.why)},
       {"unlogged", *unlogged}});
}

void RefusalLog::Flood(std::string_view peer, const absl::Status& why) {
  std::optional<int64_t> unlogged;
  {
    MutexLock lock(mu_);
    shard_.CounterOf(kFloods, {listener_}).Add(1);
    unlogged = floods_.Take(clock_.SteadyTime());
  }
  if (!unlogged.has_value()) return;
  Log(LogLevel::kWarn, "refusals", "a connection was closed for a flood",
      {{"listener", listener_},
       {"peer", peer},
       {"error", why},
       {"unlogged", *unlogged}});
}

void RefusalLog::Handshake(std::string_view peer, const absl::Status& why) {
  std::optional<int64_t> unlogged;
  {
    MutexLock lock(mu_);
    shard_.CounterOf(kHandshakesFailed, {listener_}).Add(1);
    unlogged = handshakes_.Take(clock_.SteadyTime());
  }
  if (!unlogged.has_value()) return;
  // At info: on a TLS port, those who only look whether it is open fail, too.
  Log(LogLevel::kInfo, "refusals", "a TLS handshake failed",
      {{"listener", listener_},
       {"peer", peer},
       {"error", why},
       {"unlogged", *unlogged}});
}

}  // namespace gateway
