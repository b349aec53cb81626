#include "service/pipeline/admission.h"

#include "base/status_macros.h"
#include "errors/fault.h"
#include "service/pipeline/embed_check.h"
#include "service/pipeline/request_check.h"

namespace gateway {

absl::Status Admit(Call& call) {
  if (call.cancel.cancelled()) return call.cancel.status();
  GATEWAY_ASSIGN_OR_RETURN(call.caller,
                           call.wiring->callers().Admit(call.facts.head));
  GATEWAY_RETURN_IF_ERROR(call.refusal);
  if (call.embed != nullptr) return CheckEmbedRequest(*call.embed);
  // A raw request was judged by its dialect; what the dialect lets through is
  // the provider's to judge.
  if (call.raw != nullptr && !call.may_forward()) {
    GATEWAY_RETURN_IF_ERROR(call.ParsedRequest().status());
  } else if (call.raw == nullptr && call.request != nullptr) {
    GATEWAY_RETURN_IF_ERROR(
        CheckRequest(*call.request, call.wiring->config().limits()));
  }
  return call.ExpectOutput();
}

}  // namespace gateway
