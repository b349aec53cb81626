#include "service/ledger/entry.h"

#include <array>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "service/ledger/hash_text.h"
#include "service/ledger/metadata_writer.h"
#include "service/ledger/python_json.h"

namespace gateway {
namespace {

// The names of an entry's members, in their order.
constexpr std::string_view kDecision = "{\"decision\": ";
constexpr std::string_view kEntryHash = "\"entry_hash\": \"";
constexpr std::string_view kBehindHash = "\", ";
constexpr std::string_view kEventType = "\"event_type\": ";
constexpr std::string_view kId = ", \"id\": ";
constexpr std::string_view kMetadata = ", \"metadata\": ";
constexpr std::string_view kPreviousHash = ", \"previous_hash\": \"";
constexpr std::string_view kPromptsUsed = "\", \"prompts_used\": [";
constexpr std::string_view kReason = "], \"reason\": ";
constexpr std::string_view kSubmissionId = ", \"submission_id\": ";
constexpr std::string_view kTimestamp = ", \"timestamp\": \"";

void AppendMember(std::string_view name, std::string_view text,
                  std::string* out) {
  out->append(name);
  AppendLedgerString(text, out);
}

}  // namespace

std::string NewEntryId(Random& random) { return NewShortEntryId(random); }

ShortText NewShortEntryId(Random& random) {
  std::array<char, 20> id = {'L', 'E', 'D', '-'};
  random.FillHexId(id.data() + 4, 16);
  return ShortText({id.data(), id.size()});
}

UnchainedEntry::UnchainedEntry(const LedgerEntry& entry, std::string note)
    : note_(std::move(note)) {
  constexpr size_t kFrameBytes = 320;
  text_.reserve(entry.metadata.size() + entry.reason.size() +
                entry.submission_id.size() + kFrameBytes);
  AppendMember(kDecision, entry.decision, &text_);
  text_.append(", ");
  hash_at_ = text_.size();
  AppendMember(kEventType, entry.event_type, &text_);
  AppendMember(kId, entry.id, &text_);
  text_.append(kMetadata);
  text_.append(entry.metadata);
  text_.append(kPreviousHash);
  previous_at_ = text_.size();
  text_.append(kPromptsUsed);
  for (const std::string& prompt : entry.prompts_used) {
    if (&prompt != &entry.prompts_used.front()) text_.append(", ");
    AppendPythonString(prompt, &text_);
  }
  AppendMember(kReason, entry.reason, &text_);
  AppendMember(kSubmissionId, entry.submission_id, &text_);
  text_.append(kTimestamp);
  AppendLedgerTime(entry.time, &text_);
  text_.append("\"}");
}

void UnchainedEntry::AppendChained(std::string* hash, std::string* text) const {
  const std::string_view own = text_;
  const size_t begin = text->size();
  text->append(own.substr(0, previous_at_));
  text->append(*hash);
  text->append(own.substr(previous_at_));
  *hash = HashText(std::string_view(*text).substr(begin));
  text->insert(begin + hash_at_,
               absl::StrCat(ToAbsl(kEntryHash), *hash, ToAbsl(kBehindHash)));
}

size_t UnchainedEntry::chained_bytes() const {
  return text_.size() + kEntryHash.size() + 2 * kHashTextBytes +
         kBehindHash.size();
}

}  // namespace gateway
