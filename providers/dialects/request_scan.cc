#include "providers/dialects/request_scan.h"

#include <algorithm>
#include <cassert>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/utf8.h"
#include "providers/dialects/key_case.h"
#include "providers/dialects/object_fields.h"

namespace gateway::wire {
namespace {

constexpr std::string_view kSpace = " \t\r\n";
constexpr std::string_view kNull = "null";

absl::Status CheckModelLength(JsonValue& value, std::string_view model) {
  // A shortcut: most names are shorter even in bytes.
  if (model.size() <= kModelCharactersMax) return absl::OkStatus();
  const int64_t characters = CountCharacters(model);
  if (characters <= int64_t{kModelCharactersMax}) return absl::OkStatus();
  return value.Error(
      absl::StrCat("is longer than ", kModelCharactersMax, " characters"));
}

// Reads a request's labels, texts by name. A value that is no text is only
// counted.
absl::Status ScanLabels(JsonValue& object, RequestScan* scan) {
  if (!object.IsObject()) return object.Error("expected an object");
  return object.EachField(
      [&](std::string_view key, JsonValue& value) -> absl::Status {
        ++scan->label_count;
        if (!value.IsString() || scan->label_count > kScannedLabelsMax) {
          return absl::OkStatus();
        }
        GATEWAY_ASSIGN_OR_RETURN(const std::string_view text, value.String());
        scan->labels.push_back({std::string(key), std::string(text)});
        return absl::OkStatus();
      });
}

// Scans one request.
class RequestScanner {
 public:
  RequestScanner(std::string_view body, RequestScan* scan, ScanHook hook)
      : body_(body), scan_(*scan), hook_(hook) {}

  absl::Status Scan(const ScanFormat& format, JsonValue& object) {
    assert(format.fields.size() <= kScannedFieldsMax);
    uint32_t seen = 0;
    return object.EachField(
        [&](std::string_view key, JsonValue& value) -> absl::Status {
          bool is_exact = false;
          const ScannedField* const field = Find(format, key, &is_exact);
          if (field == nullptr) return absl::OkStatus();
          if (!is_exact) return WrongCase(value, field->key);
          const uint32_t bit = uint32_t{1} << (field - format.fields.data());
          if ((seen & bit) != 0) return value.Error(format.repeated);
          seen |= bit;
          return Take(*field, value);
        });
  }

  // Records where the fields begin, and whether there are any.
  void ScanBraces() {
    scan_.object_begin = body_.find('{') + 1;
    const size_t first = body_.find_first_not_of(kSpace, scan_.object_begin);
    scan_.has_fields = first != std::string_view::npos && body_[first] != '}';
  }

 private:
  // Returns the field that the key is or, if it is none exactly, is taken for
  // by servers that ignore letter case; null if there is neither.
  static const ScannedField* Find(const ScanFormat& format,
                                  std::string_view key, bool* is_exact) {
    std::string camel;
    if (format.camel_case && key.find('_') != std::string_view::npos) {
      camel = CamelCase(key);
      key = camel;
    }
    for (const ScannedField& field : format.fields) {
      *is_exact = field.key == key;
      if (*is_exact) return &field;
    }
    for (const ScannedField& field : format.fields) {
      if (IsTakenFor(key, field.key)) return &field;
    }
    return nullptr;
  }

  absl::Status Take(const ScannedField& field, JsonValue& value) {
    if (field.key_place != nullptr) {
      scan_.*field.key_place = KeyBefore(value.begin());
    }
    switch (field.kind) {
      case FieldKind::kSingle:
        return absl::OkStatus();
      case FieldKind::kModel:
        return TakeModel(value);
      case FieldKind::kMessages:
        scan_.has_messages = true;
        return Count(field, value, &scan_.message_count);
      case FieldKind::kOwn:
        return TakeOwn(value, &(scan_.*field.text));
      case FieldKind::kHook:
        if (field.null_too) return hook_(field.key, value);
        break;
      default:
        break;
    }
    if (value.IsNull()) return value.Null();
    return TakeOptional(field, value);
  }

  // Takes a field that may be null, and is not.
  absl::Status TakeOptional(const ScannedField& field, JsonValue& value) {
    switch (field.kind) {
      case FieldKind::kStream: {
        GATEWAY_ASSIGN_OR_RETURN(scan_.stream, value.Bool());
        return absl::OkStatus();
      }
      case FieldKind::kOutputLimit: {
        GATEWAY_ASSIGN_OR_RETURN(const int64_t limit, value.Int64());
        // Of two limits, which some servers refuse, the larger one is the safe
        // assumption.
        scan_.output_tokens_max =
            std::max(scan_.output_tokens_max, std::optional<int64_t>(limit));
        return absl::OkStatus();
      }
      case FieldKind::kAnswerCount: {
        GATEWAY_ASSIGN_OR_RETURN(scan_.answer_count, value.Int64());
        return absl::OkStatus();
      }
      case FieldKind::kInteger:
        return value.Int64().status();
      case FieldKind::kTools:
        return Count(field, value, &scan_.tool_count);
      case FieldKind::kLabels:
        return ScanLabels(value, &scan_);
      case FieldKind::kUserId:
      case FieldKind::kOldUserId: {
        GATEWAY_ASSIGN_OR_RETURN(const std::string_view user, value.String());
        const bool counts = field.kind == FieldKind::kUserId
                                ? !user.empty()
                                : scan_.user_id.empty();
        if (counts) scan_.user_id.assign(user);
        return absl::OkStatus();
      }
      case FieldKind::kObject:
        return Scan(*field.inside, value);
      case FieldKind::kSession:
        return TakeSession(field, value);
      case FieldKind::kHook:
        return hook_(field.key, value);
      default:
        return absl::OkStatus();
    }
  }

