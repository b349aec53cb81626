#include "service/ledger/ledger_check.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"

namespace gateway {
namespace {

absl::Status NoSuchEntry(int64_t entry) {
  return absl::NotFoundError(absl::StrCat("the ledger has no entry ", entry));
}

// Where a commit is; nothing if it is behind the last. One that is there and
// cannot be read has its number alone.
absl::StatusOr<std::optional<CommitPlace>> CommitPlaceOf(
    const CommitSource& log, int64_t number) {
  std::optional<CommitPlace> place;
  const absl::Status read = log.Read(number, [&](const LedgerCommit& commit) {
    place = {.number = commit.number,
             .first_entry = commit.first_entry,
             .entries = commit.entries};
    return absl::CancelledError("seen");
  });
  if (place.has_value() || read.ok()) return place;
  if (absl::IsDataLoss(read)) return CommitPlace{.number = number};
  return read;
}

// More commits than a ledger has.
constexpr int64_t kCommitsMax = int64_t{1} << 60;

// Finds the last commit for which `is_before` is true, by halving.
template <typename IsBefore>
absl::StatusOr<CommitPlace> FindLast(const CommitSource& log,
                                     IsBefore is_before) {
  // The last that is known to be before: what is in archives is before all.
  GATEWAY_ASSIGN_OR_RETURN(const LedgerEnd archived, log.Archived());
  CommitPlace last{.number = archived.commits,
                   .first_entry = archived.entries + 1};
  int64_t step = 1;
  bool grows = true;
  while (step > 0) {
    GATEWAY_ASSIGN_OR_RETURN(const std::optional<CommitPlace> place,
                             CommitPlaceOf(log, last.number + step));
    const bool is_found = place.has_value() && is_before(*place);
    if (is_found && last.number + step < kCommitsMax) {
      last = *place;
    } else {
      grows = false;
    }
    step = grows ? step * 2 : step / 2;
  }
  return last;
}

}  // namespace

absl::Status LedgerCheck::Break(int64_t entry, std::string id,
                                std::string problem) {
  broken_entry_ = entry;
  broken_id_ = std::move(id);
  problem_ = std::move(problem);
  return absl::AbortedError(problem_);
}

absl::Status LedgerCheck::Add(const LedgerCommit& commit) {
  const bool is_first = std::exchange(last_commit_, commit.number) == 0;
  // The first one may have entries that are passed over.
  const bool follows = is_first && after_entry_ > 0
                           ? commit.first_entry <= last_entry_ + 1
                           : commit.first_entry == last_entry_ + 1;
  if (!follows) {
    return Break(last_entry_ + 1, {},
                 absl::StrCat("is not there: the commit ", commit.number,
                              " begins with the entry ", commit.first_entry));
  }
  // Of one whose first entries are passed over it is not known which notes are
  // theirs.
  const bool is_whole = !is_first || commit.first_entry == last_entry_ + 1;
  int64_t number = commit.first_entry;
  absl::Status status;
  ForEachEntry(commit.texts, [&](std::string_view entry) {
    const int64_t each = number++;
    if (each <= last_entry_ || !status.ok()) return;
    ChainCheck::Finding finding = chain_.Add(entry);
    // The gateway writes no entry without a hash, and an import takes none.
    if (finding.severity != ChainCheck::Severity::kOk) {
      status =
          Break(each, std::move(finding.entry_id), std::move(finding.what));
      return;
    }
    merkle_.Add(chain_.last_hash());
    if (is_whole) {
      notes_.Add(entry);
    } else {
      notes_.Count(entry);
    }
    last_entry_ = each;
    bytes_ += entry.size() + 1;
  });
  GATEWAY_RETURN_IF_ERROR(status);
  if (number != commit.first_entry + commit.entries) {
    return Break(number, {},
                 absl::StrCat("is not there: the commit ", commit.number,
                              " has ", number - commit.first_entry,
                              " entries and says ", commit.entries));
  }
  // What is taken for granted is not compared with.
  const bool is_checked =
      last_entry_ >= commit.first_entry && last_entry_ > after_entry_;
  if (is_checked && commit.last_hash.has_value() &&
      *commit.last_hash != last_hash()) {
    return Break(last_entry_, {},
                 absl::StrCat("has the hash ", last_hash(), ", and the commit ",
                              commit.number, " says that it ends with ",
                              ToAbsl(*commit.last_hash),
                              ": what is said of it was altered"));
  }
  return is_whole ? CheckNotes(commit) : absl::OkStatus();
}

absl::Status LedgerCheck::CheckNotes(const LedgerCommit& commit) {
  std::optional<DispatchNoteCheck::Fault> fault =
      notes_.EndCommit(commit.notes);
  if (!fault.has_value()) return absl::OkStatus();
  return Break(commit.first_entry + static_cast<int64_t>(fault->place),
               std::move(fault->id), std::move(fault->what));
}

void LedgerCheck::End() {
  if (!valid() || notes_.lacking().empty()) return;
  Break(last_entry_, {},
        absl::StrCat("is the last one, and the dispatch ",
                     *notes_.lacking().begin(),
                     " has neither an exchange nor a note beside it: the note "
                     "was removed"))
      .IgnoreError();
}

bool LedgerCheck::AddFailure(const absl::Status& read) {
  if (!absl::IsDataLoss(read)) return false;
  Break(last_entry_ + 1, {}, absl::StrCat("cannot be read: ", read.message()))
      .IgnoreError();
  return true;
}

absl::StatusOr<CommitPlace> LastCommitOf(const CommitSource& log) {
  return FindLast(log, [](const CommitPlace&) { return true; });
}

absl::StatusOr<CommitPlace> CommitOfEntry(const CommitSource& log,
                                          int64_t entry) {
  GATEWAY_ASSIGN_OR_RETURN(const LedgerEnd archived, log.Archived());
  if (entry >= 1 && entry <= archived.entries) {
    return absl::FailedPreconditionError(
        absl::StrCat("the entry ", entry,
                     " is in an archive, as are all up to ", archived.entries));
  }
  GATEWAY_ASSIGN_OR_RETURN(const CommitPlace place,
                           FindLast(log, [&](const CommitPlace& each) {
                             return each.first_entry <= entry;
                           }));
  if (place.number == 0 || entry < 1 || entry > place.last_entry()) {
    return NoSuchEntry(entry);
  }
  return place;
}

absl::StatusOr<std::string> EntryText(const CommitSource& log, int64_t entry) {
  GATEWAY_ASSIGN_OR_RETURN(const CommitPlace place, CommitOfEntry(log, entry));
  std::optional<std::string> found;
  const absl::Status read =
      log.Read(place.number, [&](const LedgerCommit& commit) {
        int64_t number = commit.first_entry;
        ForEachEntry(commit.texts, [&](std::string_view text) {
          if (number++ == entry) found = std::string(text);
        });
        return absl::CancelledError("seen");
      });
  if (found.has_value()) return *std::move(found);
  return read.ok() || absl::IsCancelled(read) ? NoSuchEntry(entry) : read;
}

}  // namespace gateway
