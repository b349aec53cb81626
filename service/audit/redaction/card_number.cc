#include "service/audit/redaction/card_number.h"

#include <algorithm>

namespace gateway {
namespace {

constexpr size_t kCardDigitsMin = 12;
constexpr size_t kCardDigitsMax = 19;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Digits that stand beside each other.
struct DigitGroup {
  size_t begin = 0;
  size_t end = 0;
  size_t digits() const { return end - begin; }
};

// Returns the group at `at` or behind it in the same row, of at most one
// separator; an empty one if there is none.
DigitGroup GroupAt(std::string_view text, size_t at) {
  DigitGroup group{at, at};
  while (group.end < text.size() && IsDigit(text[group.end])) ++group.end;
  return group;
}

// Whether what stands at `at`, behind `group`, is a separator with another
// group behind it. A dot is one between groups such as cards have only, of four
// or six digits: numbers and addresses have dots, too.
bool IsSeparator(std::string_view text, size_t at, const DigitGroup& group) {
  if (at + 1 >= text.size() || !IsDigit(text[at + 1])) return false;
  if (text[at] == ' ' || text[at] == '-') return true;
  if (text[at] != '.' || (group.digits() != 4 && group.digits() != 6)) {
    return false;
  }
  constexpr size_t kLeast = 3;
  constexpr size_t kMost = 6;
  const size_t next = GroupAt(text.substr(0, at + 2 + kMost), at + 1).digits();
  return next >= kLeast && next <= kMost;
}

// Returns how many groups from `first` on are a card's number, at most; 0 if
// they are none.
size_t GroupsOfCard(std::string_view text,
                    const std::vector<DigitGroup>& groups, size_t first) {
  size_t of_card = 0;
  std::string_view digits;
  char joined[kCardDigitsMax];
  size_t count = 0;
  for (size_t i = first; i < groups.size(); ++i) {
    if (count + groups[i].digits() > kCardDigitsMax) break;
    text.copy(joined + count, groups[i].digits(), groups[i].begin);
    count += groups[i].digits();
    digits = {joined, count};
    // No card's number begins with a zero.
    if (count >= kCardDigitsMin && digits.front() != '0' &&
        HasLuhnDigit(digits)) {
      of_card = i - first + 1;
    }
  }
  return of_card;
}

}  // namespace

bool HasLuhnDigit(std::string_view digits) {
  int sum = 0;
  bool doubled = false;
  for (size_t i = digits.size(); i > 0; --i) {
    int digit = digits[i - 1] - '0';
    if (doubled) digit = digit > 4 ? 2 * digit - 9 : 2 * digit;
    sum += digit;
    doubled = !doubled;
  }
  return sum % 10 == 0;
}

void FindCardNumbers(std::string_view text,
                     std::vector<std::pair<size_t, size_t>>* found) {
  std::vector<DigitGroup> groups;
  size_t at = 0;
  while (at < text.size()) {
    if (!IsDigit(text[at])) {
      ++at;
      continue;
    }
    // A row of groups, with one separator between.
    groups.clear();
    while (true) {
      groups.push_back(GroupAt(text, at));
      at = groups.back().end;
      if (!IsSeparator(text, at, groups.back())) break;
      ++at;
    }
    for (size_t i = 0; i < groups.size(); ++i) {
      const size_t of_card = GroupsOfCard(text, groups, i);
      if (of_card == 0) continue;
      found->emplace_back(groups[i].begin, groups[i + of_card - 1].end);
      i += of_card - 1;
    }
  }
}

}  // namespace gateway
