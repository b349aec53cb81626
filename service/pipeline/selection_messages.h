// What the contract's messages say of a selection: what a call asks a model to
// be chosen by, in its request or beside it, and what came of that.
//
//   CheckSelection(request.selection(), &violations);
//   GATEWAY_ASSIGN_OR_RETURN(const AskedSelection* asked,
//                            SelectionAskedBy(call));
//   FillSelection(route_selection.result, route->mutable_selection());
//
// Thread contract: one call, by one thread at a time; or plain functions.

#ifndef SERVICE_PIPELINE_SELECTION_MESSAGES_H_
#define SERVICE_PIPELINE_SELECTION_MESSAGES_H_

#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/usage.pb.h"
#include "service/pipeline/incoming_call.h"
#include "service/pipeline/runtime_snapshot.h"
#include "service/pipeline/violations.h"
#include "service/routing/selection/model_selection.h"

namespace gateway {

// Adds what is wrong with a selection, as fields of `selection`.
void CheckSelection(const llmgateway::v1::Selection& selection,
                    Violations* violations);

// What a model is to be chosen by.
class AskedSelection {
 public:
  // Says nothing but how to choose.
  explicit AskedSelection(SelectionStrategy default_strategy) {
    query_.strategy = default_strategy;
  }
  // Borrows the message. REQUIRES: CheckSelection has found nothing.
  AskedSelection(const llmgateway::v1::Selection& selection,
                 SelectionStrategy default_strategy);

  AskedSelection(const AskedSelection&) = delete;
  AskedSelection& operator=(const AskedSelection&) = delete;

  const SelectionQuery& query() const { return query_; }
  SelectionQuery& query() { return query_; }

 private:
  std::vector<std::string_view> previous_failures_;
  SelectionQuery query_;
};

// Whether the request, or the call in its request or beside it, asks for a
// selection.
bool AsksForSelection(const llmgateway::v1::GenerateRequest& request);
bool AsksForSelection(const IncomingCall& call);

// What it asks for, on the call's arena; null if for none. INVALID_REQUEST
// where the two contradict each other, or for a call that no model is chosen
// for.
// REQUIRES: the request and what is said beside it have been checked.
absl::StatusOr<const AskedSelection*> SelectionAskedBy(IncomingCall& call);

// Returns the policy of the selection that led to a model, by the provider's
// own name of it; null if none did.
const ModelPolicy* PolicyThatLedTo(const RuntimeSnapshot& runtime,
                                   const SelectionResult& selection,
                                   std::string_view provider,
                                   std::string_view upstream_model);

void FillSelection(const SelectionResult& from,
                   llmgateway::v1::ModelSelection* to);

// The same of a call that `served`, which is the model of the selection or one
// of its fallbacks, has answered, or, if that is null, nobody yet. What is told
// is told of that one: its own cost and confidence, others that might serve in
// its place, and as the reason in whose place it is, with both scores.
void FillServedSelection(const SelectionResult& from, const ModelPolicy* served,
                         llmgateway::v1::ModelSelection* to);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_SELECTION_MESSAGES_H_
