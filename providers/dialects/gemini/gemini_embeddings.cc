#include "providers/dialects/gemini/gemini_embeddings.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "errors/fault.h"
#include "providers/dialects/error_reason.h"
#include "providers/dialects/gemini/candidate.h"
#include "providers/dialects/gemini/fields.h"
#include "providers/dialects/gemini/part_reader.h"

namespace gateway {
namespace {

using gemini::DroppedFields;
using gemini::ExtensionList;
using gemini::kFormat;
using gemini::ObjectFields;
using gemini::ObjectWriter;

// The longest vector.
constexpr int kValuesLimit = 1 << 16;

bool Same(const ExtensionList& a, const ExtensionList& b) {
  if (a.size() != b.size()) return false;
  for (int i = 0; i < a.size(); ++i) {
    if (a[i].name() != b[i].name() || a[i].json() != b[i].json()) return false;
  }
  return true;
}

// Reads one text and what is wanted of it.
absl::Status ReadOne(JsonValue& value, v1::EmbedRequest* request) {
  if (request->inputs_size() == kEmbeddingInputsLimit) {
    return value.Error("too many texts");
  }
  GATEWAY_ASSIGN_OR_RETURN(ObjectFields fields,
                           ObjectFields::Read(kFormat, value));
  fields.TextOrJson("model");  // The path's counts.
  const ObjectFields::Either json = fields.TextOrJson("content");
  if (!json.json.has_value()) return fields.Fault("content", "required");
  gemini::Content content;
  GATEWAY_RETURN_IF_ERROR(gemini::ReadNested(
      *json.json, fields.PathOf("content"),
      [&](JsonValue& root) { return gemini::ReadContent(root, &content); }));
  std::string text;
  for (const v1::Part& part : content.parts) {
    if (!part.has_text()) {
      return fields.Fault("content.parts", "only texts have vectors here");
    }
    text.append(part.text());
  }
  std::optional<int32_t> dimensions;
  GATEWAY_RETURN_IF_ERROR(fields.Int32("outputDimensionality", &dimensions));
  ExtensionList rest;
  fields.Rest(&rest);
  if (request->inputs().empty()) {
    if (dimensions.has_value()) request->set_dimensions(*dimensions);
    request->mutable_extensions()->Swap(&rest);
  } else if (!Same(rest, request->extensions()) ||
             dimensions.has_value() != request->has_dimensions() ||
             dimensions.value_or(0) != request->dimensions()) {
    return value.Error("all texts of a batch must be treated alike");
  }
  request->add_inputs()->set_text(std::move(text));
  return absl::OkStatus();
}

absl::Status ReadValues(JsonValue& vector, v1::Embedding* embedding) {
  return vector.EachField([&](std::string_view key, JsonValue& values) {
    if (key != "values") return absl::OkStatus();
    return values.EachElement([&](JsonValue& value) -> absl::Status {
      if (embedding->values_size() == kValuesLimit) {
        return value.Error("too many values");
      }
      GATEWAY_ASSIGN_OR_RETURN(const double number, value.Double());
      embedding->add_values(static_cast<float>(number));
      return absl::OkStatus();
    });
  });
}

}  // namespace

std::string_view GeminiEmbeddings::name() const { return gemini::kDialect; }

absl::Status GeminiEmbeddings::ReadRequest(std::string_view body,
                                           v1::EmbedRequest* request,
                                           EmbeddingEncoding* encoding) const {
  *encoding = EmbeddingEncoding::kFloat;
  bool is_batch = false;
  GATEWAY_RETURN_IF_ERROR(
      gemini::AsFieldFault(ReadJson(body, [&](JsonValue& root) {
        return root.EachField([&](std::string_view key, JsonValue& value) {
          if (key != "requests") return absl::OkStatus();
          is_batch = true;
          return value.EachElement(
              [&](JsonValue& each) { return ReadOne(each, request); });
        });
      })));
  if (is_batch) return absl::OkStatus();
  return gemini::AsFieldFault(
      ReadJson(body, [&](JsonValue& root) { return ReadOne(root, request); }));
}

absl::Status GeminiEmbeddings::WriteRequest(
    const v1::EmbedRequest& request, std::string_view model, std::string* body,
    std::vector<v1::Warning>* warnings) const {
  DroppedFields(gemini::kDialect, warnings).Foreign("", request.extensions());
  JsonWriter json(body);
  json.StartObject();
  json.StartArrayField("requests");
  for (int i = 0; i < request.inputs_size(); ++i) {
    const v1::EmbedInput& input = request.inputs(i);
    if (!input.has_text()) {
      return InvalidField(absl::StrCat("inputs[", i, "].tokens"),
                          "this provider takes texts only");
    }
    ObjectWriter object(kFormat, json);
    object.Text("model", absl::StrCat("models/", ToAbsl(model)));
    object.Field("content").StartObject();
    json.StartArrayField("parts");
    json.StartObject();
    json.StringField("text", input.text());
    json.EndObject();
    json.EndArray();
    json.EndObject();
    if (request.has_dimensions()) {
      object.Int64("outputDimensionality", request.dimensions());
    }
    GATEWAY_RETURN_IF_ERROR(object.Extensions(request.extensions(), ""));
    object.End();
  }
  json.EndArray();
  json.EndObject();
  return absl::OkStatus();
}

absl::Status GeminiEmbeddings::ReadResponse(std::string_view body,
                                            v1::EmbedResponse* response) const {
  bool is_error = false;
  const absl::Status status = ReadJson(body, [&](JsonValue& root) {
    return root.EachField([&](std::string_view key, JsonValue& value) {
      is_error |= key == "error" && value.IsObject();
      if (key == "embedding") {
        return ReadValues(value, response->add_embeddings());
      }
      if (key != "embeddings") return absl::OkStatus();
      return value.EachElement([&](JsonValue& vector) -> absl::Status {
        if (response->embeddings_size() == kEmbeddingInputsLimit) {
          return vector.Error("too many vectors");
        }
        return ReadValues(vector, response->add_embeddings());
      });
    });
  });
  if (!status.ok()) return gemini::AsBadResponse(status);
  if (is_error) return ReadErrorReport(body);
  if (response->embeddings().empty()) {
    return gemini::AsBadResponse(
        absl::InvalidArgumentError("embeddings: required"));
  }
  return absl::OkStatus();
}

absl::Status GeminiEmbeddings::WriteResponse(const v1::EmbedResponse& response,
                                             EmbeddingEncoding,
                                             std::string* body) const {
  JsonWriter json(body);
  json.StartObject();
  json.StartArrayField("embeddings");
  for (const v1::Embedding& embedding : response.embeddings()) {
    json.StartObject();
    json.StartArrayField("values");
    for (const float value : embedding.values()) {
      json.Double(static_cast<double>(value));
    }
    json.EndArray();
    json.EndObject();
  }
  json.EndArray();
  json.EndObject();
  return absl::OkStatus();
}

}  // namespace gateway
