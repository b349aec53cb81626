#include "service/http/gemini_routes.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "providers/dialects/gemini/errors.h"
#include "service/http/generation.h"
#include "service/http/model_listing.h"
#include "service/http/request_target.h"

namespace gateway {
namespace {

constexpr std::string_view kModels = "/v1beta/models";
constexpr std::string_view kBelowModels = "/v1beta/models/";
// Where Google's newest SDK asks unless it is told otherwise. Others have lists
// of models at this path; only Google's callers send a key in this field.
constexpr std::string_view kStableModels = "/v1/models";
constexpr std::string_view kBelowStableModels = "/v1/models/";
constexpr std::string_view kKeyField = "x-goog-api-key";

constexpr char kAbilities[] =
    "; a model can generateContent, streamGenerateContent and countTokens";

constexpr Operation kGenerate = {"POST /v1beta/models/{model}:generateContent",
                                 "POST",
                                 "/v1beta/models/{model}:generateContent"};
constexpr Operation kStream = {
    "POST /v1beta/models/{model}:streamGenerateContent", "POST",
    "/v1beta/models/{model}:streamGenerateContent"};
constexpr Operation kCountTokens = {"POST /v1beta/models/{model}:countTokens",
                                    "POST",
                                    "/v1beta/models/{model}:countTokens"};

bool HasKey(std::string_view query) {
  return AnyParameter(query, "key",
                      [](std::optional<std::string_view>) { return true; });
}

bool AsksForEvents(std::string_view query) {
  return AnyParameter(query, "alt", [](std::optional<std::string_view> value) {
    return value == "sse";
  });
}

absl::Status CheckQuery(const RequestContext& context) {
  if (!HasKey(context.request.query)) return absl::OkStatus();
  return InvalidField(
      "key", "a key in a URL ends up in logs; send it as `x-goog-api-key`");
}

// Returns the operation that a path's last word stands for; null if there is
// none.
const Operation* FindOperation(std::string_view word) {
  if (word == "generateContent") return &kGenerate;
  if (word == "streamGenerateContent") return &kStream;
  if (word == "countTokens") return &kCountTokens;
  return nullptr;
}

// Returns whether `rest` is `{model}:{word}`, an operation, and not a model to
// be shown.
bool IsAsked(std::string_view rest) {
  const size_t colon = rest.rfind(':');
  return colon != std::string_view::npos &&
         FindOperation(rest.substr(colon + 1)) != nullptr;
}
bool IsShown(std::string_view rest) { return !IsAsked(rest); }

// Serves an operation; `rest` is `{model}:{word}`, as it stands in the path.
Task<void> Ask(RequestContext context, std::string_view rest) {
  const size_t colon = rest.rfind(':');
  const Operation* const operation =
      colon == std::string_view::npos ? nullptr
                                      : FindOperation(rest.substr(colon + 1));
  if (colon == std::string_view::npos) {
    absl::Status wrong_method =
        MakeFault(v1::ERROR_REASON_INVALID_REQUEST,
                  absl::StrCat("there is GET ", ToAbsl(context.request.path),
                               ", no POST", kAbilities));
    return FailWith(std::move(context), std::move(wrong_method), 405, "allow",
                    "GET, HEAD");
  }
  if (operation == nullptr) {
    absl::Status missing =
        MakeFault(v1::ERROR_REASON_NOT_FOUND,
                  absl::StrCat("there is no POST ",
                               ToAbsl(context.request.path), kAbilities));
    return Fail(std::move(context), std::move(missing));
  }
  absl::StatusOr<std::string> model = DecodeSegment(rest.substr(0, colon));
  if (!model.ok() || model->empty()) {
    absl::Status unnamed =
        model.ok() ? InvalidField("model", "is required") : model.status();
    return Fail(std::move(context), std::move(unnamed));
  }
  GenerationOptions options;
  options.operation = *operation;
  options.model = *std::move(model);
  options.stream = operation == &kStream;
  options.api_error = CheckQuery(context);
  if (operation == &kCountTokens) {
    return CountTokens(std::move(context), std::move(options));
  }
  if (options.api_error.ok() && options.stream &&
      !AsksForEvents(context.request.query)) {
    options.api_error = InvalidField(
        "alt", "streams are server-sent events here: ask with `?alt=sse`");
  }
  return Generate(std::move(context), std::move(options));
}

constexpr ModelPaging::Names kGeminiPaging = {.limit = "pageSize",
                                              .after = "pageToken",
                                              .before = {},
                                              .is_lenient = true};

}  // namespace

GeminiRoutes::GeminiRoutes()
    : api_{.vendor = "Google",
           .scoped_api = ScopedApi::kGemini,
           .dialect = &dialect_,
           .skips_comments = false,
           .error_body = gemini::ErrorBodyOf} {}

void GeminiRoutes::AddTo(RouteTable& table) const {
  for (const Operation* operation : {&kGenerate, &kStream, &kCountTokens}) {
    table.Add({.api = &api_,
               .method = operation->method,
               .path = kBelowModels,
               .shown = operation->name,
               .has = IsAsked,
               .runs_call = true,
               .serve = [](RequestContext context, std::string_view rest) {
                 return Ask(std::move(context), rest);
               }});
  }
  table.Add({.api = &api_,
             .method = "POST",
             .path = kBelowStableModels,
             .shown = "the same below /v1/models",
             .has = IsAsked,
             .runs_call = true,
             .serve = [](RequestContext context, std::string_view rest) {
               return Ask(std::move(context), rest);
             }});
  AddLists(table, {kModels, "GET /v1beta/models", kBelowModels,
                   "GET /v1beta/models/{model}", ""});
  AddLists(table, {kStableModels, "GET /v1/models", kBelowStableModels,
                   "GET /v1/models/{model}", kKeyField});
}

void GeminiRoutes::AddLists(RouteTable& table, const Lists& lists) const {
  table.Add({.api = &api_,
             .method = "GET",
             .path = lists.all,
             .shown = lists.all_shown,
             .field = lists.field,
             .rpc = "ListModels",
             .serve = [this](RequestContext context, std::string_view) {
               return List(std::move(context));
             }});
  table.Add({.api = &api_,
             .method = "GET",
             .path = lists.one,
             .shown = lists.one_shown,
             .field = lists.field,
             .has = IsShown,
             .rpc = "GetModel",
             .serve = [this](RequestContext context, std::string_view name) {
               return Show(std::move(context), name);
             }});
}

Task<void> GeminiRoutes::List(RequestContext context) const {
  const absl::Status checked = CheckQuery(context);
  if (!checked.ok()) return Fail(std::move(context), checked);
  absl::StatusOr<ModelPaging> asked =
      ReadModelPaging(context.request.query, kGeminiPaging);
  return ListModels(std::move(context), model_list_, std::move(asked));
}

Task<void> GeminiRoutes::Show(RequestContext context,
                              std::string_view encoded_name) const {
  const absl::Status checked = CheckQuery(context);
  if (!checked.ok()) return Fail(std::move(context), checked);
  if (IsAsked(encoded_name)) {
    absl::Status wrong_method =
        MakeFault(v1::ERROR_REASON_INVALID_REQUEST,
                  absl::StrCat("there is POST ", ToAbsl(context.request.path),
                               ", no ", ToAbsl(context.request.method)));
    return FailWith(std::move(context), std::move(wrong_method), 405, "allow",
                    "POST");
  }
  return ShowModel(std::move(context), model_list_, encoded_name);
}

}  // namespace gateway
