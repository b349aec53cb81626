#include "providers/openai/openai_provider.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "providers/dialects/openai_chat/openai_chat.h"
#include "providers/http_endpoint.h"
#include "providers/http_provider.h"

namespace gateway {

absl::StatusOr<std::unique_ptr<Provider>> MakeOpenAiProvider(
    const std::string& name,
    const llmgateway::config::v1::OpenAiProvider& config, const Secret* api_key,
    size_t event_bytes_limit) {
  static const OpenAiChat dialect;
  GATEWAY_ASSIGN_OR_RETURN(
      const HttpEndpoint endpoint,
      HttpEndpoint::Make(config.base_url(), config.http()));
  std::vector<HttpRequestHead::Field> fields;
  if (api_key != nullptr) {
    fields.push_back(
        {"authorization",
         Secret(absl::StrCat("Bearer ", ToAbsl(api_key->Reveal())))});
  }
  if (!config.organization().empty()) {
    fields.push_back({"openai-organization", Secret(config.organization())});
  }
  if (!config.project().empty()) {
    fields.push_back({"openai-project", Secret(config.project())});
  }
  HttpProvider::Options options;
  options.name = name;
  options.dialect = &dialect;
  if (api_key != nullptr) options.credential = *api_key;
  options.generate = endpoint.Post("/chat/completions", std::move(fields));
  options.event_bytes_limit = event_bytes_limit;
  return std::make_unique<HttpProvider>(std::move(options));
}

}  // namespace gateway
