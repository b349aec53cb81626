#include "service/http/tool_routes.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "base/async/worker_pool.h"
#include "base/status_macros.h"
#include "base/text/json.h"
#include "llmgateway/v1/gateway.pb.h"
#include "service/http/body_fault.h"
#include "service/http/request_context.h"
#include "service/pipeline/held_answer.h"
#include "service/tools/tool_service.h"

namespace gateway {
namespace {

// Where a tool takes any object.
constexpr std::string_view kAnyObject = R"({"type":"object"})";
// As an earlier gateway answered for arguments that are wrong.
constexpr int kUnprocessable = 422;

absl::Status ReadToolFields(JsonValue& root, v1::ExecuteToolRequest* request) {
  if (!root.IsObject()) return root.Error("must be a JSON object");
  return root.EachField(
      [&](std::string_view key, JsonValue& value) -> absl::Status {
        if (key == "name") {
          GATEWAY_ASSIGN_OR_RETURN(const std::string_view name, value.String());
          request->set_name(std::string(name));
          return absl::OkStatus();
        }
        if (key != "arguments") {
          return value.Error(
              "is no field of this request; there are name and arguments");
        }
        if (value.IsNull()) return value.Null();
        GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, value.Raw());
        request->set_arguments(std::string(raw));
        return absl::OkStatus();
      });
}

absl::StatusOr<v1::ExecuteToolRequest> ReadToolRequest(std::string_view body) {
  v1::ExecuteToolRequest request;
  const absl::Status read = ReadJson(
      body, [&](JsonValue& root) { return ReadToolFields(root, &request); });
  if (read.ok()) return request;
  return BodyFault(read);
}

std::string WriteTools(const ToolService& service) {
  std::string body;
  JsonWriter json(&body);
  json.StartArray();
  for (const ServedTool& tool : service.tools()) {
    json.StartObject();
    json.StringField("name", tool.declaration.name());
    json.StringField("description", tool.declaration.description());
    const std::string& schema = tool.declaration.parameters_schema();
    json.RawField("parameters",
                  schema.empty() ? kAnyObject : std::string_view(schema));
    json.EndObject();
  }
  json.EndArray();
  return body;
}

std::string WriteToolResponse(const v1::ExecuteToolResponse& response) {
  std::string body;
  JsonWriter json(&body);
  json.StartObject();
  json.StringField("name", response.name());
  if (response.success()) {
    json.RawField("result", response.result());
    json.BoolField("success", true);
    json.NullField("error");
  } else {
    json.NullField("result");
    json.BoolField("success", false);
    json.StringField("error", response.error());
  }
  json.EndObject();
  return body;
}

absl::StatusOr<const ToolService*> ToolsOf(const RequestContext& context) {
  if (context.runtime->tools() == nullptr) return NoTools();
  return context.runtime->tools();
}

Task<void> ServeToolList(RequestContext context) {
  const absl::StatusOr<const ToolService*> service = ToolsOf(context);
  if (!service.ok()) {
    co_await Fail(std::move(context), service.status());
    co_return;
  }
  std::string body = WriteTools(**service);
  co_await SendJson(std::move(context), std::move(body));
}

// What there is of the result counts in `held`.
Task<absl::StatusOr<std::string>> RunTool(const RequestContext& context,
                                          HeldAnswer& held) {
  GATEWAY_CO_ASSIGN_OR_RETURN(const ToolService* const service,
                              ToolsOf(context));
  const std::string_view body = context.request.body;
  const auto read = [body] { return ReadToolRequest(body); };
  GATEWAY_CO_ASSIGN_OR_RETURN(const v1::ExecuteToolRequest request,
                              co_await OffLoop(body.size(), read));
  GATEWAY_CO_ASSIGN_OR_RETURN(
      const v1::ExecuteToolResponse response,
      co_await service->Run(request, context.services.http,
                            context.responder.gone()));
  const size_t bytes = response.result().size();
  GATEWAY_CO_RETURN_IF_ERROR(held.Count(HeldAnswer::Kind::kEvents, bytes));
  std::string written =
      co_await OffLoop(bytes, [&] { return WriteToolResponse(response); });
  held.Release(HeldAnswer::Kind::kEvents);
  GATEWAY_CO_RETURN_IF_ERROR(
      held.Count(HeldAnswer::Kind::kWritten, written.size()));
  co_return written;
}

Task<void> ServeToolRun(RequestContext context) {
  HeldAnswer held(context.services.loop);
  absl::StatusOr<std::string> body = co_await RunTool(context, held);
  if (body.ok()) {
    co_await SendJson(std::move(context), *std::move(body));
    co_return;
  }
  if (absl::IsInvalidArgument(body.status())) {
    co_await FailWith(std::move(context), body.status(), kUnprocessable,
                      /*field=*/"", /*value=*/"");
    co_return;
  }
  co_await Fail(std::move(context), body.status());
}

}  // namespace

void AddTools(const HttpApi& api, RouteTable& table) {
  table.Add({.api = &api,
             .method = "GET",
             .path = "/v1/tools",
             .shown = "GET /v1/tools",
             .rpc = "ListTools",
             .serve = [](RequestContext context, std::string_view) {
               return ServeToolList(std::move(context));
             }});
  table.Add({.api = &api,
             .method = "POST",
             .path = "/v1/tools/execute",
             .shown = "POST /v1/tools/execute",
             .rpc = "ExecuteTool",
             .serve = [](RequestContext context, std::string_view) {
               return ServeToolRun(std::move(context));
             }});
}

}  // namespace gateway
