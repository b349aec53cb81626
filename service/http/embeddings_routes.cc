#include "service/http/embeddings_routes.h"

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "google/protobuf/arena.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/embedding_dialect.h"
#include "service/pipeline/call.h"
#include "service/pipeline/pipeline.h"

namespace gateway {
namespace {

constexpr Operation kEmbed = {"POST /v1/embeddings", "POST", "/v1/embeddings"};

}  // namespace

void EmbeddingsRoutes::AddTo(RouteTable& table) const {
  table.Add({.words = &words_,
             .method = kEmbed.method,
             .path = kEmbed.path,
             .shown = kEmbed.name,
             .serve = [this](Visit visit, std::string_view) {
               return Embed(std::move(visit));
             }});
}

Task<void> EmbeddingsRoutes::Embed(Visit visit) const {
  LoopServices& services = visit.services;
  google::protobuf::Arena arena;
  Call call(services.wiring.Get(), services.loop, services.http,
            visit.responder.gone(), arena, visit.request.arrival);
  SetFacts(visit, kEmbed, &call.facts);
  auto* const request =
      google::protobuf::Arena::CreateMessage<v1::EmbedRequest>(&arena);
  auto* const response =
      google::protobuf::Arena::CreateMessage<v1::EmbedResponse>(&arena);
  EmbeddingEncoding encoding = EmbeddingEncoding::kFloat;
  call.refusal = dialect_.ReadRequest(visit.request.body, request, &encoding);
  call.embed = request;
  call.facts.model = request->model();
  const TellOutcome tell = [&](const absl::Status& outcome) {
    std::string body;
    absl::Status written = outcome;
    if (written.ok()) {
      written = dialect_.WriteResponse(*response, encoding, &body);
    }
    return SendOutcome(visit, call, std::move(written), std::move(body));
  };
  (co_await RunEmbed(call, services.recorder, response, &tell)).IgnoreError();
}

}  // namespace gateway
