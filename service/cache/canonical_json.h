// The canonical form of a JSON text: two texts have the same form exactly if
// they say the same, whatever their spaces, escapes, numbers' spellings and
// order of members.
//
//   std::string form;
//   if (!AppendCanonicalJson(body, /*left_out=*/{"user"}, &form)) ...
//
// The form is made for digests and not for reading: each value begins with a
// letter of its type, and texts with their length, so that no two values have
// the same form.
//
// What is told apart though it may mean the same: `null` and absence, and
// numbers that differ beyond what a double holds. What is not: `1`, `1.0` and
// `10e-1`, nor `-0` and `0`.
//
// Thread-safe: a free function, with memory of each thread's own.

#ifndef SERVICE_CACHE_CANONICAL_JSON_H_
#define SERVICE_CACHE_CANONICAL_JSON_H_

#include <string>
#include <string_view>

#include "absl/types/span.h"

namespace gateway {

// A member at the top of a text whose value says how the rest is to be taken,
// such as `store`.
struct WatchedMember {
  enum class Value { kAbsent, kTrue, kFalse, kOther };

  std::string_view name;
  Value value = Value::kAbsent;
};

// Appends the form of `json`, an object, without its members of the names
// `left_out`; of an object within it, all count. One pass; what is moved to
// order members is copied once for each object around it. `watched`, if not
// null, receives its value.
//
// Returns false, and appends nothing, if nothing certain can be said of the
// text: it is no JSON, is nested deeper than kJsonDepthLimit, has a member
// twice, half of a surrogate pair, or a number whose exponent has more than
// kExponentDigitsMax digits.
bool AppendCanonicalJson(std::string_view json,
                         absl::Span<const std::string_view> left_out,
                         std::string* out, WatchedMember* watched = nullptr);

inline constexpr size_t kExponentDigitsMax = 9;

}  // namespace gateway

#endif  // SERVICE_CACHE_CANONICAL_JSON_H_
