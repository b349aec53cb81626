// RedactionPatterns finds in texts what must not be kept: keys, tokens,
// addresses, card numbers, and what an operator has given expressions for.
//
//   GATEWAY_ASSIGN_OR_RETURN(
//       const RedactionPatterns patterns,
//       RedactionPatterns::Make({RedactionPatterns::BuiltIn::kEmail}, {}));
//   patterns.Find("from a@b.example", &spans);  // {5, 16, "email"}
//
// An expression is looked for in windows of a text, so that whatever it is, a
// text takes time in proportion to its size and to what is found. Where it has
// more than kFindingsMax of one expression, its rest is one finding,
// `too_many`.
//
// Thread-safe once made.

#ifndef SERVICE_AUDIT_REDACTION_REDACTION_PATTERNS_H_
#define SERVICE_AUDIT_REDACTION_REDACTION_PATTERNS_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace gateway {

// A place in a text, and what was found there. The name lives as long as the
// patterns.
struct RedactedSpan {
  size_t begin = 0;
  size_t end = 0;
  std::string_view name;
  bool operator==(const RedactedSpan&) const = default;
};

class RedactionPatterns {
 public:
  enum class BuiltIn { kKeys, kTokens, kEmail, kCardNumber };
  struct Own {
    std::string name;
    std::string regex;
  };

  // What is longer is found in its first part only.
  static constexpr size_t kWindowBytes = 64 * 1024;
  static constexpr size_t kFindingsMax = 4096;

  // INVALID_ARGUMENT names the expression that RE2 does not take, or that
  // matches the empty text.
  static absl::StatusOr<RedactionPatterns> Make(
      absl::Span<const BuiltIn> built_in, absl::Span<const Own> own);
  // Why Make would not take it; OK if it would.
  static absl::Status Check(const Own& own);

  RedactionPatterns(RedactionPatterns&&) noexcept;
  RedactionPatterns& operator=(RedactionPatterns&&) noexcept;
  ~RedactionPatterns();

  // Appends what is found, in order and without overlap: what overlaps is one
  // finding, with the name of what begins first.
  void Find(std::string_view text, std::vector<RedactedSpan>* found) const;

 private:
  struct Expression;

  RedactionPatterns();
  absl::Status Add(std::string_view name, const std::string& regex,
                   bool only_random);

  std::vector<std::unique_ptr<Expression>> expressions_;
  bool card_numbers_ = false;
};

}  // namespace gateway

#endif  // SERVICE_AUDIT_REDACTION_REDACTION_PATTERNS_H_
