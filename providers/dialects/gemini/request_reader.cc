#include "providers/dialects/gemini/request_reader.h"

#include <deque>
#include <optional>
#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/text/json.h"
#include "errors/fault.h"
#include "providers/dialects/gemini/fields.h"
#include "providers/dialects/gemini/generation_config.h"
#include "providers/dialects/gemini/part_reader.h"
#include "providers/dialects/gemini/tools.h"
#include "providers/dialects/gemini/vendor_names.h"
#include "providers/dialects/object_fields.h"

namespace gateway::gemini {
namespace {

// The most top-level fields; a request has about ten.
constexpr size_t kTopLevelFieldsLimit = 256;

// The most calls that wait for results: far more than any model makes before it
// reads results.
constexpr size_t kOpenCallsMax = 512;

// Calls of the conversation that wait for their results. The format matches
// them by name and in order, or by an id.
class OpenCalls {
 public:
  // Gives the call an id if it has none.
  void Open(v1::ToolCall* call) {
    if (call->id().empty()) {
      call->set_id(MadeUpCallId(absl::StrCat("call ", ++count_, call->name())));
    }
    // The oldest is dropped, since each result looks at all that are open.
    if (calls_.size() == kOpenCallsMax) calls_.pop_front();
    calls_.emplace_back(call->name(), call->id());
  }

  // Gives the result the id of the call that it answers.
  void Close(v1::ToolResult* result) {
    const bool by_id = !result->tool_call_id().empty();
    for (auto call = calls_.begin(); call != calls_.end(); ++call) {
      const auto& [name, id] = *call;
      if (by_id ? id != result->tool_call_id() : name != result->name()) {
        continue;
      }
      result->set_tool_call_id(id);
      calls_.erase(call);
      return;
    }
    if (by_id) return;
    result->set_tool_call_id(
        MadeUpCallId(absl::StrCat("result ", ++count_, result->name())));
  }

 private:
  std::deque<std::pair<std::string, std::string>> calls_;
  int count_ = 0;
};

// Reads one body into one request.
class RequestReader {
 public:
  explicit RequestReader(v1::GenerateRequest* request) : request_(*request) {}

  absl::Status ReadFields(JsonValue& root) {
    return root.EachField([&](std::string_view name, JsonValue& value) {
      return ReadField(CamelCase(name), value);
    });
  }

  absl::Status Finish() {
    if (!seen_.contains("contents")) {
      return InvalidField("contents", "required");
    }
    if (instructions_.has_value() && !instructions_->parts().empty()) {
      // Instructions come first, wherever they were written.
      *request_.add_messages() = *std::move(instructions_);
      for (int i = request_.messages_size() - 1; i > 0; --i) {
        request_.mutable_messages()->SwapElements(i, i - 1);
      }
    }
    return absl::OkStatus();
  }

 private:
  absl::Status ReadField(const std::string& key, JsonValue& value);
  absl::Status ReadInstructions(JsonValue& value);
  absl::Status ReadTurn(JsonValue& value);
  void AddUserTurn(Content content);

