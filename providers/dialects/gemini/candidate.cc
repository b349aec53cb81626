#include "providers/dialects/gemini/candidate.h"

#include <cstddef>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/os/random.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "providers/dialects/object_fields.h"

namespace gateway::gemini {
namespace {

using wire::ReadText;

constexpr size_t kSeedDigits = 32;

absl::Status Keep(std::string_view key, JsonValue& value,
                  ExtensionList* extensions) {
  if (value.IsNull()) return absl::OkStatus();
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, value.Raw());
  AddExtension(extensions, key, raw);
  return absl::OkStatus();
}

absl::Status ReadLogprob(JsonValue& value, v1::TokenLogprob* token) {
  return value.EachField(
      [&](std::string_view key, JsonValue& field) -> absl::Status {
        if (key == "token") return ReadText(field, token->mutable_token());
        if (key != "logProbability" || field.IsNull()) return absl::OkStatus();
        GATEWAY_ASSIGN_OR_RETURN(const double logprob, field.Double());
        token->set_logprob(logprob);
        return absl::OkStatus();
      });
}

// Reads the alternatives, which stand beside the chosen tokens in the same
// order.
absl::Status ReadTopCandidates(JsonValue& value,
                               std::vector<v1::TokenLogprob>* places) {
  return value.EachElement([&](JsonValue& place) {
    v1::TokenLogprob& alternatives = places->emplace_back();
    return place.EachField([&](std::string_view key, JsonValue& list) {
      if (key != "candidates") return absl::OkStatus();
      return list.EachElement([&](JsonValue& token) {
        return ReadLogprob(token, alternatives.add_top());
      });
    });
  });
}

absl::Status ReadLogprobs(JsonValue& value, v1::Logprobs* logprobs) {
  std::vector<v1::TokenLogprob> tops;
  GATEWAY_RETURN_IF_ERROR(
      value.EachField([&](std::string_view key, JsonValue& list) {
        if (key == "topCandidates") return ReadTopCandidates(list, &tops);
        if (key != "chosenCandidates") return absl::OkStatus();
        return list.EachElement([&](JsonValue& token) {
          return ReadLogprob(token, logprobs->add_content());
        });
      }));
  for (int i = 0; i < logprobs->content_size(); ++i) {
    if (static_cast<size_t>(i) == tops.size()) break;
    logprobs->mutable_content(i)->mutable_top()->Swap(tops[i].mutable_top());
  }
  return absl::OkStatus();
}

absl::Status ReadCandidate(JsonValue& value, Candidate* candidate) {
  return value.EachField(
      [&](std::string_view key, JsonValue& field) -> absl::Status {
        if (key == "content") {
          candidate->has_content = !field.IsNull();
          Content content;
          GATEWAY_RETURN_IF_ERROR(ReadContent(field, &content));
          candidate->parts.Swap(&content.parts);
          return absl::OkStatus();
        }
        if (field.IsNull()) return absl::OkStatus();
        if (key == "finishReason") {
          return ReadText(field, &candidate->finish_word);
        }
        if (key == "index") {
          GATEWAY_ASSIGN_OR_RETURN(candidate->index,
                                   field.Int32(0, kCandidatesMax - 1));
          return absl::OkStatus();
        }
        if (key != "logprobsResult") {
          return Keep(key, field, &candidate->extensions);
        }
        // Kept whole, too, since the contract has no place for token ids.
        const std::string path = field.Path();
        GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, field.Raw());
        AddExtension(&candidate->extensions, key, raw);
        return ReadNested(raw, path, [&](JsonValue& root) {
          return ReadLogprobs(root, &candidate->logprobs);
        });
      });
}

absl::Status ReadFeedback(JsonValue& value, Answer* answer) {
  if (value.IsNull()) return absl::OkStatus();
  const std::string path = value.Path();
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, value.Raw());
  AddExtension(&answer->extensions, "promptFeedback", raw);
  return ReadNested(raw, path, [&](JsonValue& root) {
    return root.EachField([&](std::string_view key, JsonValue& field) {
      return key == "blockReason" ? ReadText(field, &answer->block_word)
                                  : absl::OkStatus();
    });
  });
}

absl::Status ReadField(std::string_view key, JsonValue& value, Answer* answer) {
  if (key == "candidates") {
    if (value.IsNull()) return absl::OkStatus();
    return value.EachElement([&](JsonValue& candidate) -> absl::Status {
      if (answer->candidates.size() == kCandidatesMax) {
        return candidate.Error("too many candidates");
      }
      return ReadCandidate(candidate, &answer->candidates.emplace_back());
    });
  }
  if (key == "usageMetadata") {
    answer->has_usage = !value.IsNull();
    answer->usage_fault = answer->usage.Read(value, &answer->usage_extensions);
    return absl::OkStatus();
  }
  if (key == "responseId") return ReadText(value, &answer->id);
  if (key == "modelVersion") return ReadText(value, &answer->model);
  if (key == "promptFeedback") return ReadFeedback(value, answer);
  if (key == "error" && value.IsObject()) answer->is_error = true;
  return Keep(key, value, &answer->extensions);
}

}  // namespace

absl::Status ReadAnswer(std::string_view body, Answer* answer) {
  return ReadJson(body, [&](JsonValue& root) -> absl::Status {
    if (root.IsArray()) {
      answer->is_error = true;
      return ReadErrorList(root);
    }
    return root.EachField([&](std::string_view key, JsonValue& value) {
      return ReadField(key, value, answer);
    });
  });
}

absl::Status ReadErrorList(JsonValue& list) {
  bool is_told = false;
  const auto look = [&](std::string_view key, JsonValue& value) {
    is_told |= key == "error" && value.IsObject();
    return absl::OkStatus();
  };
  GATEWAY_RETURN_IF_ERROR(list.EachElement([&](JsonValue& element) {
    return element.IsObject() ? element.EachField(look) : absl::OkStatus();
  }));
  return is_told ? absl::OkStatus() : list.Error("expected an object");
}

std::string SeedOfCallIds(const Answer& answer) {
  return answer.id.empty() ? SystemRandom().HexId(kSeedDigits) : answer.id;
}

void NameCall(std::string_view seed, int32_t choice_index, int32_t call_index,
              v1::ToolCall* call) {
  if (!call->id().empty()) return;
  call->set_id(MadeUpCallId(absl::StrCat(ToAbsl(seed), " ", choice_index, " ",
                                         call_index, " ", call->name(), " ",
                                         call->arguments())));
}

void WriteLogprobs(const v1::Logprobs& logprobs, ObjectWriter& object) {
  if (logprobs.content().empty()) return;
  JsonWriter& json = object.Field("logprobsResult");
  const auto write_token = [&](const v1::TokenLogprob& token) {
    json.StartObject();
    json.StringField("token", token.token());
    json.DoubleField("logProbability", token.logprob());
    json.EndObject();
  };
  json.StartObject();
  json.StartArrayField("chosenCandidates");
  for (const v1::TokenLogprob& token : logprobs.content()) write_token(token);
  json.EndArray();
  json.StartArrayField("topCandidates");
  for (const v1::TokenLogprob& token : logprobs.content()) {
    json.StartObject();
    json.StartArrayField("candidates");
    for (const v1::TokenLogprob& other : token.top()) write_token(other);
    json.EndArray();
    json.EndObject();
  }
  json.EndArray();
  json.EndObject();
}

}  // namespace gateway::gemini
