#include "service/http/openai_routes.h"

#include <string_view>
#include <utility>

#include "service/http/generation.h"
#include "service/http/model_listing.h"
#include "service/http/request_context.h"

namespace gateway {
namespace {

constexpr Operation kComplete = {"POST /v1/chat/completions", "POST",
                                 "/v1/chat/completions"};

Task<void> Complete(RequestContext&& context) {
  GenerationOptions options;
  options.operation = kComplete;
  return Generate(std::move(context), std::move(options));
}

}  // namespace

OpenAiRoutes::OpenAiRoutes()
    : api_{.vendor = "OpenAI",
           .dialect = &dialect_,
           .limit_words = LimitWords::kOpenAi,
           .processing_ms_field = "openai-processing-ms"} {}

void OpenAiRoutes::AddTo(RouteTable& table) const {
  table.Add({.api = &api_,
             .method = kComplete.method,
             .path = kComplete.path,
             .shown = kComplete.name,
             .runs_call = true,
             .serve = [](RequestContext&& context, std::string_view) {
               return Complete(std::move(context));
             }});
  table.Add({.api = &api_,
             .method = "GET",
             .path = "/v1/models",
             .shown = "GET /v1/models",
             .rpc = "ListModels",
             .serve = [this](RequestContext context, std::string_view) {
               return ListModels(std::move(context), model_list_);
             }});
  table.Add({.api = &api_,
             .method = "GET",
             .path = "/v1/models/",
             .shown = "GET /v1/models/{id}",
             .rpc = "GetModel",
             .serve = [this](RequestContext context, std::string_view name) {
               return ShowModel(std::move(context), model_list_, name);
             }});
}

}  // namespace gateway
