#include "providers/dialects/anthropic_messages/scan.h"

#include <string>
#include <utility>

#include "base/status_macros.h"
#include "providers/dialects/anthropic_messages/fields.h"
#include "providers/dialects/anthropic_messages/response.h"
#include "providers/dialects/error_reason.h"
#include "providers/dialects/request_scan.h"

namespace gateway::anthropic {
namespace {

using wire::ReadText;

constexpr std::string_view kOutputLimit = "max_tokens";

using wire::FieldKind;

constexpr wire::ScannedField kMetadataFields[] = {
    {.key = "user_id", .kind = FieldKind::kUserId},
};
constexpr wire::ScanFormat kMetadata = {.fields = kMetadataFields};

constexpr wire::ScannedField kFields[] = {
    {.key = "model", .kind = FieldKind::kModel},
    {.key = "stream", .kind = FieldKind::kStream},
    {.key = kOutputLimit, .kind = FieldKind::kOutputLimit},
    {.key = "messages", .kind = FieldKind::kMessages},
    {.key = "tools", .kind = FieldKind::kTools, .one_alone = true},
    {.key = "metadata", .kind = FieldKind::kObject, .inside = &kMetadata},
    {.key = kAgentTypeField,
     .kind = FieldKind::kOwn,
     .text = &RequestScan::agent_type},
    {.key = kProjectIdField,
     .kind = FieldKind::kOwn,
     .text = &RequestScan::project_id},
    {.key = "session_id", .kind = FieldKind::kSession},
    {.key = "system"},
    {.key = "thinking"},
    {.key = "tool_choice"},
    {.key = "output_config"},
    {.key = "temperature"},
    {.key = "container"},
    {.key = "service_tier"},
};
constexpr wire::ScanFormat kScanFormat = {.fields = kFields};

// Checks that a text that is not looked into is a text, or null.
absl::Status CheckText(JsonValue& value) {
  return value.IsNull() ? absl::OkStatus() : value.String().status();
}

// The same of the blocks of an answer.
absl::Status CheckContent(JsonValue& value) {
  if (!value.IsArray()) return CheckText(value);
  return value.EachElement([](JsonValue& block) {
    return block.IsObject() ? absl::OkStatus()
                            : block.Error("expected an object");
  });
}

}  // namespace

absl::Status ScanRequest(std::string_view body, RequestScan* scan) {
  GATEWAY_RETURN_IF_ERROR(wire::ScanRequest(kScanFormat, body, scan));
  scan->stream_usage = true;
  if (!scan->output_tokens_max.has_value()) scan->absent_field = kOutputLimit;
  return absl::OkStatus();
}

absl::Status ScanResponse(std::string_view body, ResponseFacts* facts) {
  *facts = ResponseFacts();
  WireUsage usage;
  std::string stop_reason;
  std::string type;
  bool has_content = false;
  const absl::Status status = ReadJson(body, [&](JsonValue& root) {
    return root.EachField(
        [&](std::string_view key, JsonValue& value) -> absl::Status {
          if (key == "type") return ReadText(value, &type);
          if (key == "content") {
            has_content = true;
            return CheckContent(value);
          }
          if (key == "id" || key == "model") return CheckText(value);
          if (key == "stop_reason") return ReadText(value, &stop_reason);
          if (key != "usage") return absl::OkStatus();
          facts->has_usage = !value.IsNull();
          return usage.Read(value, nullptr);
        });
  });
  // Also if something of it cannot be read.
  facts->usage = usage.ToUsage();
  if (!status.ok()) return AsBadResponse(status);
  if (type == "error") return ReadErrorReport(body);
  if (!has_content) {
    return AsBadResponse(absl::InvalidArgumentError("content: required"));
  }
  facts->service_tier = usage.service_tier();
  facts->finish_reason = FinishReasonOfTurn(
      stop_reason, /*has_tool_call=*/false, /*has_content=*/true);
  return absl::OkStatus();
}

absl::StatusOr<EventKind> MessagesTap::OnEvent(std::string_view name,
                                               std::string_view data) {
  if (name == "content_block_delta" || name == "content_block_start" ||
      name == "content_block_stop") {
    TakeUsage(/*has_output=*/name != "content_block_stop", /*is_told=*/false);
    return EventKind::kContent;
  }
  if (name == "message_stop") return EventKind::kTerminal;
  if (name == "message_delta") {
    GATEWAY_RETURN_IF_ERROR(AsBadResponse(ReadMessageDelta(data)));
    return EventKind::kContent;
  }
  if (name == "message_start") {
    const absl::StatusOr<bool> has_content = ReadMessageStart(data);
    if (!has_content.ok()) return AsBadResponse(has_content.status());
    return *has_content ? EventKind::kContent : EventKind::kIgnorable;
  }
  if (name == "error") {
    error_ = ReadErrorReport(data);
    return EventKind::kError;
  }
  // `ping`, and events that are newer.
  if (!name.empty()) return EventKind::kIgnorable;
  // Without event names, as of some servers, `type` has it.
  std::string type;
  const absl::Status status = ReadJson(data, [&](JsonValue& root) {
    return root.EachField([&](std::string_view key, JsonValue& value) {
      return key == "type" ? ReadText(value, &type) : absl::OkStatus();
    });
  });
  if (!status.ok()) return AsBadResponse(status);
  if (type.empty()) return EventKind::kIgnorable;
  return OnEvent(type, data);
}

absl::Status MessagesTap::ReadUsage(JsonValue& value) {
  facts_.has_usage = true;
  const absl::Status read = usage_.Read(value, nullptr);
  facts_.usage = usage_.ToUsage();
  facts_.service_tier = usage_.service_tier();
  return read;
}

absl::StatusOr<bool> MessagesTap::ReadMessageStart(std::string_view data) {
  if (std::exchange(started_, true)) {
    return absl::InvalidArgumentError("a second message has started");
  }
  bool has_content = false;
  std::string stop_reason;
  const auto read_field = [&](std::string_view key, JsonValue& value) {
    if (key == "id" || key == "model") return CheckText(value);
    if (key == "usage") return ReadUsage(value);
    if (key == "stop_reason") return ReadText(value, &stop_reason);
    if (key != "content" || !value.IsArray()) return absl::OkStatus();
    return value.EachElement([&](JsonValue&) {
      has_content = true;
      return absl::OkStatus();
    });
  };
  GATEWAY_RETURN_IF_ERROR(ReadJson(data, [&](JsonValue& root) {
    return root.EachField([&](std::string_view key, JsonValue& message) {
      return key == "message" ? message.EachField(read_field)
                              : absl::OkStatus();
    });
  }));
  RecordEnd(stop_reason);
  // Only of a message that has ended already it is no placeholder.
  TakeUsage(has_content, !stop_reason.empty());
  return has_content;
}

void MessagesTap::RecordEnd(std::string_view stop_reason) {
  if (stop_reason.empty()) return;
  facts_.finish_reason = FinishReasonOfTurn(
      stop_reason, /*has_tool_call=*/false, /*has_content=*/true);
}

absl::Status MessagesTap::ReadMessageDelta(std::string_view data) {
  std::string stop_reason;
  bool told_output = false;
  absl::Status usage_fault;  // Told once the rest of the event was read.
  GATEWAY_RETURN_IF_ERROR(ReadJson(data, [&](JsonValue& root) {
    return root.EachField([&](std::string_view key, JsonValue& value) {
      if (key == "usage") {
        usage_fault = ReadUsage(value);
        told_output = usage_.told_output();
        return absl::OkStatus();
      }
      if (key != "delta") return absl::OkStatus();
      return value.EachField([&](std::string_view name, JsonValue& field) {
        return name == "stop_reason" ? ReadText(field, &stop_reason)
                                     : absl::OkStatus();
      });
    });
  }));
  RecordEnd(stop_reason);
  TakeUsage(/*has_output=*/false, told_output);
  return usage_fault;
}

}  // namespace gateway::anthropic
