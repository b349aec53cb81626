#include "service/tools/tool_service.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "base/async/worker_pool.h"
#include "base/http/http_destination.h"
#include "base/net/base_url.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "base/text/json_grammar.h"
#include "base/text/repeated_secret.h"
#include "base/text/shown_text.h"
#include "base/text/utf8.h"
#include "errors/fault.h"
#include "proto/proto_time.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::ToolServiceConfig;
using ::llmgateway::v1::ExecuteToolResponse;

constexpr size_t kIdleConnectionsMax = 16;
constexpr absl::Duration kIdleConnectionTimeout = absl::Seconds(30);
// Of what a service says of a failure, so much is told.
constexpr size_t kToldBytesMax = 1024;
// When a caller may try again for whose result there was no room.
constexpr absl::Duration kRetryDelay = absl::Seconds(1);
// Of a name that there is not.
constexpr size_t kNameBytesToldMax = 64;

absl::StatusOr<std::shared_ptr<const HttpDestination>> DestinationOf(
    const ToolServiceConfig& config, const BaseUrl& url) {
  GATEWAY_ASSIGN_OR_RETURN(std::shared_ptr<HttpDestination> destination,
                           HttpDestinationOf(url, HttpVersion::kHttp1));
  destination->timeouts = TimeoutsOf(ToAbsl(config.timeout()));
  destination->idle_connections_max = kIdleConnectionsMax;
  destination->idle_connection_timeout = kIdleConnectionTimeout;
  destination->response_bytes_limit =
      static_cast<uint64_t>(config.result_bytes_limit());
  return destination;
}

std::vector<HttpRequestHead::Field> FieldsWith(const Secret& credential) {
  std::vector<HttpRequestHead::Field> fields;
  fields.push_back({"content-type", Secret("application/json"), true});
  fields.push_back({"accept", Secret("application/json"), true});
  if (!credential.empty()) {
    fields.push_back(
        {"authorization",
         Secret(absl::StrCat("Bearer ", ToAbsl(credential.Reveal())))});
  }
  return fields;
}

absl::Status CheckObject(std::string_view text) {
  const absl::Status read = ReadJson(text, [](JsonValue& root) -> absl::Status {
    if (!root.IsObject()) return root.Error("must be a JSON object");
    return root.Raw().status();
  });
  if (read.ok()) return read;
  return InvalidField("arguments", JsonErrorDescription(read));
}

absl::Status CheckArguments(const ServedTool& tool,
                            std::string_view arguments) {
  GATEWAY_RETURN_IF_ERROR(CheckObject(arguments));
  if (tool.schema == nullptr) return absl::OkStatus();
  absl::Status invalid;
  for (const std::string& error : tool.schema->Validate(arguments)) {
    if (invalid.ok()) {
      invalid = InvalidField("arguments", error);
    } else {
      AddFieldViolation(invalid, "arguments", error);
    }
  }
  return invalid;
}

// The gateway's own want of room says nothing of the service.
absl::Status NoRoom(const absl::Status& failure) {
  absl::Status fault =
      MakeFault(v1::ERROR_REASON_OVERLOADED,
                absl::StrCat(failure.message(),
                             " (runtime.answer_buffer_bytes_limit)"));
  SetRetryDelay(fault, kRetryDelay);
  return fault;
}

// Returns the beginning of the service's words, in UTF-8 and without what it is
// shown.
std::string Told(std::string_view words, std::string_view credential) {
  // What begins within the limit is seen whole.
  constexpr size_t kCharacterBytesMax = 4;
  const size_t behind = std::max(kEscapedSecretBytesMax * credential.size(),
                                 kCharacterBytesMax);
  std::string told(words.substr(0, kToldBytesMax + behind));
  return Utf8Prefix(BlotOut(credential, std::move(told)), kToldBytesMax);
}

// How a run that came to nothing is told.
std::string ToldFailure(const absl::Status& failure, bool timed_out,
                        std::string_view credential) {
  if (timed_out) return "the tool service took longer than tools.timeout";
  if (absl::IsOutOfRange(failure)) {
    return "the answer is longer than tools.result_bytes_limit";
  }
  return absl::StrCat("the tool service cannot be reached: ",
                      Told(ToStd(failure.message()), credential));
}

ExecuteToolResponse ResponseOf(const ServedTool& tool) {
  ExecuteToolResponse response;
  response.set_name(tool.declaration.name());
  return response;
}

ExecuteToolResponse Failed(const ServedTool& tool, std::string error) {
  ExecuteToolResponse response = ResponseOf(tool);
  response.set_error(std::move(error));
  return response;
}

// A short credential may be a word of any result, which must stay as it is.
std::string ResultOf(std::string_view body, std::string_view credential) {
  std::string result(body.empty() ? "null" : body);
  if (credential.size() < kHalvedSecretBytesMin) return result;
  return BlotOut(credential, std::move(result));
}

