// The names that gateways give to what they write: the types of entries and
// their decisions, as docs/ledger.md explains them. Other systems, whose
// entries a ledger may have taken over, have names of their own.
//
//   if (!IsNameAmong(kEntryTypes, type)) {
//     return Mistake(NoSuchEntryName(type, kEntryTypes));
//   }
//
// Thread-safe: constants and plain functions.

#ifndef SERVICE_LEDGER_ENTRY_NAMES_H_
#define SERVICE_LEDGER_ENTRY_NAMES_H_

#include <string>
#include <string_view>

#include "absl/types/span.h"

namespace gateway {

inline constexpr std::string_view kEntryTypes[] = {
    "DISPATCH",      "EXCHANGE",        "PROMPT_REJECTED",
    "ANSWER_REUSED", "BUDGET_ALLOCATE", "BUDGET_DEBIT",
    "BUDGET_RESET",  "BUDGET_WARNING",  "ENTRIES_LOST"};
inline constexpr std::string_view kEntryDecisions[] = {
    "DISPATCHED", "SUCCESS", "ERROR", "UNKNOWN", "REJECTED", "REUSED",
    "ALLOCATED",  "DEBITED", "RESET", "WARNING", "LOST"};

bool IsNameAmong(absl::Span<const std::string_view> names,
                 std::string_view name);

// Returns "'NAME', which no entry has; there are ...", for an error that begins
// with where the name was given.
std::string NoSuchEntryName(std::string_view name,
                            absl::Span<const std::string_view> known);

}  // namespace gateway

#endif  // SERVICE_LEDGER_ENTRY_NAMES_H_
