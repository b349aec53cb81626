#include "providers/dialects/json_progress.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "base/text/json.h"
#include "base/text/json_token.h"
#include "base/text/utf8.h"

namespace gateway {
namespace {

// Whether a number or a name that is not whole may become so. A number is then
// before a digit.
bool MayGoOn(std::string_view text) {
  while (!text.empty() && IsJsonSpace(text.front())) text.remove_prefix(1);
  static constexpr std::string_view kNames[] = {"true", "false", "null"};
  return std::any_of(
             std::begin(kNames), std::end(kNames),
             [&](std::string_view name) { return name.starts_with(text); }) ||
         CheckJson(std::string(text) + "0").ok();
}

constexpr size_t kEscapedUnitBytes = 6;  // \u0000

// Returns the unit of UTF-16 that `text` begins with as an escape; -1 if it
// begins with none.
int UnitAt(std::string_view text) {
  if (text.size() < kEscapedUnitBytes || !text.starts_with("\\u")) return -1;
  int unit = 0;
  for (const char c : text.substr(2, 4)) {
    const char lower = static_cast<char>(c | 0x20);
    if (c >= '0' && c <= '9') {
      unit = unit * 16 + (c - '0');
    } else if (lower >= 'a' && lower <= 'f') {
      unit = unit * 16 + (lower - 'a' + 10);
    } else {
      return -1;
    }
  }
  return unit;
}

bool IsHalf(int unit, int first) { return (unit & 0xFC00) == first; }

// Returns how many bytes the escape at the front of `text` has, both halves of
// a pair counted; 0 if it is none, or not whole.
size_t EscapeBytesAt(std::string_view text) {
  if (text.size() < 2) return 0;
  if (text[1] != 'u') {
    constexpr std::string_view kEscaped = "\"\\/bfnrt";
    return kEscaped.find(text[1]) == std::string_view::npos ? 0 : 2;
  }
  const int unit = UnitAt(text);
  if (unit < 0 || IsHalf(unit, 0xDC00)) return 0;
  if (!IsHalf(unit, 0xD800)) return kEscapedUnitBytes;
  const int second = UnitAt(text.substr(kEscapedUnitBytes));
  return second >= 0 && IsHalf(second, 0xDC00) ? 2 * kEscapedUnitBytes : 0;
}

// A number that no reader of integers, nor of doubles, takes.
constexpr std::string_view kOutOfRange = "1e999";

// As Python writes what JSON cannot say.
bool IsNoNumber(std::string_view token) {
  return token == "NaN" || token == "Infinity" || token == "-Infinity";
}

// Reads a text for as long as it is JSON.
class PrefixReader {
 public:
  explicit PrefixReader(std::string_view text) : text_(text) {}

  JsonPrefix Read() {
    while (at_ < text_.size() && Step()) {
    }
    JsonPrefix prefix;
    if (!begun_) return prefix;
    size_t from = 0;
    for (const std::string_view token : no_numbers_) {
      const size_t begin = token.data() - text_.data();
      prefix.json.append(text_, from, begin - from).append(kOutOfRange);
      from = begin + token.size();
    }
    prefix.json.append(text_, from, good_ - from);
    if (in_value_text_) {
      prefix.json += '"';
      if (!open_.empty() && open_.back() == '}') prefix.cut_key = key_;
    }
    prefix.json.append(open_.rbegin(), open_.rend());
    return prefix;
  }

 private:
  // What may come next.
  enum class Next { kValue, kValueOrEnd, kKey, kKeyOrEnd, kColon, kCommaOrEnd };

  // Reads a token, or space. Returns false where the text ends, or is no JSON
  // any more.
  bool Step() {
    const char c = text_[at_];
    if (IsJsonSpace(c)) return Pass();
    switch (next_) {
      case Next::kColon:
        next_ = Next::kValue;
        return c == ':' && Pass();
      case Next::kKey:
      case Next::kKeyOrEnd:
        if (c == '}' && next_ == Next::kKeyOrEnd) return Close();
        return c == '"' && ReadKey();
      case Next::kCommaOrEnd:
        if (open_.empty()) return false;
        if (c == open_.back()) return Close();
        next_ = open_.back() == '}' ? Next::kKey : Next::kValue;
        return c == ',' && Pass();
      case Next::kValueOrEnd:
        if (c == ']') return Close();
        break;
      case Next::kValue:
        break;
    }
    return ReadValue(c);
  }

  bool Pass() {
    ++at_;
    return true;
  }

