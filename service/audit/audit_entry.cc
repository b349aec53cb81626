#include "service/audit/audit_entry.h"

#include <cassert>
#include <cstddef>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/text/utf8.h"

namespace gateway {

// As long as it may be what StandFor adds.
constexpr size_t kStandsForBytes = 128;

static_assert(kAuditTexts * AuditTexts::kTextBytesMax <= UINT16_MAX);

void AuditTexts::Add(std::string_view text) {
  assert(added_ < kAuditTexts);
  bytes_.append(CutText(text, kTextBytesMax));
  ends_[added_++] = static_cast<uint16_t>(bytes_.size());
}

void AuditTexts::Replace(AuditText which, std::string_view text) {
  AuditTexts others;
  others.bytes_.reserve(bytes_.size() + text.size());
  for (size_t i = 0; i < kAuditTexts; ++i) {
    const auto each = static_cast<AuditText>(i);
    others.Add(each == which ? text : (*this)[each]);
  }
  *this = std::move(others);
}

void AuditBody::GiveUp(std::string_view why) {
  AuditBody none;
  none.is_kept = true;
  none.unavailable = std::string(why);
  std::swap(*this, none);
}

void AuditEntry::StandFor(int64_t others, bool caller_known) {
  entries = others;
  std::string message(texts[AuditText::kMessage].substr(
      0, AuditTexts::kTextBytesMax - kStandsForBytes));
  absl::StrAppend(&message, " (and ", others, " before it ",
                  caller_known ? "that cost their caller nothing"
                               : "of callers who are not known",
                  ", without an entry)");
  texts.Replace(AuditText::kMessage, message);
}

}  // namespace gateway
