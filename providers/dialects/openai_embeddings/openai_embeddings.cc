#include "providers/dialects/openai_embeddings/openai_embeddings.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "errors/fault.h"
#include "providers/dialects/dropped_fields.h"
#include "providers/dialects/error_reason.h"
#include "providers/dialects/key_case.h"
#include "providers/dialects/object_fields.h"
#include "providers/dialects/openai_embeddings/vector_text.h"
#include "providers/dialects/provider_cost.h"
#include "providers/dialects/token_count.h"

namespace gateway {
namespace {

constexpr std::string_view kDialect = "openai_embeddings";
constexpr std::string_view kTextKeys[] = {"model", "encoding_format", "user"};
constexpr std::string_view kOwnFields[] = {"dimensions", "encoding_format",
                                           "input", "model", "user"};
constexpr wire::ObjectFormat kFormat = {kDialect, kTextKeys, {}};
// The most fields of a request.
constexpr size_t kFieldsMax = 256;
constexpr int32_t kInt32Max = std::numeric_limits<int32_t>::max();

// Keeps a field that is none of a request's own, unless a server could take it
// for one.
absl::Status KeepField(std::string_view key, JsonValue& value,
                       v1::EmbedRequest* request) {
  for (const std::string_view own : kOwnFields) {
    if (wire::IsTakenFor(key, own)) return wire::WrongCase(value, own);
  }
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, value.Raw());
  wire::AddExtension(kFormat, request->mutable_extensions(), key, raw);
  return absl::OkStatus();
}

absl::Status ReadToken(JsonValue& value, v1::TokenList* tokens) {
  GATEWAY_ASSIGN_OR_RETURN(const int32_t id, value.Int32(0, kInt32Max));
  tokens->add_ids(id);
  return absl::OkStatus();
}

// Reads the input: a text, texts, tokens or lists of tokens.
absl::Status ReadInput(JsonValue& value, v1::EmbedRequest* request) {
  if (value.IsString()) {
    GATEWAY_ASSIGN_OR_RETURN(const std::string_view text, value.String());
    request->add_inputs()->set_text(std::string(text));
    return absl::OkStatus();
  }
  if (!value.IsArray()) return value.Error("expected a text or an array");
  v1::EmbedInput* flat = nullptr;
  return value.EachElement([&](JsonValue& element) -> absl::Status {
    if (flat == nullptr && request->inputs_size() >= kEmbeddingInputsLimit) {
      return element.Error(
          absl::StrCat("more than ", kEmbeddingInputsLimit, " inputs"));
    }
    if (element.IsString()) {
      GATEWAY_ASSIGN_OR_RETURN(const std::string_view text, element.String());
      request->add_inputs()->set_text(std::string(text));
      return absl::OkStatus();
    }
    if (element.IsArray()) {
      v1::TokenList* const tokens = request->add_inputs()->mutable_tokens();
      return element.EachElement(
          [&](JsonValue& token) { return ReadToken(token, tokens); });
    }
    if (flat == nullptr) {
      if (request->inputs_size() > 0) {
        return element.Error("texts and tokens do not mix");
      }
      flat = request->add_inputs();
    }
    return ReadToken(element, flat->mutable_tokens());
  });
}

void WriteInput(const v1::EmbedInput& input, JsonWriter& json) {
  if (!input.has_tokens()) return json.String(input.text());
  json.StartArray();
  for (const int32_t id : input.tokens().ids()) json.Int64(id);
  json.EndArray();
}

absl::Status ReadVector(JsonValue& value, FloatList* values) {
  if (value.IsString()) {
    GATEWAY_ASSIGN_OR_RETURN(const std::string_view text, value.String());
    if (ReadBase64Floats(text, values)) return absl::OkStatus();
    return value.Error("expected base64 of 32-bit floats");
  }
  return value.EachElement([&](JsonValue& element) -> absl::Status {
    GATEWAY_ASSIGN_OR_RETURN(const double number, element.Double());
    values->Add(static_cast<float>(number));
    return absl::OkStatus();
  });
}

// Reads one entry of `data` and puts it at the place that its index names.
absl::Status ReadEmbedding(JsonValue& value, v1::EmbedResponse* response) {
  // The largest index: far more than a request may have inputs.
  constexpr int32_t kIndexMax = 65535;
  std::optional<int32_t> index;
  FloatList values;
  GATEWAY_RETURN_IF_ERROR(value.EachField(
      [&](std::string_view key, JsonValue& field) -> absl::Status {
        if (key == "embedding") return ReadVector(field, &values);
        if (key != "index") return absl::OkStatus();
        GATEWAY_ASSIGN_OR_RETURN(index, field.Int32(0, kIndexMax));
        return absl::OkStatus();
      }));
  const int place = index.value_or(response->embeddings_size());
  while (response->embeddings_size() <= place) response->add_embeddings();
  response->mutable_embeddings(place)->mutable_values()->Swap(&values);
  return absl::OkStatus();
}

absl::Status ReadUsage(JsonValue& value, v1::Usage* usage) {
  if (value.IsNull()) return value.Null();
  return value.EachField(
      [&](std::string_view key, JsonValue& field) -> absl::Status {
        if (key == "cost") return ReadProviderCost(field, usage).status();
        if (key != "prompt_tokens") return absl::OkStatus();
        GATEWAY_ASSIGN_OR_RETURN(const int64_t tokens, ReadTokenCount(field));
        usage->set_input_tokens(tokens);
        return absl::OkStatus();
      });
}

absl::Status ReadAnswerField(std::string_view key, JsonValue& value,
                             v1::EmbedResponse* response) {
  if (key == "model" && value.IsString()) {
    GATEWAY_ASSIGN_OR_RETURN(const std::string_view model, value.String());
    response->set_model(std::string(model));
    return absl::OkStatus();
  }
  if (key == "usage") return ReadUsage(value, response->mutable_usage());
  if (key != "data") return absl::OkStatus();
  return value.EachElement(
      [&](JsonValue& each) { return ReadEmbedding(each, response); });
}

}  // namespace