  bool ReadValue(char c) {
    if (c == '{' || c == '[') return Open(c);
    if (!begun_) return false;
    if (c == '"') return ReadValueText();
    const char* const end = text_.data() + text_.size();
    const char* const behind = SkipJsonScalar(text_.data() + at_, end);
    // It may have gone on.
    if (behind == nullptr || behind == end) return false;
    const std::string_view token =
        text_.substr(at_, behind - (text_.data() + at_));
    if (IsNoNumber(token)) {
      no_numbers_.push_back(token);
    } else if (!CheckJson(token).ok()) {
      return false;
    }
    at_ += token.size();
    return EndValue();
  }

  bool Open(char c) {
    if (open_.size() == kJsonDepthLimit) return false;
    open_ += c == '{' ? '}' : ']';
    begun_ = true;
    next_ = c == '{' ? Next::kKeyOrEnd : Next::kValueOrEnd;
    good_ = ++at_;
    return true;
  }

  bool Close() {
    open_.pop_back();
    ++at_;
    return EndValue();
  }

  bool EndValue() {
    good_ = at_;
    next_ = Next::kCommaOrEnd;
    return true;
  }

  bool ReadKey() {
    const size_t begin = at_ + 1;
    const size_t end = FindEndOfText(begin);
    if (end == text_.size() || text_[end] != '"') return false;
    key_ = text_.substr(begin, end - begin);
    at_ = end + 1;
    next_ = Next::kColon;
    return true;
  }

  bool ReadValueText() {
    const size_t end = FindEndOfText(at_ + 1);
    if (end < text_.size() && text_[end] == '"') {
      at_ = end + 1;
      return EndValue();
    }
    good_ = end;
    in_value_text_ = true;
    return false;
  }

  // Returns where the text from `at` on has its closing quote or, if it has
  // none, ends to be one in whole characters.
  size_t FindEndOfText(size_t at) const {
    while (at < text_.size() && text_[at] != '"') {
      const auto c = static_cast<unsigned char>(text_[at]);
      if (c < 0x20) return at;
      const std::string_view rest = text_.substr(at);
      const size_t bytes = c == '\\'  ? EscapeBytesAt(rest)
                           : c < 0x80 ? 1
                                      : CharacterBytes(rest);
      if (bytes == 0) return at;
      at += bytes;
    }
    return at;
  }

  const std::string_view text_;
  size_t at_ = 0;
  // The text up to here is JSON once what is open is closed.
  size_t good_ = 0;
  std::string open_;  // What closes each object and array, the outermost first.
  std::string_view key_;
  std::vector<std::string_view> no_numbers_;
  Next next_ = Next::kValue;
  bool begun_ = false;
  bool in_value_text_ = false;
};

}  // namespace

bool JsonProgress::IsWhole(std::string_view text) {
  if (state_ == State::kBroken) return false;
  Read(text.substr(read_bytes_));
  read_bytes_ = text.size();
  if (state_ == State::kBlank || state_ == State::kOpen) return false;
  if (CheckJson(text).ok()) return true;
  if (state_ == State::kEnded || !MayGoOn(text)) state_ = State::kBroken;
  return false;
}

void JsonProgress::Read(std::string_view piece) {
  for (const char c : piece) {
    if (state_ == State::kBlank && !IsJsonSpace(c)) {
      state_ = c == '{' || c == '[' || c == '"' ? State::kOpen : State::kScalar;
    }
    if (state_ == State::kOpen) {
      ReadOpen(c);
    } else if (state_ != State::kBlank) {
      return;  // What is wrong from here on, the grammar tells.
    }
  }
}

void JsonProgress::ReadOpen(char c) {
  if (escaped_) {
    escaped_ = false;
  } else if (in_string_) {
    escaped_ = c == '\\';
    in_string_ = c != '"';
  } else if (c == '"') {
    in_string_ = true;
  } else if (c == '{' || c == '[') {
    ++depth_;
  } else if (c == '}' || c == ']') {
    --depth_;
  }
  if (depth_ == 0 && !in_string_) state_ = State::kEnded;
}

void ObjectProgress::Feed(std::string_view piece) {
  for (const char c : piece) {
    if (complete_) return;
    if (in_string_) {
      if (escaped_) {
        escaped_ = false;
      } else if (c == '\\') {
        escaped_ = true;
      } else if (c == '"') {
        in_string_ = false;
      }
    } else if (c == '"') {
      in_string_ = true;
    } else if (c == '{' || c == '[') {
      ++depth_;
    } else if (c == '}' || c == ']') {
      complete_ = --depth_ == 0;
    }
  }
}

JsonPrefix CompleteJson(std::string_view text) {
  return PrefixReader(text).Read();
}

}  // namespace gateway
