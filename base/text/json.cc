#include "base/text/json.h"

#include <simdjson.h>

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cmath>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/charconv.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/byte_words.h"
#include "base/text/json_token.h"
#include "base/text/utf8.h"

namespace gateway {
namespace {

constexpr std::string_view kPathUrl = "llmgateway.dev/json_path";

// How much of a key a path shows, and what it shows of one that has nothing.
constexpr size_t kKeyBytesShown = 128;
constexpr std::string_view kEmptyKey = "\"\"";

constexpr std::string_view kMalformed = "malformed JSON";
constexpr std::string_view kOutOfRange = "the number is out of range";
constexpr std::string_view kNoEnd =
    "malformed JSON: an array or object does not end";

absl::Status ErrorAt(std::string path, std::string_view description) {
  absl::Status status = absl::InvalidArgumentError(
      path.empty() ? std::string(description)
                   : absl::StrCat(path, ": ", ToAbsl(description)));
  if (!path.empty())
    status.SetPayload(ToAbsl(kPathUrl), absl::Cord(std::move(path)));
  return status;
}

// Memory for strings without their escapes. What was reserved stays where it is
// for as long as the text is read.
class Scratch {
 public:
  // Returns where `size` bytes may be written.
  char* Reserve(size_t size) {
    if (size > free_) {
      free_ = std::max(
          size, chunks_.empty() ? kChunkBytesMin : 2 * chunks_.back().size);
      chunks_.push_back({std::make_unique_for_overwrite<char[]>(free_), free_});
    }
    const Chunk& chunk = chunks_.back();
    return chunk.bytes.get() + (chunk.size - free_);
  }

  // Keeps the first so many of the bytes that were reserved last.
  void Keep(size_t size) { free_ -= size; }

  // Makes all of it free again, and gives back what is more than one text
  // usually takes.
  void Clear() {
    if (!chunks_.empty()) chunks_.erase(chunks_.begin(), chunks_.end() - 1);
    if (!chunks_.empty() && chunks_.back().size > kKeptBytesMax) {
      chunks_.clear();
    }
    free_ = chunks_.empty() ? 0 : chunks_.back().size;
  }

 private:
  static constexpr size_t kChunkBytesMin = 4096;
  static constexpr size_t kKeptBytesMax = 1 << 20;

  struct Chunk {
    std::unique_ptr<char[]> bytes;
    size_t size;
  };

  std::vector<Chunk> chunks_;
  size_t free_ = 0;  // Of the last chunk, at its end.
};

// This thread's, of which one is in use for each text with escapes.
std::vector<std::unique_ptr<Scratch>>& FreeScratch() {
  thread_local std::vector<std::unique_ptr<Scratch>> free;
  return free;
}

std::unique_ptr<Scratch> TakeScratch() {
  auto& free = FreeScratch();
  if (free.empty()) return std::make_unique<Scratch>();
  std::unique_ptr<Scratch> scratch = std::move(free.back());
  free.pop_back();
  return scratch;
}

// Returns false for what is too large for a double.
bool ToDouble(std::string_view number, double* value) {
  const char* const end = number.data() + number.size();
  // What is too small becomes 0.
  return absl::from_chars(number.data(), end, *value).ec == std::errc() ||
         std::abs(*value) < 1;
}

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

// Texts of so many bytes are looked at eight at a time.
constexpr size_t kShortBytes = 64;

bool IsAscii(std::string_view text) {
  constexpr size_t kWord = sizeof(uint64_t);
  uint64_t bits = 0;
  size_t at = 0;
  for (; at + kWord <= text.size(); at += kWord) {
    bits |= LoadWord(text.data() + at);
  }
  if (at == 0) {
    for (const char c : text) bits |= static_cast<uint8_t>(c);
  } else {
    // The last bytes, with some of those before.
    bits |= LoadWord(text.data() + text.size() - kWord);
  }
  return (bits & kHighBits) == 0;
}

}  // namespace

JsonVisitCheck::JsonVisitCheck(const Check& check)
    : outer_(std::exchange(visit_check, &check)) {}

JsonVisitCheck::~JsonVisitCheck() { visit_check = outer_; }

// A text while it is read: where the reading is, and what was unescaped. `at`
// moves over each token once, unless a visitor leaves a value half read.
class JsonText {
 public:
  enum class Reading { kStrict, kAsPython };

