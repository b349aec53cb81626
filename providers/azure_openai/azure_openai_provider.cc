#include "providers/azure_openai/azure_openai_provider.h"

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/async/task.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/openai_chat/openai_chat.h"
#include "providers/dialects/openai_chat/quirks.h"
#include "providers/dialects/openai_embeddings/openai_embeddings.h"
#include "providers/dialects/openai_responses/openai_responses.h"
#include "providers/http_endpoint.h"
#include "providers/http_provider.h"
#include "providers/schema/output_mode.h"

namespace gateway {
namespace {

// Versions are dates, so that they compare as texts. From this one on, Azure
// knows what OpenAI's newer models brought; before, unknown fields are refused.
constexpr std::string_view kModernVersion = "2024-12-01";

// An HttpProvider that asks for the deployment of a model.
class AzureOpenAiProvider final : public HttpProvider {
 public:
  AzureOpenAiProvider(
      Options options,
      std::map<std::string, std::string, std::less<>> deployments)
      : HttpProvider(std::move(options)),
        deployments_(std::move(deployments)) {}

  Task<absl::Status> Generate(ProviderCall& call,
                              ProviderAnswer* answer) const override {
    Deploy(call);
    return HttpProvider::Generate(call, answer);
  }

  Task<absl::StatusOr<std::unique_ptr<ProviderStream>>> Stream(
      ProviderCall& call) const override {
    Deploy(call);
    return HttpProvider::Stream(call);
  }

  Task<absl::Status> Embed(ProviderCall& call,
                           v1::EmbedResponse* response) const override {
    Deploy(call);
    return HttpProvider::Embed(call, response);
  }

 private:
  // Puts the deployment's name in place of the model's. A model without one is
  // taken for the name of its deployment.
  void Deploy(ProviderCall& call) const {
    const auto found = deployments_.find(call.model);
    if (found != deployments_.end()) call.model = found->second;
  }

  const std::map<std::string, std::string, std::less<>> deployments_;
};

OpenAiChatQuirks Quirks(bool modern) {
  OpenAiChatQuirks quirks;
  quirks.user_field = "user";
  if (modern) return quirks;
  quirks.developer_role = false;
  quirks.account_fields = false;
  quirks.reasoning_style = OpenAiChatQuirks::ReasoningStyle::kNone;
  return quirks;
}

// Returns the path of an operation below the resource.
std::string PathOf(std::string_view version, std::string_view operation) {
  if (version == "v1") {
    return absl::StrCat("/openai/v1/", ToAbsl(operation));
  }
  const bool v1_preview = version == "preview" || version == "latest";
  return absl::StrCat(
      v1_preview ? "/openai/v1/" : "/openai/deployments/{model}/",
      ToAbsl(operation), "?api-version=", ToAbsl(version));
}

constexpr char kKeyField[] = "api-key";
constexpr std::string_view kCredentialHeaders[] = {kKeyField};

constexpr ProviderSetting kSettings[] = {
    {.field = "api_version", .value = "2024-10-21", .form = SettingForm::kName},
    {.field = "deployments",
     .form = SettingForm::kModel,
     .entries_limit = 10'000},
};

}  // namespace

absl::StatusOr<std::unique_ptr<Provider>> MakeAzureOpenAiProvider(
    const ProviderSetup& setup,
    const llmgateway::config::v1::AzureOpenAiProvider& config) {
  static const OpenAiChat modern_chat(Quirks(/*modern=*/true));
  static const OpenAiChat old_chat(Quirks(/*modern=*/false));
  static const OpenAiResponses responses;
  static const OpenAiEmbeddings embeddings(/*ask_base64=*/true);
  const std::string& version = config.api_version();
  HttpProvider::Options options;
  options.setup = setup;
  GATEWAY_ASSIGN_OR_RETURN(
      options.endpoint, HttpEndpoint::Make(config.base_url(), config.http()));
  options.credential = {.field = kKeyField};
  // Compared as texts: `v1` and other words are greater than every date.
  const Dialect* const chat =
      version >= kModernVersion ? &modern_chat : &old_chat;
  options.generations = {{chat, PathOf(version, "chat/completions"), ""}};
  // Only here: with a dated version the path of Responses names no deployment.
  if (version == "v1") {
    options.generations.push_back(
        {&responses, PathOf(version, "responses"), ""});
    options.kept_path = PathOf(version, "responses");
  }
  options.embed_path = PathOf(version, "embeddings");
  options.embedding_dialect = &embeddings;
  return std::make_unique<AzureOpenAiProvider>(
      std::move(options),
      std::map<std::string, std::string, std::less<>>(
          config.deployments().begin(), config.deployments().end()));
}

constinit const ProviderKind kAzureOpenAiKind = {
    .name = "azure_openai",
    .settings = kSettings,
    .credential_headers = kCredentialHeaders,
    .output_modes = {.lacking = OutputMode::kJsonMode},
    .make =
        [](const ProviderSetup& setup, const ProviderKind::Config& config) {
          return MakeAzureOpenAiProvider(setup, config.azure_openai());
        },
};

}  // namespace gateway
