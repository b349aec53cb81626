#include "service/http/responses_routes.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/openai_responses/response.h"
#include "providers/dialects/openai_responses/scan.h"
#include "service/http/generation.h"
#include "service/http/stored_responses.h"

namespace gateway {
namespace {

constexpr Operation kCreate = {"POST /v1/responses", "POST", "/v1/responses"};
constexpr Operation kCountInputTokens = {"POST /v1/responses/input_tokens",
                                         "POST", "/v1/responses/input_tokens"};

// Adds the settings of the request, which answers of this format repeat.
void Echo(std::string_view body,
          google::protobuf::RepeatedPtrField<v1::Extension>* extensions) {
  v1::GenerateRequest request;
  bool stream = false;
  bool stream_usage = false;
  // A request that cannot be read adds nothing: an answer without these fields
  // is valid.
  if (!OpenAiResponses()
           .ReadRequest(body, &request, &stream, &stream_usage)
           .ok()) {
    return;
  }
  responses::EchoRequest(request, extensions).IgnoreError();
}

void ReadState(std::string_view body, GenerationOptions* options) {
  responses::StateScan state;
  options->api_error = responses::ScanState(body, &state);
  options->previous_response_id = std::move(state.previous_response_id);
  options->remembered_unless_refused = state.store.value_or(true);
  options->background = state.background;
  if (state.conversation) {
    options->stored_reference = "conversation";
  } else if (state.stored_item.has_value()) {
    options->stored_reference = absl::StrCat("input[", *state.stored_item, "]");
  }
}

GenerationOptions ResponseOptions(const Operation& operation) {
  GenerationOptions options;
  options.operation = operation;
  options.read_more = ReadState;
  return options;
}

}  // namespace

ResponsesRoutes::ResponsesRoutes()
    : api_{.vendor = "OpenAI",
           .dialect = &dialect_,
           .limit_words = LimitWords::kOpenAi,
           .processing_ms_field = "openai-processing-ms",
           .echo = Echo} {}

void ResponsesRoutes::AddTo(RouteTable& table) const {
  table.Add({.api = &api_,
             .method = kCreate.method,
             .path = kCreate.path,
             .shown = kCreate.name,
             .runs_call = true,
             .serve = [](RequestContext&& context, std::string_view) {
               return Generate(std::move(context), ResponseOptions(kCreate));
             }});
  table.Add({.api = &api_,
             .method = kCountInputTokens.method,
             .path = kCountInputTokens.path,
             .shown = kCountInputTokens.name,
             .runs_call = true,
             .serve = [](RequestContext&& context, std::string_view) {
               return CountTokens(std::move(context),
                                  ResponseOptions(kCountInputTokens));
             }});
  AddStoredResponses(api_, table);
}

}  // namespace gateway
