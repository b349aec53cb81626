// PreviewRoute says whom a call would ask first, whom after that, and who is
// passed over and why, by what is known now. It asks nobody, and takes no turn,
// no permit and no place, and nothing of limits; but it goes the way of a call:
// over the same targets (TargetWalk), past the same obstacles, and after a
// refusal of the same kind.
//
//   UnaskedCall call(runtime, loop);
//   call.Take(request);
//   const RoutePreview preview = PreviewRoute(call, admitted, plan);
//   preview.first->upstream_model;  // "gpt-5"
//
// Thread contract: one call, by one thread at a time; may run off the loop.

#ifndef SERVICE_PIPELINE_ROUTE_PREVIEW_H_
#define SERVICE_PIPELINE_ROUTE_PREVIEW_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/http/http_client.h"
#include "google/protobuf/arena.h"
#include "llmgateway/v1/gateway.pb.h"
#include "service/pipeline/admission.h"
#include "service/pipeline/incoming_call.h"
#include "service/pipeline/plan.h"
#include "service/pipeline/runtime_snapshot.h"
#include "service/routing/router.h"

namespace gateway {

// What a call needs and nobody would use.
class UnaskedCallParts {
 protected:
  class NoUpstream final : public HttpClient {
   public:
    Task<absl::StatusOr<std::unique_ptr<HttpExchange>>> Send(
        const HttpCall& call) override;
  };

  NoUpstream no_upstream_;
  CancelSignal cancel_signal_;
  google::protobuf::Arena own_arena_;
};

// A request that somebody asks about, as the call that it would be. To be made
// on its loop.
class UnaskedCall : private UnaskedCallParts, public IncomingCall {
 public:
  UnaskedCall(std::shared_ptr<const RuntimeSnapshot> runtime, EventLoop& loop);

  // Borrows `asked`.
  void Take(const llmgateway::v1::GenerateRequest& asked);
};

struct RoutePreview {
  // A target that is not asked, or only when others have failed.
  struct PassedOver {
    std::string_view provider;
    std::string model;  // As the provider calls it.
    std::string why;    // Such as `is disabled`, or which limit is reached.
  };

  // Fails as the call would.
  absl::StatusOr<PlannedTarget> first = absl::UnknownError("not looked for");
  // Whom it would ask then, if that fails by nobody's fault but its own.
  std::vector<PlannedTarget> fallbacks;
  // Each once: first the targets of the rule that cannot be asked, and what was
  // left out of it, then the others in the order in which they are met.
  std::vector<PassedOver> passed_over;
};

// `plan` is that of the call's rules. The texts of targets are valid as those
// of a RoutePlan.
RoutePreview PreviewRoute(IncomingCall& call, const Caller& caller,
                          const Admitted& admitted, RoutePlan plan);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_ROUTE_PREVIEW_H_
