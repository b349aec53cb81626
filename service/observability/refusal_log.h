// RefusalLog sees what a listener refuses before it becomes a call, which is in
// no access log: a key that is not known, a path that is not there, a body too
// large, a TLS handshake that fails; and connections that are closed for a
// flood. It counts all of it
//
//   llmgw_requests_refused_total{listener,code}  an HTTP status or gRPC code
//   llmgw_tls_handshakes_failed_total{listener}
//   llmgw_http2_floods_total{listener}
//
// and logs who and what, one line of each per kRefusalLogInterval at most: a
// scanner must not fill the disk. What has the form of a key is taken out of
// it, and so is a secret, if it is told who knows them.
//
//   RefusalLog refusals("http", registry, SystemClock());
//   refusals.Request({.code = "404", .method = "GET", .path = "/x", ...});
//
// Thread-safe. Takes a lock, so it is for refusals only.

#ifndef SERVICE_OBSERVABILITY_REFUSAL_LOG_H_
#define SERVICE_OBSERVABILITY_REFUSAL_LOG_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/os/clock.h"
#include "base/os/mutex.h"
#include "service/audit/redaction/body_redactor.h"
#include "service/observability/log_pace.h"
#include "service/observability/metrics.h"

namespace gateway {

inline constexpr absl::Duration kRefusalLogInterval = absl::Seconds(10);

struct RefusedRequest {
  std::string_view code;    // Such as `404`, `UNAUTHENTICATED`.
  std::string_view method;  // Empty, as path, if no head has come.
  std::string_view path;
  std::string_view peer;
  std::string_view request_id;
  std::string_view why;
};

class RefusalLog {
 public:
  // Borrows `registry` and `clock`.
  RefusalLog(std::string_view listener, MetricRegistry& registry,
             Clock& clock);

  RefusalLog(const RefusalLog&) = delete;
  RefusalLog& operator=(const RefusalLog&) = delete;

  // Has these take out what is not to be shown, as of the configuration that is
  // in use: asked for each line. REQUIRES: nothing was refused yet.
  void TakeOut(std::function<std::shared_ptr<const BodyRedactor>()> keys) {
    keys_ = std::move(keys);
  }

  void Request(const RefusedRequest& refused) LOCKS_EXCLUDED(mu_);
  void Flood(std::string_view peer, const absl::Status& why)
      LOCKS_EXCLUDED(mu_);
  void Handshake(std::string_view peer, const absl::Status& why)
      LOCKS_EXCLUDED(mu_);

 private:
  // A caller may have put a key into a path, which the reason may quote.
  std::string WithoutKeys(std::string_view text) const;

  const std::string listener_;
  std::function<std::shared_ptr<const BodyRedactor>()> keys_;
  Clock& clock_;
  Mutex mu_;
  MetricShard& shard_ GUARDED_BY(mu_);
  LogPace requests_ GUARDED_BY(mu_){kRefusalLogInterval};
  LogPace floods_ GUARDED_BY(mu_){kRefusalLogInterval};
  LogPace handshakes_ GUARDED_BY(mu_){kRefusalLogInterval};
};

}  // namespace gateway

#endif  // SERVICE_OBSERVABILITY_REFUSAL_LOG_H_
