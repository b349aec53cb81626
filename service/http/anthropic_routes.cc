#include "service/http/anthropic_routes.h"

#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "service/http/generation.h"
#include "service/http/model_listing.h"
#include "service/http/visit.h"

namespace gateway {
namespace {

constexpr Operation kGenerate = {"POST /v1/messages", "POST", "/v1/messages"};
constexpr Operation kCount = {"POST /v1/messages/count_tokens", "POST",
                              "/v1/messages/count_tokens"};

constexpr std::string_view kVersionField = "anthropic-version";
// The only version in use.
constexpr std::string_view kVersion = "2023-06-01";

// Who names no version gets this one.
absl::Status CheckVersion(const Visit& visit) {
  const std::string_view version = visit.fields.anthropic_version;
  if (version.empty() || version == kVersion) return absl::OkStatus();
  return InvalidField(kVersionField,
                      absl::StrCat("must be ", ToAbsl(kVersion)));
}

GenerationOptions OptionsFor(const Visit& visit, const Operation& operation) {
  GenerationOptions options;
  options.operation = operation;
  options.refusal = CheckVersion(visit);
  return options;
}

}  // namespace

AnthropicRoutes::AnthropicRoutes(absl::Duration ping_interval)
    : words_{.dialect = &dialect_,
             .request_id_field = "request-id",
             .ping = kAnthropicMessagesPing,
             .ping_interval = ping_interval} {}

void AnthropicRoutes::AddTo(RouteTable& table) const {
  table.Add({.words = &words_,
             .method = kGenerate.method,
             .path = kGenerate.path,
             .shown = kGenerate.name,
             .serve = [](Visit visit, std::string_view) {
               GenerationOptions options = OptionsFor(visit, kGenerate);
               return Generate(std::move(visit), std::move(options));
             }});
  table.Add({.words = &words_,
             .method = kCount.method,
             .path = kCount.path,
             .shown = kCount.name,
             .serve = [](Visit visit, std::string_view) {
               GenerationOptions options = OptionsFor(visit, kCount);
               return CountTokens(std::move(visit), std::move(options));
             }});
  table.Add({.words = &words_,
             .method = "GET",
             .path = "/v1/models",
             .shown = "GET /v1/models",
             .field = kVersionField,
             .serve = [this](Visit visit, std::string_view) {
               return ListModels(std::move(visit), model_list_);
             }});
  table.Add({.words = &words_,
             .method = "GET",
             .path = "/v1/models/",
             .shown = "GET /v1/models/{id}",
             .field = kVersionField,
             .serve = [this](Visit visit, std::string_view name) {
               return ShowModel(std::move(visit), model_list_, name);
             }});
}

}  // namespace gateway
