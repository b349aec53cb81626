// A ScriptedProvider answers from a script, in memory: no socket, no process,
// no time. With it thousands of calls a second go through the whole pipeline.
//
//   ScriptedProvider provider("first");
//   provider.Fail(MakeFault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE, "down"));
//   provider.Answer("forty-two");
//   provider.TakeTime(absl::Seconds(2));  // Of the loop's time.
//
// Asked beyond its script, it repeats the last of it. Streams say their answer
// as one event, and may break off behind it.
//
// Thread contract: one thread.

#ifndef TESTS_TESTING_SCRIPTED_PROVIDER_H_
#define TESTS_TESTING_SCRIPTED_PROVIDER_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/task.h"
#include "providers/provider.h"

namespace gateway {

class ScriptedProvider final : public Provider {
 public:
  explicit ScriptedProvider(std::string name) : name_(std::move(name)) {}

  void Answer(std::string text) { script_.emplace_back(std::move(text)); }
  void Fail(absl::Status status) { script_.emplace_back(std::move(status)); }
  // Streams end so, from now on.
  void BreakStreams(absl::Status status) { break_ = std::move(status); }
  // Says nothing for so long before each answer or failure.
  void TakeTime(absl::Duration delay) { delay_ = delay; }

  // How often it was asked.
  size_t asked() const { return asked_; }

  std::string_view name() const override { return name_; }
  const Dialect* FindDialect(std::string_view) const override {
    return nullptr;
  }
  Task<absl::Status> Generate(ProviderCall& call,
                              ProviderAnswer* answer) const override;
  Task<absl::StatusOr<std::unique_ptr<ProviderStream>>> Stream(
      ProviderCall& call) const override;
  Task<absl::StatusOr<int64_t>> CountTokens(ProviderCall& call) const override;

 private:
  // What comes next, once the delay has passed; or how `call` was cancelled.
  Task<absl::StatusOr<std::string>> Next(ProviderCall& call) const;

  const std::string name_;
  std::vector<absl::StatusOr<std::string>> script_;
  absl::Duration delay_;
  absl::Status break_;
  mutable size_t asked_ = 0;
};

}  // namespace gateway

#endif  // TESTS_TESTING_SCRIPTED_PROVIDER_H_
