#include "clients/cli/file_chains.h"

namespace gateway {

ChainCheck::Finding FileChains::Add(std::string_view entry, bool is_database) {
  if (!is_database) FindChain(entry);
  Chain& chain = chains_[current_];
  ChainCheck::Finding finding = chain.check.Add(entry);
  if (const std::string& hash = chain.check.last_hash(); !hash.empty()) {
    chain.merkle.Add(hash);
    if (chain.first_hash.empty()) chain.first_hash = hash;
  }
  if (chain.check.entries() == 1) CheckBeginsOnce(&finding);
  if (finding.severity == ChainCheck::Severity::kWarn) {
    CheckWithoutHash(entry, is_database, &finding);
  }
  return finding;
}

void FileChains::Follow(std::string_view entry, bool is_database) {
  DispatchNoteCheck& notes = chains_[current_].notes;
  if (is_database) {
    notes.Add(entry);
  } else {
    notes.Count(entry);
  }
}

void FileChains::FindChain(std::string_view entry) {
  const std::string& last = chains_[current_].check.last_hash();
  if (last.empty() || entry.find(last) != std::string_view::npos) return;
  ReadEntryFacts(entry, &facts_).IgnoreError();
  if (facts_.entry_hash.empty()) return;
  if (facts_.previous_hash.empty()) {
    current_ = chains_.size();
    chains_.emplace_back();
    return;
  }
  for (size_t i = 0; i < chains_.size(); ++i) {
    if (chains_[i].check.last_hash() == facts_.previous_hash) current_ = i;
  }
}

// That the chain which has just begun is none that was there before.
void FileChains::CheckBeginsOnce(ChainCheck::Finding* finding) const {
  for (size_t i = 0; i < current_; ++i) {
    if (chains_[i].first_hash != chains_[current_].first_hash) continue;
    finding->severity = ChainCheck::Severity::kFail;
    finding->what = "is the first of a chain that was there before";
  }
}

// The gateway writes no entry without a hash, and an import takes none. Of the
// oldest versions' files each entry says what it is.
void FileChains::CheckWithoutHash(std::string_view entry, bool is_database,
                                  ChainCheck::Finding* finding) {
  ReadEntryFacts(entry, &facts_).IgnoreError();
  const bool is_entry = !facts_.id.empty() && !facts_.event_type.empty();
  if (is_entry && !is_database) return;
  finding->severity = ChainCheck::Severity::kFail;
  if (!is_entry) finding->what = "is no entry: it has no id and event_type";
}

int64_t FileChains::entries() const {
  int64_t entries = 0;
  for (const Chain& each : chains_) entries += each.check.entries();
  return entries;
}

int64_t FileChains::open_dispatches() const {
  int64_t open = 0;
  for (const Chain& each : chains_) open += each.notes.open_dispatches();
  return open;
}

std::string FileChains::merkle_root() const {
  if (chains_.size() == 1) return chains_.front().merkle.Root();
  std::vector<std::string> roots;
  for (const Chain& each : chains_) roots.push_back(each.merkle.Root());
  return MerkleRoot(roots);
}

}  // namespace gateway
