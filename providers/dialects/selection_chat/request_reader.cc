#include "providers/dialects/selection_chat/request_reader.h"

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "llmgateway/v1/content.pb.h"
#include "providers/dialects/object_fields.h"
#include "providers/dialects/selection_chat/fields.h"
#include "providers/dialects/selection_chat/selection_reader.h"

namespace gateway::selection_chat {
namespace {

// The most messages that are read; the configuration's limit is checked after,
// and lower by default.
constexpr int kMessagesLimit = 100'000;
constexpr size_t kModeBytesMax = 64;

constexpr std::string_view kGeneral = "general";

// What a mode of the older form needs.
struct Mode {
  std::string_view name;
  absl::Span<const std::string_view> capabilities;
};

constexpr std::string_view kForResearch[] = {"web_search", "reasoning",
                                             "long_context"};
constexpr std::string_view kForWriting[] = {"creative_writing", "streaming",
                                            "long_context"};
constexpr std::string_view kForAnalysis[] = {"reasoning", "function_calling"};
constexpr std::string_view kForCode[] = {"code_generation", "function_calling"};
constexpr std::string_view kForCreative[] = {"creative_writing", "streaming"};
constexpr std::string_view kForGeneral[] = {"streaming"};
constexpr std::string_view kForAcademic[] = {"creative_writing", "reasoning",
                                             "long_context"};

constexpr Mode kModes[] = {
    {"research", kForResearch}, {"writing", kForWriting},
    {"analysis", kForAnalysis}, {"code", kForCode},
    {"creative", kForCreative}, {kGeneral, kForGeneral},
    {"academic", kForAcademic},
};

absl::Status ReadString(JsonValue& value, std::string* text) {
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view read, value.String());
  text->assign(read);
  return absl::OkStatus();
}

class RequestReader {
 public:
  RequestReader(bool is_legacy, v1::GenerateRequest* request,
                RequestWishes* wishes)
      : is_legacy_(is_legacy), request_(*request), wishes_(*wishes) {}

  absl::Status Read(JsonValue& root) {
    GATEWAY_RETURN_IF_ERROR(
        root.EachField([this](std::string_view key, JsonValue& value) {
          return ReadField(key, value);
        }));
    if (!request_.sampling().has_temperature()) {
      request_.mutable_sampling()->set_temperature(kTemperatureDefault);
    }
    return absl::OkStatus();
  }

 private:
  absl::Status ReadField(std::string_view key, JsonValue& value) {
    GATEWAY_RETURN_IF_ERROR(seen_.Add(key, value));
    if (key == "messages") return ReadMessages(value);
    if (key == "temperature") return ReadTemperature(value);
    if (key == "max_tokens") return ReadMaxTokens(value);
    if (key == "stream") return ReadStream(value);
    if (key == "user_context") return ReadUserContext(value);
    if (is_legacy_ && key == "mode") return ReadMode(value);
    if (IsSelectionField(key)) {
      return ReadSelectionField(key, value, request_.mutable_selection());
    }
    return Keep(key, value);
  }

  absl::Status Keep(std::string_view key, JsonValue& value) {
    GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, value.Raw());
    wire::AddExtension(kFormat, request_.mutable_extensions(), key, raw);
    return absl::OkStatus();
  }

  absl::Status ReadMessages(JsonValue& value) {
    if (is_legacy_ && value.IsString()) {
      v1::Message* const message = request_.add_messages();
      message->set_role(v1::ROLE_USER);
      return ReadString(value, message->add_parts()->mutable_text());
    }
    return value.EachElement([this](JsonValue& message) -> absl::Status {
      if (request_.messages_size() >= kMessagesLimit) {
        return message.Error("too many messages");
      }
      return ReadMessage(message, request_.add_messages());
    });
  }

