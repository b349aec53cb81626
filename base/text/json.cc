#include "base/text/json.h"

#include <simdjson.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "base/text/byte_words.h"

namespace gateway {
namespace {

namespace ondemand = ::simdjson::ondemand;

constexpr std::string_view kPathUrl = "llmgateway.dev/json_path";

// The largest memory that a parser keeps between texts; a rare huge text's is
// freed.
constexpr size_t kParserKeptBytesMax = 1 << 20;
constexpr size_t kParserBytesMin = 4096;

absl::Status ErrorAt(std::string path, std::string_view description) {
  absl::Status status = absl::InvalidArgumentError(
      path.empty() ? std::string(description)
                   : absl::StrCat(path, ": ", ToAbsl(description)));
  if (!path.empty())
    status.SetPayload(ToAbsl(kPathUrl), absl::Cord(std::move(path)));
  return status;
}

std::string_view Describe(simdjson::error_code error) {
  switch (error) {
    case simdjson::UTF8_ERROR:
      return "not valid UTF-8";
    case simdjson::EMPTY:
      return "no JSON text";
    case simdjson::CAPACITY:
    case simdjson::MEMALLOC:
      return "JSON text too large";
    case simdjson::UNCLOSED_STRING:
      return "malformed JSON: a string does not end";
    case simdjson::UNESCAPED_CHARS:
      return "malformed JSON: a control character inside a string";
    case simdjson::STRING_ERROR:
      return "malformed JSON: a bad escape or a lone surrogate in a string";
    case simdjson::NUMBER_ERROR:
      return "malformed JSON: a bad number";
    case simdjson::INCOMPLETE_ARRAY_OR_OBJECT:
      return "malformed JSON: an array or object does not end";
    case simdjson::TRAILING_CONTENT:
      return "malformed JSON: something follows the end";
    default:
      return "malformed JSON";
  }
}

std::string_view TrimRight(std::string_view text) {
  size_t size = text.size();
  while (size > 0 && (text[size - 1] == ' ' || text[size - 1] == '\n' ||
                      text[size - 1] == '\r' || text[size - 1] == '\t')) {
    --size;
  }
  return text.substr(0, size);
}

// Returns a key that needs no unescaping: ASCII without an escape, from after
// its opening quote on; a null view otherwise. Looks at eight bytes together,
// since padding follows the text.
std::string_view PlainKey(const char* key) {
  for (const char* at = key;; at += sizeof(uint64_t)) {
    const uint64_t word = LoadWord(at);
    const uint64_t found = FirstZero(word ^ EachByte('"')) |
                           FirstZero(word ^ EachByte('\\')) |
                           (word & kHighBits);
    if (found == 0) continue;
    const char* const end = at + IndexOfFirst(found);
    if (*end != '"') return {};
    return {key, static_cast<size_t>(end - key)};
  }
}

// Whether `text` has the padding that it is said to have, as far as can be
// told: the parser, which looks at it, is no code that a sanitizer sees.
bool HasPadding([[maybe_unused]] std::string_view text) {
#if defined(__SANITIZE_ADDRESS__)
  return __asan_region_is_poisoned(
             const_cast<char*>(text.data()),
             text.size() + simdjson::SIMDJSON_PADDING) == nullptr;
#else
  return true;
#endif
}

// A parser, and the copy of a text that came without padding.
struct ParserSlot {
  ondemand::parser parser;
  std::string padded;
};

// The parsers of this thread. A visitor that reads another text uses the next
// one.
struct ParserPool {
  std::vector<std::unique_ptr<ParserSlot>> slots;
  size_t taken = 0;
};

ParserPool& ThisThreadsParsers() {
  thread_local ParserPool pool;
  return pool;
}

// Holds a parser for one reading.
class ParserLease {
 public:
  ParserLease() : pool_(ThisThreadsParsers()) {
    if (pool_.taken == pool_.slots.size()) {
      pool_.slots.push_back(std::make_unique<ParserSlot>());
    }
    slot_ = pool_.slots[pool_.taken++].get();
  }
  ~ParserLease() {
    --pool_.taken;
    if (slot_->parser.capacity() > kParserKeptBytesMax) {
      slot_->parser = ondemand::parser();
      slot_->padded = std::string();
    }
  }
  ParserLease(const ParserLease&) = delete;
  ParserLease& operator=(const ParserLease&) = delete;

  ParserSlot& operator*() { return *slot_; }
  ParserSlot* operator->() { return slot_; }

