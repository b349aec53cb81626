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

constexpr Operation kCreateMessage = {"POST /v1/messages", "POST",
                                      "/v1/messages"};
constexpr Operation kCountMessageTokens = {"POST /v1/messages/count_tokens",
                                           "POST", "/v1/messages/count_tokens"};

constexpr std::string_view kVersionField = "anthropic-version";
// The version whose form we speak.
constexpr std::string_view kVersion = "2023-06-01";

bool IsDate(std::string_view text) {
  return text.size() == kVersion.size() && text[4] == '-' && text[7] == '-' &&
         text.find_first_not_of("0123456789-") == std::string_view::npos;
}

// Who names no version gets ours. So does who names a later one: the newest
// SDKs name 2026-10-21, and read what we write.
absl::Status CheckVersion(const Visit& visit) {
  const std::string_view version = visit.fields.anthropic_version;
  if (version.empty()) return absl::OkStatus();
  if (IsDate(version) && version >= kVersion) return absl::OkStatus();
  return InvalidField(
      kVersionField, absl::StrCat("must be ", ToAbsl(kVersion), " or later"));
}

GenerationOptions MessageOptions(const Visit& visit,
                                 const Operation& operation) {
  GenerationOptions options;
  options.operation = operation;
  options.refusal = CheckVersion(visit);
  return options;
}

constexpr ModelPaging::Words kAnthropicPaging = {
    .limit = "limit", .after = "after_id", .before = "before_id"};

}  // namespace

AnthropicRoutes::AnthropicRoutes(absl::Duration ping_interval)
    : words_{.vendor = "Anthropic",
             .dialect = &dialect_,
             .request_id_field = "request-id",
             .ping = kAnthropicMessagesPing,
             .ping_interval = ping_interval} {}

void AnthropicRoutes::AddTo(RouteTable& table) const {
  table.Add({.words = &words_,
             .method = kCreateMessage.method,
             .path = kCreateMessage.path,
             .shown = kCreateMessage.name,
             .serve = [](Visit visit, std::string_view) {
               GenerationOptions options =
                   MessageOptions(visit, kCreateMessage);
               return Generate(std::move(visit), std::move(options));
             }});
  table.Add({.words = &words_,
             .method = kCountMessageTokens.method,
             .path = kCountMessageTokens.path,
             .shown = kCountMessageTokens.name,
             .serve = [](Visit visit, std::string_view) {
               GenerationOptions options =
                   MessageOptions(visit, kCountMessageTokens);
               return CountTokens(std::move(visit), std::move(options));
             }});
  table.Add({.words = &words_,
             .method = "GET",
             .path = "/v1/models",
             .shown = "GET /v1/models",
             .field = kVersionField,
             .serve = [this](Visit visit, std::string_view) {
               absl::StatusOr<ModelPaging> asked =
                   ReadModelPaging(visit.request.query, kAnthropicPaging);
               return ListModels(std::move(visit), model_list_,
                                 std::move(asked));
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
