#include "providers/openai/openai_provider.h"

#include <string_view>
#include <utility>

#include "base/http/http_client.h"
#include "base/secret.h"
#include "base/status_macros.h"
#include "providers/dialects/openai_chat/model_list.h"
#include "providers/dialects/openai_chat/openai_chat.h"
#include "providers/dialects/openai_embeddings/openai_embeddings.h"
#include "providers/dialects/openai_responses/openai_responses.h"
#include "providers/http_endpoint.h"
#include "providers/http_provider.h"
#include "providers/schema/output_mode.h"

namespace gateway {
namespace {

constexpr char kOrganizationField[] = "openai-organization";
constexpr char kProjectField[] = "openai-project";
constexpr std::string_view kOwnHeaders[] = {kOrganizationField, kProjectField};
constexpr std::string_view kModelPrefixes[] = {"gpt-", "o1", "o3", "o4"};

constexpr ProviderSetting kSettings[] = {
    {.field = "base_url", .value = "https://api.openai.com/v1"},
    {.field = "organization", .form = SettingForm::kHeaderValue},
    {.field = "project", .form = SettingForm::kHeaderValue},
};

}  // namespace

absl::StatusOr<std::unique_ptr<Provider>> MakeOpenAiProvider(
    const ProviderSetup& setup,
    const llmgateway::config::v1::OpenAiProvider& config) {
  static const OpenAiChat chat;
  static const OpenAiResponses responses;
  static const OpenAiEmbeddings embeddings(/*ask_base64=*/true);
  static const OpenAiModelList models;
  HttpProvider::Options options;
  options.setup = setup;
  GATEWAY_ASSIGN_OR_RETURN(
      options.endpoint, HttpEndpoint::Make(config.base_url(), config.http()));
  if (!config.organization().empty()) {
    options.fields.push_back({kOrganizationField, Secret(config.organization()),
                              /*indexable=*/true});
  }
  if (!config.project().empty()) {
    options.fields.push_back(
        {kProjectField, Secret(config.project()), /*indexable=*/true});
  }
  options.embed_path = "/embeddings";
  options.embedding_dialect = &embeddings;
  options.models_path = "/models";
  options.model_list_dialect = &models;
  options.generations = {{&chat, "/chat/completions", ""},
                         {&responses, "/responses", ""}};
  options.count_path = "/responses/input_tokens";
  options.count_dialect = &responses;
  options.kept_path = "/responses";
  return std::make_unique<HttpProvider>(std::move(options));
}

constinit const ProviderKind kOpenAiKind = {
    .name = "openai",
    .settings = kSettings,
    .keyed_origin = "https://api.openai.com",
    .own_headers = kOwnHeaders,
    .lists_models = true,
    .model_prefixes = kModelPrefixes,
    .output_modes = {.lacking = OutputMode::kJsonMode},
    .make =
        [](const ProviderSetup& setup, const ProviderKind::Config& config) {
          return MakeOpenAiProvider(setup, config.openai());
        },
};

}  // namespace gateway