  explicit JsonText(std::string_view text, Reading reading = Reading::kStrict)
      : at(text.data()), end(text.data() + text.size()), reading_(reading) {}
  ~JsonText() {
    if (scratch_ == nullptr) return;
    scratch_->Clear();
    FreeScratch().push_back(std::move(scratch_));
  }
  JsonText(const JsonText&) = delete;
  JsonText& operator=(const JsonText&) = delete;

  bool is_strict() const { return reading_ == Reading::kStrict; }

  // Reads all of the text.
  absl::Status Read(JsonValue::ElementVisitor visit);

  void SkipSpace() { at = SkipJsonSpace(at, end); }

  // Returns whether `c` is next.
  bool Next(char c) const { return at != end && *at == c; }

  // Takes the space behind a value, and the comma and the space behind that, if
  // there is one.
  bool TakeComma() {
    SkipSpace();
    if (!Take(',')) return false;
    SkipSpace();
    return true;
  }

  // Takes `c`, if it is next.
  bool Take(char c) {
    if (!Next(c)) return false;
    ++at;
    return true;
  }

  // Moves from where a string begins to behind it, and says what it is; false,
  // without a move, if it is malformed.
  bool TakeString(const char* begin, JsonString* string);

  // Moves from where a key begins to where its value does; false if that is
  // malformed.
  bool TakeKey(std::string_view* key) {
    if (at == end || *at != '"') return false;
    const char* const begin = at + 1;
    if (const char* const quote = FindEndOfShortJsonString(begin, end)) {
      *key = {begin, static_cast<size_t>(quote - begin)};
      at = quote + 1;
    } else {
      JsonString string;
      if (!TakeString(at, &string)) return false;
      *key = string.text;
    }
    SkipSpace();
    if (!Take(':')) return false;
    SkipSpace();
    return at != end;
  }

  // Moves from where a value begins to behind it, and returns its text; an
  // empty one if it is malformed.
  std::string_view TakeValue(const char* begin) {
    const char* const behind = SkipJsonValue(begin, end);
    if (behind == nullptr) return {};
    at = behind;
    return {begin, static_cast<size_t>(behind - begin)};
  }

  // What is wrong with what stands in place of a comma or a closing bracket.
  std::string_view WrongEnd() const { return at == end ? kNoEnd : kMalformed; }

  // What is wrong with the value that begins at `begin`.
  std::string_view WrongValue(const char* begin) const {
    if (begin == end) return kNoEnd;
    if (*begin == '"') return WrongString(begin);
    return *begin == '{' || *begin == '[' ? kNoEnd : kMalformed;
  }

  // What is wrong with the key, or with what follows it, where TakeKey ended.
  std::string_view WrongKey() const {
    if (at == end) return kNoEnd;
    return *at == '"' ? WrongString(at) : kMalformed;
  }

  // The same for a string.
  std::string_view WrongString(const char* begin) const {
    for (const char* at = begin + 1;; at += 2) {
      at = FindJsonSpecial(at, end);
      if (end - at < 2 && (at == end || *at == '\\')) {
        return "malformed JSON: a string does not end";
      }
      if (*at == '"') {
        return "malformed JSON: a bad escape or a lone surrogate in a string";
      }
      if (*at != '\\' || static_cast<unsigned char>(at[1]) < 0x20) {
        return "malformed JSON: a control character inside a string";
      }
    }
  }

  const char* at;
  const char* const end;

 private:
  // Replaces what stands between a string's quotes by what it says.
  bool Unescape(std::string_view* text);

  const Reading reading_;
  std::unique_ptr<Scratch> scratch_;
};

bool JsonText::TakeString(const char* begin, JsonString* string) {
  bool has_escapes;
  const char* const behind = SkipJsonString(begin + 1, end, &has_escapes);
  if (behind == nullptr) return false;
  string->raw = {begin, static_cast<size_t>(behind - begin)};
  string->text = string->raw.substr(1, string->raw.size() - 2);
  if (has_escapes && !Unescape(&string->text)) return false;
  at = behind;
  return true;
}

bool JsonText::Unescape(std::string_view* text) {
  if (scratch_ == nullptr) scratch_ = TakeScratch();
  char* const out = scratch_->Reserve(text->size());
  const char* const out_end = is_strict() ? UnescapeJson(*text, out)
                                          : UnescapeJsonAsPython(*text, out);
  if (out_end == nullptr) return false;
  *text = std::string_view(out, out_end - out);
  scratch_->Keep(text->size());
  return true;
}

std::string JsonValue::Path() const {
  std::vector<const Step*> steps;
  for (const Step* step = &step_; step->parent != nullptr;
       step = step->parent) {
    steps.push_back(step);
  }
  std::string path;
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    if ((*step)->key.data() == nullptr) {
      absl::StrAppend(&path, "[", (*step)->index, "]");
    } else {
      // A key without a character is seen by its quotes.
      const std::string_view key = (*step)->key.empty()
                                       ? kEmptyKey
                                       : CutText((*step)->key, kKeyBytesShown);
      absl::StrAppend(&path, path.empty() ? "" : ".", ToAbsl(key));
    }
  }
  return path;
}

