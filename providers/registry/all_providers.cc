#include "providers/registry/all_providers.h"

#include "absl/status/status.h"
#include "errors/fault.h"
#include "google/protobuf/descriptor.h"
#include "providers/anthropic/anthropic_provider.h"
#include "providers/azure_openai/azure_openai_provider.h"
#include "providers/deepseek/deepseek_provider.h"
#include "providers/gemini/gemini_provider.h"
#include "providers/local_cli/local_cli_provider.h"
#include "providers/mock/mock_provider.h"
#include "providers/ollama/ollama_provider.h"
#include "providers/openai/openai_provider.h"
#include "providers/openai_compatible/openai_compatible_provider.h"
#include "providers/openrouter/openrouter_provider.h"
#include "providers/structured_output.h"

namespace gateway {
namespace {

using Config = ::llmgateway::config::v1::ProviderConfig;

absl::StatusOr<std::unique_ptr<Provider>> Make(const Config& config,
                                               const ProviderSetup& setup) {
  switch (config.kind_case()) {
    case Config::kOpenai:
      return MakeOpenAiProvider(setup, config.openai());
    case Config::kAnthropic:
      return MakeAnthropicProvider(setup, config.anthropic());
    case Config::kGemini:
      return MakeGeminiProvider(setup, config.gemini());
    case Config::kAzureOpenai:
      return MakeAzureOpenAiProvider(setup, config.azure_openai());
    case Config::kDeepseek:
      return MakeDeepSeekProvider(setup, config.deepseek());
    case Config::kOpenrouter:
      return MakeOpenRouterProvider(setup, config.openrouter());
    case Config::kOllama:
      return MakeOllamaProvider(setup, config.ollama());
    case Config::kLocalCli:
      return MakeLocalCliProvider(setup, config.local_cli());
    case Config::kOpenaiCompatible:
      return MakeOpenAiCompatibleProvider(setup, config.openai_compatible());
    case Config::kMock:
      return std::make_unique<MockProvider>(setup.name, config.mock());
    case Config::KIND_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("no kind of provider is configured");
}

// How models of each kind are brought to answer by a JSON Schema. A compatible
// service's configuration says it itself (WithSchemaMode).
OutputModes OutputModesOf(const Config& config) {
  switch (config.kind_case()) {
    case Config::kOpenai:
    case Config::kAzureOpenai:
    case Config::kOpenrouter:
    case Config::kGemini:
      return {.lacking = OutputMode::kJsonMode};
    case Config::kAnthropic:
      return {.lacking = OutputMode::kForcedTool};
    case Config::kDeepseek:
      return {.usual = OutputMode::kJsonMode, .lacking = OutputMode::kJsonMode};
    // The first of these ask for JSON in words of their own, and know how it is
    // wrapped then.
    case Config::kLocalCli:
    case Config::kMock:
    case Config::kOllama:
    case Config::kOpenaiCompatible:
    case Config::KIND_NOT_SET:
      break;
  }
  return {};
}

}  // namespace

absl::StatusOr<std::unique_ptr<Provider>> MakeProvider(
    const Config& config, const ProviderSetup& setup) {
  absl::StatusOr<std::unique_ptr<Provider>> made = Make(config, setup);
  if (!made.ok()) {
    return AtPlace("provider '" + config.name() + "'", made.status());
  }
  return WithOutputModes(OutputModesOf(config), *std::move(made));
}

std::string_view ProviderKindName(const Config& config) {
  if (config.kind_case() == Config::KIND_NOT_SET) return "";
  return Config::descriptor()->FindFieldByNumber(config.kind_case())->name();
}

}  // namespace gateway