  v1::GenerateRequest& request_;
  std::optional<v1::Message> instructions_;
  OpenCalls open_calls_;
  int parts_ = 0;
  absl::flat_hash_set<std::string> seen_;
};

absl::Status RequestReader::ReadField(const std::string& key,
                                      JsonValue& value) {
  if (!seen_.insert(key).second) return value.Error("repeated key");
  if (wire::IsNested(kFormat, key)) return value.Error("no such field");
  if (seen_.size() > kTopLevelFieldsLimit) {
    return value.Error("too many fields");
  }
  if (key == "contents") {
    return EachOf(value, [&](JsonValue& turn) { return ReadTurn(turn); });
  }
  // Skipped: the path's model counts.
  if (key == "model" || value.IsNull()) return absl::OkStatus();
  if (key == "systemInstruction") return ReadInstructions(value);
  if (key == "generationConfig") return ReadGenerationConfig(value, &request_);
  if (key == "tools") return ReadTools(value, &request_);
  if (key == "toolConfig") return ReadToolConfig(value, &request_);
  if (key == "serviceTier") {
    GATEWAY_ASSIGN_OR_RETURN(const std::string_view tier, value.String());
    request_.set_service_tier(std::string(tier));
    return absl::OkStatus();
  }
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, value.Raw());
  AddExtension(request_.mutable_extensions(), key, raw);
  return absl::OkStatus();
}

absl::Status RequestReader::ReadInstructions(JsonValue& value) {
  // The role of instructions is ignored, though some clients send one.
  Content content;
  GATEWAY_RETURN_IF_ERROR(ReadContent(value, &content));
  instructions_.emplace();
  instructions_->set_role(v1::ROLE_SYSTEM);
  instructions_->mutable_parts()->Swap(&content.parts);
  instructions_->mutable_extensions()->Swap(&content.extensions);
  return absl::OkStatus();
}

absl::Status RequestReader::ReadTurn(JsonValue& value) {
  if (request_.messages_size() >= kMessagesLimit) {
    return value.Error("too many messages");
  }
  Content content;
  GATEWAY_RETURN_IF_ERROR(ReadContent(value, &content));
  parts_ += content.parts.size();
  if (parts_ > wire::kPartsLimit) return value.Error("too many parts");
  if (content.role == "model") {
    v1::Message* message = request_.add_messages();
    message->set_role(v1::ROLE_ASSISTANT);
    message->mutable_parts()->Swap(&content.parts);
    message->mutable_extensions()->Swap(&content.extensions);
    for (v1::Part& part : *message->mutable_parts()) {
      if (!part.has_tool_call()) continue;
      if (part.tool_call().name().empty()) {
        return InvalidField(absl::StrCat(value.Path(), ".functionCall.name"),
                            "required");
      }
      open_calls_.Open(part.mutable_tool_call());
    }
    return absl::OkStatus();
  }
  // `function` is an old name of the role of results.
  if (!content.role.empty() && content.role != "user" &&
      content.role != "function") {
    return InvalidField(absl::StrCat(value.Path(), ".role"),
                        "must be user or model");
  }
  AddUserTurn(std::move(content));
  return absl::OkStatus();
}

// Adds one message for each result; what is said between them keeps its place.
void RequestReader::AddUserTurn(Content content) {
  v1::Message* message = nullptr;
  for (v1::Part& part : content.parts) {
    const bool is_result = part.has_tool_result();
    const v1::Role role = is_result ? v1::ROLE_TOOL : v1::ROLE_USER;
    if (message == nullptr || is_result || message->role() != role) {
      const bool is_first = message == nullptr;
      message = request_.add_messages();
      message->set_role(role);
      if (is_first) message->mutable_extensions()->Swap(&content.extensions);
    }
    if (is_result) open_calls_.Close(part.mutable_tool_result());
    message->add_parts()->Swap(&part);
  }
}

}  // namespace

absl::Status ReadRequest(std::string_view body, v1::GenerateRequest* request) {
  request->Clear();
  RequestReader reader(request);
  GATEWAY_RETURN_IF_ERROR(AsFieldFault(ReadJson(
      body, [&](JsonValue& root) { return reader.ReadFields(root); })));
  return reader.Finish();
}

absl::Status ReadCountRequest(std::string_view body,
                              v1::GenerateRequest* request) {
  std::string whole;
  GATEWAY_RETURN_IF_ERROR(AsFieldFault(ReadJson(body, [&](JsonValue& root) {
    return root.EachField(
        [&](std::string_view name, JsonValue& value) -> absl::Status {
          if (CamelCase(name) != "generateContentRequest" || value.IsNull()) {
            return absl::OkStatus();
          }
          GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, value.Raw());
          whole = std::string(raw);
          return absl::OkStatus();
        });
  })));
  return ReadRequest(whole.empty() ? body : std::string_view(whole), request);
}

}  // namespace gateway::gemini
