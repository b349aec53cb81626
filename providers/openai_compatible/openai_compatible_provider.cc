#include "providers/openai_compatible/openai_compatible_provider.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "base/status_macros.h"
#include "providers/dialects/openai_chat/model_list.h"
#include "providers/dialects/openai_chat/openai_chat.h"
#include "providers/dialects/openai_embeddings/openai_embeddings.h"
#include "providers/dialects/openai_responses/openai_responses.h"
#include "providers/http_endpoint.h"
#include "providers/http_provider.h"
#include "providers/openai_compatible/presets.h"
#include "providers/structured_output.h"

namespace gateway {
namespace {

// Where a known service is.
void FillBaseUrl(ProviderKind::Config* config) {
  auto& compatible = *config->mutable_openai_compatible();
  if (!compatible.base_url().empty()) return;
  compatible.set_base_url(std::string(PresetBaseUrl(compatible.preset())));
}

std::vector<SettingProblem> CheckQuirks(const ProviderKind::Config& config) {
  const std::string& reasoning =
      config.openai_compatible().quirks().reasoning_field();
  if (reasoning.empty() || reasoning == "reasoning_content" ||
      reasoning == "reasoning") {
    return {};
  }
  return {{"quirks.reasoning_field",
           "must be reasoning_content, reasoning or empty"}};
}

constexpr ProviderSetting kSettings[] = {
    {.field = "credential_header",
     .value = "authorization",
     .form = SettingForm::kHeaderName},
};

}  // namespace

absl::StatusOr<std::unique_ptr<Provider>> MakeOpenAiCompatibleProvider(
    const ProviderSetup& setup,
    const llmgateway::config::v1::OpenAiCompatibleProvider& config) {
  static const OpenAiEmbeddings embeddings(/*ask_base64=*/false);
  static const OpenAiModelList models;
  static const OpenAiResponses responses;
  const CompatibleHabits habits =
      WithQuirks(PresetHabits(config.preset()), config.quirks());
  HttpProvider::Options options;
  options.setup = setup;
  GATEWAY_ASSIGN_OR_RETURN(
      options.endpoint, HttpEndpoint::Make(config.base_url(), config.http()));
  const std::string header = absl::AsciiStrToLower(config.credential_header());
  if (!header.empty() && header != "authorization") {
    options.credential = {.field = header};
  }
  options.own_dialect = std::make_shared<OpenAiChat>(habits.chat);
  options.generations = {{options.own_dialect.get(), "/chat/completions", ""}};
  if (habits.responses) {
    options.generations.push_back({&responses, "/responses", ""});
    options.kept_path = "/responses";
  }
  if (habits.embeddings) {
    options.embed_path = "/embeddings";
    options.embedding_dialect = &embeddings;
  }
  options.models_path = "/models";
  options.model_list_dialect = &models;
  return WithSchemaMode(config.quirks().schema_mode(),
                        std::make_unique<HttpProvider>(std::move(options)));
}

constinit const ProviderKind kOpenAiCompatibleKind = {
    .name = "openai_compatible",
    .settings = kSettings,
    .fill = FillBaseUrl,
    .check = CheckQuirks,
    .lists_models = true,
    .vendor =
        [](const ProviderKind::Config& config) {
          return PresetVendor(config.openai_compatible().preset());
        },
    .make =
        [](const ProviderSetup& setup, const ProviderKind::Config& config) {
          return MakeOpenAiCompatibleProvider(setup,
                                              config.openai_compatible());
        },
};

}  // namespace gateway
