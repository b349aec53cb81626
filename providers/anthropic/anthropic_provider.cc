#include "providers/anthropic/anthropic_provider.h"

#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "providers/dialects/anthropic_messages/anthropic_messages.h"
#include "providers/http_endpoint.h"
#include "providers/http_provider.h"

namespace gateway {
namespace {

const AnthropicMessages& AnthropicDialect() {
  static const AnthropicMessages dialect;
  return dialect;
}

class AnthropicProvider final : public HttpProvider {
 public:
  using HttpProvider::HttpProvider;

 protected:
  absl::StatusOr<std::string> WriteCountRequest(
      const ProviderCall& call) const override {
    std::string body;
    GATEWAY_RETURN_IF_ERROR(AnthropicDialect().WriteCountTokensRequest(
        *call.request, call.model, &body));
    return body;
  }
  absl::StatusOr<int64_t> ReadCount(std::string_view body) const override {
    return AnthropicDialect().ReadCountTokensResponse(body);
  }
};

}  // namespace

absl::StatusOr<std::unique_ptr<Provider>> MakeAnthropicProvider(
    const std::string& name,
    const llmgateway::config::v1::AnthropicProvider& config,
    const Secret* api_key, size_t event_bytes_limit) {
  GATEWAY_ASSIGN_OR_RETURN(
      const HttpEndpoint endpoint,
      HttpEndpoint::Make(config.base_url(), config.http()));
  std::vector<HttpRequestHead::Field> fields;
  if (api_key != nullptr) fields.push_back({"x-api-key", *api_key});
  fields.push_back({"anthropic-version", Secret(config.version())});
  if (config.betas_size() > 0) {
    fields.push_back(
        {"anthropic-beta", Secret(absl::StrJoin(config.betas(), ","))});
  }
  HttpProvider::Options options;
  options.name = name;
  options.dialect = &AnthropicDialect();
  if (api_key != nullptr) options.credential = *api_key;
  options.generate = endpoint.Post("/v1/messages", fields);
  options.count_tokens =
      endpoint.Post("/v1/messages/count_tokens", std::move(fields));
  options.event_bytes_limit = event_bytes_limit;
  return std::make_unique<AnthropicProvider>(std::move(options));
}

}  // namespace gateway
