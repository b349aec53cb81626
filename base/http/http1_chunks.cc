#include "base/http/http1_chunks.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "base/http/http1_head.h"
#include "base/status_macros.h"

namespace gateway {
namespace {

constexpr std::string_view kChunkLineEnd = "\r\n";

// The longest line of the framing; a line is kept until it is whole.
constexpr size_t kLineBytesMax = 4096;

// A chunk whose size has more digits than these is no ordinary one.
constexpr size_t kOrdinaryDigitsMax = 8;

// For each byte, what it stands for as a hexadecimal digit.
constexpr uint8_t kNoDigit = 0xFF;
constexpr std::array<uint8_t, 256> HexDigits() {
  std::array<uint8_t, 256> digits;
  digits.fill(kNoDigit);
  for (uint8_t i = 0; i < 10; ++i) digits[static_cast<size_t>('0' + i)] = i;
  for (uint8_t i = 0; i < 6; ++i) {
    digits[static_cast<size_t>('a' + i)] = static_cast<uint8_t>(10 + i);
    digits[static_cast<size_t>('A' + i)] = static_cast<uint8_t>(10 + i);
  }
  return digits;
}
constexpr std::array<uint8_t, 256> kHexDigits = HexDigits();

size_t CountLeading(std::string_view text, std::string_view characters) {
  return std::min(text.find_first_not_of(characters), text.size());
}

void SkipBlanks(std::string_view* text) {
  text->remove_prefix(CountLeading(*text, " \t"));
}

bool TakeToken(std::string_view* text) {
  const auto end = std::find_if_not(text->begin(), text->end(), IsTokenByte);
  if (end == text->begin()) return false;
  text->remove_prefix(static_cast<size_t>(end - text->begin()));
  return true;
}

// Takes a quoted text off. What stands between its quotes was checked before.
bool TakeQuoted(std::string_view* text) {
  for (size_t i = 1; i < text->size(); ++i) {
    if ((*text)[i] == '\\') {
      ++i;
    } else if ((*text)[i] == '"') {
      text->remove_prefix(i + 1);
      return true;
    }
  }
  return false;
}

// Returns whether the text after a chunk's size is well-formed extensions.
// Nobody needs them, but a server that reads them otherwise would find another
// end of the chunk.
bool AreExtensions(std::string_view text) {
  if (!IsFieldValue(text)) return false;
  while (!text.empty()) {
    SkipBlanks(&text);
    if (text.empty()) return true;
    if (text.front() != ';') return false;
    text.remove_prefix(1);
    SkipBlanks(&text);
    if (!TakeToken(&text)) return false;
    std::string_view value = text;
    SkipBlanks(&value);
    if (value.empty() || value.front() != '=') continue;
    value.remove_prefix(1);
    SkipBlanks(&value);
    if (!(value.starts_with('"') ? TakeQuoted(&value) : TakeToken(&value))) {
      return false;
    }
    text = value;
  }
  return true;
}

bool EndsTheBodyOtherwise(std::string_view name) {
  return EqualsIgnoreCase(name, "content-length") ||
         EqualsIgnoreCase(name, "transfer-encoding");
}

// Sets `line` to the line that `bytes` begin with, without CR LF. Returns false
// if it has not come whole.
absl::StatusOr<bool> FindLine(std::string_view bytes, std::string_view* line) {
  const size_t feed = bytes.substr(0, kLineBytesMax).find('\n');
  if (feed == std::string_view::npos) {
    if (bytes.size() < kLineBytesMax) return false;
    return absl::InvalidArgumentError(absl::StrCat(
        "a line between the chunks of the body has more than ", kLineBytesMax,
        " bytes"));
  }
  if (feed == 0 || bytes[feed - 1] != '\r') {
    return absl::InvalidArgumentError(
        "a line between the chunks of the body ends without a carriage return");
  }
  *line = bytes.substr(0, feed - 1);
  return true;
}

}  // namespace

void Http1Chunks::Reset() {
  next_ = Next::kSize;
  left_ = 0;
  payload_ = 0;
  framing_ = 0;
}

absl::StatusOr<size_t> Http1Chunks::Put(std::string_view bytes,
                                        Http1BodySink& body) {
  const size_t size = bytes.size();
  bool more = true;
  while (more && !bytes.empty() && !done()) {
    if (TakeOrdinaryChunk(&bytes, body)) continue;
    const bool data = next_ == Next::kData;
    const size_t before = bytes.size();
    GATEWAY_ASSIGN_OR_RETURN(more, Step(&bytes, body));
    if (!data) framing_ += before - bytes.size();
    if (framing_ > kFramingBytesFree +
                       kFramingBytesPerByte * (payload_ - left_)) {
      return absl::InvalidArgumentError(
          "the chunks of the body are framing more than body");
    }
  }
  return size - bytes.size();
}

bool Http1Chunks::TakeOrdinaryChunk(std::string_view* bytes,
                                    Http1BodySink& body) {
  if (next_ != Next::kSize) return false;
  const auto ends_line_at = [bytes](size_t at) {
    return (*bytes)[at] == '\r' && (*bytes)[at + 1] == '\n';
  };
  const size_t digits_max = std::min(bytes->size(), kOrdinaryDigitsMax);
  size_t size = 0;
  size_t digits = 0;
  for (; digits < digits_max; ++digits) {
    const uint8_t digit =
        kHexDigits[static_cast<unsigned char>((*bytes)[digits])];
    if (digit == kNoDigit) break;
    size = size * 16 + digit;
  }
  const size_t framing = digits + 2 * kChunkLineEnd.size();
  const bool limited =
      size > body_bytes_limit_ - payload_ ||
      framing_ + framing > kFramingBytesFree + kFramingBytesPerByte * payload_;
  if (size == 0 || limited || bytes->size() < framing + size ||
      !ends_line_at(digits) || !ends_line_at(framing + size - 2)) {
    return false;
  }
  payload_ += size;
  framing_ += framing;
  body.OnBody(bytes->substr(digits + kChunkLineEnd.size(), size));
  bytes->remove_prefix(framing + size);
  return true;
}

absl::StatusOr<bool> Http1Chunks::Step(std::string_view* bytes,
                                       Http1BodySink& body) {
  switch (next_) {
    case Next::kSize:
      return TakeSize(bytes);
    case Next::kData:
      return TakeData(bytes, body);
    case Next::kDataEnd:
      return TakeDataEnd(bytes);
    case Next::kTrailer:
      return TakeTrailer(bytes);
    default:
      return false;
  }
}

absl::StatusOr<bool> Http1Chunks::TakeSize(std::string_view* bytes) {
  std::string_view line;
  GATEWAY_ASSIGN_OR_RETURN(const bool found, FindLine(*bytes, &line));
  if (!found) return false;
  const char* const end = line.data() + line.size();
  const auto [behind, error] = std::from_chars(line.data(), end, left_, 16);
  if (error != std::errc()) {
    return absl::InvalidArgumentError("the size of a chunk is malformed");
  }
  if (!AreExtensions({behind, static_cast<size_t>(end - behind)})) {
    return absl::InvalidArgumentError("a chunk's extension is malformed");
  }
  if (left_ > body_bytes_limit_ - payload_) {
    return absl::OutOfRangeError(absl::StrCat(
        "the body is larger than ", body_bytes_limit_, " bytes"));
  }
  payload_ += left_;
  bytes->remove_prefix(line.size() + kChunkLineEnd.size());
  next_ = left_ > 0 ? Next::kData : Next::kTrailer;
  return true;
}

bool Http1Chunks::TakeData(std::string_view* bytes, Http1BodySink& body) {
  const size_t size = std::min<uint64_t>(left_, bytes->size());
  body.OnBody(bytes->substr(0, size));
  bytes->remove_prefix(size);
  left_ -= size;
  if (left_ == 0) next_ = Next::kDataEnd;
  return true;
}

absl::StatusOr<bool> Http1Chunks::TakeDataEnd(std::string_view* bytes) {
  if (*bytes == kChunkLineEnd.substr(0, 1)) return false;
  if (!bytes->starts_with(kChunkLineEnd)) {
    return absl::InvalidArgumentError("a chunk is longer than it says");
  }
  bytes->remove_prefix(kChunkLineEnd.size());
  next_ = Next::kSize;
  return true;
}

absl::StatusOr<bool> Http1Chunks::TakeTrailer(std::string_view* bytes) {
  std::string_view line;
  GATEWAY_ASSIGN_OR_RETURN(const bool found, FindLine(*bytes, &line));
  if (!found) return false;
  if (line.empty()) {
    bytes->remove_prefix(kChunkLineEnd.size());
    next_ = Next::kNothing;
    return true;
  }
  HttpField field;
  GATEWAY_RETURN_IF_ERROR(TakeFieldLine(bytes, &field));
  if (EndsTheBodyOtherwise(field.name)) {
    return absl::InvalidArgumentError(
        "a trailer says where the body ends, which it has");
  }
  return true;
}

}  // namespace gateway