 private:
  ParserPool& pool_;
  ParserSlot* slot_;
};

}  // namespace

namespace {

constinit thread_local const JsonVisitCheck::Check* visit_check = nullptr;
// Visits in containers that have fewer fields or elements than
// kJsonVisitsPerCheck; added up, so that these are checked too.
constinit thread_local unsigned visits_unchecked = 0;

// Counts the visits of one container.
class VisitCount {
 public:
  // Called before each visit.
  absl::Status Next() {
    if (check_ == nullptr || ++visits_ % kJsonVisitsPerCheck != 0) {
      return absl::OkStatus();
    }
    return (*check_)();
  }

  // Called after the last visit.
  absl::Status Finish() {
    if (check_ == nullptr) return absl::OkStatus();
    visits_unchecked += visits_ % kJsonVisitsPerCheck;
    if (visits_unchecked < kJsonVisitsPerCheck) return absl::OkStatus();
    visits_unchecked = 0;
    return (*check_)();
  }

 private:
  const JsonVisitCheck::Check* const check_ = visit_check;
  unsigned visits_ = 0;
};

}  // namespace

JsonVisitCheck::JsonVisitCheck(const Check& check)
    : outer_(std::exchange(visit_check, &check)) {}

JsonVisitCheck::~JsonVisitCheck() { visit_check = outer_; }

// What JsonValue may know of the parser; defined here, so that the parser's
// header stays in this source.
class JsonReading {
 public:
  using Step = JsonValue::Step;

  static ondemand::value& Of(JsonValue& value) {
    return *static_cast<ondemand::value*>(value.value_);
  }

  // Calls `visit` with the value at `start`, and returns what it returns.
  static absl::Status VisitRoot(const Step& start, ondemand::value& value,
                                JsonValue::ElementVisitor visit) {
    JsonValue root(&start, &value);
    return visit(root);
  }

  // The root's step, which knows where the text ends.
  static Step Root(std::string_view text) {
    return {.key = std::string_view(text.data() + text.size(), 0)};
  }
  static const char* EndOfText(const JsonValue& value) {
    const Step* step = value.step_;
    while (step->parent != nullptr) step = step->parent;
    return step->key.data();
  }
};

namespace {

// Returns the text of `value` without checking what is inside.
simdjson::simdjson_result<std::string_view> RawText(ondemand::value& value) {
  ondemand::json_type type;
  if (auto error = value.type().get(type)) return error;
  std::string_view raw;
  if (type == ondemand::json_type::object) {
    ondemand::object object;
    if (auto error = value.get_object().get(object)) return error;
    if (auto error = object.raw_json().get(raw)) return error;
  } else if (type == ondemand::json_type::array) {
    ondemand::array array;
    if (auto error = value.get_array().get(array)) return error;
    if (auto error = array.raw_json().get(raw)) return error;
  } else {
    raw = value.raw_json_token();
  }
  return TrimRight(raw);
}

}  // namespace

std::string JsonValue::Path() const {
  std::vector<const Step*> steps;
  for (const Step* step = step_; step->parent != nullptr; step = step->parent) {
    steps.push_back(step);
  }
  std::string path;
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    if ((*step)->key.data() == nullptr) {
      absl::StrAppend(&path, "[", (*step)->index, "]");
    } else {
      absl::StrAppend(&path, path.empty() ? "" : ".",
                      ToAbsl((*step)->key.substr(0, 128)));
    }
  }
  return path;
}

absl::Status JsonValue::Error(std::string_view description) const {
  return ErrorAt(Path(), description);
}

absl::Status JsonValue::TypeError(int error, std::string_view expected) const {
  const auto code = static_cast<simdjson::error_code>(error);
  if (code == simdjson::INCORRECT_TYPE) {
    return Error(absl::StrCat("expected ", ToAbsl(expected)));
  }
  return Error(Describe(code));
}

// Guards the parser's buffer, which is measured for unescaping each string
// once.
absl::Status JsonValue::MarkRead() {
  assert(!read_);
  if (read_) return Error("read twice");
  read_ = true;
  return absl::OkStatus();
}

JsonType JsonValue::Type() {
  ondemand::json_type type;
  if (JsonReading::Of(*this).type().get(type)) return JsonType::kNumber;
  switch (type) {
    case ondemand::json_type::array:
      return JsonType::kArray;
    case ondemand::json_type::object:
      return JsonType::kObject;
    case ondemand::json_type::string:
      return JsonType::kString;
    case ondemand::json_type::boolean:
      return JsonType::kBool;
    case ondemand::json_type::null:
      return JsonType::kNull;
    default:
      // Also what begins no value at all: reading it as a number says so.
      return JsonType::kNumber;
  }
}

