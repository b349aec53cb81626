// A Visit is one request at an HTTP door, and what every door does alike: the
// request's id, the caller's key, JSON answers and failures in the vendor's
// words.
//
//   Task<void> MyRoutes::Show(Visit visit) {
//     const auto wiring = visit.services.wiring.Get();
//     const absl::Status known = CheckCaller(visit, *wiring).status();
//     if (!known.ok()) {
//       co_await Fail(std::move(visit), known);
//       co_return;
//     }
//     co_await SendJson(std::move(visit), "{}");
//
// Thread contract: one request, on its loop.

#ifndef SERVICE_HTTP_VISIT_H_
#define SERVICE_HTTP_VISIT_H_

#include <string>
#include <string_view>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "base/http/http1_codec.h"
#include "base/http/http_handler.h"
#include "base/text/short_text.h"
#include "service/http/door_words.h"
#include "service/pipeline/call.h"
#include "service/pipeline/loop_services.h"
#include "service/pipeline/wiring.h"

namespace gateway {

// What the caller says beside the body, read in one pass. Empty if absent; the
// first counts where a field is repeated.
struct CallerFields {
  explicit CallerFields(absl::Span<const HttpField> fields);

  std::string_view request_id;
  // `x-goog-api-key` counts as `x-api-key`.
  CallerHead head = {.door = Door::kHttp};
  // `x-provider-authorization` without its scheme.
  std::string_view provider_credential;
  std::string_view anthropic_version;
  std::string_view content_encoding;
  // `anthropic-version` and each `anthropic-beta`, as they stand.
  absl::InlinedVector<HttpField, 2> anthropic_fields;
  // `x-llmgateway-strict-output: true`.
  bool strict_output = false;
  // `x-llmgateway-details: true`.
  bool details = false;
};

struct Visit {
  // Borrows all of it.
  Visit(LoopServices& services, const DoorWords& words,
        const HttpRequest& request, HttpResponder& responder);

  LoopServices& services;
  const DoorWords& words;
  // Its views end when a streamed answer begins.
  const HttpRequest& request;
  HttpResponder& responder;
  CallerFields fields;
  ShortText id;
  ShortText peer;  // The client's `address:port`, also when it has gone.
};

// One thing that can be asked, of a closed list; the texts are constants.
struct Operation {
  std::string_view name;  // As in CallRecord: `POST /v1/messages`.
  std::string_view method;
  std::string_view path;
};

// The call that `visit` asks for, but for its request. Views of `visit` stay in
// its facts.
void SetFacts(const Visit& visit, const Operation& operation, Call* call);

// The id of the caller's key, valid as long as the wiring and the request;
// empty if none is asked for. Not looked up again if this wiring was asked at
// the head. Faults: CallerAccess's.
absl::StatusOr<std::string_view> CheckCaller(const Visit& visit,
                                             const Wiring& wiring);

// Sets who calls, ahead of the stages: of a body that came in one piece with
// its head nothing is to be read before. Faults: CheckCaller's; and one for a
// request that was not admitted, where the stages, which judge it again, should
// find nothing.
absl::Status AdmitCaller(const Visit& visit, Call* call);

// Answers a call that is not streamed: with `body`, or with what went wrong.
// Notes in the call what was sent.
Task<absl::Status> SendOutcome(Visit& visit, Call& call, absl::Status outcome,
                               std::string body);

Task<void> SendJson(Visit visit, std::string body);
Task<void> Fail(Visit visit, absl::Status status);

// Fails with a status of HTTP's own, which no fault has, and the field that
// belongs to it, such as 405 with `allow`. `field` is a constant.
Task<void> FailWith(Visit visit, absl::Status status, int http_status,
                  std::string_view field, std::string value);

}  // namespace gateway

#endif  // SERVICE_HTTP_VISIT_H_
