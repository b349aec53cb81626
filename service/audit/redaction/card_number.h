// Finds card numbers in a text: 12 to 19 digits, alone or in groups with a
// space or a hyphen between, or a dot between groups of four or six, whose last
// digit is the right one by Luhn's formula. A number may have others before it
// or behind, as a card's has its check value: each row of whole groups is
// looked at.
//
//   FindCardNumbers("4111 1111 1111 1111 123", &spans)  // [0, 19)
//
// Thread-safe: plain functions. Takes time in proportion to the text.

#ifndef SERVICE_AUDIT_REDACTION_CARD_NUMBER_H_
#define SERVICE_AUDIT_REDACTION_CARD_NUMBER_H_

#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

namespace gateway {

// Appends where they begin and end, in order and without overlap. Of groups
// that make several numbers the longest is taken that begins first.
void FindCardNumbers(std::string_view text,
                     std::vector<std::pair<size_t, size_t>>* found);

// Whether the last digit is the right one. REQUIRES: digits only.
bool HasLuhnDigit(std::string_view digits);

}  // namespace gateway

#endif  // SERVICE_AUDIT_REDACTION_CARD_NUMBER_H_
