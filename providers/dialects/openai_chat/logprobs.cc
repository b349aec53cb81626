#include "providers/dialects/openai_chat/logprobs.h"

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/status_macros.h"
#include "base/text/json.h"
#include "llmgateway/v1/content.pb.h"

namespace gateway::chat {
namespace {

absl::Status ReadTokens(JsonValue& list, bool with_top, TokenLogprobs* tokens);

absl::Status ReadTokenBytes(JsonValue& list, v1::TokenLogprob* token) {
  if (list.IsNull()) return absl::OkStatus();
  std::string* bytes = token->mutable_utf8_bytes();
  return list.EachElement([&](JsonValue& value) -> absl::Status {
    GATEWAY_ASSIGN_OR_RETURN(const int32_t byte, value.Int32(0, 255));
    bytes->push_back(static_cast<char>(byte));
    return absl::OkStatus();
  });
}

absl::Status ReadToken(JsonValue& object, bool with_top,
                       v1::TokenLogprob* token) {
  return object.EachField(
      [&](std::string_view key, JsonValue& value) -> absl::Status {
        if (key == "token") {
          GATEWAY_ASSIGN_OR_RETURN(const std::string_view text, value.String());
          token->set_token(std::string(text));
        } else if (key == "logprob") {
          GATEWAY_ASSIGN_OR_RETURN(const double logprob, value.Double());
          token->set_logprob(logprob);
        } else if (key == "bytes") {
          return ReadTokenBytes(value, token);
        } else if (key == "top_logprobs" && with_top) {
          // One level only: alternatives have no alternatives.
          return ReadTokens(value, false, token->mutable_top());
        }
        return absl::OkStatus();
      });
}

absl::Status ReadTokens(JsonValue& list, bool with_top, TokenLogprobs* tokens) {
  if (list.IsNull()) return absl::OkStatus();
  return list.EachElement([&](JsonValue& value) {
    return ReadToken(value, with_top, tokens->Add());
  });
}

void WriteTokens(const TokenLogprobs& tokens, bool with_top, bool always_bytes,
                 JsonWriter& json) {
  json.StartArray();
  for (const v1::TokenLogprob& token : tokens) {
    json.StartObject();
    json.StringField("token", token.token());
    json.DoubleField("logprob", token.logprob());
    if (token.has_utf8_bytes() || always_bytes) {
      json.StartArrayField("bytes");
      for (const char byte :
           token.has_utf8_bytes() ? token.utf8_bytes() : token.token()) {
        json.Int64(static_cast<unsigned char>(byte));
      }
      json.EndArray();
    } else {
      json.NullField("bytes");
    }
    if (with_top) {
      json.Key("top_logprobs");
      WriteTokens(token.top(), false, always_bytes, json);
    }
    json.EndObject();
  }
  json.EndArray();
}

}  // namespace

absl::Status ReadTokenLogprobs(JsonValue& list, TokenLogprobs* tokens) {
  return ReadTokens(list, true, tokens);
}

void WriteTokenLogprobs(const TokenLogprobs& tokens, JsonWriter& json) {
  WriteTokens(tokens, true, /*always_bytes=*/true, json);
}

absl::Status ReadLogprobs(JsonValue& value, v1::Logprobs* logprobs) {
  return value.EachField(
      [&](std::string_view key, JsonValue& list) -> absl::Status {
        if (key == "content") {
          return ReadTokens(list, true, logprobs->mutable_content());
        }
        if (key == "refusal") {
          return ReadTokens(list, true, logprobs->mutable_refusal());
        }
        return absl::OkStatus();
      });
}

void WriteLogprobs(const v1::Logprobs& logprobs, JsonWriter& json) {
  json.StartObject();
  json.Key("content");
  if (logprobs.content().empty()) {
    json.Null();
  } else {
    WriteTokens(logprobs.content(), true, /*always_bytes=*/false, json);
  }
  json.Key("refusal");
  if (logprobs.refusal().empty()) {
    json.Null();
  } else {
    WriteTokens(logprobs.refusal(), true, /*always_bytes=*/false, json);
  }
  json.EndObject();
}

}  // namespace gateway::chat
