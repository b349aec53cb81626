// ContextService is the context management service of `cms`: whether it is
// there, and which providers are told what it would be asked. It is asked for
// its health alone, and never has a prompt.
//
//   if (!co_await contexts.IsThere(call.loop, call.http, call.cancel)) ...
//
// What it answered is remembered for kRememberedFor.
//
// Thread-safe; IsThere is for a coroutine of `loop`.

#ifndef SERVICE_PIPELINE_CONTEXT_SERVICE_H_
#define SERVICE_PIPELINE_CONTEXT_SERVICE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/http/http_client.h"
#include "llmgateway/config/v1/overload.pb.h"

namespace gateway {

class ContextService {
 public:
  static constexpr absl::Duration kRememberedFor = absl::Seconds(1);

  // Returns null if `config` is not enabled. INVALID_ARGUMENT if its URL does
  // not do. REQUIRES: defaults have been applied.
  static absl::StatusOr<std::unique_ptr<ContextService>> Make(
      const llmgateway::config::v1::CmsConfig& config);

  ContextService(const ContextService&) = delete;
  ContextService& operator=(const ContextService&) = delete;

  // Whether its health is well, by now or by what it said shortly before.
  Task<bool> IsThere(EventLoop& loop, HttpClient& http, CancelSignal& cancel);

  // Whether the provider is told the tier of a prompt.
  bool Tells(std::string_view provider) const;

 private:
  ContextService(HttpRequestHead head, absl::Duration timeout,
                 std::vector<std::string> told)
      : health_(std::move(head)), timeout_(timeout), told_(std::move(told)) {}

  Task<bool> Ask(EventLoop& loop, HttpClient& http, CancelSignal& cancel);

  const HttpRequestHead health_;
  const absl::Duration timeout_;
  const std::vector<std::string> told_;
  // When it was last asked, in nanoseconds of steady time; never by 0.
  std::atomic<int64_t> asked_ = 0;
  std::atomic<bool> is_there_ = false;
};

}  // namespace gateway

#endif  // SERVICE_PIPELINE_CONTEXT_SERVICE_H_
