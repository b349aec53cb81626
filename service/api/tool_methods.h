// The handlers of GatewayService for tools: ListTools and ExecuteTool, for who
// may call. They run the tools of the service that the configuration names.
//
//   ToolMethods tools(services_of);
//   tools.AddTo(table);
//
// Thread-safe; a handler runs on its call's loop.

#ifndef SERVICE_API_TOOL_METHODS_H_
#define SERVICE_API_TOOL_METHODS_H_

#include <functional>
#include <memory>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "llmgateway/v1/gateway.pb.h"
#include "service/api/call_context.h"
#include "service/api/method_table.h"
#include "service/pipeline/loop_services.h"
#include "service/pipeline/runtime_snapshot.h"

namespace gateway {

class ToolMethods {
 public:
  // `services_of` returns the services of a call's loop.
  explicit ToolMethods(std::function<LoopServices&(EventLoop&)> services_of);

  // Adds the handlers, which borrow this object, to GatewayService.
  void AddTo(MethodTable& table);

  // The handlers. Fail as a caller who is not known does, FORBIDDEN by its
  // scopes, NOT_CONFIGURED where there are no tools, and as ToolService.
  Task<absl::Status> ListTools(CallContext& context,
                               const v1::ListToolsRequest& request,
                               v1::ListToolsResponse* response);
  Task<absl::Status> ExecuteTool(CallContext& context,
                                 const v1::ExecuteToolRequest& request,
                                 v1::ExecuteToolResponse* response);

 private:
  // The rules that serve a call of a caller who may make it; there are tools.
  absl::StatusOr<std::shared_ptr<const RuntimeSnapshot>> RuntimeFor(
      const CallContext& context, std::string_view rpc) const;

  const std::function<LoopServices&(EventLoop&)> services_of_;
};

}  // namespace gateway

#endif  // SERVICE_API_TOOL_METHODS_H_
