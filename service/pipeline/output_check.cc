#include "service/pipeline/output_check.h"

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/async/worker_pool.h"
#include "base/string_view.h"
#include "base/text/utf8.h"
#include "errors/fault.h"
#include "errors/foreign_words.h"

namespace gateway {
namespace {

constexpr std::string_view kAnyObject = R"({"type":"object"})";

// To compile a schema takes up to 100 ns a byte; but a pattern up to 3 ms,
// however short it is. (Where there are escapes, its keyword may be one.)
constexpr size_t kReadingsPerCompiling = 8;
constexpr size_t kPatternBytes = kInPlaceBytesMax + 1;
constexpr std::string_view kPatternMarks[] = {"\"pattern", "\\u"};

// What a loop can be asked to check: a step takes up to 100 ns, and the text is
// read into a tree first.
constexpr size_t kBriefStepsMax = 10'000;
constexpr size_t kBriefBytesMax = 32 * 1024;

}  // namespace

absl::Status OutputCheck::Expect(const v1::GenerateRequest& request,
                                 SchemaCache& schemas, bool strict) {
  strict_ = strict || request.strict_output();
  const v1::ResponseFormat& format = request.response_format();
  std::string_view text;
  if (format.kind() == v1::ResponseFormat::KIND_JSON_OBJECT) {
    text = kAnyObject;
  } else if (format.kind() == v1::ResponseFormat::KIND_JSON_SCHEMA) {
    text = format.schema();
  } else {
    schema_ = nullptr;
    return absl::OkStatus();
  }
  absl::StatusOr<std::shared_ptr<const JsonSchema>> schema = schemas.Get(text);
  if (!schema.ok()) {
    return InvalidField("response_format.schema",
                        ToStd(schema.status().message()));
  }
  schema_ = *std::move(schema);
  return absl::OkStatus();
}

size_t OutputCheck::BytesToExpect(const v1::GenerateRequest& request,
                                  const SchemaCache& schemas) {
  if (request.response_format().kind() !=
      v1::ResponseFormat::KIND_JSON_SCHEMA) {
    return 0;
  }
  const std::string& text = request.response_format().schema();
  size_t bytes = kReadingsPerCompiling * text.size();
  for (const std::string_view mark : kPatternMarks) {
    for (size_t at = text.find(mark); at != std::string::npos;
         at = text.find(mark, at + mark.size())) {
      bytes += kPatternBytes;
    }
  }
  return bytes <= kInPlaceBytesMax || schemas.Knows(text) ? 0 : bytes;
}

size_t OutputCheck::Answer::Append(std::string_view piece) {
  too_long = too_long || text.size() + piece.size() > kTextBytesMax;
  if (too_long) return 0;
  text.append(piece);
  return piece.size();
}

void OutputCheck::Add(const v1::GenerateResponse& response) {
  if (!asked()) return;
  answers_.clear();
  for (int i = 0; i < response.choices_size(); ++i) {
    Answer& answer = answers_[i];
    answer.finish_reason = response.choices(i).finish_reason();
    for (const v1::Part& part : response.choices(i).message().parts()) {
      answer.refused = answer.refused || part.has_refusal();
      if (part.has_text()) answer.Append(part.text());
    }
  }
}

void OutputCheck::Add(const v1::GenerateEvent& event) {
  if (!asked()) return;
  if (event.has_delta()) {
    Answer& answer = answers_[event.delta().choice_index()];
    answer.refused = answer.refused || event.delta().has_refusal();
    if (event.delta().has_text()) {
      held_bytes_ += answer.Append(event.delta().text());
    }
  } else if (event.has_choice_end()) {
    answers_[event.choice_end().choice_index()].finish_reason =
        event.choice_end().finish_reason();
  }
}

Task<bool> OutputCheck::ValidateOffLoop() {
  // Whatever the bytes: ValidateBriefly has given up on it, however few.
  co_return co_await OffLoop(kInPlaceBytesMax + 1, [this] {
    Validate();
    return true;
  });
}

bool OutputCheck::ValidateBriefly() {
  if (!asked()) return true;
  size_t bytes = 0;
  for (const auto& [_, answer] : answers_) bytes += answer.text.size();
  if (bytes <= kBriefBytesMax && ValidateWithin(kBriefStepsMax)) return true;
  validated_ = false;
  return false;
}

bool OutputCheck::ValidateWithin(size_t steps) {
  if (!asked()) return true;
  validated_ = answers_.empty();
  errors_.clear();
  if (answers_.empty()) errors_.push_back("#: there is no answer");
  JsonSchema::Budget budget{.steps_left = steps};
  for (const auto& [index, answer] : answers_) {
    if (answer.finish_reason == v1::FINISH_REASON_TOOL_CALLS) continue;
    validated_ = true;
    for (std::string& error : ErrorsOf(answer, budget)) {
      if (errors_.size() >= JsonSchema::kErrorsMax) break;
      errors_.push_back(answers_.size() == 1
                            ? std::move(error)
                            : absl::StrCat("choices[", index, "]", error));
    }
    if (errors_.size() >= JsonSchema::kErrorsMax) break;
  }
  return budget.steps_left > 0;
}

std::vector<std::string> OutputCheck::ErrorsOf(
    const Answer& answer, JsonSchema::Budget& budget) const {
  switch (answer.finish_reason) {
    case v1::FINISH_REASON_LENGTH:
      return {"#: the answer was cut off at the token limit"};
    case v1::FINISH_REASON_CONTENT_FILTER:
      return {"#: the answer was stopped by a content filter or a refusal"};
    case v1::FINISH_REASON_PAUSE:
      return {"#: the provider paused before the answer was complete"};
    case v1::FINISH_REASON_ERROR:
      return {"#: the provider failed while answering"};
    default:
      break;
  }
  if (answer.refused) return {"#: the model refused to answer"};
  if (answer.too_long) {
    return {
        absl::StrCat("#: the answer is longer than ", kTextBytesMax, " bytes")};
  }
  return schema_->Validate(answer.text, budget);
}

absl::Status OutputCheck::Result() const {
  if (!strict_ || !validated_ || errors_.empty()) return absl::OkStatus();
  absl::Status fault = MakeFault(
      v1::ERROR_REASON_RESPONSE_VALIDATION,
      absl::StrCat("the answer breaks response_format: ",
                   ToAbsl(CutText(errors_[0], kFaultErrorBytesMax)),
                   errors_.size() > 1
                       ? absl::StrCat(" (and ", errors_.size() - 1, " more)")
                       : ""));
  // Names of members of the answer are its text.
  MarkForeignWords(fault, ForeignWords::kOfAnswer,
                   CutText(errors_[0], kFaultErrorBytesMax));
  const size_t told = std::min(errors_.size(), kFaultErrorsMax);
  for (size_t i = 0; i < told; ++i) {
    // The place comes before the first colon with a space, the rest after it.
    const std::string_view error = errors_[i];
    const size_t end = std::min(error.find(": "), error.size());
    AddFieldViolation(fault,
                      absl::StrCat("output",
                                   ToAbsl(CutText(error.substr(0, end),
                                                  kFaultErrorBytesMax))),
                      CutText(error.substr(std::min(end + 2, error.size())),
                          kFaultErrorBytesMax));
  }
  return fault;
}

}  // namespace gateway
