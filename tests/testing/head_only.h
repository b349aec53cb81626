// HeadOnly is an answer that is nothing but its head.
//
//   fields.Take(HeadOnly({{"X-Request-Id", "req_1"}}));
//
// Thread contract: one test.

#ifndef TESTS_TESTING_HEAD_ONLY_H_
#define TESTS_TESTING_HEAD_ONLY_H_

#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/async/task.h"
#include "base/http/http_client.h"

namespace gateway {

class HeadOnly final : public HttpExchange {
 public:
  explicit HeadOnly(std::vector<HttpField> fields)
      : fields_(std::move(fields)) {}

  int status() const override { return 200; }
  std::string_view Find(std::string_view) const override { return {}; }
  absl::Span<const HttpField> Fields(FieldViews&) const override {
    return fields_;
  }
  Task<absl::StatusOr<absl::Span<const std::string_view>>> Read() override {
    co_return absl::Span<const std::string_view>();
  }
  Task<absl::StatusOr<std::string_view>> ReadAll() override {
    co_return std::string_view();
  }
  void DropBody() override {}
  bool Keep(size_t) override { return true; }
  void FinishInBackground() override {}

 private:
  const std::vector<HttpField> fields_;
};

}  // namespace gateway

#endif  // TESTS_TESTING_HEAD_ONLY_H_
