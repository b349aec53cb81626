#include "providers/openrouter/openrouter_provider.h"

#include <utility>

#include "base/secret.h"
#include "base/status_macros.h"
#include "providers/dialects/openai_chat/model_list.h"
#include "providers/dialects/openai_chat/openai_chat.h"
#include "providers/dialects/openai_chat/quirks.h"
#include "providers/dialects/openai_embeddings/openai_embeddings.h"
#include "providers/http_endpoint.h"
#include "providers/http_provider.h"
#include "providers/schema/output_mode.h"

namespace gateway {
namespace {

OpenAiChatQuirks Quirks() {
  OpenAiChatQuirks quirks;
  quirks.stop_limit = 0;
  quirks.top_k = true;
  quirks.reasoning_style = OpenAiChatQuirks::ReasoningStyle::kObject;
  quirks.reasoning_field = "reasoning";
  quirks.images = true;
  quirks.user_field = "user";
  return quirks;
}

constexpr ProviderSetting kSettings[] = {
    {.field = "base_url", .value = "https://openrouter.ai/api/v1"},
    {.field = "referer", .form = SettingForm::kHeaderValue},
    {.field = "title", .form = SettingForm::kHeaderValue},
};

}  // namespace

absl::StatusOr<std::unique_ptr<Provider>> MakeOpenRouterProvider(
    const ProviderSetup& setup,
    const llmgateway::config::v1::OpenRouterProvider& config) {
  static const OpenAiChat chat(Quirks());
  static const OpenAiEmbeddings embeddings(/*ask_base64=*/false);
  static const OpenAiModelList models;
  HttpProvider::Options options;
  options.setup = setup;
  GATEWAY_ASSIGN_OR_RETURN(
      options.endpoint, HttpEndpoint::Make(config.base_url(), config.http()));
  if (!config.referer().empty()) {
    options.fields.push_back(
        {"http-referer", Secret(config.referer()), /*indexable=*/true});
  }
  if (!config.title().empty()) {
    options.fields.push_back(
        {"x-title", Secret(config.title()), /*indexable=*/true});
  }
  options.generations = {{&chat, "/chat/completions", ""}};
  options.embed_path = "/embeddings";
  options.embedding_dialect = &embeddings;
  options.models_path = "/models";
  options.model_list_dialect = &models;
  return std::make_unique<HttpProvider>(std::move(options));
}

constinit const ProviderKind kOpenRouterKind = {
    .name = "openrouter",
    .settings = kSettings,
    .keyed_origin = "https://openrouter.ai",
    .lists_models = true,
    .has_all_models = true,
    .output_modes = {.lacking = OutputMode::kJsonMode},
    .make =
        [](const ProviderSetup& setup, const ProviderKind::Config& config) {
          return MakeOpenRouterProvider(setup, config.openrouter());
        },
};

}  // namespace gateway
