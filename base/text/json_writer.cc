#include "base/text/json_writer.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/text/json_token.h"

namespace gateway {
namespace {

// Texts up to this size, as keys and words are, are appended with their quotes
// in one piece.
constexpr size_t kShortBytesMax = 62;

// Returns the index of the next byte, from `i` on, that a string cannot hold as
// it is.
size_t SkipPlain(std::string_view text, size_t i) {
  return FindJsonSpecial(text.data() + i, text.data() + text.size()) -
         text.data();
}

}  // namespace

void JsonWriter::Separate() {
  if (after_key_) {
    after_key_ = false;
    return;
  }
  const uint64_t bit = uint64_t{1} << std::min(depth_, kDepthMax);
  if ((filled_ & bit) != 0 && depth_ > 0) out_.push_back(',');
  filled_ |= bit;
}

void JsonWriter::Open(char bracket) {
  Separate();
  out_.push_back(bracket);
  ++depth_;
  too_deep_ = too_deep_ || depth_ > kDepthMax;
  filled_ &= ~(uint64_t{1} << std::min(depth_, kDepthMax));
}

void JsonWriter::Close(char bracket) {
  assert(depth_ > 0);
  --depth_;
  out_.push_back(bracket);
}

void JsonWriter::Quote(std::string_view text) {
  const size_t plain = SkipPlain(text, 0);
  if (plain < text.size() || text.size() > kShortBytesMax) {
    return QuoteInPieces(text, plain);
  }
  std::array<char, kShortBytesMax + 2> quoted;
  quoted.front() = '"';
  text.copy(quoted.data() + 1, text.size());
  quoted[text.size() + 1] = '"';
  out_.append(quoted.data(), text.size() + 2);
}

void JsonWriter::QuoteInPieces(std::string_view text, size_t plain) {
  static constexpr char kHex[] = "0123456789abcdef";
  out_.push_back('"');
  size_t begin = 0;
  for (size_t i = plain; i < text.size(); i = SkipPlain(text, i + 1)) {
    const unsigned char c = static_cast<unsigned char>(text[i]);
    out_.append(text, begin, i - begin);
    begin = i + 1;
    switch (c) {
      case '"':
        out_.append("\\\"");
        break;
      case '\\':
        out_.append("\\\\");
        break;
      case '\n':
        out_.append("\\n");
        break;
      case '\r':
        out_.append("\\r");
        break;
      case '\t':
        out_.append("\\t");
        break;
      default:
        out_.append("\\u00");
        out_.push_back(kHex[c >> 4]);
        out_.push_back(kHex[c & 15]);
    }
  }
  out_.append(text, begin, text.size() - begin);
  out_.push_back('"');
}

void JsonWriter::Key(std::string_view key) {
  Separate();
  Quote(key);
  out_.push_back(':');
  after_key_ = true;
}

void JsonWriter::String(std::string_view text) {
  Separate();
  Quote(text);
}

void JsonWriter::Int64(int64_t number) {
  Separate();
  char digits[24];
  const auto result = std::to_chars(digits, digits + sizeof(digits), number);
  out_.append(digits, result.ptr - digits);
}

void JsonWriter::Double(double number) {
  if (!std::isfinite(number)) return Null();
  Separate();
  char digits[32];
  const auto result = std::to_chars(digits, digits + sizeof(digits), number);
  out_.append(digits, result.ptr - digits);
}

void JsonWriter::Bool(bool truth) {
  Separate();
  out_.append(truth ? "true" : "false");
}

void JsonWriter::Null() {
  Separate();
  out_.append("null");
}

void JsonWriter::Raw(std::string_view json) {
  Separate();
  out_.append(json);
}

void JsonWriter::StringField(std::string_view key, std::string_view text) {
  Key(key);
  String(text);
}

void JsonWriter::Int64Field(std::string_view key, int64_t number) {
  Key(key);
  Int64(number);
}

void JsonWriter::DoubleField(std::string_view key, double number) {
  Key(key);
  Double(number);
}

void JsonWriter::BoolField(std::string_view key, bool truth) {
  Key(key);
  Bool(truth);
}

void JsonWriter::NullField(std::string_view key) {
  Key(key);
  Null();
}

void JsonWriter::RawField(std::string_view key, std::string_view json) {
  Key(key);
  Raw(json);
}

void JsonWriter::StartObjectField(std::string_view key) {
  Key(key);
  StartObject();
}

void JsonWriter::StartArrayField(std::string_view key) {
  Key(key);
  StartArray();
}

}  // namespace gateway