absl::Status JsonValue::Error(std::string_view description) const {
  return ErrorAt(Path(), description);
}

JsonType JsonValue::Type() const {
  switch (*begin_) {
    case '[':
      return JsonType::kArray;
    case '{':
      return JsonType::kObject;
    case '"':
      return JsonType::kString;
    case 't':
    case 'f':
      return JsonType::kBool;
    case 'n':
      return JsonType::kNull;
    default:
      // Also what begins no value at all: reading it as a number says so.
      return JsonType::kNumber;
  }
}

absl::StatusOr<JsonString> JsonValue::StringAndRaw() {
  assert(!read_);
  if (!IsString()) return Error("expected a string");
  JsonString string;
  if (!text_.TakeString(begin_, &string)) {
    return Error(text_.WrongString(begin_));
  }
  read_ = true;
  return string;
}

absl::StatusOr<std::string_view> JsonValue::String() {
  absl::StatusOr<JsonString> string = StringAndRaw();
  if (!string.ok()) return string.status();
  return string->text;
}

std::string_view JsonValue::Scalar() const {
  const char* const behind = SkipJsonScalar(begin_, text_.end);
  if (behind == nullptr) return {};
  return {begin_, static_cast<size_t>(behind - begin_)};
}

std::string_view JsonValue::Number() const {
  const std::string_view token = Scalar();
  const char* const end = token.data() + token.size();
  return SkipJsonNumber(token.data(), end) == end ? token : std::string_view();
}

void JsonValue::Finish(std::string_view token) {
  text_.at = token.data() + token.size();
  read_ = true;
}

absl::StatusOr<bool> JsonValue::Bool() {
  const std::string_view token = Scalar();
  if (token != "true" && token != "false") {
    return Error("expected true or false");
  }
  Finish(token);
  return token == "true";
}

// Reads a number of a few digits and nothing else, as most integers are.
bool JsonValue::ShortInteger(int64_t* number) {
  constexpr ptrdiff_t kDigitsMax = 15;
  const char* at = begin_;
  const char* const end = begin_ + std::min(text_.end - begin_, kDigitsMax);
  int64_t value = 0;
  for (; at != end && *at >= '0' && *at <= '9'; ++at) {
    value = value * 10 + (*at - '0');
  }
  if (at == begin_ || at == end || !IsJsonDelimiter(*at)) return false;
  if (*begin_ == '0' && at - begin_ > 1) return false;
  text_.at = at;
  read_ = true;
  *number = value;
  return true;
}

absl::StatusOr<int64_t> JsonValue::Int64() {
  if (int64_t number; ShortInteger(&number)) return number;
  const std::string_view token = Number();
  if (token.empty()) return Error("expected an integer");
  const char* const end = token.data() + token.size();
  int64_t number = 0;
  const auto whole = std::from_chars(token.data(), end, number);
  if (whole.ec != std::errc() || whole.ptr != end) {
    double real = 0;
    // 2^53: beyond it a double no longer names one integer.
    if (!ToDouble(token, &real) || std::abs(real) > 9007199254740992.0) {
      return Error(kOutOfRange);
    }
    if (real != std::trunc(real)) return Error("expected an integer");
    number = static_cast<int64_t>(real);
  }
  Finish(token);
  return number;
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
  if (Type() != JsonType::kNumber) return Error("expected a number");
  const std::string_view token = Number();
  double number = 0;
  if (token.empty()) return Error("malformed JSON: a bad number");
  if (!ToDouble(token, &number)) return Error(kOutOfRange);
  Finish(token);
  return number;
}

absl::Status JsonValue::Null() {
  const std::string_view token = Scalar();
  if (token != "null") return Error("expected null");
  Finish(token);
  return absl::OkStatus();
}

absl::StatusOr<std::string_view> JsonValue::RawUnchecked() {
  assert(!read_);
  const std::string_view raw = text_.TakeValue(begin_);
  if (raw.empty()) return Error(text_.WrongValue(begin_));
  read_ = true;
  return raw;
}