  absl::Status ReadMessage(JsonValue& value, v1::Message* message) {
    SeenFields seen;
    GATEWAY_RETURN_IF_ERROR(value.EachField(
        [&](std::string_view key, JsonValue& field) -> absl::Status {
          GATEWAY_RETURN_IF_ERROR(seen.Add(key, field));
          if (key == "role") return ReadRole(field, message);
          if (key == "content") {
            return ReadString(field, message->add_parts()->mutable_text());
          }
          GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, field.Raw());
          wire::AddExtension(kFormat, message->mutable_extensions(), key, raw);
          return absl::OkStatus();
        }));
    if (message->role() == v1::ROLE_UNSPECIFIED) {
      return value.Error("role must be set");
    }
    if (message->parts().empty()) return value.Error("content must be set");
    return absl::OkStatus();
  }

  static absl::Status ReadRole(JsonValue& value, v1::Message* message) {
    GATEWAY_ASSIGN_OR_RETURN(const std::string_view role, value.String());
    if (role == "user") {
      message->set_role(v1::ROLE_USER);
    } else if (role == "assistant") {
      message->set_role(v1::ROLE_ASSISTANT);
    } else if (role == "system") {
      message->set_role(v1::ROLE_SYSTEM);
    } else {
      return value.Error("must be user, assistant or system");
    }
    return absl::OkStatus();
  }

  absl::Status ReadTemperature(JsonValue& value) {
    if (value.IsNull()) return value.Null();
    GATEWAY_ASSIGN_OR_RETURN(const double number, value.Double());
    request_.mutable_sampling()->set_temperature(number);
    return absl::OkStatus();
  }

  absl::Status ReadMaxTokens(JsonValue& value) {
    if (value.IsNull()) return value.Null();
    GATEWAY_ASSIGN_OR_RETURN(const int32_t number,
                             value.Int32(1, kOutputTokensMax));
    request_.set_max_output_tokens(number);
    return absl::OkStatus();
  }

  absl::Status ReadStream(JsonValue& value) {
    if (value.IsNull()) return value.Null();
    GATEWAY_ASSIGN_OR_RETURN(wishes_.stream, value.Bool());
    return absl::OkStatus();
  }

  absl::Status ReadMode(JsonValue& value) {
    if (value.IsNull()) return value.Null();
    GATEWAY_RETURN_IF_ERROR(ReadString(value, &wishes_.mode));
    if (wishes_.mode.size() <= kModeBytesMax) return absl::OkStatus();
    return value.Error(
        absl::StrCat("is longer than ", kModeBytesMax, " bytes"));
  }

  // Whom the call is made for; what else the context has is kept.
  absl::Status ReadUserContext(JsonValue& value) {
    if (value.IsNull()) return value.Null();
    std::string others;
    SeenFields seen;
    GATEWAY_RETURN_IF_ERROR(value.EachField(
        [&](std::string_view key, JsonValue& field) -> absl::Status {
          GATEWAY_RETURN_IF_ERROR(seen.Add(key, field));
          std::string* const text = ScopeField(key);
          if (text == nullptr) return KeepIn(key, field, &others);
          if (field.IsNull()) return field.Null();
          if (field.Type() != JsonType::kNumber) return ReadString(field, text);
          // Ids of databases are numbers.
          GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, field.Raw());
          text->assign(raw);
          return absl::OkStatus();
        }));
    if (others.empty()) return absl::OkStatus();
    wire::AddExtension(kFormat, request_.mutable_extensions(), "user_context",
                       others + "}");
    return absl::OkStatus();
  }

  std::string* ScopeField(std::string_view key) {
    v1::CallerScope& scope = *request_.mutable_scope();
    if (key == "user_id") return scope.mutable_user_id();
    if (key == "session_id") return scope.mutable_session_id();
    if (key == "project_id") return scope.mutable_project_id();
    if (key == "agent_id") return scope.mutable_agent_id();
    if (key == "agent_type") return scope.mutable_agent_type();
    if (key == "work_order_id") return scope.mutable_work_order_id();
    return nullptr;
  }

  static absl::Status KeepIn(std::string_view key, JsonValue& value,
                             std::string* object) {
    GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, value.Raw());
    object->append(object->empty() ? "{" : ",");
    JsonWriter(object).String(key);
    object->append(":").append(raw);
    return absl::OkStatus();
  }

  const bool is_legacy_;
  v1::GenerateRequest& request_;
  RequestWishes& wishes_;
  SeenFields seen_;
};

absl::Status ReadEither(bool is_legacy, std::string_view body,
                        v1::GenerateRequest* request, RequestWishes* wishes) {
  request->Clear();
  *wishes = {};
  RequestReader reader(is_legacy, request, wishes);
  return wire::AsFieldFault(
      ReadJson(body, [&](JsonValue& root) { return reader.Read(root); }));
}

}  // namespace

absl::Status ReadRequest(std::string_view body, v1::GenerateRequest* request,
                         RequestWishes* wishes) {
  return ReadEither(/*is_legacy=*/false, body, request, wishes);
}

absl::Status ReadLegacyRequest(std::string_view body,
                               v1::GenerateRequest* request,
                               RequestWishes* wishes) {
  return ReadEither(/*is_legacy=*/true, body, request, wishes);
}

absl::Status ReadPreview(std::string_view body, v1::GenerateRequest* request) {
  request->Clear();
  if (body.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    return absl::OkStatus();
  }
  const auto read = [request](JsonValue& root) -> absl::Status {
    if (root.IsArray()) {
      return ReadSelectionField("capabilities", root,
                                request->mutable_selection());
    }
    RequestWishes wishes;
    return RequestReader(/*is_legacy=*/false, request, &wishes).Read(root);
  };
  return wire::AsFieldFault(ReadJson(body, read));
}

std::string NodeOfMode(std::string_view mode) {
  return absl::StrCat("legacy_", ToAbsl(mode.empty() ? kGeneral : mode));
}

absl::Span<const std::string_view> CapabilitiesOfMode(std::string_view mode) {
  for (const Mode& known : kModes) {
    if (absl::EqualsIgnoreCase(ToAbsl(known.name), ToAbsl(mode))) {
      return known.capabilities;
    }
  }
  return kForGeneral;
}

}  // namespace gateway::selection_chat
