#include "providers/dialects/ollama/chat_line.h"

#include <optional>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "base/fnv1a.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "errors/fault.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "proto/proto_time.h"
#include "providers/dialects/compact_json.h"
#include "providers/dialects/token_count.h"

namespace gateway::ollama {
namespace {

using Tokens = google::protobuf::RepeatedPtrField<v1::TokenLogprob>;

absl::Status ReadText(JsonValue& value, std::string* text) {
  if (value.IsNull()) return absl::OkStatus();
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view read, value.String());
  text->assign(read);
  return absl::OkStatus();
}

absl::Status ReadCount(JsonValue& value, int64_t* count) {
  if (value.IsNull()) return absl::OkStatus();
  GATEWAY_ASSIGN_OR_RETURN(*count, ReadTokenCount(value));
  return absl::OkStatus();
}

absl::Status ReadExtension(std::string_view key, JsonValue& value,
                           ExtensionList* extensions) {
  if (value.IsNull()) return absl::OkStatus();
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view json, value.Raw());
  AddExtension(extensions, key, json);
  return absl::OkStatus();
}

absl::Status ReadTokens(JsonValue& list, bool with_top, Tokens* tokens);

absl::Status ReadTokenField(std::string_view key, JsonValue& value,
                            bool with_top, v1::TokenLogprob* token) {
  if (key == "token") return ReadText(value, token->mutable_token());
  if (key == "logprob") {
    GATEWAY_ASSIGN_OR_RETURN(const double logprob, value.Double());
    token->set_logprob(logprob);
    return absl::OkStatus();
  }
  if (key == "bytes" && !value.IsNull()) {
    std::string* bytes = token->mutable_utf8_bytes();
    return value.EachElement([&](JsonValue& element) -> absl::Status {
      GATEWAY_ASSIGN_OR_RETURN(const int32_t byte, element.Int32(0, 255));
      bytes->push_back(static_cast<char>(byte));
      return absl::OkStatus();
    });
  }
  if (key == "top_logprobs" && with_top) {
    return ReadTokens(value, false, token->mutable_top());
  }
  return absl::OkStatus();
}

absl::Status ReadTokens(JsonValue& list, bool with_top, Tokens* tokens) {
  if (list.IsNull()) return absl::OkStatus();
  return list.EachElement([&](JsonValue& value) {
    v1::TokenLogprob* token = tokens->Add();
    return value.EachField([&](std::string_view key, JsonValue& field) {
      return ReadTokenField(key, field, with_top, token);
    });
  });
}

absl::Status ReadFunction(ObjectFields& call, v1::Part* part) {
  const ObjectFields::Either json = call.TextOrJson("function");
  if (!json.json.has_value()) return call.Fault("function", "required");
  GATEWAY_ASSIGN_OR_RETURN(
      ObjectFields function,
      ObjectFields::ReadRaw(kFormat, *json.json, call.PathOf("function")));
  v1::ToolCall& tool_call = *part->mutable_tool_call();
  GATEWAY_RETURN_IF_ERROR(
      function.RequiredText("name", tool_call.mutable_name()));
  // Skipped: the order of the calls tells their place.
  function.Json("index");
  // An object, or a text, as other servers of the format send it.
  const ObjectFields::Either arguments = function.TextOrJson("arguments");
  if (arguments.text.has_value()) {
    tool_call.set_arguments(std::string(*arguments.text));
  } else {
    tool_call.set_arguments(CompactJson(arguments.json.value_or("{}")));
  }
  function.Rest(part->mutable_extensions(), "function");
  return absl::OkStatus();
}

absl::Status ReadToolCall(JsonValue& value, v1::Part* part) {
  GATEWAY_ASSIGN_OR_RETURN(ObjectFields call,
                           ObjectFields::Read(kFormat, value));
  GATEWAY_RETURN_IF_ERROR(
      call.Text("id", part->mutable_tool_call()->mutable_id()));
  part->mutable_tool_call()->set_kind(v1::TOOL_KIND_FUNCTION);
  // Skipped: some servers send it, but it is always `function`.
  call.Json("type");
  GATEWAY_RETURN_IF_ERROR(ReadFunction(call, part));
  call.Rest(part->mutable_extensions());
  return absl::OkStatus();
}

