#include "service/audit/redaction/quoted_text.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text/unescaped_text.h"
#include "service/audit/redaction/json_leaves.h"

namespace gateway {
namespace {

constexpr size_t kMaybeBits = 1 << 16;
constexpr uint64_t kBase = 0x9e3779b97f4a7c15u;

// What stands between two quotes is no more than their escapes, or a word.
constexpr size_t kGapBytesMax = 8;

// A shorter string says little.
constexpr size_t kShortBytesMin = 4;
constexpr size_t kShortBytesMax = 64;
// So many short strings are known again, of one who says the same many times.
constexpr size_t kComparedMax = 1024;

constexpr uint64_t Power(uint64_t base, size_t times) {
  uint64_t power = 1;
  for (size_t i = 0; i < times; ++i) power *= base;
  return power;
}
constexpr uint64_t kLeaving = Power(kBase, QuotedText::kRunBytes);

bool IsBlankByte(char byte) {
  const auto code = static_cast<unsigned char>(byte);
  return code <= ' ' || code == 0x7f;
}

bool GoesOnCharacter(char byte) {
  return (static_cast<unsigned char>(byte) & 0xc0) == 0x80;
}

bool IsPunctuation(char byte) {
  return IsBlankByte(byte) || std::string_view("'\"`.,:;()[]{}<>").find(byte) !=
                                  std::string_view::npos;
}

std::string_view WithoutPunctuation(std::string_view text) {
  while (!text.empty() && IsPunctuation(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsPunctuation(text.back())) text.remove_suffix(1);
  return text;
}

// The end of a string of JSON whose text begins at `at`; the text's end if it
// is not closed.
size_t EndOfString(std::string_view text, size_t at) {
  for (;;) {
    const size_t end = text.find('"', at);
    if (end == std::string_view::npos) return text.size();
    size_t escapes = 0;
    while (end - escapes > at && text[end - escapes - 1] == '\\') ++escapes;
    if (escapes % 2 == 0) return end;
    at = end + 1;
  }
}

// How many bytes the escape takes that `text` begins with: with its other half,
// one of a surrogate.
size_t EscapeBytes(std::string_view text) {
  if (text.size() < 2) return text.size();
  if (text[1] != 'u') return 2;
  const bool pair =
      text.size() >= 12 && text[6] == '\\' && text[7] == 'u' &&
      (text[2] == 'd' || text[2] == 'D') &&
      std::string_view("89abAB").find(text[3]) != std::string_view::npos;
  return std::min<size_t>(text.size(), pair ? 12 : 6);
}

// What stands between the quotes of a string of JSON, where it has escapes.
std::string WithoutEscapes(std::string_view inside) {
  std::string said;
  for (size_t at = 0; at < inside.size();) {
    const size_t escape = std::min(inside.find('\\', at), inside.size());
    said.append(inside.substr(at, escape - at));
    at = escape;
    if (at == inside.size()) break;
    const size_t bytes = EscapeBytes(inside.substr(at));
    AppendUnescapedJson(inside.substr(at, bytes), &said);
    at += bytes;
  }
  return said;
}

}  // namespace

// The hash of the last kRunBytes of what it was given, as it goes on.
class QuotedText::Runs {
 public:
  // Whether `hash` is that of a run.
  bool Take(char byte) {
    if (IsBlankByte(byte)) return false;
    const uint64_t added = static_cast<unsigned char>(byte) + uint64_t{1};
    const uint64_t left = last_[taken_ % kRunBytes];
    last_[taken_ % kRunBytes] = added;
    hash_ = hash_ * kBase + added - left * kLeaving;
    return ++taken_ >= kRunBytes;
  }

  uint64_t hash() const { return hash_; }
  // Its highest bits, which all bytes have a part in.
  size_t maybe() const { return hash_ >> 48; }
  size_t taken() const { return taken_; }

