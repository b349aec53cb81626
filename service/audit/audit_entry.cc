#include "service/audit/audit_entry.h"

#include <cassert>
#include <utility>

#include "base/text/utf8.h"

namespace gateway {

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

}  // namespace gateway