  // Refuses nothing: where no sessions are kept the field is the provider's.
  absl::Status TakeSession(const ScannedField& field, JsonValue& value) {
    scan_.session_field = field.key;
    if (!value.IsString()) return absl::OkStatus();
    GATEWAY_ASSIGN_OR_RETURN(const std::string_view id, value.String());
    scan_.session_id.assign(id);
    return absl::OkStatus();
  }

  static absl::Status Count(const ScannedField& field, JsonValue& value,
                            int* count) {
    if (field.one_alone && value.IsObject()) {
      ++*count;
      return absl::OkStatus();
    }
    return CountEntries(value, count);
  }

  absl::Status TakeModel(JsonValue& value) {
    GATEWAY_ASSIGN_OR_RETURN(const JsonString model, value.StringAndRaw());
    if (model.text.empty()) return value.Error("must not be empty");
    GATEWAY_RETURN_IF_ERROR(CheckModelLength(value, model.text));
    scan_.model = model.text;
    scan_.model_value = SpanOf(model.raw);
    return absl::OkStatus();
  }

  // Takes a field that is not sent on, and cuts it out.
  absl::Status TakeOwn(JsonValue& value, std::string* text) {
    if (value.IsNull()) {
      GATEWAY_RETURN_IF_ERROR(value.Null());
      CutOut(SpanOf({value.begin(), kNull.size()}));
      return absl::OkStatus();
    }
    GATEWAY_ASSIGN_OR_RETURN(const JsonString own, value.StringAndRaw());
    text->assign(own.text);
    CutOut(SpanOf(own.raw));
    return absl::OkStatus();
  }

  // Records that a field is to be cut out, with a comma: the one behind it or,
  // for the last field, the one before it.
  void CutOut(Span value) {
    size_t begin = KeyBefore(body_.data() + value.offset).offset;
    const size_t end = value.offset + value.length;
    const size_t next = body_.find_first_not_of(kSpace, end);
    if (next != std::string_view::npos && body_[next] == ',') {
      scan_.own_fields.push_back({begin, next + 1 - begin});
      return;
    }
    while (!scan_.own_fields.empty()) {
      // The comma before was cut out with the previous field.
      const Span& last = scan_.own_fields.back();
      const size_t gap = last.offset + last.length;
      if (body_.substr(gap, begin - gap).find_first_not_of(kSpace) !=
          std::string_view::npos) {
        break;
      }
      begin = last.offset;
      scan_.own_fields.pop_back();
    }
    const size_t before = body_.find_last_not_of(kSpace, begin - 1);
    if (body_[before] == ',') begin = before;
    scan_.own_fields.push_back({begin, end - begin});
  }

  // Returns the place of a text that points into the body.
  Span SpanOf(std::string_view raw) const {
    return {.offset = static_cast<size_t>(raw.data() - body_.data()),
            .length = raw.size()};
  }

  // Returns the place of the key, with its quotes, whose value begins at
  // `value`.
  Span KeyBefore(const char* value) const {
    const size_t end = body_.rfind('"', value - body_.data() - 1);
    // Finds the quote before the key: no quote stands within it, or it would be
    // another key.
    const size_t begin = body_.rfind('"', end - 1);
    return {.offset = begin, .length = end + 1 - begin};
  }

  const std::string_view body_;
  RequestScan& scan_;
  const ScanHook hook_;
};

}  // namespace

absl::Status ScanRequest(const ScanFormat& format, std::string_view body,
                         RequestScan* scan) {
  return ScanRequest(format, body, scan, [](std::string_view, JsonValue&) {
    return absl::OkStatus();
  });
}

absl::Status ScanRequest(const ScanFormat& format, std::string_view body,
                         RequestScan* scan, ScanHook hook) {
  *scan = RequestScan();
  RequestScanner scanner(body, scan, hook);
  const absl::Status status = ReadJson(
      body, [&](JsonValue& root) { return scanner.Scan(format, root); });
  if (!status.ok()) return AsFieldFault(status);
  scanner.ScanBraces();
  return absl::OkStatus();
}

absl::Status CountEntries(JsonValue& list, int* count) {
  if (!list.IsArray()) return list.Error("expected an array");
  return list.EachElement([&](JsonValue&) {
    ++*count;
    return absl::OkStatus();
  });
}

void PlanEdits(const RequestScan& scan, std::string_view model,
               EditPlan* plan) {
  if (scan.model != model) {
    const bool named = scan.model_value.length > 0;
    if (!named) plan->model = "\"model\":";
    JsonWriter(&plan->model).String(model);
    if (!named && scan.has_fields) plan->model += ',';
    plan->edits.push_back(
        {named ? scan.model_value : Span{.offset = scan.object_begin},
         plan->model});
  }
  for (const Span& own : scan.own_fields) plan->edits.push_back({own, {}});
  if (plan->edits.size() > 1) SortEdits(plan);
}

void SortEdits(EditPlan* plan) {
  // What is inserted stands before what begins at the same place.
  std::sort(plan->edits.begin(), plan->edits.end(),
            [](const Edit& a, const Edit& b) {
              return std::pair(a.span.offset, a.span.length) <
                     std::pair(b.span.offset, b.span.length);
            });
}

}  // namespace gateway::wire
