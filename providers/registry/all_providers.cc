#include "providers/registry/all_providers.h"

#include "providers/anthropic/anthropic_provider.h"
#include "providers/azure_openai/azure_openai_provider.h"
#include "providers/deepseek/deepseek_provider.h"
#include "providers/gemini/gemini_provider.h"
#include "providers/local_cli/local_cli_kind.h"
#include "providers/mock/mock_provider.h"
#include "providers/ollama/ollama_provider.h"
#include "providers/openai/openai_provider.h"
#include "providers/openai_compatible/openai_compatible_provider.h"
#include "providers/openrouter/openrouter_provider.h"

namespace gateway {

ProviderKinds AllProviderKinds() {
  // clang-format off: a line for each.
  return {
      &kAnthropicKind,
      &kOpenAiKind,
      &kGeminiKind,
      &kAzureOpenAiKind,
      &kDeepSeekKind,
      &kOpenRouterKind,
      &kOllamaKind,
      &kLocalCliKind,
      &kOpenAiCompatibleKind,
      &kMockKind,
  };
  // clang-format on
}

}  // namespace gateway
