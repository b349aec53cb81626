#include "service/http/selection_completion.h"

#include "errors/fault.h"
#include "service/pipeline/call_directives.h"
#include "service/pipeline/runtime_snapshot.h"

namespace gateway {

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
  if (request.has_selection() || context.fields.directives.selects() ||
      context.runtime->router().knows_default_model()) {
    return absl::OkStatus();
  }
  return MakeFault(v1::ERROR_REASON_MODEL_NOT_FOUND,
                   "there is no model to choose: routing.selection.policies is "
                   "empty, and routing.default_target names none");
}

}  // namespace gateway
