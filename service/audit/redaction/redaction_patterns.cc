#include "service/audit/redaction/redaction_patterns.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/unescaped_text.h"
#include "re2/re2.h"
#include "service/audit/redaction/card_number.h"

namespace gateway {
namespace {

constexpr char kKeysName[] = "keys";
constexpr char kTokensName[] = "tokens";
constexpr char kEmailName[] = "email";
constexpr char kCardNumberName[] = "card_number";
constexpr char kSecretName[] = "configured_secret";
constexpr char kRestName[] = "too_many";

// Where a window ends in the middle of what is looked for, the next begins so
// much earlier.
constexpr size_t kWindowOverlap = 8 * 1024;

// What RE2 may take for one expression; enough for all that is built in.
constexpr int64_t kExpressionBytes = 8 * 1024 * 1024;

// Keys that vendors give out, by their prefixes, and our own.
constexpr char kVendorKeys[] =
    R"(\b(?:(?:sk|pk|rk|gsk|xai|pplx|csk|fw|r8|hf|npm|glpat|dop_v1|llmgw|nvapi))"
    R"([-_][A-Za-z0-9_-]{16,})"
    R"(|AQ\.[A-Za-z0-9_-]{20,})"
    R"(|(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b)"
    R"(|AIza[0-9A-Za-z_-]{30,})"
    R"(|gh[pousr]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{16,})"
    R"(|xox[abeoprs]-[A-Za-z0-9-]{10,})"
    R"(|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}))";
// The same directly behind a letter, a digit or `_`, where the short prefixes
// end words: `task-`, `disk_`. So what follows must be longer there.
constexpr char kGluedKeys[] =
    R"(sk-(?:proj|svcacct|admin|ant|or|lf)-[A-Za-z0-9_-]{16,})"
    R"(|(?:sk|csk|xai|pplx|nvapi|glpat)-[A-Za-z0-9]{32,})"
    R"(|(?:gsk|hf|npm|fw|r8)_[A-Za-z0-9]{32,})"
    R"(|nvapi-[A-Za-z0-9_-]{32,}|glpat-[A-Za-z0-9_-]{20,})"
    R"(|llmgw_[A-Za-z0-9]+_[A-Za-z0-9_-]{16,})"
    R"(|(?:AKIA|ASIA)[A-Z0-9]{16}|AIza[0-9A-Za-z_-]{30,})"
    R"(|AQ\.A[A-Za-z0-9_-]{30,})"
    R"(|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{16,})"
    R"(|xox[abeoprs]-[A-Za-z0-9-]{10,})";
// One that is cut off goes to the end of the text.
constexpr char kPrivateKeys[] =
    R"((?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?)"
    R"((?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\z))";
constexpr char kWebTokens[] =
    R"(\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){1,4}|\bya29\.[\w-]{16,})";
constexpr char kSchemes[] =
    R"((?i)\b(?:bearer|basic)[ \t]+([A-Za-z0-9._~+/=-]{8,}))";
constexpr char kPasswordsOfUrls[] =
    R"([A-Za-z][A-Za-z0-9+.-]*://[^\s/@:"'<>\\]*:([^\s/@"'<>\\]+)@)";
constexpr char kQueries[] =
    R"((?i)[?&](?:api[_-]?key|key|token|access_token|sig|signature|secret|)"
    R"(password)=([^&\s"'<>#\\]{6,}))";
constexpr char kAddresses[] =
    R"([A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)";

RE2::Options OptionsOf() {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kExpressionBytes);
  return options;
}

re2::StringPiece Piece(std::string_view text) {
  return {text.data(), text.size()};
}

// Whether it may be a secret, and is no word of prose: `basic understanding`
// is none.
bool LooksRandom(std::string_view text) {
  bool digit = false;
  bool lower = false;
  bool upper_inside = false;
  for (size_t i = 0; i < text.size(); ++i) {
    digit |= absl::ascii_isdigit(static_cast<unsigned char>(text[i]));
    lower |= absl::ascii_islower(static_cast<unsigned char>(text[i]));
    upper_inside |=
        i > 0 && absl::ascii_isupper(static_cast<unsigned char>(text[i]));
  }
  return digit || (lower && upper_inside) || text.ends_with('=');
}

// Makes of findings, which may overlap, some in order that do not.
void Merge(std::vector<RedactedSpan>* spans, size_t first) {
  const auto begin = spans->begin() + static_cast<ptrdiff_t>(first);
  std::stable_sort(begin, spans->end(),
                   [](const RedactedSpan& a, const RedactedSpan& b) {
                     return a.begin < b.begin;
                   });
  size_t kept = first;
  for (size_t i = first; i < spans->size(); ++i) {
    const RedactedSpan& one = (*spans)[i];
    if (kept > first && one.begin < (*spans)[kept - 1].end) {
      RedactedSpan& before = (*spans)[kept - 1];
      before.end = std::max(before.end, one.end);
      continue;
    }
    (*spans)[kept++] = one;
  }
  spans->resize(kept);
}

}  // namespace

struct RedactionPatterns::Expression {
  Expression(std::string_view called, const std::string& pattern, bool random)
      : name(called), regex(pattern, OptionsOf()), only_random(random) {}

