// BodyRedactor takes out of a body what must not be kept: of JSON, of a stream
// of server-sent events or of lines of JSON, and of any other text.
//
//   GATEWAY_ASSIGN_OR_RETURN(const BodyRedactor redactor,
//                            BodyRedactor::Make({.built_in = {kEmail}}));
//   redactor.Redact(R"({"user":"a\u0040b.example"})", 1024).text
//       // {"user":"[redacted:email]"}
//
// Strings of JSON are looked at as what they say, and what is put in their
// place is a string again. Strings that stand in the same place of several
// events of a stream are looked at as one text, and so are those of one name in
// the elements of an array, as the parts of a message are: what is found there
// and spans some of them is put in the first and taken out of the others. Of
// the likelihoods of an answer's tokens, which say its text once more, stays
// what can be looked at so: not their bytes, nor what might have been said.
//
// The beginning of a body is taken as well as all of it, so that it can be cut
// before it comes here; what is cut in the middle of something that would be
// found may not be found, and so Redact is given some more than is kept.
//
// Thread-safe once made. Takes time in proportion to the body, and memory for
// some four times its size.

#ifndef SERVICE_AUDIT_REDACTION_BODY_REDACTOR_H_
#define SERVICE_AUDIT_REDACTION_BODY_REDACTOR_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/secret.h"
#include "service/audit/redaction/json_leaves.h"
#include "service/audit/redaction/json_path.h"
#include "service/audit/redaction/redaction_patterns.h"
#include "service/audit/redaction/secret_digests.h"

namespace gateway {

// How much more of a body than is kept is to be redacted.
inline constexpr size_t kRedactionMarginBytes = 1024;

struct RedactionSettings {
  std::vector<RedactionPatterns::BuiltIn> built_in;
  std::vector<RedactionPatterns::Own> own;
  std::vector<std::string> json_paths;
  // Taken out wherever they stand, whatever the patterns are.
  std::vector<Secret> secrets;
  // The same, of what is short (secret_digests.h).
  std::optional<SecretDigests> digests = std::nullopt;
};

struct RedactedText {
  std::string text;
  int redactions = 0;  // Places; what spans several pieces is one.
  bool truncated = false;
};

class BodyRedactor {
 public:
  // INVALID_ARGUMENT names the pattern or path that is wrong.
  static absl::StatusOr<BodyRedactor> Make(const RedactionSettings& settings);

  // Returns at most so many bytes, whole characters, of what is left of `body`.
  RedactedText Redact(std::string_view body, size_t bytes_limit) const;

  // Of a text that is no body: patterns only.
  RedactedText RedactText(std::string_view text) const;

 private:
  struct Edit;
  struct LeafPart;
  class Findings;

  BodyRedactor(RedactionPatterns patterns, std::vector<JsonPath> paths)
      : patterns_(std::move(patterns)), paths_(std::move(paths)) {}

  void ScanEvents(std::string_view body, JsonLeaves* leaves) const;
  // Finds what to take out of the leaves of a place, which are looked at as one
  // text.
  void FindTogether(std::string_view body, const std::vector<JsonLeaf>& leaves,
                    const std::vector<size_t>& place, Findings* findings) const;
  // The same of the leaves of a row, but only where one ends and the next
  // begins.
  void FindAtSeams(std::string_view body, const std::vector<JsonLeaf>& leaves,
                   const std::vector<size_t>& row, Findings* findings) const;
  Findings FindAll(std::string_view body,
                   const std::vector<JsonLeaf>& leaves) const;
  // Writes a leaf without these parts of it. Of the body so many bytes are
  // shown.
  static void EditLeaf(std::string_view body, size_t shown,
                       const JsonLeaf& leaf, absl::Span<const LeafPart> parts,
                       std::vector<Edit>* edits);

  RedactionPatterns patterns_;
  std::vector<JsonPath> paths_;
};

}  // namespace gateway

#endif  // SERVICE_AUDIT_REDACTION_BODY_REDACTOR_H_
