#include "providers/anthropic/anthropic_provider.h"

#include <utility>

#include "absl/strings/str_join.h"
#include "base/http/http_client.h"
#include "base/secret.h"
#include "base/status_macros.h"
#include "providers/dialects/anthropic_messages/anthropic_messages.h"
#include "providers/dialects/anthropic_messages/model_list.h"
#include "providers/http_endpoint.h"
#include "providers/http_provider.h"

namespace gateway {

absl::StatusOr<std::unique_ptr<Provider>> MakeAnthropicProvider(
    const ProviderSetup& setup,
    const llmgateway::config::v1::AnthropicProvider& config) {
  static const AnthropicMessages messages;
  static const AnthropicModelList models;
  HttpProvider::Options options;
  options.setup = setup;
  GATEWAY_ASSIGN_OR_RETURN(
      options.endpoint, HttpEndpoint::Make(config.base_url(), config.http()));
  options.fields.push_back(
      {"anthropic-version", Secret(config.version()), /*known=*/true});
  if (config.betas_size() > 0) {
    options.fields.push_back({"anthropic-beta",
                              Secret(absl::StrJoin(config.betas(), ",")),
                              /*known=*/true});
  }
  options.credential_field = "x-api-key";
  options.credential_prefix = "";
  options.generations = {{&messages, "/v1/messages", ""}};
  options.count_path = "/v1/messages/count_tokens";
  // The largest page that there is.
  options.models_path = "/v1/models?limit=1000";
  options.model_list_dialect = &models;
  return std::make_unique<HttpProvider>(std::move(options));
}

}  // namespace gateway
