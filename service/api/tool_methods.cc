#include "service/api/tool_methods.h"

#include <cstddef>
#include <string>
#include <utility>

#include "base/status_macros.h"
#include "service/api/caller_check.h"
#include "service/api/message_stream.h"
#include "service/pipeline/held_answer.h"
#include "service/tools/tool_service.h"

namespace gateway {
namespace {

constexpr std::string_view kServiceOfTools = "llmgateway.v1.GatewayService";

}  // namespace

ToolMethods::ToolMethods(std::function<LoopServices&(EventLoop&)> services_of)
    : services_of_(std::move(services_of)) {}

void ToolMethods::AddTo(MethodTable& table) {
  table.AddUnary(kServiceOfTools, "ListTools", *this, &ToolMethods::ListTools);
  table.AddUnary(kServiceOfTools, "ExecuteTool", *this,
                 &ToolMethods::ExecuteTool);
}

absl::StatusOr<std::shared_ptr<const RuntimeSnapshot>> ToolMethods::RuntimeFor(
    const CallContext& context, std::string_view rpc) const {
  std::shared_ptr<const RuntimeSnapshot> runtime =
      services_of_(context.loop()).runtime.Get();
  GATEWAY_ASSIGN_OR_RETURN(const CallerRef caller,
                           CheckCaller(*runtime, context));
  GATEWAY_RETURN_IF_ERROR(caller->scopes.CheckRpc(rpc));
  if (runtime->tools() == nullptr) return NoTools();
  return runtime;
}

Task<absl::Status> ToolMethods::ListTools(CallContext& context,
                                          const v1::ListToolsRequest&,
                                          v1::ListToolsResponse* response) {
  GATEWAY_CO_ASSIGN_OR_RETURN(
      const std::shared_ptr<const RuntimeSnapshot> runtime,
      RuntimeFor(context, "ListTools"));
  for (const ServedTool& tool : runtime->tools()->tools()) {
    *response->add_tools() = tool.declaration;
  }
  co_return absl::OkStatus();
}

Task<absl::Status> ToolMethods::ExecuteTool(
    CallContext& context, const v1::ExecuteToolRequest& request,
    v1::ExecuteToolResponse* response) {
  GATEWAY_CO_ASSIGN_OR_RETURN(
      const std::shared_ptr<const RuntimeSnapshot> runtime,
      RuntimeFor(context, "ExecuteTool"));
  GATEWAY_CO_ASSIGN_OR_RETURN(
      *response,
      co_await runtime->tools()->Run(request, services_of_(context.loop()).http,
                                     context.cancel()));
  // The client takes a large one before the call ends: until then it counts.
  const size_t bytes = response->ByteSizeLong();
  context.set_answer_bytes(bytes);
  MessageWriter* const writer = context.answer_writer();
  if (bytes <= HeldAnswer::kUncountedBytesMax || writer == nullptr) {
    co_return absl::OkStatus();
  }
  HeldAnswer held(context.loop());
  GATEWAY_CO_RETURN_IF_ERROR(held.Count(HeldAnswer::Kind::kWritten, bytes));
  auto sent = writer->Write(*response, bytes);
  std::string().swap(*response->mutable_result());
  const bool all_sent = co_await sent;
  if (all_sent) co_return absl::OkStatus();
  co_return context.cancel().cancelled()
      ? context.cancel().status()
      : absl::CancelledError("the client is gone");
}

}  // namespace gateway
