// ToolService is the service of `tools`: what it can run, and how it is asked
// to. Its requests are POSTs with the arguments as they came, each made once,
// since a tool may do something.
//
//   GATEWAY_ASSIGN_OR_RETURN(const auto service, ToolService::Make(...));
//   GATEWAY_CO_ASSIGN_OR_RETURN(
//       *response, co_await service->Run(request, http, cancel));
//
// Immutable, thread-safe; Run is for a coroutine of the client's loop.

#ifndef SERVICE_TOOLS_TOOL_SERVICE_H_
#define SERVICE_TOOLS_TOOL_SERVICE_H_

#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/cancellation.h"
#include "base/async/task.h"
#include "base/http/http_client.h"
#include "base/secret.h"
#include "llmgateway/config/v1/tools.pb.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/schema/json_schema.h"

namespace gateway {

// NOT_CONFIGURED: there is no tool service.
absl::Status NoTools();

// One tool, as it is declared and as it is run.
struct ServedTool {
  // Its `parameters_schema` is empty where any object does.
  llmgateway::v1::FunctionTool declaration;
  std::shared_ptr<const JsonSchema> schema;  // Null where any object does.
  HttpRequestHead head;
};

class ToolService {
 public:
  // `credential` is empty if none is sent. INVALID_ARGUMENT if the URL or a
  // schema does not do. REQUIRES: defaults have been applied.
  static absl::StatusOr<std::unique_ptr<const ToolService>> Make(
      const llmgateway::config::v1::ToolServiceConfig& config,
      const Secret& credential);

  ToolService(const ToolService&) = delete;
  ToolService& operator=(const ToolService&) = delete;

  // In the configuration's order.
  const std::vector<ServedTool>& tools() const { return tools_; }

  // Runs a tool and says what came of it, also where the service is away or
  // fails. NOT_FOUND names the tools that there are; INVALID_REQUEST tells each
  // violation of the tool's schema, and arguments that are no JSON object;
  // OVERLOADED that there is no room among the loop's answers
  // (EventLoop::answer_bytes), where a result counts until this returns. No
  // error has the credential, nor has a result, unless that is a short one. All
  // parameters are valid until it returns. Fails with what `cancel` fired with.
  Task<absl::StatusOr<llmgateway::v1::ExecuteToolResponse>> Run(
      const llmgateway::v1::ExecuteToolRequest& request, HttpClient& http,
      CancelSignal& cancel) const;

 private:
  ToolService(std::vector<ServedTool> tools, const Secret& credential)
      : tools_(std::move(tools)), credential_(credential) {}

  // Never null.
  absl::StatusOr<const ServedTool*> Find(std::string_view name) const;

  const std::vector<ServedTool> tools_;
  const Secret credential_;  // Which is in their heads, too.
};

}  // namespace gateway

#endif  // SERVICE_TOOLS_TOOL_SERVICE_H_