bool JsonValue::BeginsWith(char first) {
  return JsonReading::Of(*this).raw_json_token().front() == first;
}

absl::StatusOr<JsonString> JsonValue::StringAndRaw() {
  if (absl::Status status = MarkRead(); !status.ok()) return status;
  ondemand::value& value = JsonReading::Of(*this);
  JsonString string;
  if (auto error = value.get_string().get(string.text)) {
    return TypeError(error, "a string");
  }
  string.raw = TrimRight(value.raw_json_token());
  // The text was checked to be UTF-8; only an escape can have made a string
  // something else. The parser refuses those today; protobuf could not carry
  // them.
  if (string.raw.size() != string.text.size() + 2 && !IsUtf8(string.text)) {
    return Error(Describe(simdjson::STRING_ERROR));
  }
  return string;
}

absl::StatusOr<std::string_view> JsonValue::String() {
  absl::StatusOr<JsonString> string = StringAndRaw();
  if (!string.ok()) return string.status();
  return string->text;
}

absl::StatusOr<bool> JsonValue::Bool() {
  bool truth = false;
  if (auto error = JsonReading::Of(*this).get_bool().get(truth)) {
    return TypeError(error, "true or false");
  }
  return truth;
}

absl::StatusOr<int64_t> JsonValue::Int64() {
  ondemand::value& value = JsonReading::Of(*this);
  int64_t number = 0;
  auto error = value.get_int64().get(number);
  if (!error) return number;
  double real = 0;
  // 2^53: beyond it a double no longer names one integer.
  if (!value.get_double().get(real) && std::abs(real) <= 9007199254740992.0 &&
      real == std::trunc(real)) {
    return static_cast<int64_t>(real);
  }
  return Error("expected an integer");
}

absl::StatusOr<int32_t> JsonValue::Int32(int32_t min, int32_t max) {
  absl::StatusOr<int64_t> number = Int64();
  if (!number.ok()) return number.status();
  if (*number < min || *number > max) {
    return Error(absl::StrCat("must be between ", min, " and ", max));
  }
  return static_cast<int32_t>(*number);
}

absl::StatusOr<double> JsonValue::Double() {
  double number = 0;
  if (auto error = JsonReading::Of(*this).get_double().get(number)) {
    const bool is_number = Type() == JsonType::kNumber;
    return TypeError(is_number ? error : simdjson::INCORRECT_TYPE, "a number");
  }
  return number;
}

absl::Status JsonValue::Null() {
  if (TrimRight(JsonReading::Of(*this).raw_json_token()) == "null") {
    return absl::OkStatus();
  }
  return Error("expected null");
}

absl::StatusOr<std::string_view> JsonValue::RawUnchecked() {
  if (absl::Status status = MarkRead(); !status.ok()) return status;
  std::string_view raw;
  if (auto error = RawText(JsonReading::Of(*this)).get(raw)) {
    return Error(Describe(error));
  }
  return raw;
}

std::string_view JsonValue::FirstToken() {
  return TrimRight(JsonReading::Of(*this).raw_json_token());
}

absl::StatusOr<std::string_view> JsonValue::Raw() {
  absl::StatusOr<std::string_view> raw = RawUnchecked();
  if (!raw.ok()) return raw;
  absl::Status status = CheckJson(*raw, kJsonDepthLimit - step_->depth);
  if (!status.ok()) return Error(ToStd(status.message()));
  return raw;
}

absl::StatusOr<std::string_view> JsonValue::VisitedRaw() {
  assert(read_);
  ondemand::value& value = JsonReading::Of(*this);
  const char* begin = value.raw_json_token().data();
  const char* end = JsonReading::EndOfText(*this);
  // The next token, if any, is beyond the value; space may lie between.
  const char* next = nullptr;
  if (value.current_location().get(next) == simdjson::SUCCESS) end = next;
  const std::string_view raw = TrimRight(std::string_view(begin, end - begin));
  absl::Status status = CheckJson(raw, kJsonDepthLimit - step_->depth);
  if (!status.ok()) return Error(ToStd(status.message()));
  return raw;
}

