// What requests of operators by HTTP have in common, whatever their paths: they
// are calls of rpcs in other words, and are answered in JSON.
//
//   OperatorCall call(request, responder);
//   const absl::Status known = CheckOperator(runtime, call.context()).status();
//   co_await call.Send(known.ok() ? Found() : Failure(known), refusals);
//
// Thread contract: one event loop.

#ifndef SERVICE_HTTP_OPERATOR_REQUEST_H_
#define SERVICE_HTTP_OPERATOR_REQUEST_H_

#include <string>
#include <string_view>

#include "base/async/cancellation.h"
#include "base/async/task.h"
#include "base/http/http_handler.h"
#include "base/text/short_text.h"
#include "service/api/call_context.h"
#include "service/observability/refusal_log.h"

namespace gateway {

// Says to an rpc who asks. What it adds is valid as long as the call, which may
// go on behind HttpResponder::Start, where the request's views end.
void AddHeadOf(const HttpRequest& request, CallContext* call);

struct OperatorAnswer {
  int status = 200;
  std::string body;     // JSON.
  std::string refusal;  // Why, for the log, if it refuses.
  // A field of the answer, such as `allow`; empty for none.
  std::string_view field = {};
  std::string value = {};
};

// One request, as the call of an rpc, which ends as its client leaves. Borrows
// both, which outlive it; of the request's views, context() needs none.
class OperatorCall {
 public:
  OperatorCall(const HttpRequest& request, HttpResponder& responder);

  OperatorCall(const OperatorCall&) = delete;
  OperatorCall& operator=(const OperatorCall&) = delete;

  CallContext& context() { return context_; }

  // Answers, and records what refuses the request in `refusals`, if that is not
  // null. The answer lives until it has returned.
  Task<void> Send(const OperatorAnswer& answer, RefusalLog* refusals);

 private:
  const HttpRequest& request_;
  HttpResponder& responder_;
  const std::string path_;
  const ShortText peer_;
  const std::string peer_names_;
  CallContext context_;
  const CancelListener gone_;
};

}  // namespace gateway

#endif  // SERVICE_HTTP_OPERATOR_REQUEST_H_
