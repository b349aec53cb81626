#include "service/http/responses_routes.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "errors/fault.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/openai_responses/response.h"
#include "providers/dialects/openai_responses/scan.h"
#include "service/http/generation.h"
#include "service/pipeline/response_store.h"
#include "service/pipeline/wiring.h"

namespace gateway {
namespace {

constexpr Operation kCreate = {"POST /v1/responses", "POST", "/v1/responses"};
constexpr Operation kCountInputTokens = {"POST /v1/responses/input_tokens",
                                         "POST", "/v1/responses/input_tokens"};

// Answers of this format repeat the settings of their request.
void Echo(std::string_view body,
          google::protobuf::RepeatedPtrField<v1::Extension>* extensions) {
  v1::GenerateRequest request;
  bool stream = false;
  bool stream_usage = false;
  // It has been read before; an answer without these fields is one, too.
  if (!OpenAiResponses()
           .ReadRequest(body, &request, &stream, &stream_usage)
           .ok()) {
    return;
  }
  responses::EchoRequest(request, extensions).IgnoreError();
}

// A run in the background ends after its answer: what it came to would have to
// be asked for where it runs, and none of our paths leads there.
absl::Status NoBackground() {
  absl::Status status = MakeFault(
      v1::ERROR_REASON_CAPABILITY_UNSUPPORTED,
      "background: the gateway runs nothing in the background; ask for a "
      "stream instead");
  AddFieldViolation(status, "background", "must be false");
  return status;
}

GenerationOptions ResponseOptions(const Visit& visit,
                                  const Operation& operation) {
  GenerationOptions options;
  options.operation = operation;
  options.remembered_unless_refused = true;
  responses::StateScan state;
  // What is wrong with the body is found again where it is told.
  responses::ScanState(visit.request.body, &state).IgnoreError();
  options.previous_response_id = std::move(state.previous_response_id);
  if (state.background) options.refusal = NoBackground();
  return options;
}

absl::Status NoSuchResponse(std::string_view id) {
  return MakeFault(v1::ERROR_REASON_NOT_FOUND,
                   absl::StrCat("there is no response '", ToAbsl(id),
                                "', or it is no longer remembered; answers "
                                "that were only forwarded are remembered by "
                                "their provider alone"));
}

absl::Status WriteKept(const Visit& visit, std::string_view id,
                       std::string* body) {
  // Keeps the caller's name alive.
  const std::shared_ptr<const Wiring> wiring = visit.services.wiring.Get();
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view caller,
                           CheckCaller(visit, *wiring));
  ResponseStore* const store = visit.services.responses;
  const ResponseStore::Entry kept =
      store == nullptr ? nullptr : store->Find(caller, id);
  if (kept == nullptr) return NoSuchResponse(id);
  return visit.words.dialect->WriteResponse(kept->response, body, nullptr);
}

absl::Status RemoveKept(const Visit& visit, std::string_view id,
                        std::string* body) {
  const std::shared_ptr<const Wiring> wiring = visit.services.wiring.Get();
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view caller,
                           CheckCaller(visit, *wiring));
  ResponseStore* const store = visit.services.responses;
  if (store == nullptr || !store->Remove(caller, id)) {
    return NoSuchResponse(id);
  }
  JsonWriter json(body);
  json.StartObject();
  json.StringField("id", id);
  json.StringField("object", "response");
  json.BoolField("deleted", true);
  json.EndObject();
  return absl::OkStatus();
}

// Answers with what `write` says of the response that the path names.
template <typename Write>
Task<void> AnswerKept(Visit visit, std::string_view id, Write write) {
  std::string body;
  const absl::Status written = write(visit, id, &body);
  if (!written.ok()) return Fail(std::move(visit), written);
  return SendJson(std::move(visit), std::move(body));
}

}  // namespace

ResponsesRoutes::ResponsesRoutes()
    : words_{.vendor = "OpenAI",
             .dialect = &dialect_,
             .processing_ms_field = "openai-processing-ms",
             .echo = Echo} {}

void ResponsesRoutes::AddTo(RouteTable& table) const {
  table.Add({.words = &words_,
             .method = kCreate.method,
             .path = kCreate.path,
             .shown = kCreate.name,
             .serve = [](Visit visit, std::string_view) {
               GenerationOptions options = ResponseOptions(visit, kCreate);
               return Generate(std::move(visit), std::move(options));
             }});
  table.Add({.words = &words_,
             .method = kCountInputTokens.method,
             .path = kCountInputTokens.path,
             .shown = kCountInputTokens.name,
             .serve = [](Visit visit, std::string_view) {
               GenerationOptions options =
                   ResponseOptions(visit, kCountInputTokens);
               return CountTokens(std::move(visit), std::move(options));
             }});
  table.Add({.words = &words_,
             .method = "GET",
             .path = "/v1/responses/",
             .shown = "GET /v1/responses/{id}",
             .serve = [](Visit visit, std::string_view id) {
               return AnswerKept(std::move(visit), id, WriteKept);
             }});
  table.Add({.words = &words_,
             .method = "DELETE",
             .path = "/v1/responses/",
             .shown = "DELETE /v1/responses/{id}",
             .serve = [](Visit visit, std::string_view id) {
               return AnswerKept(std::move(visit), id, RemoveKept);
             }});
}

}  // namespace gateway
