// HookServer takes webhooks, answers as it is told to, and keeps what it was
// sent: method, path, content-type, x-team, signature and body.
//
// Thread-safe.

#ifndef TESTS_SERVICE_ALERTS_HOOK_SERVER_H_
#define TESTS_SERVICE_ALERTS_HOOK_SERVER_H_

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/async/task.h"
#include "base/http/http_handler.h"
#include "base/os/mutex.h"
#include "base/string_view.h"

namespace gateway {

class HookServer final : public HttpHandler {
 public:
  // The statuses of the next answers; all others are 200.
  void Answer(std::deque<int> statuses) LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    statuses_ = std::move(statuses);
  }

  std::vector<std::string> asked() const LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    return asked_;
  }

  Task<void> Handle(const HttpRequest& request,
                    HttpResponder& responder) override {
    const int status = Take(request);
    static_cast<void>(co_await responder.Send({status, {}}, {}));
  }

 private:
  int Take(const HttpRequest& request) LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    asked_.push_back(
        absl::StrCat(ToAbsl(request.method), " ", ToAbsl(request.path), " ",
                     ToAbsl(request.Find("content-type")), " ",
                     ToAbsl(request.Find("x-team")), " ",
                     ToAbsl(request.Find("x-llmgateway-signature")), " ",
                     ToAbsl(request.body)));
    if (statuses_.empty()) return 200;
    const int status = statuses_.front();
    statuses_.pop_front();
    return status;
  }

  mutable Mutex mu_;
  std::deque<int> statuses_ GUARDED_BY(mu_);
  std::vector<std::string> asked_ GUARDED_BY(mu_);
};

}  // namespace gateway

#endif  // TESTS_SERVICE_ALERTS_HOOK_SERVER_H_
