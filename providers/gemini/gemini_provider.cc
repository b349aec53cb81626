#include "providers/gemini/gemini_provider.h"

#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "providers/dialects/gemini/gemini.h"
#include "providers/dialects/gemini/gemini_embeddings.h"
#include "providers/dialects/gemini/gemini_models.h"
#include "providers/http_endpoint.h"
#include "providers/http_provider.h"
#include "providers/schema/output_mode.h"

namespace gateway {
namespace {

constexpr char kKeyField[] = "x-goog-api-key";
constexpr std::string_view kCredentialHeaders[] = {kKeyField};
constexpr std::string_view kModelPrefixes[] = {"gemini-"};

constexpr ProviderSetting kSettings[] = {
    {.field = "base_url", .value = "https://generativelanguage.googleapis.com"},
    {.field = "api_version", .value = "v1beta", .form = SettingForm::kName},
};

}  // namespace

absl::StatusOr<std::unique_ptr<Provider>> MakeGeminiProvider(
    const ProviderSetup& setup,
    const llmgateway::config::v1::GeminiProvider& config) {
  static const Gemini dialect;
  static const GeminiEmbeddings embeddings;
  static const GeminiModels models;
  const std::string list = absl::StrCat("/", config.api_version(), "/models");
  const std::string model = absl::StrCat(list, "/{model}");
  HttpProvider::Options options;
  options.setup = setup;
  GATEWAY_ASSIGN_OR_RETURN(
      options.endpoint, HttpEndpoint::Make(config.base_url(), config.http()));
  // The key goes in a header, never in the address: addresses are logged on the
  // way.
  options.credential = {.field = kKeyField};
  // `alt=sse` asks for events; without it a stream is one JSON array.
  options.generations = {
      {&dialect, absl::StrCat(model, ":generateContent"),
       absl::StrCat(model, ":streamGenerateContent?alt=sse")}};
  options.count_path = absl::StrCat(model, ":countTokens");
  options.embed_path = absl::StrCat(model, ":batchEmbedContents");
  options.embedding_dialect = &embeddings;
  options.models_path = absl::StrCat(list, "?pageSize=1000");
  options.model_list_dialect = &models;
  return std::make_unique<HttpProvider>(std::move(options));
}

constinit const ProviderKind kGeminiKind = {
    .name = "gemini",
    .settings = kSettings,
    .keyed_origin = "https://generativelanguage.googleapis.com",
    .credential_headers = kCredentialHeaders,
    .lists_models = true,
    .model_prefixes = kModelPrefixes,
    .output_modes = {.lacking = OutputMode::kJsonMode},
    .make =
        [](const ProviderSetup& setup, const ProviderKind::Config& config) {
          return MakeGeminiProvider(setup, config.gemini());
        },
};

}  // namespace gateway
