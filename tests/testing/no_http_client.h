// NoHttpClient is for what sends nothing: whoever asks it all the same fails.
//
// Thread-safe.

#ifndef TESTS_TESTING_NO_HTTP_CLIENT_H_
#define TESTS_TESTING_NO_HTTP_CLIENT_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "base/http/http_client.h"

namespace gateway {

class NoHttpClient final : public HttpClient {
 public:
  Task<absl::StatusOr<std::unique_ptr<HttpExchange>>> Send(
      const HttpCall&) override {
    co_return absl::InternalError("nothing is to be sent");
  }
};

}  // namespace gateway

#endif  // TESTS_TESTING_NO_HTTP_CLIENT_H_
