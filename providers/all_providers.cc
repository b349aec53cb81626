#include "providers/all_providers.h"

#include "absl/status/status.h"
#include "errors/fault.h"
#include "providers/anthropic/anthropic_provider.h"
#include "providers/mock/mock_provider.h"
#include "providers/openai/openai_provider.h"

namespace gateway {
namespace {

using Config = ::llmgateway::config::v1::ProviderConfig;

absl::StatusOr<std::unique_ptr<Provider>> Make(const Config& config,
                                               const Secret* credential,
                                               size_t event_bytes_limit) {
  switch (config.kind_case()) {
    case Config::kOpenai:
      return MakeOpenAiProvider(config.name(), config.openai(), credential,
                                event_bytes_limit);
    case Config::kAnthropic:
      return MakeAnthropicProvider(config.name(), config.anthropic(),
                                   credential, event_bytes_limit);
    case Config::kMock:
      return std::make_unique<MockProvider>(config.name(), config.mock());
    case Config::KIND_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("no kind of provider is configured");
}

}  // namespace

absl::StatusOr<std::unique_ptr<Provider>> MakeProvider(
    const Config& config, const Secret* credential, size_t event_bytes_limit) {
  absl::StatusOr<std::unique_ptr<Provider>> made =
      Make(config, credential, event_bytes_limit);
  if (!made.ok()) {
    return AtPlace("provider '" + config.name() + "'", made.status());
  }
  return made;
}

std::string_view ProviderKindName(const Config& config) {
  switch (config.kind_case()) {
    case Config::kOpenai:
      return "openai";
    case Config::kAnthropic:
      return "anthropic";
    case Config::kMock:
      return "mock";
    case Config::KIND_NOT_SET:
      break;
  }
  return "";
}

}  // namespace gateway
