#include "base/text/sse_parser.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstring>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/text/literal.h"

namespace gateway {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

const char* FindByte(const char* from, const char* end, char byte) {
  if (from == end) return end;
  const void* found = memchr(from, byte, static_cast<size_t>(end - from));
  return found != nullptr ? static_cast<const char*>(found) : end;
}

// Returns the value of the line's field if its name is `name`; null data
// otherwise.
template <size_t kSize>
std::string_view ValueOf(const char (&name)[kSize], std::string_view line) {
  constexpr size_t kNameBytes = kSize - 1;
  if (!Is(line.substr(0, kNameBytes), name)) return {};
  line.remove_prefix(kNameBytes);
  // A line that is only the name has an empty value.
  if (line.empty()) return line;
  if (line.front() != ':') return {};
  line.remove_prefix(1);
  if (line.starts_with(' ')) line.remove_prefix(1);
  return line;
}

}  // namespace

SseParser::LineEnds::LineEnds(std::string_view text)
    : end_(text.data() + text.size()),
      lf_(FindByte(text.data(), end_, '\n')),
      cr_(FindByte(text.data(), end_, '\r')) {}

const char* SseParser::LineEnds::Find(const char* from) {
  if (lf_ < from) lf_ = FindByte(from, end_, '\n');
  if (cr_ < from) cr_ = FindByte(from, end_, '\r');
  return std::min(lf_, cr_);
}

SseParser::SseParser(size_t event_bytes_limit)
    : event_bytes_limit_(event_bytes_limit) {
  assert(event_bytes_limit > 0);
}

absl::Status SseParser::Feed(std::string_view bytes) {
  assert(input_.empty());
  joined_.clear();
  finished_.Clear();
  input_ = failed_ ? std::string_view() : bytes;
  if (at_stream_start_) TakeByteOrderMark();
  input_line_ends_ = LineEnds(input_);
  return CheckLimit();
}

bool SseParser::Next(SseEvent* event) {
  if (input_.empty()) return false;
  if (!carry_.empty()) return NextCarried(event);

  const size_t prefix_bytes = lf_may_follow_ && input_.front() == '\n' ? 1 : 0;
  lf_may_follow_ = false;
  const size_t size = ParseBlock(input_, prefix_bytes, input_line_ends_, event);
  if (size == 0) {
    carry_.Append(input_);
    carry_prefix_bytes_ = prefix_bytes;
    input_ = {};
    return false;
  }
  input_.remove_prefix(size);
  return true;
}

size_t SseParser::CountBytesToCut() const {
  LineEnds line_ends = input_line_ends_;
  const size_t size = FindBlockEnd(input_, line_ends, InputPosition());
  return size == 0 ? 0 : carry_.size() + size;
}

size_t SseParser::held_bytes() const {
  size_t bytes = carry_.capacity() + finished_.capacity() +
                 joined_.capacity() * sizeof(ByteQueue);
  for (const ByteQueue& data : joined_) bytes += data.capacity();
  return bytes;
}

void SseParser::GiveBack() {
  finished_.Clear();
  std::vector<ByteQueue>().swap(joined_);
}

bool SseParser::NextCarried(SseEvent* event) {
  const size_t size = FindBlockEnd(input_, input_line_ends_, InputPosition());
  if (size == 0) {
    carry_.Append(input_);
    input_ = {};
    return false;
  }
  carry_.Append(input_.substr(0, size));
  input_.remove_prefix(size);
  // The event's views must outlive what is carried from the rest of this feed.
  carry_.Swap(finished_);
  const size_t prefix_bytes = std::exchange(carry_prefix_bytes_, 0);
  LineEnds line_ends(finished_.bytes());
  const size_t parsed =
      ParseBlock(finished_.bytes(), prefix_bytes, line_ends, event);
  assert(parsed == finished_.size());
  return parsed > 0;
}