absl::Status ReadMessage(JsonValue& message, ChatLine* line) {
  line->has_message = true;
  return message.EachField(
      [&](std::string_view key, JsonValue& value) -> absl::Status {
        if (key == "content") return ReadText(value, &line->text);
        if (key == "thinking") return ReadText(value, &line->thinking);
        if (key == "role") return absl::OkStatus();
        if (key == "tool_calls" && !value.IsNull()) {
          return value.EachElement([&](JsonValue& call) {
            return ReadToolCall(call, &line->calls.emplace_back());
          });
        }
        return ReadExtension(key, value, &line->message_extensions);
      });
}

absl::Status ReadField(std::string_view key, JsonValue& value, ChatLine* line) {
  if (key == "message" && !value.IsNull()) return ReadMessage(value, line);
  if (key == "model") return ReadText(value, &line->model);
  if (key == "created_at") return ReadText(value, &line->created_at);
  if (key == "done") {
    GATEWAY_ASSIGN_OR_RETURN(line->done, value.Bool());
    return absl::OkStatus();
  }
  if (key == "done_reason") return ReadText(value, &line->done_reason);
  if (key == "prompt_eval_count") {
    line->usage_fault.Update(ReadCount(value, &line->input_tokens));
    return absl::OkStatus();
  }
  if (key == "eval_count") {
    line->usage_fault.Update(ReadCount(value, &line->output_tokens));
    return absl::OkStatus();
  }
  if (key == "logprobs") {
    return ReadTokens(value, true, line->logprobs.mutable_content());
  }
  if (key == "error" && !value.IsNull()) {
    line->is_error = true;
    return absl::OkStatus();
  }
  return ReadExtension(key, value, &line->extensions);
}

void GiveIds(int32_t calls_before, ChatLine* line) {
  int32_t index = calls_before;
  for (v1::Part& part : line->calls) {
    v1::ToolCall& call = *part.mutable_tool_call();
    ++index;
    if (!call.id().empty()) continue;
    const std::string what = absl::StrCat(line->created_at, "\n", index, "\n",
                                          call.name(), "\n", call.arguments());
    call.set_id(absl::StrFormat("call_%016x", Fnv1a(what)));
  }
}

}  // namespace

v1::Usage ChatLine::ToUsage() const {
  v1::Usage usage;
  usage.set_input_tokens(input_tokens);
  usage.set_output_tokens(output_tokens);
  if (!usage_fault.ok()) usage.set_estimated(true);
  return usage;
}

absl::Status ReadChatLine(std::string_view text, ChatLine* line,
                          int32_t calls_before) {
  GATEWAY_RETURN_IF_ERROR(ReadJson(text, [&](JsonValue& root) {
    return root.EachField([&](std::string_view key, JsonValue& value) {
      return ReadField(key, value, line);
    });
  }));
  GiveIds(calls_before, line);
  return absl::OkStatus();
}

bool ReadMoment(std::string_view text, google::protobuf::Timestamp* moment) {
  absl::Time time;
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, ToAbsl(text), &time, &error)) {
    return false;
  }
  *moment = ToProto(time);
  return true;
}

v1::FinishReason FinishReasonOfTurn(std::string_view done_reason,
                                    bool has_tool_call, bool has_content) {
  if (done_reason == "length") return v1::FINISH_REASON_LENGTH;
  if (has_tool_call) return v1::FINISH_REASON_TOOL_CALLS;
  if (done_reason.empty() || done_reason == "stop" || has_content) {
    return v1::FINISH_REASON_STOP;
  }
  return v1::FINISH_REASON_ERROR;
}

}  // namespace gateway::ollama