  // Appends what is found. Returns how far it has looked: to the end, unless
  // there is too much of it.
  size_t Find(std::string_view text, std::vector<RedactedSpan>* found) const {
    const int group = regex.NumberOfCapturingGroups() > 0 ? 1 : 0;
    re2::StringPiece groups[2];
    size_t at = 0;
    for (size_t matches = 0; at < text.size();) {
      if (matches == kFindingsMax) return at;
      const size_t end = std::min(at + kWindowBytes, text.size());
      if (!regex.Match(Piece(text.substr(0, end)), at, end, RE2::UNANCHORED,
                       groups, group + 1)) {
        if (end == text.size()) break;
        at = end - kWindowOverlap;
        continue;
      }
      const size_t match = groups[0].data() - text.data();
      const size_t match_end = match + groups[0].size();
      if (match_end == end && end < text.size() && match > at) {
        at = match;  // There may be more of it.
        continue;
      }
      AddGroup(text, groups[group], found);
      at = std::max(match_end, at + 1);
      ++matches;
    }
    return text.size();
  }

  void AddGroup(std::string_view text, re2::StringPiece group,
                std::vector<RedactedSpan>* found) const {
    if (group.data() == nullptr || group.empty()) return;
    if (only_random && !LooksRandom({group.data(), group.size()})) return;
    const size_t begin = group.data() - text.data();
    found->push_back({begin, begin + group.size(), name});
  }

  const std::string name;
  const RE2 regex;
  const bool only_random;
};

RedactionPatterns::RedactionPatterns() = default;
RedactionPatterns::RedactionPatterns(RedactionPatterns&&) noexcept = default;
RedactionPatterns& RedactionPatterns::operator=(RedactionPatterns&&) noexcept =
    default;
RedactionPatterns::~RedactionPatterns() = default;

absl::Status RedactionPatterns::Check(const Own& own) {
  const RE2 regex(own.regex, OptionsOf());
  if (!regex.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("is no expression that RE2 takes: ", regex.error()));
  }
  if (RE2::FullMatch("", regex)) {
    return absl::InvalidArgumentError(
        "matches the empty text; give an expression that needs a character");
  }
  return absl::OkStatus();
}

absl::Status RedactionPatterns::Add(std::string_view name,
                                    const std::string& regex,
                                    bool only_random) {
  GATEWAY_RETURN_IF_ERROR(Check({.name = "", .regex = regex}));
  expressions_.push_back(
      std::make_unique<Expression>(name, regex, only_random));
  return absl::OkStatus();
}

absl::StatusOr<RedactionPatterns> RedactionPatterns::Make(
    absl::Span<const BuiltIn> built_in, absl::Span<const Own> own,
    absl::Span<const Secret> secrets) {
  RedactionPatterns patterns;
  for (const Secret& secret : secrets) patterns.secrets_.Add(secret);
  for (const BuiltIn one : built_in) {
    switch (one) {
      case BuiltIn::kKeys:
        GATEWAY_RETURN_IF_ERROR(patterns.Add(kKeysName, kVendorKeys, false));
        GATEWAY_RETURN_IF_ERROR(patterns.Add(kKeysName, kGluedKeys, true));
        GATEWAY_RETURN_IF_ERROR(patterns.Add(kKeysName, kPrivateKeys, false));
        break;
      case BuiltIn::kTokens:
        GATEWAY_RETURN_IF_ERROR(patterns.Add(kTokensName, kWebTokens, false));
        GATEWAY_RETURN_IF_ERROR(patterns.Add(kTokensName, kSchemes, true));
        GATEWAY_RETURN_IF_ERROR(
            patterns.Add(kTokensName, kPasswordsOfUrls, false));
        GATEWAY_RETURN_IF_ERROR(patterns.Add(kTokensName, kQueries, false));
        break;
      case BuiltIn::kEmail:
        GATEWAY_RETURN_IF_ERROR(patterns.Add(kEmailName, kAddresses, false));
        break;
      case BuiltIn::kCardNumber:
        patterns.card_numbers_ = true;
        break;
    }
  }
  for (const Own& one : own) {
    const absl::Status added = patterns.Add(one.name, one.regex, false);
    if (!added.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("pattern ", one.name, " ", added.message()));
    }
  }
  return patterns;
}

void RedactionPatterns::Find(std::string_view text,
                             std::vector<RedactedSpan>* found) const {
  const size_t first = found->size();
  FindBehind(text, kEscapeLayersMax, found);
  Merge(found, first);
}

void RedactionPatterns::FindBehind(std::string_view text, int layers,
                                   std::vector<RedactedSpan>* found) const {
  FindAsItIs(text, found);
  if (layers == 0 || !UnescapedText::MayHaveEscapes(text)) return;
  const UnescapedText inner(text);
  if (!inner.has_escapes()) return;
  std::vector<RedactedSpan> spans;
  FindBehind(inner.text(), layers - 1, &spans);
  for (const RedactedSpan& span : spans) {
    const auto [begin, end] = inner.Outer(span.begin, span.end);
    found->push_back({begin, end, span.name});
  }
}

void RedactionPatterns::FindAsItIs(std::string_view text,
                                   std::vector<RedactedSpan>* found) const {
  size_t looked_at = text.size();
  for (const std::unique_ptr<Expression>& one : expressions_) {
    looked_at = std::min(looked_at, one->Find(text, found));
  }
  if (card_numbers_) {
    std::vector<std::pair<size_t, size_t>> numbers;
    FindCardNumbers(text, &numbers);
    for (const auto& [begin, end] : numbers) {
      found->push_back({begin, end, kCardNumberName});
    }
  }
  if (!secrets_.empty() || digests_.has_value()) {
    std::vector<std::pair<size_t, size_t>> known;
    if (!secrets_.empty()) secrets_.Find(text, &known);
    if (digests_.has_value()) digests_->Find(text, &known);
    for (const auto& [begin, end] : known) {
      found->push_back({begin, end, kSecretName});
    }
  }
  // What nobody has looked at is not kept.
  if (looked_at < text.size()) {
    found->push_back({looked_at, text.size(), kRestName});
  }
}

}  // namespace gateway
