#include "service/http/stored_responses.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/async/task.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "google/protobuf/arena.h"
#include "providers/dialects/openai_responses/response.h"
#include "providers/provider.h"
#include "service/http/json_sink.h"
#include "service/http/request_context.h"
#include "service/http/request_target.h"
#include "service/pipeline/call.h"
#include "service/pipeline/pipeline.h"
#include "service/pipeline/response_store.h"

namespace gateway {
namespace {

using Action = StoredResponseQuery::Action;

struct StoredOperation {
  Operation operation;
  std::string_view ending;
  Action action;
};

// The first that fits serves.
constexpr StoredOperation kOperations[] = {
    {{"GET /v1/responses/{id}/input_items", "GET",
      "/v1/responses/{id}/input_items"},
     "/input_items",
     Action::kListInput},
    {{"GET /v1/responses/{id}", "GET", "/v1/responses/{id}"},
     "",
     Action::kShow},
    {{"POST /v1/responses/{id}/cancel", "POST", "/v1/responses/{id}/cancel"},
     "/cancel",
     Action::kCancel},
    {{"DELETE /v1/responses/{id}", "DELETE", "/v1/responses/{id}"},
     "",
     Action::kDelete}};

absl::Status NoSuchResponse(std::string_view id) {
  return MakeFault(v1::ERROR_REASON_NOT_FOUND,
                   absl::StrCat("there is no response '", ToAbsl(id),
                                "', or it is no longer remembered "
                                "(response_store in the configuration)"));
}

// Refuses `stream`: a stream would have to be made from an answer that is
// complete, and plain JSON could not be read by whoever asked for events.
absl::Status CheckNotStreamed(std::string_view query) {
  const bool streamed =
      AnyParameter(query, "stream", [](std::optional<std::string_view> value) {
        return value.has_value() && *value != "false";
      });
  if (!streamed) return absl::OkStatus();
  return InvalidField("stream",
                      "a response that is asked for again is shown whole; "
                      "ask without `stream=true`");
}

// Answers from what the gateway keeps itself, or has deleted.
absl::Status AnswerFromHere(const RequestContext& context,
                            const StoredResponseQuery& asked,
                            const StoredResponse& kept, std::string* body) {
  switch (asked.action) {
    case Action::kShow:
      GATEWAY_RETURN_IF_ERROR(CheckNotStreamed(asked.query));
      return context.api.dialect->WriteResponse(kept.Response(), body, nullptr);
    case Action::kDelete:
      responses::WriteDeletion(asked.id, body);
      return absl::OkStatus();
    case Action::kCancel:
      return MakeFault(v1::ERROR_REASON_INVALID_REQUEST,
                       "only a response that runs in the background can be "
                       "cancelled; this one is complete");
    case Action::kListInput:
      break;
  }
  return MakeFault(v1::ERROR_REASON_UNIMPLEMENTED,
                   "the input items of a response that the gateway keeps are "
                   "not shown; those of a forwarded one are");
}

// What the provider says, as it is.
class ForwardedReplySink final : public JsonSink {
 public:
  using JsonSink::JsonSink;

 private:
  absl::Status WriteBody(Call& call, std::string* body) override {
    *body = std::move(call.DecidingAttempt()->reply);
    return absl::OkStatus();
  }
};

// Answers from the provider that keeps it.
Task<void> AnswerFromThere(RequestContext context, const Operation& operation,
                           StoredResponseQuery asked,
                           ResponseStore::Entry stored_at) {
  LoopServices& services = context.services;
  google::protobuf::Arena arena;
  Call call = NewCall(context, arena);
  SetFacts(context, operation, &call);
  call.known_caller = *context.caller;
  call.facts.dialect = context.api.dialect->name();
  call.responses = services.responses;
  call.found_response = std::move(stored_at);
  call.api_error = CheckNotStreamed(asked.query);
  call.stored_query = &asked;
  ForwardedReplySink sink(context);
  (co_await RunCall(call, sink, services.recorder)).IgnoreError();
}

// Deletes what the gateway keeps itself.
Task<absl::Status> DeleteHere(RequestContext& context, std::string_view id) {
  const absl::StatusOr<bool> deleted =
      co_await context.services.responses->Forget((*context.caller)->id, id,
                                                  context.responder.gone());
  if (!deleted.ok()) co_return deleted.status();
  co_return *deleted ? absl::OkStatus() : NoSuchResponse(id);
}

Task<void> Serve(RequestContext context,
                 const StoredOperation& stored_operation, std::string_view id) {
  ResponseStore* const store = context.services.responses;
  absl::StatusOr<ResponseStore::Entry> kept = ResponseStore::Entry();
  if (store != nullptr) {
    kept = co_await store->Look((*context.caller)->id, id,
                                context.responder.gone());
  }
  if (!kept.ok() || *kept == nullptr) {
    const absl::Status missing = kept.ok() ? NoSuchResponse(id) : kept.status();
    co_await Fail(std::move(context), missing);
    co_return;
  }
  const StoredResponseQuery asked = {stored_operation.action, id,
                                     context.request.query};
  if (!(*kept)->provider.empty()) {
    co_await AnswerFromThere(std::move(context), stored_operation.operation,
                             asked, *std::move(kept));
    co_return;
  }
  absl::Status outcome;
  if (asked.action == Action::kDelete)
    outcome = co_await DeleteHere(context, id);
  std::string body;
  if (outcome.ok()) outcome = AnswerFromHere(context, asked, **kept, &body);
  if (!outcome.ok()) {
    co_await Fail(std::move(context), outcome);
    co_return;
  }
  co_await SendJson(std::move(context), std::move(body));
}

}  // namespace

void AddStoredResponses(const HttpApi& api, RouteTable& table) {
  for (const StoredOperation& each : kOperations) {
    table.Add({.api = &api,
               .method = each.operation.method,
               .path = "/v1/responses/",
               .ending = each.ending,
               .one_segment = true,
               .shown = each.operation.name,
               .serve = [&each](RequestContext context, std::string_view id) {
                 return Serve(std::move(context), each, id);
               }});
  }
}

}  // namespace gateway
