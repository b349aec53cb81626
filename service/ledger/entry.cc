#include "service/ledger/entry.h"

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "service/ledger/hash_text.h"
#include "service/ledger/metadata_writer.h"

namespace gateway {
namespace {

// The member that an entry's hash is in, with what stands behind it.
constexpr std::string_view kEntryHash = "\"entry_hash\": \"";
constexpr std::string_view kBehindHash = "\", ";

}  // namespace

std::string NewEntryId(Random& random) { return NewShortEntryId(random); }

ShortText NewShortEntryId(Random& random) {
  std::array<char, 20> id = {'L', 'E', 'D', '-'};
  random.FillHexId(id.data() + 4, 16);
  return ShortText({id.data(), id.size()});
}

UnchainedEntry::UnchainedEntry(const LedgerEntry& entry, std::string note,
                               std::shared_ptr<const BudgetChanges> changes)
    : note_(std::move(note)),
      changes_(std::move(changes)),
      is_of_budget_(entry.event_type.starts_with("BUDGET_")) {
  constexpr size_t kFrameBytes = 320;
  text_.reserve(entry.metadata.size() + entry.reason.size() +
                entry.submission_id.size() + kFrameBytes);
  // In the order of their names, in which `entry_hash` is the second one.
  MetadataWriter out(&text_);
  out.AddText("decision", entry.decision);
  hash_at_ = out.size() + std::string_view(", ").size();
  out.AddText("event_type", entry.event_type);
  out.AddText("id", entry.id);
  out.AddForm("metadata", entry.metadata);
  out.AddText("previous_hash", "");
  previous_at_ = out.size() - 1;
  {
    ListWriter prompts = out.List("prompts_used");
    for (const std::string& prompt : entry.prompts_used) {
      prompts.AddText(prompt);
    }
  }
  out.AddText("reason", entry.reason);
  out.AddText("submission_id", entry.submission_id);
  out.AddTime("timestamp", entry.time);
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
