#include "service/pipeline/prompt_text.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
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

// What is said of a text that is all of something, as of ReadJsonAsPython;
// nothing if it is not a text, or not all.
using OneText = std::optional<std::string>;

absl::StatusOr<OneText> OneTextOf(JsonValue& value) {
  if (!value.IsString()) return OneText();
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view text, value.String());
  return OneText(text);
}

// Of the only part of a message's content, its member `text`.
absl::StatusOr<OneText> TextOfPart(JsonValue& part) {
  OneText text;
  if (!part.IsObject()) return text;
  GATEWAY_RETURN_IF_ERROR(part.EachField(
      [&](std::string_view key, JsonValue& field) -> absl::Status {
        if (key != "text") return absl::OkStatus();
        GATEWAY_ASSIGN_OR_RETURN(text, OneTextOf(field));
        return absl::OkStatus();
      }));
  return text;
}

// The text of a message's content: it is a string, or a list of one part that
// has a text.
absl::StatusOr<OneText> TextOfContent(JsonValue& content) {
  if (!content.IsArray()) return OneTextOf(content);
  OneText text;
  int parts = 0;
  GATEWAY_RETURN_IF_ERROR(
      content.EachElement([&](JsonValue& part) -> absl::Status {
        if (++parts > 1) {
          text.reset();
          return absl::OkStatus();
        }
        GATEWAY_ASSIGN_OR_RETURN(text, TextOfPart(part));
        return absl::OkStatus();
      }));
  return text;
}

// The text of a message, if it is the user's.
absl::StatusOr<OneText> TextOfMessage(JsonValue& message) {
  if (!message.IsObject()) return OneTextOf(message);
  bool is_users = true;
  // Who has `content` means that.
  std::optional<OneText> content;
  OneText parts;
  GATEWAY_RETURN_IF_ERROR(message.EachField(
      [&](std::string_view key, JsonValue& field) -> absl::Status {
        if (key == "role") {
          GATEWAY_ASSIGN_OR_RETURN(const OneText role, OneTextOf(field));
          is_users = role == "user";
        } else if (key == "content") {
          GATEWAY_ASSIGN_OR_RETURN(content, TextOfContent(field));
        } else if (key == "parts") {
          GATEWAY_ASSIGN_OR_RETURN(parts, TextOfContent(field));
        }
        return absl::OkStatus();
      }));
  if (!is_users) return OneText();
  return content.has_value() ? *std::move(content) : std::move(parts);
}

// The text of what is asked, if it is one of the user's alone.
absl::StatusOr<OneText> SingleUserText(JsonValue& asked) {
  if (!asked.IsArray()) return TextOfMessage(asked);
  OneText text;
  int messages = 0;
  GATEWAY_RETURN_IF_ERROR(
      asked.EachElement([&](JsonValue& message) -> absl::Status {
        if (++messages > 1) {
          text.reset();
          return absl::OkStatus();
        }
        GATEWAY_ASSIGN_OR_RETURN(text, TextOfMessage(message));
        return absl::OkStatus();
      }));
  return text;
}

// What a request asks: the members that say it, as they were written.
struct Asked {
  std::map<std::string, std::string_view> members;  // By their keys.
  std::string_view messages;  // Of them, what is no instruction.
  OneText text;
};

absl::Status ReadAsked(std::string_view body, Asked* asked) {
  return ReadJsonAsPython(body, [&](JsonValue& root) {
    return root.EachField(
        [&](std::string_view key, JsonValue& value) -> absl::Status {
          if (HoldsInstructions(key)) {
            GATEWAY_ASSIGN_OR_RETURN(asked->members[std::string(key)],
                                     value.Raw());
          }
          if (!HoldsMessages(key)) return absl::OkStatus();
          if (value.IsArray() || value.IsObject()) {
            GATEWAY_ASSIGN_OR_RETURN(asked->text, SingleUserText(value));
            GATEWAY_ASSIGN_OR_RETURN(asked->messages, value.VisitedRaw());
          } else if (value.IsString()) {
            GATEWAY_ASSIGN_OR_RETURN(const JsonString all,
                                     value.StringAndRaw());
            asked->text = std::string(all.text);
            asked->messages = all.raw;
          } else {
            asked->text.reset();
            GATEWAY_ASSIGN_OR_RETURN(asked->messages, value.Raw());
          }
          asked->members[std::string(key)] = asked->messages;
          return absl::OkStatus();
        });
  });
}

// What cannot be read, or asks nothing, is what came: its provider has it, too.
std::string TextOfRaw(std::string_view body) {
  Asked asked;
  if (!ReadAsked(body, &asked).ok() || asked.messages.empty()) {
    return std::string(body);
  }
  std::string json = "{";
  if (asked.members.size() == 1) {
    if (asked.text.has_value()) return SurrogatesEscaped(*asked.text);
    json = asked.messages;
  } else {
    for (const auto& [key, raw] : asked.members) {
      absl::StrAppend(&json, json.size() > 1 ? ", " : "", "\"", key,
                      "\": ", ToAbsl(raw));
    }
    json.push_back('}');
  }
  const bool is_nested = json.front() == '[' || json.front() == '{';
  absl::StatusOr<std::string> form =
      PythonJsonOf(is_nested ? json : absl::StrCat("[", json, "]"));
  if (!form.ok()) return std::string(body);
  return is_nested ? *std::move(form) : form->substr(1, form->size() - 2);
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

void AppendInput(const v1::EmbedInput& input, std::string* json) {
  if (!input.has_tokens()) {
    AppendPythonString(input.text(), json);
    return;
  }
  absl::StrAppend(json, "[", absl::StrJoin(input.tokens().ids(), ", "), "]");
}

std::string TextOfInputs(const v1::EmbedRequest& request) {
  std::string json;
  if (request.inputs_size() == 1) {
    if (!request.inputs(0).has_tokens()) return request.inputs(0).text();
    AppendInput(request.inputs(0), &json);
    return json;
  }
  json = "[";
  for (const v1::EmbedInput& input : request.inputs()) {
    if (json.size() > 1) json.append(", ");
    AppendInput(input, &json);
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
