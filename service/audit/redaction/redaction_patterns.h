// RedactionPatterns finds in texts what must not be kept: keys, tokens,
// addresses, card numbers, what an operator has given expressions for, and
// secrets that are known.
//
//   GATEWAY_ASSIGN_OR_RETURN(
//       const RedactionPatterns patterns,
//       RedactionPatterns::Make({RedactionPatterns::BuiltIn::kEmail}, {}));
//   patterns.Find("from a@b.example", &spans);  // {5, 16, "email"}
//
// A text with escapes of JSON or of URLs, or with characters that nobody sees,
// is also looked at as what it says, and that again, up to kEscapeLayersMax
// times: what calls a tool is JSON in a string of JSON.
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
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/secret.h"
#include "service/audit/redaction/known_secrets.h"
#include "service/audit/redaction/secret_digests.h"

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
  static constexpr int kEscapeLayersMax = 3;

  // INVALID_ARGUMENT names the expression that RE2 does not take, or that
  // matches the empty text. Secrets are looked for that are long enough
  // (known_secrets.h).
  static absl::StatusOr<RedactionPatterns> Make(
      absl::Span<const BuiltIn> built_in, absl::Span<const Own> own,
      absl::Span<const Secret> secrets = {});
  // Looks for these as well. For short texts (secret_digests.h).
  void Use(SecretDigests digests) { digests_ = std::move(digests); }
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
  // Of a text as it is. What is found may overlap.
  void FindAsItIs(std::string_view text,
                  std::vector<RedactedSpan>* found) const;
  // The same, and behind so many layers of escapes.
  void FindBehind(std::string_view text, int layers,
                  std::vector<RedactedSpan>* found) const;

  std::vector<std::unique_ptr<Expression>> expressions_;
  bool card_numbers_ = false;
  KnownSecrets secrets_;
  std::optional<SecretDigests> digests_;
};

}  // namespace gateway

#endif  // SERVICE_AUDIT_REDACTION_REDACTION_PATTERNS_H_
