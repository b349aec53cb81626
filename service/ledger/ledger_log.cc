#include "service/ledger/ledger_log.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/os/logging.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "service/ledger/hash_text.h"
#include "service/ledger/ledger_check.h"
#include "service/ledger/sqlite_commit_store.h"

namespace gateway {
namespace {

// So many commits are read to find what was open before a checkpoint.
constexpr int64_t kCommitsInALook = 1024;

// Returns what is wrong with a commit by itself; empty if nothing is.
std::string FaultOf(std::string_view texts, int64_t entries,
                    std::string_view last_hash) {
  ChainCheck check;
  int64_t found = 0;
  std::string fault;
  ForEachEntry(texts, [&](std::string_view entry) {
    const ChainCheck::Finding finding = check.Add(entry);
    // What the first one follows is in the commit before.
    const bool is_first = found++ == 0;
    const bool is_well =
        is_first || finding.severity == ChainCheck::Severity::kOk;
    if (is_well || !fault.empty()) return;
    fault = absl::StrCat("has the entry ", finding.entry_id, ", which ",
                         finding.what);
  });
  if (!fault.empty()) return fault;
  if (found != entries) {
    return absl::StrCat("has ", found, " entries and says ", entries);
  }
  if (check.last_hash() != last_hash) return "does not end in the hash it says";
  return {};
}

// Where the chain ends with this commit.
LedgerEnd EndOf(const LastCommit& last) {
  if (last.number == 0) return {};
  return {.commits = last.number,
          .entries = last.first_entry + last.entries - 1,
          .hash = last.hash};
}

}  // namespace

absl::Status LedgerLog::Damaged(std::string_view commit,
                                std::string_view what) const {
  return absl::DataLossError(absl::StrCat(store_->name(), ": ", ToAbsl(commit),
                                          " ", ToAbsl(what), "; ",
                                          ToAbsl(store_->remedy())));
}

absl::Status LedgerLog::AsDamage(const absl::Status& followed) const {
  if (!absl::IsDataLoss(followed)) return followed;
  return Damaged("the ledger:", ToStd(followed.message()));
}

absl::StatusOr<std::unique_ptr<LedgerLog>> LedgerLog::Open(
    const Options& options) {
  GATEWAY_ASSIGN_OR_RETURN(
      std::unique_ptr<CommitStore> store,
      SqliteCommitStore::Open({.path = options.path,
                               .sync = options.sync,
                               .file_bytes_limit = options.file_bytes_limit,
                               .busy_timeout = options.busy_timeout}));
  return Open(std::move(store),
              {.state = options.state,
               .checkpoint_entries = options.checkpoint_entries});
}

absl::StatusOr<std::unique_ptr<LedgerLog>> LedgerLog::Open(
    std::unique_ptr<CommitStore> store, const Following& following) {
  std::unique_ptr<LedgerLog> log(new LedgerLog(std::move(store), following));
  GATEWAY_RETURN_IF_ERROR(log->FollowFromCheckpoint());
  return log;
}

absl::Status LedgerLog::FollowFromCheckpoint() {
  GATEWAY_ASSIGN_OR_RETURN(const LastCommit last, store_->Last());
  end_ = EndOf(last);
  if (last.number > 0 && !last.is_archived) {
    const std::string fault = FaultOf(last.texts, last.entries, last.hash);
    if (!fault.empty()) {
      return Damaged(
          absl::StrCat("the ledger's last commit, number ", end_.commits, ","),
          fault);
    }
  }
  GATEWAY_ASSIGN_OR_RETURN(const LedgerCheckpoint from,
                           store_->LoadCheckpoint());
  if (from.end.commits > end_.commits) {
    return Damaged(absl::StrCat("the ledger ends with commit ", end_.commits),
                   absl::StrCat("and had ", from.end.commits,
                                " of them at its last checkpoint"));
  }
  entries_at_checkpoint_ = from.end.entries;
  GATEWAY_RETURN_IF_ERROR(AsDamage(followed_.Restore(from)));
  ChainCheck check(from.end.hash);
  DispatchNoteCheck notes(followed_.open_dispatches());
  std::set<std::string> open = followed_.open_dispatches().ids();
  GATEWAY_RETURN_IF_ERROR(
      Read(from.end.commits + 1, [&](const LedgerCommit& commit) {
        return FollowCommit(commit, &check, &notes);
      }));
  if (!notes.lacking().empty()) {
    return Damaged("the ledger",
                   absl::StrCat("has no note beside the dispatch ",
                                *notes.lacking().begin(),
                                ", which has no exchange"));
  }
  std::erase_if(open, [&](const std::string& id) {
    return !followed_.open_dispatches().Has(id);
  });
  return CheckOpenBefore(from.end.commits, std::move(open));
}

absl::Status LedgerLog::FollowCommit(const LedgerCommit& commit,
                                     ChainCheck* check,
                                     DispatchNoteCheck* notes) {
  std::string fault;
  ForEachEntry(commit.texts, [&](std::string_view entry) {
    const ChainCheck::Finding finding = check->Add(entry);
    notes->Add(entry);
    if (finding.severity == ChainCheck::Severity::kOk || !fault.empty()) return;
    fault = absl::StrCat("has the entry ", finding.entry_id, ", which ",
                         finding.what);
  });
  const auto noted = notes->EndCommit(commit.notes);
  if (fault.empty() && noted.has_value()) {
    fault = absl::StrCat("has the entry ", noted->id, ", which ", noted->what);
  }
  if (!fault.empty()) {
    return Damaged(absl::StrCat("commit ", commit.number, " of the ledger"),
                   fault);
  }
  return AsDamage(followed_.Follow(commit.texts, commit.notes));
}

absl::Status LedgerLog::CheckOpenBefore(int64_t last_commit,
                                        std::set<std::string> ids) const {
  GATEWAY_ASSIGN_OR_RETURN(const LedgerEnd archived, store_->Archived());
  DispatchFacts facts;
  for (int64_t behind = last_commit + 1;
       !ids.empty() && behind > archived.commits + 1;) {
    const int64_t end = behind;
    behind = std::max(end - kCommitsInALook, archived.commits + 1);
    std::string altered;
    const auto look = [&](std::string_view entry) {
      ReadDispatchFacts(entry, &facts);
      if (facts.kind != DispatchFacts::Kind::kDispatch ||
          ids.erase(facts.id) == 0 || facts.note_hash.empty()) {
        return;
      }
      const std::string opening =
          followed_.open_dispatches().OpeningOf(facts.id);
      if (HashText(opening) != facts.note_hash) altered = facts.id;
    };
    const absl::Status read = Read(behind, [&](const LedgerCommit& commit) {
      if (commit.number >= end) return absl::CancelledError("enough");
      ForEachEntry(commit.texts, look);
      return absl::OkStatus();
    });
    if (!read.ok() && !absl::IsCancelled(read)) return AsDamage(read);
    if (!altered.empty()) {
      return Damaged("the checkpoint",
                     absl::StrCat("has another note of the dispatch ", altered,
                                  " than it was written with"));
    }
  }
  if (ids.empty() || archived.commits > 0) return absl::OkStatus();
  return Damaged("the checkpoint",
                 absl::StrCat("has the dispatch ", *ids.begin(),
                              ", which the ledger has not"));
}

void LedgerLog::EndAt(LedgerEnd end) {
  end_ = std::move(end);
  if (end_.entries - entries_at_checkpoint_ < checkpoint_entries_) return;
  // One that cannot be kept is tried again after as many entries: without it
  // the next start takes longer, and no more than that.
  KeepCheckpoint().IgnoreError();
  entries_at_checkpoint_ = end_.entries;
}

absl::Status LedgerLog::KeepCheckpoint() {
  return store_->KeepCheckpoint(followed_.At(end_));
}

absl::Status LedgerLog::Append(absl::Span<const UnchainedEntry* const> entries,
                               absl::Time time) {
  absl::Status status = AppendHere(entries, time);
  if (!absl::IsAborted(status)) return status;
  const absl::StatusOr<bool> there = MoveToAnotherChain();
  if (!there.ok()) return status;  // Settle goes on with it.
  return *there ? absl::OkStatus() : AppendHere(entries, time);
}

absl::Status LedgerLog::AppendHere(
    absl::Span<const UnchainedEntry* const> entries, absl::Time time) {
  assert(!entries.empty() && !attempted_.has_value());
  size_t bytes = 0;
  for (const UnchainedEntry* const entry : entries) {
    bytes += entry->chained_bytes() + 1;
  }
  Addition addition = {
      .end = {.commits = end_.commits + 1,
              .entries = end_.entries + static_cast<int64_t>(entries.size()),
              .hash = end_.hash}};
  addition.texts.reserve(bytes);
  for (const UnchainedEntry* const entry : entries) {
    entry->AppendChained(&addition.end.hash, &addition.texts);
    addition.texts.push_back('\n');
    addition.notes.append(entry->note());
  }
  absl::Status status = store_->Append(
      {.commit = {.number = addition.end.commits,
                  .first_entry = end_.entries + 1,
                  .entries = static_cast<int64_t>(entries.size()),
                  .time = time,
                  .texts = addition.texts,
                  .notes = addition.notes},
       .previous_hash = end_.hash,
       .last_hash = addition.end.hash});
  if (status.ok()) {
    // What was written here can be followed.
    followed_.Follow(entries).IgnoreError();
    EndAt(std::move(addition.end));
  } else {
    attempted_ = std::move(addition);
  }
  return status;
}

absl::StatusOr<bool> LedgerLog::Settle() {
  if (is_without_chain_) return MoveToAnotherChain();
  if (!attempted_.has_value() && !is_doubtful_) return false;
  const absl::StatusOr<LastCommit> last = store_->Last();
  if (absl::IsAborted(last.status())) return MoveToAnotherChain();
  GATEWAY_RETURN_IF_ERROR(last.status());
  const std::string fault =
      last->number == 0 || last->is_archived
          ? ""
          : FaultOf(last->texts, last->entries, last->hash);
  if (!fault.empty()) {
    return Damaged(
        absl::StrCat("the ledger's last commit, number ", last->number, ","),
        fault);
  }
  RecordCut(EndOf(*last));
  end_ = EndOf(*last);
  is_doubtful_ = false;
  if (!attempted_.has_value()) return false;
  Addition attempted = *std::exchange(attempted_, std::nullopt);
  const bool is_there = end_.hash == attempted.end.hash;
  if (is_there) {
    followed_.Follow(attempted.texts, attempted.notes).IgnoreError();
    EndAt(std::move(attempted.end));
  }
  return is_there;
}

absl::Status LedgerLog::KeepAlive() {
  const absl::Status kept = store_->KeepAlive();
  is_doubtful_ = is_doubtful_ || absl::IsDataLoss(kept);
  return absl::IsAborted(kept) ? MoveToAnotherChain().status() : kept;
}

void LedgerLog::RecordCut(const LedgerEnd& end) {
  if (end.commits >= end_.commits) return;
  const int64_t entries = end_.entries - std::max<int64_t>(end.entries, 0);
  Log(LogLevel::kError, "ledger",
      "The ledger has lost entries that were committed: a server has taken "
      "over that did not have them",
      {{"ledger", store_->name()},
       {"entries", entries},
       {"first", end_.entries - entries + 1},
       {"last", end_.entries},
       {"last_hash", end_.hash}});
  cut_ = Cut{.end = end_,
             .entries = entries + (cut_.has_value() ? cut_->entries : 0)};
}

absl::Status LedgerLog::LeaveChain() {
  GATEWAY_ASSIGN_OR_RETURN(const CommitPlace place, LastCommitOf(*store_));
  RecordCut({.commits = place.number, .entries = place.last_entry()});
  bool is_there = false;
  if (attempted_.has_value()) {
    GATEWAY_ASSIGN_OR_RETURN(is_there, IsThere(*attempted_));
  }
  GATEWAY_RETURN_IF_ERROR(store_->TakeAnotherChain());
  // The state is still that of the chain that was left, which has it.
  if (is_there) {
    followed_.Follow(attempted_->texts, attempted_->notes).IgnoreError();
  }
  was_there_ = is_there;
  return absl::OkStatus();
}

absl::StatusOr<bool> LedgerLog::MoveToAnotherChain() {
  is_without_chain_ = true;
  if (!was_there_.has_value()) {
    GATEWAY_RETURN_IF_ERROR(LeaveChain());
  } else if (is_next_unusable_) {
    GATEWAY_RETURN_IF_ERROR(store_->TakeAnotherChain());
  }
  // What was in the chain that was left is now for whoever has that.
  const absl::Status followed = FollowFromCheckpoint();
  is_next_unusable_ = absl::IsDataLoss(followed) ||
                      absl::IsInvalidArgument(followed) ||
                      absl::IsAborted(followed);
  // Nothing of it is this log's, which is to leave nothing there.
  if (is_next_unusable_) followed_.Restore({}).IgnoreError();
  GATEWAY_RETURN_IF_ERROR(followed);
  attempted_.reset();
  is_doubtful_ = false;
  is_without_chain_ = false;
  return *std::exchange(was_there_, std::nullopt);
}

absl::StatusOr<bool> LedgerLog::IsThere(const Addition& attempted) const {
  bool is_there = false;
  const absl::Status read =
      Read(attempted.end.commits, [&](const LedgerCommit& commit) {
        is_there = commit.texts == attempted.texts;
        return absl::CancelledError("seen");
      });
  if (!read.ok() && !absl::IsCancelled(read)) return read;
  return is_there;
}

}  // namespace gateway
