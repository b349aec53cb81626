#include "service/http/openai_routes.h"

#include <string_view>
#include <utility>

#include "service/http/generation.h"
#include "service/http/model_listing.h"
#include "service/http/visit.h"

namespace gateway {
namespace {

constexpr Operation kComplete = {"POST /v1/chat/completions", "POST",
                                 "/v1/chat/completions"};

Task<void> Complete(Visit visit) {
  GenerationOptions options;
  options.operation = kComplete;
  return Generate(std::move(visit), std::move(options));
}

}  // namespace

OpenAiRoutes::OpenAiRoutes()
    : words_{.vendor = "OpenAI",
             .dialect = &dialect_,
             .processing_ms_field = "openai-processing-ms"} {}

void OpenAiRoutes::AddTo(RouteTable& table) const {
  table.Add({.words = &words_,
             .method = kComplete.method,
             .path = kComplete.path,
             .shown = kComplete.name,
             .serve = [](Visit visit, std::string_view) {
               return Complete(std::move(visit));
             }});
  table.Add({.words = &words_,
             .method = "GET",
             .path = "/v1/models",
             .shown = "GET /v1/models",
             .serve = [this](Visit visit, std::string_view) {
               return ListModels(std::move(visit), model_list_);
             }});
  table.Add({.words = &words_,
             .method = "GET",
             .path = "/v1/models/",
             .shown = "GET /v1/models/{id}",
             .serve = [this](Visit visit, std::string_view name) {
               return ShowModel(std::move(visit), model_list_, name);
             }});
}

}  // namespace gateway
