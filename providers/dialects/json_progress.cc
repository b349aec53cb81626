#include "providers/dialects/json_progress.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>

#include "base/text/json.h"

namespace gateway {
namespace {

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// Whether a number or a name that is not whole may become so. A number is then
// before a digit.
bool MayGoOn(std::string_view text) {
  while (!text.empty() && IsBlank(text.front())) text.remove_prefix(1);
  static constexpr std::string_view kNames[] = {"true", "false", "null"};
  return std::any_of(
             std::begin(kNames), std::end(kNames),
             [&](std::string_view name) { return name.starts_with(text); }) ||
         CheckJson(std::string(text) + "0").ok();
}

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
    if (state_ == State::kBlank && !IsBlank(c)) {
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

}  // namespace gateway
