#include "service/http/openai_routes.h"

#include <array>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/json.h"
#include "base/short_text.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "google/protobuf/arena.h"
#include "service/api/call_context.h"
#include "service/http/dialect_sink.h"
#include "service/http/percent_decode.h"
#include "service/pipeline/call.h"
#include "service/pipeline/model_catalog.h"
#include "service/pipeline/pipeline.h"

namespace gateway {
namespace {

constexpr std::string_view kChatCompletions = "/v1/chat/completions";
constexpr std::string_view kModels = "/v1/models";
constexpr std::string_view kModelPrefix = "/v1/models/";

void WriteModel(const v1::Model& model, JsonWriter* json) {
  json->StartObject();
  json->StringField("id", model.name());
  json->StringField("object", "model");
  json->Int64Field("created", model.create_time().seconds());
  json->StringField("owned_by", model.owner());
  json->EndObject();
}

absl::Status NoSuchPath(std::string_view method, std::string_view path) {
  return MakeFault(
      v1::ERROR_REASON_NOT_FOUND,
      absl::StrCat("there is no ", ToAbsl(method), " ", ToAbsl(path),
                   "; see POST /v1/chat/completions, GET "
                   "/v1/models and GET /v1/models/{id}"));
}

}  // namespace

struct OpenAiRoutes::Exchange {
  const HttpRequest& request;
  HttpResponder& responder;
  ShortText id;
};

Task<void> OpenAiRoutes::Handle(const HttpRequest& request,
                                HttpResponder& responder) {
  Exchange exchange{request, responder,
                    RequestIdFor(request.Find(kRequestIdHeader))};
  const bool get = request.method == "GET" || request.method == "HEAD";
  if (request.method == "POST" && request.path == kChatCompletions) {
    return Complete(std::move(exchange));
  }
  if (get && request.path == kModels) return ListModels(std::move(exchange));
  if (get && request.path.substr(0, kModelPrefix.size()) == kModelPrefix) {
    absl::StatusOr<std::string> name =
        PercentDecode(request.path.substr(kModelPrefix.size()));
    if (!name.ok()) return Fail(std::move(exchange), name.status());
    return GetModel(std::move(exchange), *std::move(name));
  }
  absl::Status missing = NoSuchPath(request.method, request.path);
  return Fail(std::move(exchange), std::move(missing));
}

Task<void> OpenAiRoutes::Complete(Exchange exchange) {
  const HttpRequest& request = exchange.request;
  google::protobuf::Arena arena;
  Call call(services_.wiring.Get(), services_.loop, services_.http,
            exchange.responder.gone(), arena, request.arrival);
  call.facts.door = Door::kHttp;
  call.facts.operation = "POST /v1/chat/completions";
  // The request's own views end when a stream begins.
  call.facts.method = "POST";
  call.facts.path = kChatCompletions;
  call.facts.request_id = exchange.id;
  call.facts.authorization = request.Find("authorization");
  call.facts.api_key = request.Find("x-api-key");
  call.facts.request_bytes = request.body.size();

  DialectSink sink(dialect_, exchange.responder);
  RawRequest raw;
  raw.dialect = &dialect_;
  raw.body = request.body;
  const absl::Status scanned = dialect_.ScanRequest(request.body, &raw.scan);
  call.raw = &raw;
  call.refusal = scanned;
  call.facts.model = raw.scan.model;
  call.facts.stream = raw.scan.stream && scanned.ok();
  call.facts.stream_usage = raw.scan.stream_usage;
  (co_await RunCall(call, sink, services_.recorder)).IgnoreError();
}

Task<void> OpenAiRoutes::ListModels(Exchange exchange) {
  const std::shared_ptr<const Wiring> wiring = services_.wiring.Get();
  const absl::Status admitted = CheckCaller(exchange, *wiring);
  if (!admitted.ok()) {
    co_await Fail(std::move(exchange), admitted);
    co_return;
  }
  std::string body;
  JsonWriter json(&body);
  json.StartObject();
  json.StringField("object", "list");
  json.StartArrayField("data");
  for (const v1::Model& model : wiring->catalog().models()) {
    WriteModel(model, &json);
  }
  json.EndArray();
  json.EndObject();
  co_await SendJson(std::move(exchange), std::move(body));
}

Task<void> OpenAiRoutes::GetModel(Exchange exchange, std::string name) {
  const std::shared_ptr<const Wiring> wiring = services_.wiring.Get();
  const absl::Status admitted = CheckCaller(exchange, *wiring);
  if (!admitted.ok()) {
    co_await Fail(std::move(exchange), admitted);
    co_return;
  }
  const v1::Model* const model = wiring->catalog().Find(name);
  if (model == nullptr) {
    absl::Status missing =
        MakeFault(v1::ERROR_REASON_MODEL_NOT_FOUND,
                  absl::StrCat("the model '", name, "' does not exist"));
    co_await Fail(std::move(exchange), std::move(missing));
    co_return;
  }
  std::string body;
  JsonWriter json(&body);
  WriteModel(*model, &json);
  co_await SendJson(std::move(exchange), std::move(body));
}

absl::Status OpenAiRoutes::CheckCaller(const Exchange& exchange,
                                       const Wiring& wiring) const {
  return wiring.authenticator()
      .Authenticate(exchange.request.Find("authorization"),
                    exchange.request.Find("x-api-key"))
      .status();
}

Task<void> OpenAiRoutes::SendJson(Exchange exchange, std::string body) {
  const HttpField fields[] = {{"content-type", "application/json"},
                              {kRequestIdHeader, exchange.id}};
  const std::string_view pieces[] = {body};
  (co_await exchange.responder.Send({200, fields}, pieces)).IgnoreError();
}

Task<void> OpenAiRoutes::Fail(Exchange exchange, absl::Status status) {
  (co_await SendDialectError(dialect_, status, exchange.id, exchange.responder))
      .IgnoreError();
}

HttpHandler::Refusal OpenAiRoutes::Refuse(int status, std::string_view,
                                          std::string_view message) {
  const v1::ErrorReason reason =
      status == 413 || status == 431 ? v1::ERROR_REASON_REQUEST_TOO_LARGE
      : status >= 500                ? v1::ERROR_REASON_INTERNAL
                                     : v1::ERROR_REASON_INVALID_REQUEST;
  return {"application/json",
          dialect_.WriteError(MakeFault(reason, message), "").body};
}

}  // namespace gateway
