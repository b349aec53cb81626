#include "providers/deepseek/deepseek_provider.h"

#include <string_view>
#include <utility>

#include "base/status_macros.h"
#include "providers/dialects/openai_chat/model_list.h"
#include "providers/dialects/openai_chat/openai_chat.h"
#include "providers/dialects/openai_chat/quirks.h"
#include "providers/http_endpoint.h"
#include "providers/http_provider.h"
#include "providers/schema/output_mode.h"

namespace gateway {
namespace {

OpenAiChatQuirks Quirks() {
  OpenAiChatQuirks quirks;
  quirks.max_completion_tokens = false;
  quirks.developer_role = false;
  quirks.choice_count = false;
  quirks.logit_bias = false;
  quirks.stop_limit = 16;
  quirks.parallel_tool_calls = false;
  quirks.account_fields = false;
  quirks.schema_mode = OpenAiChatQuirks::SchemaMode::kJsonObject;
  quirks.reasoning_style = OpenAiChatQuirks::ReasoningStyle::kThinking;
  quirks.reasoning_of_calls = true;
  quirks.seed_field = "";
  quirks.user_field = "user_id";
  return quirks;
}

constexpr std::string_view kModelPrefixes[] = {"deepseek-"};

constexpr ProviderSetting kSettings[] = {
    {.field = "base_url", .value = "https://api.deepseek.com"},
};

}  // namespace

absl::StatusOr<std::unique_ptr<Provider>> MakeDeepSeekProvider(
    const ProviderSetup& setup,
    const llmgateway::config::v1::DeepSeekProvider& config) {
  static const OpenAiChat chat(Quirks());
  static const OpenAiModelList models;
  HttpProvider::Options options;
  options.setup = setup;
  GATEWAY_ASSIGN_OR_RETURN(
      options.endpoint, HttpEndpoint::Make(config.base_url(), config.http()));
  options.generations = {{&chat, "/chat/completions", ""}};
  options.models_path = "/models";
  options.model_list_dialect = &models;
  return std::make_unique<HttpProvider>(std::move(options));
}

constinit const ProviderKind kDeepSeekKind = {
    .name = "deepseek",
    .settings = kSettings,
    .keyed_origin = "https://api.deepseek.com",
    .lists_models = true,
    .model_prefixes = kModelPrefixes,
    .output_modes = {.usual = OutputMode::kJsonMode,
                     .lacking = OutputMode::kJsonMode},
    .make =
        [](const ProviderSetup& setup, const ProviderKind::Config& config) {
          return MakeDeepSeekProvider(setup, config.deepseek());
        },
};

}  // namespace gateway
