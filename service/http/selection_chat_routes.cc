#include "service/http/selection_chat_routes.h"

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "base/async/worker_pool.h"
#include "google/protobuf/arena.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/bounded_reading.h"
#include "providers/dialects/selection_chat/request_reader.h"
#include "service/http/dialect_sink.h"
#include "service/http/request_context.h"
#include "service/http/selection_completion.h"
#include "service/http/selection_preview.h"
#include "service/pipeline/call.h"
#include "service/pipeline/pipeline.h"

namespace gateway {
namespace {

using selection_chat::RequestWishes;

// What is particular to a path that answers.
struct ChatPath {
  Operation operation;
  absl::Status (*read)(std::string_view body, v1::GenerateRequest* request,
                       RequestWishes* wishes);
  // The node of a request that names none.
  std::string_view node;
  // Whether the answer is a stream, where the request `wants` one or not.
  bool (*streams)(bool wants);
  // A mode says which node it is in place of `node`, and what is needed.
  bool has_modes = false;
};

constexpr ChatPath kCompleteChat = {
    .operation = {"POST /api/chat/complete", "POST", "/api/chat/complete"},
    .read = selection_chat::ReadRequest,
    .node = "chat_completion",
    .streams = [](bool) { return false; }};
constexpr ChatPath kStreamChat = {
    .operation = {"POST /api/chat/stream", "POST", "/api/chat/stream"},
    .read = selection_chat::ReadRequest,
    .node = "chat_stream",
    .streams = [](bool) { return true; }};
constexpr ChatPath kSendChat = {
    .operation = {"POST /api/chat/send", "POST", "/api/chat/send"},
    .read = selection_chat::ReadLegacyRequest,
    .node = "",
    .streams = [](bool wants) { return wants; },
    .has_modes = true};
constexpr std::string_view kCommentPing = ": ping\n\n";
constexpr std::string_view kTraceIdField = "x-trace-id";
constexpr std::string_view kTraceIdsFrom[] = {kTraceIdField, "x-request-id",
                                              "trace-id", "request-id"};

SelectionDefaults DefaultsOf(const ChatPath& path,
                             const RequestWishes& wishes) {
  if (!path.has_modes) {
    return {.node = std::string(path.node), .capabilities = {}};
  }
  return {.node = selection_chat::NodeOfMode(wishes.mode),
          .capabilities = selection_chat::CapabilitiesOfMode(wishes.mode)};
}

absl::Status Read(const RequestContext& context, const ChatPath& path,
                  v1::GenerateRequest* request, RequestWishes* wishes) {
  const std::string_view body = context.request.body;
  absl::Status status = ReadBounded(
      body.size(), [request] { return request->GetArena()->SpaceAllocated(); },
      [&] { return path.read(body, request, wishes); }, RequestTakesTooMuch);
  if (!status.ok()) return status;
  CompleteSelection(context, DefaultsOf(path, *wishes), request);
  return CheckThatThereIsAModel(context, *request);
}

Task<void> AnswerChat(RequestContext context, const ChatPath& path) {
  LoopServices& services = context.services;
  google::protobuf::Arena arena;
  Call call = NewCall(context, arena);
  SetFacts(context, path.operation, &call);
  auto* const request =
      google::protobuf::Arena::CreateMessage<v1::GenerateRequest>(&arena);
  RequestWishes wishes;
  call.api_error = AuthorizeCaller(context, &call);
  if (call.api_error.ok()) {
    const auto read = [&] { return Read(context, path, request, &wishes); };
    call.api_error = co_await OffLoop(context.request.body.size(), read,
                                      WorkerPool::Stage::kBegins);
  }
  call.request = request;
  call.facts.dialect = context.api.dialect->name();
  call.facts.stream = call.api_error.ok() && path.streams(wishes.stream);
  // A whole answer has what details would add to it.
  const DetailForm details =
      call.facts.stream && context.fields.directives.details
          ? DetailForm::kFull
          : DetailForm::kNone;
  DialectSink sink(context.api, context.responder, details);
  (co_await RunCall(call, sink, services.recorder)).IgnoreError();
}

}  // namespace

SelectionChatRoutes::SelectionChatRoutes(absl::Duration ping_interval)
    : api_{.vendor = "llm-gateway",
           .scoped_api = ScopedApi::kChat,
           .dialect = &dialect_,
           .request_id_field = kTraceIdField,
           .request_ids_from = kTraceIdsFrom,
           .ping = kCommentPing,
           .ping_interval = ping_interval} {}

void SelectionChatRoutes::AddTo(RouteTable& table) const {
  for (const ChatPath* path : {&kCompleteChat, &kStreamChat, &kSendChat}) {
    table.Add({.api = &api_,
               .method = path->operation.method,
               .path = path->operation.path,
               .shown = path->operation.name,
               .runs_call = true,
               .serve = [path](RequestContext&& context, std::string_view) {
                 return AnswerChat(std::move(context), *path);
               }});
  }
  table.Add({.api = &api_,
             .method = "POST",
             .path = "/api/chat/select-model",
             .shown = "POST /api/chat/select-model",
             .serve = [](RequestContext&& context, std::string_view) {
               return PreviewSelection(std::move(context));
             }});
  table.Add({.api = &api_,
             .method = "GET",
             .path = "/api/chat/capabilities",
             .shown = "GET /api/chat/capabilities",
             .rpc = "ListModels",
             .serve = [](RequestContext&& context, std::string_view) {
               return ListCapabilities(std::move(context));
             }});
}

}  // namespace gateway
