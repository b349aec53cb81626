#include "service/pipeline/prompt_text.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "google/protobuf/util/json_util.h"
#include "llmgateway/v1/content.pb.h"
#include "llmgateway/v1/gateway.pb.h"
#include "service/ledger/python_json.h"

namespace gateway {
namespace {

bool HoldsMessages(std::string_view key) {
  return key == "messages" || key == "input" || key == "contents";
}

bool HoldsInstructions(std::string_view key) {
  return key == "system" || key == "instructions" ||
         key == "systemInstruction" || key == "system_instruction";
}

// The one text of a message's content: it is a string, or a list of one part
// that has a text.
absl::StatusOr<std::optional<std::string>> SingleText(JsonValue& content) {
  std::optional<std::string> text;
  if (content.IsString()) {
    GATEWAY_ASSIGN_OR_RETURN(text, content.String());
    return text;
  }
  if (!content.IsArray()) return text;
  int parts = 0;
  GATEWAY_RETURN_IF_ERROR(
      content.EachElement([&](JsonValue& part) -> absl::Status {
        if (++parts > 1 || !part.IsObject()) {
          text.reset();
          return absl::OkStatus();
        }
        return part.EachField(
            [&](std::string_view key, JsonValue& field) -> absl::Status {
              if (key != "text" || !field.IsString()) return absl::OkStatus();
              GATEWAY_ASSIGN_OR_RETURN(text, field.String());
              return absl::OkStatus();
            });
      }));
  return text;
}

// The text of messages, an array, that are a single one of the user's with one
// text.
absl::StatusOr<std::optional<std::string>> SingleUserText(JsonValue& messages) {
  std::optional<std::string> text;
  int turns = 0;
  GATEWAY_RETURN_IF_ERROR(
      messages.EachElement([&](JsonValue& message) -> absl::Status {
        if (++turns > 1 || !message.IsObject()) {
          text.reset();
          return absl::OkStatus();
        }
        bool is_users = true;
        GATEWAY_RETURN_IF_ERROR(message.EachField(
            [&](std::string_view key, JsonValue& field) -> absl::Status {
              if (key == "role" && field.IsString()) {
                GATEWAY_ASSIGN_OR_RETURN(const std::string_view role,
                                         field.String());
                is_users = role == "user";
              } else if (key == "content" || key == "parts") {
                GATEWAY_ASSIGN_OR_RETURN(text, SingleText(field));
              }
              return absl::OkStatus();
            }));
        if (!is_users) text.reset();
        return absl::OkStatus();
      }));
  return text;
}

// What cannot be read has no prompt: its provider refuses it.
std::string TextOfRaw(std::string_view body) {
  // By their keys.
  std::map<std::string, std::string_view> members;
  std::string_view messages;
  std::optional<std::string> text;
  const absl::Status read = ReadJson(body, [&](JsonValue& root) {
    return root.EachField(
        [&](std::string_view key, JsonValue& value) -> absl::Status {
          if (!HoldsMessages(key) && !HoldsInstructions(key)) {
            return absl::OkStatus();
          }
          if (HoldsMessages(key) && value.IsString()) {
            GATEWAY_ASSIGN_OR_RETURN(const JsonString all,
                                     value.StringAndRaw());
            text = all.text;
            members[std::string(key)] = messages = all.raw;
            return absl::OkStatus();
          }
          if (HoldsMessages(key) && value.IsArray()) {
            GATEWAY_ASSIGN_OR_RETURN(text, SingleUserText(value));
            GATEWAY_ASSIGN_OR_RETURN(messages, value.VisitedRaw());
            members[std::string(key)] = messages;
            return absl::OkStatus();
          }
          GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, value.Raw());
          members[std::string(key)] = raw;
          if (HoldsMessages(key)) messages = raw;
          return absl::OkStatus();
        });
  });
  if (!read.ok() || messages.empty()) return {};
  if (members.size() == 1) {
    if (text.has_value()) return *std::move(text);
    return PythonJsonOf(messages).value_or("");
  }
  std::string json = "{";
  for (const auto& [key, raw] : members) {
    absl::StrAppend(&json, json.size() > 1 ? ", " : "", "\"", key,
                    "\": ", ToAbsl(raw));
  }
  json.push_back('}');
  return PythonJsonOf(json).value_or("");
}

std::string_view RoleWord(v1::Role role) {
  switch (role) {
    case v1::ROLE_ASSISTANT:
      return "assistant";
    case v1::ROLE_SYSTEM:
      return "system";
    case v1::ROLE_DEVELOPER:
      return "developer";
    case v1::ROLE_TOOL:
      return "tool";
    default:
      return "user";
  }
}

bool IsOneText(const v1::Message& message) {
  return message.parts_size() == 1 &&
         message.parts(0).kind_case() == v1::Part::kText;
}

void AppendCanonicalPart(const v1::Part& part, std::string* json) {
  if (part.kind_case() == v1::Part::kText) {
    json->append("{\"text\": ");
    AppendPythonString(part.text(), json);
    json->append(", \"type\": \"text\"}");
    return;
  }
  std::string whole;
  const bool written =
      google::protobuf::util::MessageToJsonString(part, &whole).ok();
  json->append(written ? PythonJsonOf(whole).value_or("{}") : "{}");
}

std::string TextOfMessages(const v1::GenerateRequest& request) {
  if (request.messages_size() == 1 && IsOneText(request.messages(0)) &&
      request.messages(0).role() == v1::ROLE_USER) {
    return request.messages(0).parts(0).text();
  }
  std::string json = "[";
  for (const v1::Message& message : request.messages()) {
    json.append(json.size() > 1 ? ", {\"content\": " : "{\"content\": ");
    if (IsOneText(message)) {
      AppendPythonString(message.parts(0).text(), &json);
    } else {
      json.push_back('[');
      for (const v1::Part& part : message.parts()) {
        if (&part != &message.parts(0)) json.append(", ");
        AppendCanonicalPart(part, &json);
      }
      json.push_back(']');
    }
    json.append(", \"role\": ");
    AppendPythonString(RoleWord(message.role()), &json);
    json.push_back('}');
  }
  json.push_back(']');
  return json;
}

std::string TextOfInputs(const v1::EmbedRequest& request) {
  if (request.inputs_size() == 1) return request.inputs(0).text();
  std::string json = "[";
  for (const v1::EmbedInput& input : request.inputs()) {
    if (json.size() > 1) json.append(", ");
    AppendPythonString(input.text(), &json);
  }
  json.push_back(']');
  return json;
}

// What one of the answers says. `in_list` has a text as a string of JSON.
std::string ChoiceText(const v1::Message& message, bool in_list) {
  std::vector<const v1::Part*> parts;
  for (const v1::Part& part : message.parts()) {
    if (!part.has_reasoning()) parts.push_back(&part);
  }
  const bool is_text =
      std::all_of(parts.begin(), parts.end(), [](const v1::Part* part) {
        return part->kind_case() == v1::Part::kText;
      });
  std::string text = is_text ? "" : "[";
  for (const v1::Part* const part : parts) {
    if (is_text) {
      text.append(part->text());
      continue;
    }
    if (part != parts.front()) text.append(", ");
    AppendCanonicalPart(*part, &text);
  }
  if (!is_text) text.push_back(']');
  if (!is_text || !in_list) return text;
  std::string json;
  AppendPythonString(text, &json);
  return json;
}

}  // namespace

