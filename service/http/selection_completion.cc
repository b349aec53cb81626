#include "service/http/selection_completion.h"

#include "errors/fault.h"
#include "service/pipeline/call_directives.h"
#include "service/pipeline/rollout_route.h"
#include "service/pipeline/runtime_snapshot.h"

namespace gateway {
namespace {

// Whether the rules are not for the caller yet, who gets another model instead.
bool HasBaseline(const RequestContext& context,
                 const v1::GenerateRequest& request) {
  const RuntimeSnapshot& runtime = *context.runtime;
  if (runtime.config().routing().rollout().baseline().model().empty()) {
    return false;
  }
  const std::string_view user_beside = context.fields.directives.scope.user_id;
  const std::string_view user = request.scope().user_id();
  return !IsRolledOutTo(runtime,
                        {.caller = context.caller.ok() ? (*context.caller)->id
                                                       : std::string_view(),
                         .user_id = user.empty() ? user_beside : user,
                         .request_id = context.id});
}

}  // namespace

void CompleteSelection(const RequestContext& context,
                       const SelectionDefaults& defaults,
                       v1::GenerateRequest* request) {
  const CallDirectives& said = context.fields.directives;
  if (context.runtime->router().selector().table().policies().empty()) {
    const bool insists =
        said.selects() || !request->selection().capabilities().empty();
    if (!insists) request->clear_selection();
    return;
  }
  v1::Selection& selection = *request->mutable_selection();
  if (selection.node_name().empty() && said.node.empty()) {
    selection.set_node_name(defaults.node);
  }
  if (!selection.capabilities().empty() || said.capabilities != 0) return;
  for (const std::string_view needed : defaults.capabilities) {
    selection.add_capabilities(std::string(needed));
  }
}

absl::Status CheckThatThereIsAModel(const RequestContext& context,
                                    const v1::GenerateRequest& request) {
  const CallDirectives& said = context.fields.directives;
  if (!said.provider.empty()) {
    return InvalidField("x-llmgateway-provider",
                        "cannot be given here, where the model is chosen by "
                        "what the call needs: no model of the provider's is "
                        "named");
  }
  if (request.has_selection() || said.selects() ||
      context.runtime->router().knows_default_model() ||
      HasBaseline(context, request)) {
    return absl::OkStatus();
  }
  return MakeFault(v1::ERROR_REASON_MODEL_NOT_FOUND,
                   "there is no model to choose: routing.selection.policies is "
                   "empty, and routing.default_target names none");
}

}  // namespace gateway