void SseParser::TakeByteOrderMark() {
  while (at_stream_start_ && !input_.empty()) {
    const size_t matched = carry_.size();
    if (input_.front() != kByteOrderMark[matched]) {
      at_stream_start_ = false;
      return;
    }
    carry_.Append(input_.substr(0, 1));
    input_.remove_prefix(1);
    if (matched + 1 == kByteOrderMark.size()) {
      carry_prefix_bytes_ = kByteOrderMark.size();
      at_stream_start_ = false;
    }
  }
}

absl::Status SseParser::CheckLimit() {
  size_t held_bytes = carry_.size();
  if (!failed_ && held_bytes + input_.size() <= event_bytes_limit_) {
    return absl::OkStatus();
  }
  LineEnds line_ends = input_line_ends_;
  Position position = InputPosition();
  std::string_view rest = input_;
  while (!failed_) {
    const size_t size = FindBlockEnd(rest, line_ends, position);
    const size_t event_bytes = held_bytes + (size > 0 ? size : rest.size());
    if (event_bytes > event_bytes_limit_) {
      failed_ = true;
    } else if (size == 0) {
      return absl::OkStatus();
    } else {
      rest.remove_prefix(size);
      held_bytes = 0;
      position = Position();
    }
  }
  input_.remove_suffix(rest.size());
  input_line_ends_ = LineEnds(input_);
  return absl::ResourceExhaustedError(
      absl::StrCat("a server-sent event is longer than the limit of ",
                   event_bytes_limit_, " bytes"));
}

SseParser::Position SseParser::InputPosition() const {
  const std::string_view carried = carry_.bytes().substr(carry_prefix_bytes_);
  if (carried.empty()) {
    return {.line_is_empty = true,
            .after_cr = carry_.empty() && lf_may_follow_};
  }
  const char last = carried.back();
  return {.line_is_empty = last == '\n' || last == '\r',
          .after_cr = last == '\r'};
}

size_t SseParser::FindBlockEnd(std::string_view bytes, LineEnds& line_ends,
                               Position position) {
  const char* const end = bytes.data() + bytes.size();
  const char* line = bytes.data();
  if (position.after_cr && bytes.starts_with('\n')) ++line;
  bool line_is_empty = position.line_is_empty;
  while (true) {
    const char* const stop = line_ends.Find(line);
    if (stop == end) return 0;
    const char* next = stop + 1;
    if (*stop == '\r' && next != end && *next == '\n') ++next;
    if (stop == line && line_is_empty) {
      return static_cast<size_t>(next - bytes.data());
    }
    line_is_empty = true;
    line = next;
  }
}

size_t SseParser::ParseBlock(std::string_view bytes, size_t prefix_bytes,
                             LineEnds& line_ends, SseEvent* event) {
  *event = SseEvent();
  data_lines_ = 0;
  const char* const end = bytes.data() + bytes.size();
  const char* line = bytes.data() + prefix_bytes;
  while (true) {
    const char* const stop = line_ends.Find(line);
    if (stop == end) return 0;
    const char* next = stop + 1;
    if (*stop == '\r' && next != end && *next == '\n') ++next;
    if (stop == line) {
      line = next;
      break;
    }
    ParseLine({line, static_cast<size_t>(stop - line)}, event);
    line = next;
  }
  const size_t size = static_cast<size_t>(line - bytes.data());
  event->raw = bytes.substr(0, size);
  event->comment = data_lines_ == 0;
  if (data_lines_ > 1) event->data = joined_.back().bytes();
  lf_may_follow_ = event->raw.back() == '\r';
  return size;
}

void SseParser::ParseLine(std::string_view line, SseEvent* event) {
  if (line.front() == 'd') {
    const std::string_view value = ValueOf("data", line);
    if (value.data() == nullptr) return;
    if (++data_lines_ == 1) {
      event->data = value;
    } else {
      JoinData(value, event->data);
    }
  } else if (line.front() == 'e') {
    const std::string_view value = ValueOf("event", line);
    if (value.data() != nullptr) event->name = value;
  }
}

void SseParser::JoinData(std::string_view value, std::string_view earlier) {
  if (data_lines_ == 2) joined_.emplace_back().Append(earlier);
  ByteQueue& joined = joined_.back();
  joined.Append("\n");
  joined.Append(value);
}

}  // namespace gateway
