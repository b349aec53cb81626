#include "service/ledger/ledger_walk.h"

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "service/ledger/entry_reader.h"
#include "service/ledger/hash_text.h"
#include "service/ledger/merkle.h"

namespace gateway {
namespace {

// What a step reads.
constexpr size_t kWalkStepBytes = size_t{16} << 20;
// What it costs to ask for commits, in bytes that might have been read.
constexpr size_t kAskingBytes = size_t{64} << 10;
constexpr size_t kJoinsHeld = 256;

// How a visitor ends what has read enough.
absl::Status EnoughRead() { return absl::CancelledError("enough"); }

}  // namespace

LedgerWalk::LedgerWalk(Options options) : options_(std::move(options)) {
  for (const Chain& chain : options_.chains)
    chains_.push_back({.chain = chain});
}

absl::Status LedgerWalk::Begin() {
  // Before the chains' ends, which then are behind what it has seen of them.
  if (options_.joins != nullptr) {
    GATEWAY_ASSIGN_OR_RETURN(last_join_, options_.joins->LastJoin());
    GATEWAY_ASSIGN_OR_RETURN(const std::string stray,
                             options_.joins->StrayChain());
    if (!stray.empty()) {
      Break(stray, 0, "",
            "has commits, and is not among the chains of the ledger: the chain "
            "was removed, or the commits were put in");
    }
  }
  for (Walked& walked : chains_) {
    const CommitSource& commits = *walked.chain.commits;
    GATEWAY_ASSIGN_OR_RETURN(walked.archived, commits.Archived());
    // Before the chain's end, which then is no less.
    absl::StatusOr<ChainEnds> ends = commits.Ends();
    if (absl::IsDataLoss(ends.status())) {
      // What can be read is what was there before.
      Break(walked.chain.name, 0, "", std::string(ends.status().message()));
      ends = ChainEnds();
    }
    GATEWAY_RETURN_IF_ERROR(ends.status());
    GATEWAY_ASSIGN_OR_RETURN(walked.end, LastCommitOf(commits));
    CompareEnds(walked, *ends);
    See(walked.archived.hash);
    walked.check =
        LedgerCheck(walked.archived.entries, walked.archived.hash);
    walked.next_commit = walked.archived.commits + 1;
    walked.entries_before = walked.archived.entries;
    if (options_.after_entry > 0) {
      GATEWAY_RETURN_IF_ERROR(BeginBehind(walked, options_.after_entry));
    }
    total_entries_ +=
        std::max<int64_t>(walked.end.last_entry() - options_.after_entry, 0);
  }
  return absl::OkStatus();
}

void LedgerWalk::CompareEnds(const Walked& walked, const ChainEnds& ends) {
  const LedgerEnd& stored = ends.stored;
  if (stored.commits > walked.end.number) {
    Break(walked.chain.name, 0, "",
          absl::StrCat("ends with commit ", walked.end.number,
                       ", as it says, and commit ", stored.commits,
                       " is there: some were put in behind its end, or the "
                       "end was set back"));
    return;
  }
  if (stored.commits != ends.said.commits || stored == ends.said) return;
  // Of one that is all in archives nothing is stored.
  if (stored.commits == 0) return;
  Break(walked.chain.name, stored.entries, "",
        absl::StrCat("is the last of the chain, and the chain says to end with "
                     "the entry ",
                     ends.said.entries, " and the hash ", ends.said.hash,
                     ": what it says was altered"));
}

absl::Status LedgerWalk::BeginBehind(Walked& walked, int64_t after_entry) {
  if (after_entry < walked.archived.entries) {
    return absl::OutOfRangeError(
        absl::StrCat("is in an archive, as are all up to the number ",
                     walked.archived.entries));
  }
  if (after_entry == walked.archived.entries) return absl::OkStatus();
  const CommitSource& commits = *walked.chain.commits;
  const absl::StatusOr<CommitPlace> place = CommitOfEntry(commits, after_entry);
  if (absl::IsNotFound(place.status())) {
    return absl::OutOfRangeError(absl::StrCat(
        "is behind the last entry, number ", walked.end.last_entry()));
  }
  GATEWAY_RETURN_IF_ERROR(place.status());
  GATEWAY_ASSIGN_OR_RETURN(const std::string text,
                           EntryText(commits, after_entry));
  EntryFacts facts;
  ReadEntryFacts(text, &facts).IgnoreError();
  walked.check = LedgerCheck(after_entry, facts.entry_hash);
  walked.next_commit = place->number;
  walked.entries_before = after_entry;
  return absl::OkStatus();
}

absl::Status LedgerWalk::Step() {
  bytes_left_ = kWalkStepBytes;
  GATEWAY_RETURN_IF_ERROR(StepJoins());
  if (has_join_ || checked_joins_ < last_join_) return absl::OkStatus();
  for (Walked& walked : chains_) {
    if (!valid()) break;
    GATEWAY_RETURN_IF_ERROR(Advance(walked, walked.end.number));
    if (!walked.is_done()) return absl::OkStatus();
    if (!valid()) break;
    walked.check.End();
    BreakAs(walked);
  }
  is_done_ = true;
  if (valid() && !options_.noted_hash.empty() && !has_noted_) {
    Break("", 0, "",
          absl::StrCat("nothing of what was read has the hash that was noted, ",
                       options_.noted_hash,
                       ": what was there then was removed or written anew",
                       options_.is_part ? ", or is of another chain" : "",
                       options_.after_entry > 0
                           ? ", or is before the first that was read"
                           : "",
                       archived_entries() > 0
                           ? ", or is in an archive, whose files were not read"
                           : ""));
  }
  return absl::OkStatus();
}

void LedgerWalk::See(const std::string& hash) {
  has_noted_ = has_noted_ || hash == options_.noted_hash;
}

absl::Status LedgerWalk::Advance(Walked& walked, int64_t last_commit) {
  if (walked.next_commit > last_commit || bytes_left_ == 0) {
    return absl::OkStatus();
  }
  bytes_left_ -= std::min(bytes_left_, kAskingBytes);
  const absl::Status read = walked.chain.commits->Read(
      walked.next_commit, [&](const LedgerCommit& commit) {
        if (commit.number > last_commit) return EnoughRead();
        walked.next_commit = commit.number + 1;
        GATEWAY_RETURN_IF_ERROR(walked.check.Add(commit));
        See(walked.check.last_hash());
        bytes_left_ -= std::min(bytes_left_, commit.texts.size());
        return bytes_left_ > 0 && commit.number < last_commit ? absl::OkStatus()
                                                              : EnoughRead();
      });
  const bool is_told = read.ok() || absl::IsCancelled(read) ||
                       absl::IsAborted(read) || walked.check.AddFailure(read);
  if (!is_told) return read;
  BreakAs(walked);
  return absl::OkStatus();
}

void LedgerWalk::BreakAs(const Walked& walked) {
  if (walked.check.valid()) return;
  Break(walked.chain.name, walked.check.broken_entry(),
        walked.check.broken_id(), walked.check.problem());
}

absl::Status LedgerWalk::LoadJoins() {
  const int64_t first = checked_joins_ + 1;
  const absl::Status read =
      options_.joins->ReadJoins(first, [&](const StoredJoin& join) {
        if (join.number > last_join_) return EnoughRead();
        joins_.push_back(join);
        return joins_.size() < kJoinsHeld ? absl::OkStatus() : EnoughRead();
      });
  if (!read.ok() && !absl::IsCancelled(read)) return read;
  if (joins_.empty() || joins_.front().number != first) {
    Break("", 0, "", absl::StrCat("the join ", first, " is not there"));
  }
  return absl::OkStatus();
}

absl::Status LedgerWalk::StepJoins() {
  while (valid() && bytes_left_ > 0 &&
         (has_join_ || checked_joins_ < last_join_)) {
    if (!has_join_) {
      if (joins_.empty()) {
        GATEWAY_RETURN_IF_ERROR(LoadJoins());
        if (!valid()) break;
      }
      if (!TakeJoin(joins_.front())) break;
      joins_.pop_front();
    }
    while (valid() && heads_compared_ < join_.heads.size()) {
      bool is_compared = false;
      GATEWAY_RETURN_IF_ERROR(
          CompareHead(join_.heads[heads_compared_], &is_compared));
      if (!is_compared) break;
      ++heads_compared_;
    }
    if (!valid() || heads_compared_ < join_.heads.size()) continue;
    has_join_ = false;
    ++checked_joins_;
  }
  // What is broken is all there is to tell.
  if (!valid()) {
    has_join_ = false;
    last_join_ = checked_joins_;
  }
  return absl::OkStatus();
}

bool LedgerWalk::TakeJoin(const StoredJoin& stored) {
  const int64_t number = checked_joins_ + 1;
  const auto fail = [&](std::string_view what) {
    Break("", 0, "",
          absl::StrCat("the join ", number, " ",
                       absl::string_view(what.data(), what.size())));
    return false;
  };
  if (stored.number != number) return fail("is not there");
  if (HashText(stored.text) != stored.hash) return fail("was altered");
  absl::StatusOr<LedgerJoin> join = ReadJoin(stored.text);
  if (!join.ok() || join->number != number) return fail("cannot be read");
  if (stored.time != absl::InfinitePast() && stored.time != join->time) {
    return fail("is kept with another time than it has: that was altered");
  }
  if (join->previous_hash != join_hash_) {
    return fail(
        "does not follow the one before: something between them was altered, "
        "left out or put in");
  }
  join_ = *std::move(join);
  join_hash_ = stored.hash;
  See(join_hash_);
  heads_compared_ = 0;
  has_join_ = true;
  return true;
}

LedgerWalk::Walked* LedgerWalk::FindChain(const std::string& name) {
  const auto found = std::find_if(
      chains_.begin(), chains_.end(),
      [&](const Walked& walked) { return walked.chain.name == name; });
  return found == chains_.end() ? nullptr : &*found;
}

absl::Status LedgerWalk::CompareHead(const ChainHead& head, bool* is_compared) {
  Walked* const walked = FindChain(head.chain);
  if (walked == nullptr) {
    *is_compared = options_.is_part;
    if (!options_.is_part) {
      Break(head.chain, 0, "",
            absl::StrCat("is not there, and the join ", join_.number,
                         " has seen ", head.end.entries, " entries of it"));
    }
    return absl::OkStatus();
  }
  if (head.end.commits > walked->end.number) {
    Break(head.chain, walked->end.last_entry() + 1, "",
          absl::StrCat("is not there, and the join ", join_.number,
                       " has seen ", head.end.entries, " entries"));
    return absl::OkStatus();
  }
  if (head.end.commits <= walked->archived.commits) {
    CompareArchived(*walked, head);
    *is_compared = valid();
    return absl::OkStatus();
  }
  // Before where it begins; or as it was at the join before.
  const bool is_before = head.end.commits < walked->next_commit - 1 ||
                         head.end.entries <= walked->entries_before;
  if (!is_before) {
    GATEWAY_RETURN_IF_ERROR(Advance(*walked, head.end.commits));
    if (!valid() || walked->next_commit <= head.end.commits) {
      return absl::OkStatus();
    }
    if (walked->check.last_hash() != head.end.hash ||
        walked->last_entry() != head.end.entries) {
      Break(head.chain, head.end.entries, "",
            absl::StrCat("is not what the join ", join_.number,
                         " has seen: all of the chain up to it was written "
                         "anew"));
      return absl::OkStatus();
    }
  } else if (options_.after_entry == 0) {
    Break(head.chain, head.end.entries, "",
          absl::StrCat("is before what a join had seen: the join ",
                       join_.number, " was put in"));
    return absl::OkStatus();
  }
  *is_compared = true;
  return absl::OkStatus();
}

void LedgerWalk::CompareArchived(const Walked& walked, const ChainHead& head) {
  const LedgerEnd& archived = walked.archived;
  // Of what is before its end the database has nothing to compare with.
  if (head.end.commits < archived.commits) {
    if (head.end.entries < archived.entries) return;
  } else if (head.end == archived) {
    return;
  }
  Break(head.chain, head.end.entries, "",
        absl::StrCat("is not what the join ", join_.number,
                     " has seen: the record of the archive that it is in was "
                     "altered"));
}

void LedgerWalk::Break(const std::string& chain, int64_t entry,
                       const std::string& id, const std::string& problem) {
  broken_chain_ = chain;
  broken_entry_ = entry;
  broken_id_ = id;
  problem_ = problem;
}

std::string LedgerWalk::DescribeProblem() const {
  const std::string chain =
      broken_chain_.empty() ? "" : absl::StrCat("chain ", broken_chain_, ": ");
  if (broken_entry_ == 0) return absl::StrCat(chain, problem_);
  return absl::StrCat(chain, "the entry ", broken_entry_,
                      broken_id_.empty() ? "" : ", ", broken_id_, " ",
                      problem_);
}

int64_t LedgerWalk::checked_entries() const {
  int64_t entries = 0;
  for (const Walked& walked : chains_) {
    entries += walked.check.checked_entries();
  }
  return entries + archived_entries();
}

int64_t LedgerWalk::archived_entries() const {
  // Behind an entry nothing of what is before it is checked.
  if (options_.after_entry > 0) return 0;
  int64_t entries = 0;
  for (const Walked& walked : chains_) entries += walked.archived.entries;
  return entries;
}

int64_t LedgerWalk::open_dispatches() const {
  int64_t open = 0;
  for (const Walked& walked : chains_) open += walked.check.open_dispatches();
  return open;
}

int32_t LedgerWalk::checked_chains() const {
  return static_cast<int32_t>(
      std::count_if(chains_.begin(), chains_.end(), [](const Walked& walked) {
        return walked.is_done() && walked.check.valid();
      }));
}

std::string LedgerWalk::last_hash() const {
  return chains_.size() == 1 ? chains_.front().check.last_hash() : join_hash_;
}

std::string LedgerWalk::merkle_root() const {
  if (chains_.size() == 1) return chains_.front().check.merkle_root();
  std::vector<std::string> roots;
  roots.reserve(chains_.size());
  for (const Walked& walked : chains_) {
    // Of a chain that was begun and has nothing yet there is none.
    std::string root = walked.check.merkle_root();
    if (!root.empty()) roots.push_back(std::move(root));
  }
  return MerkleRoot(roots);
}

}  // namespace gateway