absl::Status JsonValue::EachField(FieldVisitor visit) {
  if (absl::Status status = MarkRead(); !status.ok()) return status;
  ondemand::object object;
  if (auto error = JsonReading::Of(*this).get_object().get(object)) {
    return TypeError(error, "an object");
  }
  if (step_->depth >= kJsonDepthLimit) return Error("nested too deep");
  Step step{.parent = step_, .depth = step_->depth + 1};
  VisitCount visits;
  for (auto each : object) {
    if (absl::Status status = visits.Next(); !status.ok()) return status;
    if (auto error = each.error()) return Error(Describe(error));
    ondemand::field& field = each.value_unsafe();
    step.key = PlainKey(field.key().raw());
    if (step.key.data() == nullptr) {
      if (auto error = field.unescaped_key().get(step.key)) {
        return Error(Describe(error));
      }
      // The text was checked to be UTF-8; only an escape can have made a key
      // something else.
      if (!IsUtf8(step.key)) return Error(Describe(simdjson::STRING_ERROR));
    }
    JsonValue value(&step, &field.value());
    absl::Status status = visit(step.key, value);
    if (!status.ok()) return status;
  }
  return visits.Finish();
}

absl::Status JsonValue::EachElement(ElementVisitor visit) {
  if (absl::Status status = MarkRead(); !status.ok()) return status;
  ondemand::array array;
  if (auto error = JsonReading::Of(*this).get_array().get(array)) {
    return TypeError(error, "an array");
  }
  if (step_->depth >= kJsonDepthLimit) return Error("nested too deep");
  Step step{.parent = step_, .depth = step_->depth + 1};
  VisitCount visits;
  for (auto each : array) {
    if (absl::Status status = visits.Next(); !status.ok()) return status;
    ondemand::value element;
    if (auto error = std::move(each).get(element)) {
      return Error(Describe(error));
    }
    JsonValue value(&step, &element);
    absl::Status status = visit(value);
    if (!status.ok()) return status;
    ++step.index;
  }
  return visits.Finish();
}

absl::Status ReadJson(std::string_view text, JsonPadding padding,
                      absl::FunctionRef<absl::Status(JsonValue& root)> visit) {
  ParserLease slot;
  if (padding == JsonPadding::kAbsent) {
    slot->padded.reserve(text.size() + simdjson::SIMDJSON_PADDING);
    slot->padded.assign(text);
    text = std::string_view(slot->padded.data(), text.size());
  }
  assert(HasPadding(text));
  // The capacity is rounded up, so that texts that grow slowly do not allocate
  // each time.
  const size_t capacity = std::max(kParserBytesMin, std::bit_ceil(text.size()));
  if (slot->parser.capacity() < text.size() &&
      slot->parser.allocate(capacity) != simdjson::SUCCESS) {
    return ErrorAt("", "JSON text too large");
  }
  ondemand::document document;
  if (auto error =
          slot->parser.iterate(text, text.size() + simdjson::SIMDJSON_PADDING)
              .get(document)) {
    return ErrorAt("", Describe(error));
  }
  // Checked here, since the parser does so only for roots that it is asked for
  // by type.
  const char last = TrimRight(text).back();
  ondemand::value root;
  if (auto error = document.get_value().get(root)) {
    return ErrorAt("", error == simdjson::SCALAR_DOCUMENT_AS_VALUE
                           ? "expected an object or an array"
                           : Describe(error));
  }
  if (last !=
      (root.type().value_unsafe() == ondemand::json_type::object ? '}' : ']')) {
    // The text is cut off or something follows it; which one was not found out.
    return ErrorAt("", "malformed JSON: the text does not end where its array "
                       "or object does");
  }
  const JsonReading::Step start = JsonReading::Root(text);
  absl::Status status = JsonReading::VisitRoot(start, root, visit);
  if (!status.ok()) return status;
  if (document.current_location().error() != simdjson::OUT_OF_BOUNDS) {
    return ErrorAt("", Describe(simdjson::TRAILING_CONTENT));
  }
  return absl::OkStatus();
}

std::string JsonErrorPath(const absl::Status& status) {
  const auto path = status.GetPayload(ToAbsl(kPathUrl));
  return path.has_value() ? std::string(*path) : std::string();
}

std::string JsonErrorDescription(const absl::Status& status) {
  const std::string path = JsonErrorPath(status);
  std::string_view message = ToStd(status.message());
  if (!path.empty()) message.remove_prefix(path.size() + 2);
  return std::string(message);
}

bool IsUtf8(std::string_view text) {
  return simdjson::validate_utf8(text.data(), text.size());
}

}  // namespace gateway