 private:
  std::array<uint64_t, kRunBytes> last_ = {};
  uint64_t hash_ = 0;
  size_t taken_ = 0;
};

QuotedText::QuotedText(std::string_view message)
    : message_(message),
      maybe_(kMaybeBits),
      quoted_(message.size()),
      matched_(message.size()) {
  Runs runs;
  for (size_t i = 0; i < message.size(); ++i) {
    if (!IsBlankByte(message[i])) places_.push_back(i);
    if (!runs.Take(message[i])) continue;
    const size_t run = runs.taken() - kRunBytes;
    const auto [found, is_new] = runs_.try_emplace(runs.hash(), run);
    same_.resize(run + 1);
    same_[run] = is_new ? run : found->second;
    found->second = run;
    maybe_[runs.maybe()] = true;
  }
}

void QuotedText::LookForWords(size_t begin, size_t end) {
  words_.emplace(message_, begin, end);
}

void QuotedText::Compare(std::string_view text) {
  CompareRuns(text);
  CompareWords(text);
}

void QuotedText::CompareWords(std::string_view text) {
  if (!words_.has_value()) return;
  words_->Compare(text,
                  [this](size_t begin, size_t end) { MarkQuoted(begin, end); });
}

void QuotedText::CompareRuns(std::string_view text) {
  if (runs_.empty()) return;
  Runs runs;
  for (const char byte : text) {
    if (!runs.Take(byte) || !maybe_[runs.maybe()]) continue;
    const auto found = runs_.find(runs.hash());
    if (found == runs_.end() || matched_[found->second]) continue;
    matched_[found->second] = true;
    for (size_t run = found->second;; run = same_[run]) {
      MarkQuoted(places_[run], places_[run + kRunBytes - 1] + 1);
      if (same_[run] == run) break;
    }
  }
}

void QuotedText::CompareJson(std::string_view body) {
  for (size_t at = body.find('"'); at < body.size();) {
    const size_t end = EndOfString(body, at + 1);
    size_t next = std::min(end + 1, body.size());
    while (next < body.size() && IsBlankByte(body[next])) ++next;
    const bool is_name = next < body.size() && body[next] == ':';
    const std::string_view inside = body.substr(at + 1, end - at - 1);
    is_name ? CompareName(inside) : CompareString(inside);
    at = body.find('"', next);
  }
}

void QuotedText::CompareName(std::string_view inside) {
  if (!words_.has_value() || inside.size() < kShortBytesMin) return;
  const bool has_escapes = inside.find('\\') != std::string_view::npos;
  CompareWords(has_escapes ? WithoutEscapes(inside) : inside);
}

void QuotedText::CompareString(std::string_view inside) {
  if (inside.size() < kShortBytesMin) return;
  if (inside.size() <= kShortBytesMax) CompareShort(inside);
  if (inside.size() >= kRunBytes) CompareRuns(inside);
  if (inside.find('\\') == std::string_view::npos) {
    return CompareWords(inside);
  }
  if (runs_.empty() && !words_.has_value()) return;
  const std::string said = WithoutEscapes(inside);
  CompareRuns(said);
  CompareWords(said);
}

void QuotedText::CompareShort(std::string_view inside) {
  std::string said;
  AppendUnescapedJson(inside, &said);
  const std::string_view text = said;
  if (text.size() < kShortBytesMin || text.find(' ') == std::string_view::npos)
    return;
  if (compared_.contains(said)) return;
  if (compared_.size() < kComparedMax) compared_.insert(said);
  for (size_t at = message_.find(text); at != std::string_view::npos;
       at = message_.find(text, at + text.size())) {
    MarkQuoted(at, at + text.size());
  }
}

void QuotedText::MarkQuoted(size_t begin, size_t end) {
  any_ = true;
  // Whole characters.
  while (begin > 0 && GoesOnCharacter(message_[begin])) --begin;
  while (end < message_.size() && GoesOnCharacter(message_[end])) ++end;
  for (size_t i = begin; i < end; ++i) quoted_[i] = true;
}

std::string QuotedText::Cut(absl::Span<const std::string_view> known,
                            std::string_view mark) const {
  if (!any_) return std::string(message_);
  std::vector<std::pair<size_t, size_t>> cuts;
  for (size_t at = 0; at < message_.size();) {
    if (!quoted_[at]) {
      ++at;
      continue;
    }
    size_t end = at;
    while (end < message_.size() && quoted_[end]) ++end;
    const std::string_view name =
        WithoutPunctuation(message_.substr(at, end - at));
    const bool is_known =
        std::any_of(known.begin(), known.end(), [&](std::string_view each) {
          return each.find(name) != std::string_view::npos;
        });
    if (!is_known && !cuts.empty() && at - cuts.back().second <= kGapBytesMax) {
      cuts.back().second = end;
    } else if (!is_known) {
      cuts.emplace_back(at, end);
    }
    at = end;
  }
  std::string left;
  size_t at = 0;
  for (const auto& [begin, end] : cuts) {
    left.append(message_.substr(at, begin - at)).append(mark);
    at = end;
  }
  left.append(message_.substr(at));
  return left;
}

}  // namespace gateway