std::string_view OpenAiEmbeddings::name() const { return kDialect; }

absl::Status OpenAiEmbeddings::ReadRequest(std::string_view body,
                                           v1::EmbedRequest* request,
                                           EmbeddingEncoding* encoding) const {
  *encoding = EmbeddingEncoding::kFloat;
  absl::flat_hash_set<std::string> seen;
  const absl::Status read = ReadJson(body, [&](JsonValue& root) {
    return root.EachField(
        [&](std::string_view key, JsonValue& value) -> absl::Status {
          if (!seen.insert(std::string(key)).second) {
            return value.Error("repeated key");
          }
          if (seen.size() > kFieldsMax) return value.Error("too many fields");
          if (key == "input") return ReadInput(value, request);
          if (key == "model") {
            GATEWAY_ASSIGN_OR_RETURN(const auto model, value.String());
            request->set_model(std::string(model));
            return absl::OkStatus();
          }
          if (value.IsNull()) return value.Null();
          if (key == "dimensions") {
            GATEWAY_ASSIGN_OR_RETURN(const int32_t dimensions,
                                     value.Int32(1, kInt32Max));
            request->set_dimensions(dimensions);
            return absl::OkStatus();
          }
          if (key == "user") {
            GATEWAY_ASSIGN_OR_RETURN(const auto user, value.String());
            request->mutable_scope()->set_user_id(std::string(user));
            return absl::OkStatus();
          }
          if (key == "encoding_format") {
            GATEWAY_ASSIGN_OR_RETURN(const auto format, value.String());
            if (format != "float" && format != "base64") {
              return value.Error("must be float or base64");
            }
            if (format == "base64") *encoding = EmbeddingEncoding::kBase64;
            return absl::OkStatus();
          }
          return KeepField(key, value, request);
        });
  });
  return wire::AsFieldFault(read);
}

absl::Status OpenAiEmbeddings::WriteRequest(
    const v1::EmbedRequest& request, std::string_view model, std::string* body,
    std::vector<v1::Warning>* warnings) const {
  JsonWriter json(body);
  wire::ObjectWriter object(kFormat, json);
  object.Text("model", model);
  object.Field("input").StartArray();
  for (const v1::EmbedInput& input : request.inputs()) WriteInput(input, json);
  json.EndArray();
  if (ask_base64_) object.Text("encoding_format", "base64");
  if (request.has_dimensions()) {
    object.Int64("dimensions", request.dimensions());
  }
  if (!request.scope().user_id().empty()) {
    object.Text("user", request.scope().user_id());
  }
  wire::DroppedFields(kDialect, warnings).Foreign("", request.extensions());
  GATEWAY_RETURN_IF_ERROR(object.Extensions(request.extensions(), ""));
  object.End();
  return absl::OkStatus();
}

absl::Status OpenAiEmbeddings::ReadResponse(std::string_view body,
                                            v1::EmbedResponse* response) const {
  bool is_error = false;
  const absl::Status read = ReadJson(body, [&](JsonValue& root) {
    return root.EachField([&](std::string_view key, JsonValue& value) {
      is_error |= key == "error" && !value.IsNull();
      return ReadAnswerField(key, value, response);
    });
  });
  if (is_error) return ReadErrorReport(body);
  if (!read.ok()) {
    return MakeFault(v1::ERROR_REASON_PROVIDER_BAD_RESPONSE,
                     ToStd(read.message()));
  }
  for (int i = 0; i < response->embeddings_size(); ++i) {
    if (!response->embeddings(i).values().empty()) continue;
    return MakeFault(v1::ERROR_REASON_PROVIDER_BAD_RESPONSE,
                     absl::StrCat("the answer has no vector ", i));
  }
  return absl::OkStatus();
}

absl::Status OpenAiEmbeddings::WriteResponse(const v1::EmbedResponse& response,
                                             EmbeddingEncoding encoding,
                                             std::string* body) const {
  JsonWriter json(body);
  json.StartObject();
  json.StringField("object", "list");
  json.StartArrayField("data");
  std::string numbers;
  for (int i = 0; i < response.embeddings_size(); ++i) {
    const FloatList& values = response.embeddings(i).values();
    json.StartObject();
    json.StringField("object", "embedding");
    json.Int64Field("index", i);
    if (encoding == EmbeddingEncoding::kBase64) {
      json.StringField("embedding", WriteBase64Floats(values));
    } else {
      numbers.clear();
      AppendJsonFloats(values, &numbers);
      json.RawField("embedding", numbers);
    }
    json.EndObject();
  }
  json.EndArray();
  json.StringField("model", response.model());
  json.StartObjectField("usage");
  json.Int64Field("prompt_tokens", response.usage().input_tokens());
  json.Int64Field("total_tokens", response.usage().input_tokens());
  json.EndObject();
  json.EndObject();
  return absl::OkStatus();
}

}  // namespace gateway
