#include "service/http/anthropic_routes.h"

#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "service/http/generation.h"
#include "service/http/model_listing.h"
#include "service/http/request_context.h"

namespace gateway {
namespace {

constexpr Operation kCreateMessage = {"POST /v1/messages", "POST",
                                      "/v1/messages"};
constexpr Operation kCountMessageTokens = {"POST /v1/messages/count_tokens",
                                           "POST", "/v1/messages/count_tokens"};

constexpr std::string_view kVersionField = "anthropic-version";
// The version of the format that is written.
constexpr std::string_view kVersion = "2023-06-01";

bool IsDate(std::string_view text) {
  return text.size() == kVersion.size() && text[4] == '-' && text[7] == '-' &&
         text.find_first_not_of("0123456789-") == std::string_view::npos;
}

// Accepts a request without a version, and one with a later version: the newest
// SDKs name 2026-10-21, and read what we write.
absl::Status CheckVersion(const RequestContext& context) {
  const std::string_view version = context.fields.anthropic_version;
  if (version.empty()) return absl::OkStatus();
  if (IsDate(version) && version >= kVersion) return absl::OkStatus();
  return InvalidField(
      kVersionField, absl::StrCat("must be ", ToAbsl(kVersion), " or later"));
}

GenerationOptions MessageOptions(const RequestContext& context,
                                 const Operation& operation) {
  GenerationOptions options;
  options.operation = operation;
  options.api_error = CheckVersion(context);
  return options;
}

constexpr ModelPaging::Names kAnthropicPaging = {
    .limit = "limit", .after = "after_id", .before = "before_id"};

}  // namespace

AnthropicRoutes::AnthropicRoutes(absl::Duration ping_interval)
    : api_{.vendor = "Anthropic",
           .scoped_api = ScopedApi::kAnthropic,
           .dialect = &dialect_,
           .request_id_field = "request-id",
           .limit_words = LimitWords::kAnthropic,
           .ping = kAnthropicMessagesPing,
           .ping_interval = ping_interval} {}

void AnthropicRoutes::AddTo(RouteTable& table) const {
  table.Add({.api = &api_,
             .method = kCreateMessage.method,
             .path = kCreateMessage.path,
             .shown = kCreateMessage.name,
             .runs_call = true,
             .serve = [](RequestContext&& context, std::string_view) {
               GenerationOptions options =
                   MessageOptions(context, kCreateMessage);
               return Generate(std::move(context), std::move(options));
             }});
  table.Add({.api = &api_,
             .method = kCountMessageTokens.method,
             .path = kCountMessageTokens.path,
             .shown = kCountMessageTokens.name,
             .runs_call = true,
             .serve = [](RequestContext&& context, std::string_view) {
               GenerationOptions options =
                   MessageOptions(context, kCountMessageTokens);
               return CountTokens(std::move(context), std::move(options));
             }});
  table.Add({.api = &api_,
             .method = "GET",
             .path = "/v1/models",
             .shown = "GET /v1/models",
             .field = kVersionField,
             .rpc = "ListModels",
             .serve = [this](RequestContext context, std::string_view) {
               absl::StatusOr<ModelPaging> asked =
                   ReadModelPaging(context.request.query, kAnthropicPaging);
               return ListModels(std::move(context), model_list_,
                                 std::move(asked));
             }});
  table.Add({.api = &api_,
             .method = "GET",
             .path = "/v1/models/",
             .shown = "GET /v1/models/{id}",
             .field = kVersionField,
             .rpc = "GetModel",
             .serve = [this](RequestContext context, std::string_view name) {
               return ShowModel(std::move(context), model_list_, name);
             }});
}

}  // namespace gateway
