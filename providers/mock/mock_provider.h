// MockProvider answers out of the gateway itself: the text, or one text after
// another, and the usage that its configuration names, after the delay, in as
// many pieces and with the fault that it asks for, from the call and for as
// many calls as it says. It makes the quickstart work without a key or a
// network, and shows callers what a failure looks like.
//
// Texts become vectors of length one that depend on nothing but the text.
//
// A request that has tools and requires one gets a call of the first; one that
// asks for JSON gets an object that satisfies simple schemas.
//
// Thread contract: as Provider; calls and answers of all loops are counted
// together.

#ifndef PROVIDERS_MOCK_MOCK_PROVIDER_H_
#define PROVIDERS_MOCK_MOCK_PROVIDER_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "llmgateway/config/v1/provider.pb.h"
#include "providers/provider.h"
#include "providers/provider_kind.h"

namespace gateway {

class MockProvider final : public Provider {
 public:
  // REQUIRES: defaults have been applied to `config`.
  MockProvider(std::string name,
               const llmgateway::config::v1::MockProvider& config);

  std::string_view name() const override { return name_; }
  const Dialect* FindDialect(std::string_view) const override {
    return nullptr;
  }

  Task<absl::Status> Generate(ProviderCall& call,
                              ProviderAnswer* answer) const override;
  Task<absl::StatusOr<std::unique_ptr<ProviderStream>>> Stream(
      ProviderCall& call) const override;
  Task<absl::StatusOr<int64_t>> CountTokens(
      ProviderCall& call) const override;
  Task<absl::Status> Embed(ProviderCall& call,
                           v1::EmbedResponse* response) const override;

 private:
  class AnswerStream;

  // Counts a call of any method. Returns whether it meets the fault.
  bool CountCall() const;
  // Takes the text of the next answer.
  std::string_view NextReply() const;
  // Waits for the configured delay, then fails if the call is `faulty` and the
  // fault comes before the answer.
  Task<absl::Status> Begin(ProviderCall& call, bool faulty) const;
  // Ends a whole answer that is faulty.
  Task<absl::Status> Fail(ProviderCall& call) const;
  absl::Status Fault() const;
  v1::Usage MakeUsage() const;

  const std::string name_;
  const llmgateway::config::v1::MockProvider config_;
  mutable std::atomic<int64_t> calls_ = 0;
  mutable std::atomic<int64_t> replies_ = 0;  // Taken so far.
};

extern const ProviderKind kMockKind;

}  // namespace gateway

#endif  // PROVIDERS_MOCK_MOCK_PROVIDER_H_
