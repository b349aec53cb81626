#include "service/http/operator_request.h"

#include <string_view>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "base/async/event_loop.h"
#include "service/http/refusal_watch.h"
#include "service/identity/trusted_proxies.h"

namespace gateway {

void AddHeadOf(const HttpRequest& request, CallContext* call) {
  for (const HttpField& field : request.fields) {
    for (const std::string_view name :
         {std::string_view("authorization"), std::string_view("x-api-key"),
          std::string_view("origin"), std::string_view("sec-fetch-site"),
          kForwardedForHeader, kRequestIdHeader}) {
      if (EqualsIgnoreCase(field.name, name)) {
        call->AddMetadata(name, call->Keep(field.value));
      }
    }
  }
  call->set_authority(call->Keep(request.target_authority.empty()
                                     ? request.Find("host")
                                     : request.target_authority));
}

OperatorCall::OperatorCall(const HttpRequest& request, HttpResponder& responder)
    : request_(request),
      responder_(responder),
      path_(request.path),
      peer_(responder.peer()),
      peer_names_(responder.peer_names()),
      context_(*EventLoop::Current(), {.method = path_,
                                       .peer = peer_,
                                       .peer_names = peer_names_,
                                       .time = request.arrival,
                                       .holds_messages = true,
                                       .by_http = true}),
      gone_(responder.gone(),
            [this] { context_.cancel().Cancel(responder_.gone().status()); }) {
  AddHeadOf(request, &context_);
}

Task<void> OperatorCall::Send(const OperatorAnswer& answer,
                              RefusalLog* refusals) {
  RecordRefusal(refusals, request_, responder_, answer.status,
                context_.request_id(), answer.refusal);
  absl::InlinedVector<HttpField, 4> fields = {
      {"content-type", "application/json"},
      {"cache-control", "no-store"},
      {kRequestIdHeader, context_.request_id()}};
  if (!answer.field.empty()) fields.push_back({answer.field, answer.value});
  const std::string_view body[] = {answer.body};
  // An error means that the client does not take it.
  (co_await responder_.Send({answer.status, fields}, body)).IgnoreError();
}

}  // namespace gateway