std::string AnswerText(const v1::GenerateResponse& response) {
  if (response.choices().empty()) return {};
  if (response.choices_size() == 1) {
    return ChoiceText(response.choices(0).message(), /*in_list=*/false);
  }
  // Providers send them in any order, and streams as they come.
  std::vector<const v1::Choice*> choices;
  for (const v1::Choice& choice : response.choices()) {
    choices.push_back(&choice);
  }
  std::stable_sort(choices.begin(), choices.end(),
                   [](const v1::Choice* a, const v1::Choice* b) {
                     return a->index() < b->index();
                   });
  std::string list = "[";
  for (const v1::Choice* const choice : choices) {
    if (list.size() > 1) list.append(", ");
    list.append(ChoiceText(choice->message(), /*in_list=*/true));
  }
  list.push_back(']');
  return list;
}

std::string PromptText(const IncomingCall& call) {
  if (call.embed != nullptr) return TextOfInputs(*call.embed);
  // A conversation that goes on is in the message alone.
  const bool goes_on =
      call.session != nullptr || !call.facts.previous_response_id.empty();
  if (call.raw != nullptr && !(goes_on && call.request != nullptr)) {
    return TextOfRaw(call.raw->body);
  }
  return call.request == nullptr ? std::string()
                                 : TextOfMessages(*call.request);
}

}  // namespace gateway
