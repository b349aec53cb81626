#include "providers/dialects/ollama/embeddings.h"

#include <cstdint>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "errors/fault.h"
#include "providers/dialects/error_reason.h"
#include "providers/dialects/ollama/chat_line.h"
#include "providers/dialects/ollama/fields.h"
#include "providers/dialects/ollama/keep_alive.h"
#include "providers/dialects/token_count.h"

namespace gateway {
namespace {

using ollama::DroppedFields;
using ollama::kDialect;
using ollama::kFormat;
using ollama::ObjectWriter;

absl::Status WriteInputs(const v1::EmbedRequest& request, JsonWriter& json) {
  json.StartArray();
  for (int i = 0; i < request.inputs_size(); ++i) {
    const v1::EmbedInput& input = request.inputs(i);
    if (input.has_text()) {
      json.String(input.text());
      continue;
    }
    const std::string field = absl::StrCat("inputs[", i, "]");
    if (!input.has_tokens()) return InvalidField(field, "required");
    absl::Status fault =
        MakeFault(v1::ERROR_REASON_CAPABILITY_UNSUPPORTED,
                  absl::StrCat(field, ": Ollama embeds texts, not tokens"));
    AddFieldViolation(fault, absl::StrCat(field, ".tokens"),
                      "only text can be embedded");
    return fault;
  }
  json.EndArray();
  return absl::OkStatus();
}

absl::Status ReadVector(JsonValue& list, v1::Embedding* vector) {
  return list.EachElement([&](JsonValue& value) -> absl::Status {
    GATEWAY_ASSIGN_OR_RETURN(const double number, value.Double());
    vector->add_values(static_cast<float>(number));
    return absl::OkStatus();
  });
}

// Reads one answer.
struct AnswerReader {
  absl::Status ReadField(std::string_view key, JsonValue& value) {
    if (value.IsNull()) return absl::OkStatus();
    if (key == "embeddings") {
      has_vectors = true;
      return value.EachElement([&](JsonValue& list) {
        return ReadVector(list, response.add_embeddings());
      });
    }
    if (key == "model") {
      GATEWAY_ASSIGN_OR_RETURN(const std::string_view model, value.String());
      response.set_model(std::string(model));
    } else if (key == "prompt_eval_count") {
      GATEWAY_ASSIGN_OR_RETURN(const int64_t tokens, ReadTokenCount(value));
      response.mutable_usage()->set_input_tokens(tokens);
    } else if (key == "error") {
      is_error = true;
    }
    return absl::OkStatus();
  }

  v1::EmbedResponse& response;
  bool has_vectors = false;
  bool is_error = false;
};

}  // namespace

OllamaEmbeddings::OllamaEmbeddings(std::string keep_alive)
    : keep_alive_(std::move(keep_alive)) {}

std::string_view OllamaEmbeddings::name() const { return kDialect; }

absl::Status OllamaEmbeddings::WriteRequest(
    const v1::EmbedRequest& request, std::string_view model, std::string* body,
    std::vector<v1::Warning>* warnings) const {
  DroppedFields dropped(kDialect, warnings);
  JsonWriter json(body);
  ObjectWriter object(kFormat, json);
  object.Text("model", model);
  GATEWAY_RETURN_IF_ERROR(WriteInputs(request, object.Field("input")));
  if (request.has_dimensions()) {
    object.Int64("dimensions", request.dimensions());
  }
  if (ollama::HasNestedExtension(request.extensions(), "options")) {
    ObjectWriter options(kFormat, object.Field("options"));
    GATEWAY_RETURN_IF_ERROR(
        options.Extensions(request.extensions(), "", "options"));
    options.End();
  }
  dropped.Foreign("", request.extensions());
  GATEWAY_RETURN_IF_ERROR(object.Extensions(request.extensions(), ""));
  ollama::WriteKeepAlive(keep_alive_, object);
  object.End();
  return absl::OkStatus();
}

absl::Status OllamaEmbeddings::ReadResponse(std::string_view body,
                                            v1::EmbedResponse* response) const {
  response->Clear();
  response->mutable_usage();
  AnswerReader reader{*response};
  absl::Status status = ReadJson(body, [&](JsonValue& root) {
    return root.EachField([&](std::string_view key, JsonValue& value) {
      return reader.ReadField(key, value);
    });
  });
  if (status.ok() && reader.is_error) return ReadErrorReport(body);
  if (status.ok() && !reader.has_vectors) {
    status = absl::InvalidArgumentError("embeddings: required");
  }
  return ollama::AsBadResponse(status);
}

}  // namespace gateway
