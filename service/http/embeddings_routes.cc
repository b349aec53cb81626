#include "service/http/embeddings_routes.h"

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/async/worker_pool.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "google/protobuf/arena.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/embedding_dialect.h"
#include "service/http/json_sink.h"
#include "service/pipeline/call.h"
#include "service/pipeline/pipeline.h"

namespace gateway {
namespace {

constexpr Operation kEmbed = {"POST /v1/embeddings", "POST", "/v1/embeddings"};

// The payload of a fault that names its fields.
constexpr std::string_view kFieldViolations = "google.rpc.BadRequest";

// Names the field as OpenAI does: `input`, where the contract has `inputs`.
absl::Status InOpenAiFields(const absl::Status& outcome) {
  constexpr std::string_view kContract = "inputs";
  constexpr std::string_view kOpenAi = "input";
  auto violations = FieldViolations(outcome);
  std::string message(outcome.message());
  bool any = false;
  for (auto& [field, description] : violations) {
    if (!field.starts_with(kContract)) continue;
    std::string renamed =
        absl::StrCat(ToAbsl(kOpenAi), field.substr(kContract.size()));
    message = absl::StrReplaceAll(message, {{field, renamed}});
    field = std::move(renamed);
    any = true;
  }
  if (!any) return outcome;
  absl::Status status(outcome.code(), message);
  outcome.ForEachPayload(
      [&](absl::string_view type_url, const absl::Cord& payload) {
        if (!absl::EndsWith(type_url, ToAbsl(kFieldViolations))) {
          status.SetPayload(type_url, payload);
        }
      });
  for (const auto& [field, description] : violations) {
    AddFieldViolation(status, field, description);
  }
  return status;
}

class EmbeddingsSink final : public JsonSink {
 public:
  EmbeddingsSink(RequestContext& context, const EmbeddingDialect& dialect,
                 const EmbeddingEncoding& encoding)
      : JsonSink(context), dialect_(dialect), encoding_(encoding) {}

 private:
  absl::Status WriteBody(Call& call, std::string* body) override {
    return dialect_.WriteResponse(*call.embeddings, encoding_, body);
  }
  size_t BytesToWrite(const Call& call) const override {
    return call.embeddings->ByteSizeLong();
  }

  const EmbeddingDialect& dialect_;
  const EmbeddingEncoding& encoding_;
};

}  // namespace

void EmbeddingsRoutes::AddTo(RouteTable& table) const {
  table.Add({.api = &api_,
             .method = kEmbed.method,
             .path = kEmbed.path,
             .shown = kEmbed.name,
             .runs_call = true,
             .serve = [this](RequestContext context, std::string_view) {
               return Embed(std::move(context));
             }});
}

Task<void> EmbeddingsRoutes::Embed(RequestContext context) const {
  LoopServices& services = context.services;
  google::protobuf::Arena arena;
  Call call = NewCall(context, arena);
  SetFacts(context, kEmbed, &call);
  auto* const request =
      google::protobuf::Arena::CreateMessage<v1::EmbedRequest>(&arena);
  auto* const response =
      google::protobuf::Arena::CreateMessage<v1::EmbedResponse>(&arena);
  EmbeddingEncoding encoding = EmbeddingEncoding::kFloat;
  call.api_error = AuthorizeCaller(context, &call);
  if (call.api_error.ok()) {
    call.api_error = co_await OffLoop(
        context.request.body.size(),
        [&] {
          return dialect_.ReadRequest(context.request.body, request, &encoding);
        },
        WorkerPool::Stage::kBegins);
  }
  call.embed = request;
  call.facts.in_callers_words = &InOpenAiFields;
  call.facts.model = request->model();
  call.embeddings = response;
  EmbeddingsSink sink(context, dialect_, encoding);
  (co_await RunCall(call, sink, services.recorder)).IgnoreError();
}

}  // namespace gateway