absl::StatusOr<std::string_view> JsonValue::Raw() {
  absl::StatusOr<std::string_view> raw = RawUnchecked();
  if (!raw.ok()) return raw;
  GATEWAY_RETURN_IF_ERROR(CheckRaw(*raw));
  return raw;
}

absl::StatusOr<std::string_view> JsonValue::VisitedRaw() {
  assert(read_);
  const std::string_view raw(begin_, text_.at - begin_);
  GATEWAY_RETURN_IF_ERROR(CheckRaw(raw));
  return raw;
}

absl::Status JsonValue::CheckRaw(std::string_view raw) const {
  if (!text_.is_strict()) return absl::OkStatus();
  const absl::Status status = CheckJson(raw, kJsonDepthLimit - step_.depth);
  return status.ok() ? status : Error(ToStd(status.message()));
}

absl::Status JsonValue::Enter(char bracket, std::string_view expected) {
  assert(!read_);
  if (*begin_ != bracket) return Error(expected);
  if (step_.depth >= kJsonDepthLimit) return Error("nested too deep");
  text_.at = begin_ + 1;
  text_.SkipSpace();
  return absl::OkStatus();
}

bool JsonValue::SkipUnread() {
  return read_ || !text_.TakeValue(begin_).empty();
}

absl::Status JsonValue::EachField(FieldVisitor visit) {
  GATEWAY_RETURN_IF_ERROR(Enter('{', "expected an object"));
  Step step{.parent = &step_, .depth = step_.depth + 1};
  VisitCount visits;
  bool more = !text_.Next('}');
  while (more) {
    GATEWAY_RETURN_IF_ERROR(visits.Next());
    if (!text_.TakeKey(&step.key)) return Error(text_.WrongKey());
    JsonValue value(text_, step, text_.at);
    GATEWAY_RETURN_IF_ERROR(visit(step.key, value));
    if (!value.SkipUnread()) return Error(text_.WrongValue(value.begin_));
    more = text_.TakeComma();
  }
  if (!text_.Take('}')) return Error(text_.WrongEnd());
  read_ = true;
  return visits.Finish();
}

absl::Status JsonValue::EachElement(ElementVisitor visit) {
  GATEWAY_RETURN_IF_ERROR(Enter('[', "expected an array"));
  Step step{.parent = &step_, .depth = step_.depth + 1};
  VisitCount visits;
  bool more = !text_.Next(']');
  for (; more; ++step.index) {
    GATEWAY_RETURN_IF_ERROR(visits.Next());
    if (text_.at == text_.end) return Error(kNoEnd);
    JsonValue value(text_, step, text_.at);
    GATEWAY_RETURN_IF_ERROR(visit(value));
    if (!value.SkipUnread()) return Error(text_.WrongValue(value.begin_));
    more = text_.TakeComma();
  }
  if (!text_.Take(']')) return Error(text_.WrongEnd());
  read_ = true;
  return visits.Finish();
}

absl::Status JsonText::Read(JsonValue::ElementVisitor visit) {
  if (!IsUtf8({at, static_cast<size_t>(end - at)})) {
    return ErrorAt("", "not valid UTF-8");
  }
  SkipSpace();
  if (at == end) return ErrorAt("", "no JSON text");
  const char open = *at;
  if (open != '{' && open != '[') {
    return ErrorAt("", "expected an object or an array");
  }
  const char* last = end - 1;
  while (IsJsonSpace(*last)) --last;
  if (*last != (open == '{' ? '}' : ']')) {
    // The text is cut off or something follows it; which one was not found out.
    return ErrorAt("",
                   "malformed JSON: the text does not end where its array "
                   "or object does");
  }
  const JsonValue::Step start;
  JsonValue root(*this, start, at);
  GATEWAY_RETURN_IF_ERROR(visit(root));
  if (!root.SkipUnread()) return ErrorAt("", WrongValue(root.begin()));
  SkipSpace();
  if (at != end)
    return ErrorAt("", "malformed JSON: something follows the end");
  return absl::OkStatus();
}

absl::Status ReadJson(std::string_view text,
                      absl::FunctionRef<absl::Status(JsonValue& root)> visit) {
  return JsonText(text).Read(visit);
}

absl::Status ReadJsonAsPython(
    std::string_view text,
    absl::FunctionRef<absl::Status(JsonValue& root)> visit) {
  return JsonText(text, JsonText::Reading::kAsPython).Read(visit);
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
  // Most names and ids are; simdjson takes 110 instructions for the shortest.
  if (text.size() <= kShortBytes && IsAscii(text)) return true;
  return simdjson::validate_utf8(text.data(), text.size());
}

}  // namespace gateway
