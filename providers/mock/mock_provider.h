// MockProvider answers out of the gateway itself: always the same text and the
// same usage, after the delay, in as many pieces and with the fault that its
// configuration asks for. It makes the quickstart work without a key or a
// network, and shows callers what a failure looks like.
//
// Texts become vectors of length one that depend on nothing but the text.
//
// A request that has tools and requires one gets a call of the first; one that
// asks for JSON gets an object that satisfies simple schemas.
//
// Thread contract: as Provider.

#ifndef PROVIDERS_MOCK_MOCK_PROVIDER_H_
#define PROVIDERS_MOCK_MOCK_PROVIDER_H_

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

  // Waits for the configured delay, then fails if the fault comes before the
  // answer.
  Task<absl::Status> Begin(ProviderCall& call) const;
  absl::Status Fault() const;
  v1::Usage MakeUsage() const;

  const std::string name_;
  const llmgateway::config::v1::MockProvider config_;
};

extern const ProviderKind kMockKind;

}  // namespace gateway

#endif  // PROVIDERS_MOCK_MOCK_PROVIDER_H_
