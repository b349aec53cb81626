// Part of a fault's message may be nobody's at the gateway: a provider's words,
// which like to repeat what it was asked, or the beginning of what came in
// place of an answer. A call's caller gets all of it; who tells others of the
// failure has to know which part that is.
//
//   MarkForeignWords(fault, ForeignWords::kOfProvider, error.message);
//
// It stays with the status as it is wrapped (AtPlace), and never goes over the
// wire.
//
// Thread-compatible: plain functions over a status.

#ifndef ERRORS_FOREIGN_WORDS_H_
#define ERRORS_FOREIGN_WORDS_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace gateway {

enum class ForeignWords { kOfProvider, kOfAnswer };

// Says that `words` stand in the fault's message. Does nothing to an OK status,
// or if there are none.
void MarkForeignWords(absl::Status& fault, ForeignWords whose,
                      std::string_view words);

// Returns them; nothing if the message has none.
std::optional<std::string> FindForeignWords(const absl::Status& fault,
                                            ForeignWords whose);

// Marks in `fault` what is marked in `cause`, whose message it repeats.
void KeepForeignWords(const absl::Status& cause, absl::Status& fault);

}  // namespace gateway

#endif  // ERRORS_FOREIGN_WORDS_H_
