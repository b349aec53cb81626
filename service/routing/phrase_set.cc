#include "service/routing/phrase_set.h"

#include <algorithm>
#include <deque>

namespace gateway {
namespace {

// The state in which no part of a phrase has been seen.
constexpr uint32_t kBegin = 0;

uint8_t ToLowerAscii(char c) {
  const auto byte = static_cast<uint8_t>(c);
  return byte >= 'A' && byte <= 'Z' ? byte + ('a' - 'A') : byte;
}

}  // namespace

PhraseSet::PhraseSet(absl::Span<const std::string_view> phrases) {
  Classify(phrases);
  next_.assign(classes_, kNone);
  found_ = {kNone};
  for (uint32_t number = 0; number < phrases.size(); ++number) {
    if (!phrases[number].empty()) Add(phrases[number], number);
  }
  Complete();
}

void PhraseSet::Classify(absl::Span<const std::string_view> phrases) {
  for (const std::string_view phrase : phrases) {
    for (const char c : phrase) {
      // No more than 230 of 256, since capital letters have none.
      uint8_t& byte_class = class_of_[ToLowerAscii(c)];
      if (byte_class == 0) byte_class = static_cast<uint8_t>(classes_++);
    }
  }
  for (uint8_t c = 'A'; c <= 'Z'; ++c) {
    class_of_[c] = class_of_[c + ('a' - 'A')];
  }
}

void PhraseSet::Add(std::string_view phrase, uint32_t number) {
  uint32_t state = kBegin;
  for (const char c : phrase) {
    const uint32_t byte_class = class_of_[static_cast<uint8_t>(c)];
    if (NextOf(state, byte_class) == kNone) {
      NextOf(state, byte_class) = static_cast<uint32_t>(found_.size());
      found_.push_back(kNone);
      next_.resize(next_.size() + classes_, kNone);
    }
    state = NextOf(state, byte_class);
  }
  found_[state] = std::min(found_[state], number);
}

void PhraseSet::Complete() {
  // By state: its longest ending, not itself, that is a state.
  std::vector<uint32_t> ending(found_.size(), kBegin);
  std::deque<uint32_t> rest = {kBegin};  // By length.
  while (!rest.empty()) {
    const uint32_t state = rest.front();
    rest.pop_front();
    for (uint32_t byte_class = 0; byte_class < classes_; ++byte_class) {
      const uint32_t otherwise =
          state == kBegin ? kBegin : NextOf(ending[state], byte_class);
      uint32_t& next = NextOf(state, byte_class);
      if (next == kNone) {
        next = otherwise;
        continue;
      }
      ending[next] = otherwise;
      found_[next] = std::min(found_[next], found_[otherwise]);
      rest.push_back(next);
    }
  }
}

std::optional<size_t> PhraseSet::FindFirst(std::string_view text) const {
  uint32_t first = kNone;
  uint32_t state = kBegin;
  for (const char c : text) {
    state = next_[state * classes_ + class_of_[static_cast<uint8_t>(c)]];
    first = std::min(first, found_[state]);
    if (first == 0) break;
  }
  if (first == kNone) return std::nullopt;
  return first;
}

}  // namespace gateway
