#include "providers/anthropic/anthropic_provider.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_join.h"
#include "base/http/http1_codec.h"
#include "base/http/http_client.h"
#include "base/secret.h"
#include "base/status_macros.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/anthropic_messages/anthropic_messages.h"
#include "providers/dialects/anthropic_messages/model_list.h"
#include "providers/http_endpoint.h"
#include "providers/http_provider.h"
#include "providers/schema/output_mode.h"

namespace gateway {
namespace {

constexpr char kKeyField[] = "x-api-key";
constexpr char kBetaField[] = "anthropic-beta";
constexpr std::string_view kVersionField = "anthropic-version";
// A version of the API that allows all that later versions refuse.
constexpr std::string_view kLenientVersion = "2023-06-01";

// How tokens begin that a login makes; keys of an account begin otherwise.
constexpr std::string_view kLoginTokenPrefix = "sk-ant-oat";
constexpr std::string_view kLoginTokenBeta = "oauth-2025-04-20";

CredentialForm FormOf(std::string_view credential) {
  if (!credential.starts_with(kLoginTokenPrefix)) {
    return {.field = kKeyField};
  }
  return {.field = "authorization",
          .prefix = "Bearer ",
          .more = {{kBetaField, Secret(std::string(kLoginTokenBeta)),
                    /*indexable=*/true}}};
}

bool HasCitations(const v1::Part& part) {
  return std::any_of(
      part.extensions().begin(), part.extensions().end(),
      [](const v1::Extension& each) { return each.name() == "citations"; });
}

// Returns whether a request that is written here holds what versions after the
// lenient one refuse: sampling parameters, documents that the model is said to
// have sent, and citations by the user.
bool NeedsLenience(const v1::GenerateRequest& request) {
  const v1::Sampling& sampling = request.sampling();
  if (sampling.has_temperature() || sampling.has_top_p() ||
      sampling.has_top_k()) {
    return true;
  }
  for (const v1::Message& message : request.messages()) {
    const bool of_model = message.role() == v1::ROLE_ASSISTANT;
    for (const v1::Part& part : message.parts()) {
      if (of_model ? part.has_document() : HasCitations(part)) return true;
    }
  }
  return false;
}

// Adds the version to send. A request whose bytes are forwarded keeps its
// caller's version, whose rules it was written by.
void AddCallFields(std::string_view version, const ProviderCall& call,
                   HttpProvider::CallFields* fields) {
  for (const HttpField& field : call.forwarded_fields) {
    if (!EqualsIgnoreCase(field.name, kVersionField)) {
      fields->push_back(field);
    } else if (call.raw != nullptr) {
      version = field.value;
    }
  }
  if (call.request != nullptr && NeedsLenience(*call.request)) {
    version = kLenientVersion;
  }
  fields->push_back({kVersionField, version});
}

constexpr std::string_view kCredentialHeaders[] = {kKeyField};
constexpr std::string_view kOwnHeaders[] = {kBetaField, kVersionField};
constexpr std::string_view kModelPrefixes[] = {"claude-"};

constexpr ProviderSetting kSettings[] = {
    {.field = "base_url", .value = "https://api.anthropic.com"},
    {.field = "version",
     .value = "2023-06-01",
     .form = SettingForm::kHeaderValue},
    {.field = "betas", .form = SettingForm::kName, .entries_limit = 64},
};

}  // namespace

absl::StatusOr<std::unique_ptr<Provider>> MakeAnthropicProvider(
    const ProviderSetup& setup,
    const llmgateway::config::v1::AnthropicProvider& config) {
  static const AnthropicMessages messages;
  static const AnthropicModelList models;
  HttpProvider::Options options;
  options.setup = setup;
  GATEWAY_ASSIGN_OR_RETURN(
      options.endpoint, HttpEndpoint::Make(config.base_url(), config.http()));
  options.call_fields = [version = config.version()](
                            const ProviderCall& call,
                            HttpProvider::CallFields* fields) {
    AddCallFields(version, call, fields);
  };
  if (config.betas_size() > 0) {
    options.fields.push_back({kBetaField,
                              Secret(absl::StrJoin(config.betas(), ",")),
                              /*indexable=*/true});
  }
  options.credential_form = FormOf;
  options.generations = {{&messages, "/v1/messages", ""}};
  options.count_path = "/v1/messages/count_tokens";
  // The largest page that the API allows.
  options.models_path = "/v1/models?limit=1000";
  options.model_list_dialect = &models;
  return std::make_unique<HttpProvider>(std::move(options));
}

constinit const ProviderKind kAnthropicKind = {
    .name = "anthropic",
    .settings = kSettings,
    .keyed_origin = "https://api.anthropic.com",
    .credential_headers = kCredentialHeaders,
    .own_headers = kOwnHeaders,
    .lists_models = true,
    .model_prefixes = kModelPrefixes,
    // Older models know tools, but no schemas.
    .output_modes = {.lacking = OutputMode::kForcedTool},
    .make =
        [](const ProviderSetup& setup, const ProviderKind::Config& config) {
          return MakeAnthropicProvider(setup, config.anthropic());
        },
};

}  // namespace gateway