ExecuteToolResponse Answered(const ServedTool& tool, int http_status,
                             std::string_view body,
                             std::string_view credential) {
  if (http_status < 200 || http_status >= 300) {
    return Failed(tool, absl::StrCat("the tool service answered ", http_status,
                                     ": ", Told(body, credential)));
  }
  ExecuteToolResponse response = ResponseOf(tool);
  std::string result = ResultOf(body, credential);
  if (!IsUtf8(result) || !CheckJson(result).ok()) {
    return Failed(tool, "the tool service answered what is no JSON");
  }
  response.set_success(true);
  response.set_result(std::move(result));
  return response;
}

}  // namespace

absl::Status NoTools() {
  absl::Status fault =
      MakeFault(v1::ERROR_REASON_NOT_CONFIGURED,
                "no tools are run here; the operator adds `tools` to the "
                "configuration");
  AddFaultMetadata(fault, "field", "tools");
  return fault;
}

absl::StatusOr<std::unique_ptr<const ToolService>> ToolService::Make(
    const ToolServiceConfig& config, const Secret& credential) {
  GATEWAY_ASSIGN_OR_RETURN(const BaseUrl url, ParseBaseUrl(config.url()));
  GATEWAY_ASSIGN_OR_RETURN(const std::shared_ptr<const HttpDestination> place,
                           DestinationOf(config, url));
  const std::shared_ptr<const void> use = UseOf(*place);
  std::vector<ServedTool> tools;
  for (const auto& each : config.tools()) {
    ServedTool tool = {.declaration = {},
                       .schema = nullptr,
                       .head = HttpRequestHead(
                           place, "POST", absl::StrCat(url.path, each.path()),
                           FieldsWith(credential), use)};
    tool.declaration.set_name(each.name());
    tool.declaration.set_description(each.description());
    tool.declaration.set_parameters_schema(each.parameters());
    if (!each.parameters().empty()) {
      GATEWAY_ASSIGN_OR_RETURN(tool.schema,
                               JsonSchema::Compile(each.parameters()));
    }
    tools.push_back(std::move(tool));
  }
  return std::unique_ptr<const ToolService>(
      new ToolService(std::move(tools), credential));
}

absl::StatusOr<const ServedTool*> ToolService::Find(
    std::string_view name) const {
  const auto found = std::find_if(
      tools_.begin(), tools_.end(),
      [&](const ServedTool& tool) { return tool.declaration.name() == name; });
  if (found != tools_.end()) return &*found;
  std::vector<std::string> known;
  for (const ServedTool& tool : tools_)
    known.push_back(tool.declaration.name());
  return MakeFault(v1::ERROR_REASON_NOT_FOUND,
                   absl::StrCat("there is no tool '",
                                ToAbsl(CutText(name, kNameBytesToldMax)),
                                "'; there are ", absl::StrJoin(known, ", ")));
}

Task<absl::StatusOr<ExecuteToolResponse>> ToolService::Run(
    const v1::ExecuteToolRequest& request, HttpClient& http,
    CancelSignal& cancel) const {
  if (request.name().empty()) {
    co_return InvalidField("name", "is required; ListTools has the names");
  }
  GATEWAY_CO_ASSIGN_OR_RETURN(const ServedTool* const tool,
                              Find(request.name()));
  const std::string_view arguments =
      request.arguments().empty() ? "{}"
                                  : std::string_view(request.arguments());
  const auto check = [&] { return CheckArguments(*tool, arguments); };
  GATEWAY_CO_RETURN_IF_ERROR(co_await OffLoop(arguments.size(), check));
  const std::string_view pieces[] = {arguments};
  HttpProgress progress;
  HttpCall call;
  call.head = &tool->head;
  call.body = pieces;
  call.cancel = &cancel;
  call.progress = &progress;
  const absl::StatusOr<std::unique_ptr<HttpExchange>> exchange =
      co_await http.Send(call);
  absl::StatusOr<std::string_view> body;
  if (exchange.ok()) {
    body = co_await (*exchange)->ReadAll();
  } else {
    body = exchange.status();
  }
  if (cancel.cancelled()) co_return cancel.status();
  if (IsNoRoomForAnswer(body.status())) co_return NoRoom(body.status());
  const std::string_view credential = credential_.Reveal();
  if (!body.ok()) {
    co_return Failed(*tool, ToldFailure(body.status(), progress.timed_out,
                                        credential));
  }
  const auto read = [&] {
    return Answered(*tool, (*exchange)->status(), *body, credential);
  };
  absl::StatusOr<ExecuteToolResponse> response =
      co_await OffLoop(body->size(), read);
  if (cancel.cancelled()) co_return cancel.status();
  co_return response;
}

}  // namespace gateway
