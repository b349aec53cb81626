#include "service/ledger/ledger_index.h"

#include <unistd.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/os/logging.h"
#include "base/status_macros.h"
#include "service/ledger/stored_segment.h"

namespace gateway {
namespace {

// A search reads so many segments before others have their turn, ...
constexpr size_t kSegmentsInAStep = 16;
// ... more where it reads a bucket of each, ...
constexpr size_t kBucketsInAStep = 256;
// ... and so many steps for one page.
constexpr size_t kStepsInAPage = 16;
// For an index that is being opened.
constexpr absl::Duration kOpeningMax = absl::Seconds(10);
// One of so many passes that find nothing new looks whether what was taken
// last is still there: several seconds.
constexpr int kPassesBetweenLooks = 16;

absl::Status NotOfThisLedger() {
  return absl::DataLossError("it is not of this ledger");
}

absl::Status BeingMade() {
  return absl::UnavailableError(
      "the index of the ledger is being made anew; try again in a moment");
}

// The number of a commit's entry, by its hash; 0 if there is none.
int64_t EntryNumberOf(const LedgerCommit& commit, std::string_view hash) {
  int64_t found = 0;
  int64_t each = commit.first_entry;
  EntryFacts facts;
  ForEachEntry(commit.texts, [&](std::string_view entry) {
    ReadEntryFacts(entry, &facts).IgnoreError();
    if (facts.entry_hash == hash) found = each;
    ++each;
  });
  return found;
}

}  // namespace

// Has the file stay open.
class LedgerIndex::Reading {
 public:
  explicit Reading(LedgerIndex& index) : index_(index) {
    MutexLock lock(index_.mu_);
    while (index_.database_ == nullptr && index_.status_.ok() &&
           !index_.ends_) {
      if (!index_.changed_.WaitFor(lock, kOpeningMax)) break;
    }
    if (index_.database_ == nullptr) {
      status_ = index_.status_.ok()
                    ? BeingMade()
                    : absl::UnavailableError(index_.status_.message());
      return;
    }
    database_ = index_.database_.get();
    ++index_.readers_;
  }
  ~Reading() {
    if (database_ == nullptr) return;
    MutexLock lock(index_.mu_);
    if (--index_.readers_ == 0 && index_.database_ == nullptr) {
      index_.changed_.NotifyAll();
    }
  }
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;

  const absl::Status& status() const { return status_; }
  SqliteDatabase& database() { return *database_; }

 private:
  LedgerIndex& index_;
  SqliteDatabase* database_ = nullptr;
  absl::Status status_;
};

LedgerIndex::LedgerIndex(const CommitSource& log, const Options& options)
    : log_(log),
      options_(options),
      path_(absl::StrCat(options.ledger_path, ".index")),
      tail_(std::make_unique<GrowingSegment>(options.segment_entries)),
      thread_("ledger_index", [this] { Run(); }) {}

LedgerIndex::~LedgerIndex() {
  {
    MutexLock lock(mu_);
    ends_ = true;
    changed_.NotifyAll();
  }
  thread_.Join();
}

LedgerIndex::State LedgerIndex::state() const {
  MutexLock lock(mu_);
  return {.indexed_entries = indexed_entries(), .status = status_};
}

int64_t LedgerIndex::indexed_entries() const {
  return before_ +
         static_cast<int64_t>(spans_.size() * options_.segment_entries +
                              tail_->size());
}

bool LedgerIndex::CatchUp(absl::Duration timeout) {
  MutexLock lock(mu_);
  const uint64_t pass = passes_begun_ + 1;
  is_hurried_ = true;
  changed_.NotifyAll();
  while (passes_ended_ < pass) {
    if (ends_ || !changed_.WaitFor(lock, timeout)) return false;
  }
  return status_.ok();
}

void LedgerIndex::Run() {
  while (true) {
    uint64_t pass = 0;
    {
      MutexLock lock(mu_);
      if (ends_) return;
      pass = ++passes_begun_;
      is_hurried_ = false;
    }
    const absl::Status status = Pass();
    Tell(status);
    MutexLock lock(mu_);
    status_ = status;
    passes_ended_ = pass;
    changed_.NotifyAll();
    if (!ends_ && !is_hurried_ && damage_.ok()) {
      changed_.WaitFor(lock, options_.interval);
    }
  }
}

absl::Status LedgerIndex::Pass() {
  absl::Status status;
  // Once more where it is to be made anew, since CatchUp waits for what there
  // is then.
  for (const bool again : {false, true}) {
    status = EnsureOpen();
    if (status.ok()) status = TakeCommits();
    MutexLock lock(mu_);
    if (again || damage_.ok() || ends_) break;
  }
  return status;
}

void LedgerIndex::Tell(const absl::Status& status) {
  if (absl::IsCancelled(status) || status == told_) return;
  if (!status.ok()) {
    Log(LogLevel::kError, "ledger",
        "the ledger's index does not go on; new entries cannot be found",
        {{"file", path_}, {"error", status}});
  } else {
    Log(LogLevel::kInfo, "ledger", "the ledger's index goes on again",
        {{"file", path_}});
  }
  told_ = status;
}

absl::Status LedgerIndex::TakeCommits() {
  bool is_full = false;
  {
    MutexLock lock(mu_);
    is_full = tail_->is_full();
  }
  // What could not be written before.
  if (is_full) GATEWAY_RETURN_IF_ERROR(Flush());
  const int64_t before = next_commit_;
  const absl::Status read =
      log_.Read(next_commit_, [this](const LedgerCommit& commit) {
        {
          MutexLock lock(mu_);
          if (ends_ || !damage_.ok()) return absl::CancelledError("it ends");
        }
        return TakeEntries(commit);
      });
  if (absl::IsFailedPrecondition(read)) {
    // What was to come is in an archive, and so is all that it has.
    MutexLock lock(mu_);
    damage_ = read;
    return read;
  }
  if (next_commit_ != before) idle_passes_ = 0;
  const bool looks =
      absl::IsDataLoss(read) || (read.ok() && next_commit_ == before &&
                                 idle_passes_++ % kPassesBetweenLooks == 0);
  if (!looks) return read;
  const absl::Status end = CheckEnd();
  if (!absl::IsDataLoss(end)) return read;
  MutexLock lock(mu_);
  damage_ = end;
  return end;
}

absl::Status LedgerIndex::CheckEnd() {
  if (last_hash_.empty()) return absl::OkStatus();
  int64_t number = 0;
  const absl::Status visited =
      log_.Read(last_commit_, [&](const LedgerCommit& commit) {
        number = EntryNumberOf(commit, last_hash_);
        return absl::CancelledError("seen");
      });
  const bool is_known =
      visited.ok() || absl::IsCancelled(visited) || absl::IsDataLoss(visited);
  if (!is_known) return visited;
  MutexLock lock(mu_);
  return number == indexed_entries() ? absl::OkStatus() : NotOfThisLedger();
}

absl::Status LedgerIndex::TakeEntries(const LedgerCommit& commit) {
  int64_t taken = 0;
  {
    MutexLock lock(mu_);
    taken = indexed_entries();
  }
  if (commit.first_entry > taken + 1) {
    return absl::DataLossError(absl::StrCat(
        "the ledger's commit ", commit.number, " begins with the entry ",
        commit.first_entry, ", and ", taken + 1, " was to come"));
  }
  const int64_t had = taken;
  int64_t number = commit.first_entry;
  absl::Status status;
  ForEachEntry(commit.texts, [&](std::string_view entry) {
    if (number++ <= had || !status.ok()) return;
    // Of what is no entry there is at least a place.
    ReadEntryFacts(entry, &facts_).IgnoreError();
    if (!last_hash_.empty() && !facts_.previous_hash.empty() &&
        facts_.previous_hash != last_hash_ && stray_commit_ != commit.number) {
      stray_commit_ = commit.number;
      status = absl::DataLossError(absl::StrCat(
          "the ledger's entry ", taken + 1, " does not follow the one before"));
      return;
    }
    ++taken;
    last_hash_ = facts_.entry_hash;
    last_commit_ = commit.number;
    const EntryDigest digest = digester_.Digest(facts_);
    bool is_full = false;
    {
      MutexLock lock(mu_);
      tail_->Add(digest, commit.number);
      is_full = tail_->is_full();
    }
    if (is_full) status = Flush();
  });
  if (status.ok()) next_commit_ = commit.number + 1;
  return status;
}

absl::Status LedgerIndex::Flush() {
  StoredSegment::Pieces pieces;
  SqliteDatabase* database = nullptr;
  {
    // Nobody but this thread changes either.
    MutexLock lock(mu_);
    pieces = StoredSegment::PiecesOf(static_cast<int64_t>(spans_.size()),
                                     *tail_, last_hash_);
    database = database_.get();
  }
  auto write = [&](SqliteConnection& db) {
    return StoredSegment::Write(db, pieces);
  };
  GATEWAY_RETURN_IF_ERROR(database->WriteBlocking(pieces.bytes(), write));
  MutexLock lock(mu_);
  spans_.push_back(tail_->times());
  tail_->Clear();
  return absl::OkStatus();
}

absl::Status LedgerIndex::EnsureOpen() {
  absl::Status damage;
  std::unique_ptr<SqliteDatabase> damaged;
  {
    MutexLock lock(mu_);
    if (database_ != nullptr && damage_.ok()) return absl::OkStatus();
    damage = damage_;
    damaged = std::move(database_);
    while (readers_ > 0) changed_.Wait(lock);
  }
  if (damaged != nullptr) {
    damaged.reset();
    ThrowAway(damage);
  }
  const absl::Status status = Open();
  if (!absl::IsDataLoss(status)) return status;
  ThrowAway(status);
  return Open();
}

void LedgerIndex::ThrowAway(const absl::Status& why) {
  Log(LogLevel::kWarn, "ledger", "the ledger's index is made anew",
      {{"file", path_}, {"why", why}});
  for (const char* const ending : {"", "-wal", "-shm"}) {
    unlink(absl::StrCat(path_, ending).c_str());
  }
  MutexLock lock(mu_);
  damage_ = absl::OkStatus();
  spans_.clear();
  before_ = 0;
  tail_->Clear();
  next_commit_ = 1;
  last_hash_.clear();
  stray_commit_ = 0;
}

absl::Status LedgerIndex::Open() {
  GATEWAY_ASSIGN_OR_RETURN(
      std::unique_ptr<SqliteDatabase> database,
      SqliteDatabase::Open({.path = path_,
                            .schema = StoredSegment::Schema(),
                            .sync = SqliteSync::kNormal,
                            .thread_name = "ledger_index",
                            // Each piece is checked when it is read.
                            .check_integrity = false}));
  GATEWAY_RETURN_IF_ERROR(Continue(*database));
  MutexLock lock(mu_);
  database_ = std::move(database);
  changed_.NotifyAll();
  return absl::OkStatus();
}

absl::Status LedgerIndex::Continue(SqliteDatabase& database) {
  auto read = [this](SqliteConnection& db) {
    return StoredSegment::ReadEnd(db, options_.segment_entries);
  };
  GATEWAY_ASSIGN_OR_RETURN(StoredSegment::End end,
                           database.ReadBlocking(0, read));
  GATEWAY_ASSIGN_OR_RETURN(const LedgerEnd archived, log_.Archived());
  if (end.spans.empty()) {
    next_commit_ = archived.commits + 1;
    last_hash_ = archived.hash;
    MutexLock lock(mu_);
    before_ = archived.entries;
    return absl::OkStatus();
  }
  if (end.last_commit <= archived.commits) return NotOfThisLedger();
  const auto entries =
      static_cast<int64_t>(end.spans.size() * options_.segment_entries);
  int64_t last = 0;
  bool is_last = false;
  const absl::Status visited =
      log_.Read(end.last_commit, [&](const LedgerCommit& commit) {
        if (!end.last_hash.empty()) last = EntryNumberOf(commit, end.last_hash);
        is_last = commit.first_entry + commit.entries == last + 1;
        return absl::CancelledError("seen");
      });
  if (!visited.ok() && !absl::IsCancelled(visited)) return visited;
  // Where it was begun behind an archive, there are others before.
  if (last < entries) return NotOfThisLedger();
  next_commit_ = end.last_commit + (is_last ? 1 : 0);
  last_commit_ = end.last_commit;
  last_hash_ = end.last_hash;
  MutexLock lock(mu_);
  before_ = last - entries;
  spans_ = std::move(end.spans);
  return absl::OkStatus();
}

int64_t LedgerIndex::Search::wanted(const Page& page) const {
  // One more than fits tells whether there is more.
  return query.limit + 1 - static_cast<int64_t>(page.entries.size());
}

absl::StatusOr<LedgerIndex::Page> LedgerIndex::Find(const Query& query) {
  Reading reading(*this);
  GATEWAY_RETURN_IF_ERROR(reading.status());
  Search search{.query = query, .terms = TermsOf(query.filter)};
  GATEWAY_ASSIGN_OR_RETURN(const LedgerEnd archived, log_.Archived());
  {
    MutexLock lock(mu_);
    search.first = std::max(before_, archived.entries) + 1;
    search.last = indexed_entries();
  }
  search.position = query.from;
  if (query.newest_first &&
      (search.position == 0 || search.position > search.last)) {
    search.position = search.last;
  } else if (!query.newest_first) {
    search.position = std::max(search.position, search.first);
  }
  Page page{.indexed_entries = search.last};
  for (size_t steps = 0; !search.is_over() && page.next == 0; ++steps) {
    if (steps == kStepsInAPage) {
      page.next = search.position;
      break;
    }
    const absl::StatusOr<std::vector<Candidate>> found =
        Step(search, page, reading.database());
    if (absl::IsDataLoss(found.status())) {
      MutexLock lock(mu_);
      damage_ = found.status();
      changed_.NotifyAll();
      return BeingMade();
    }
    GATEWAY_RETURN_IF_ERROR(found.status());
    GATEWAY_RETURN_IF_ERROR(ReadEntries(*found, search, &page));
  }
  return page;
}

absl::StatusOr<std::vector<LedgerIndex::Candidate>> LedgerIndex::Step(
    Search& search, const Page& page, SqliteDatabase& database) {
  const auto wanted = static_cast<size_t>(search.wanted(page));
  std::vector<TimeSpan> spans;
  int64_t before = 0;
  {
    MutexLock lock(mu_);
    before = before_;
    const auto stored =
        static_cast<int64_t>(spans_.size() * options_.segment_entries);
    if (search.position > before + stored) return StepInMemory(search, wanted);
    spans = spans_;
  }
  return StepInFile(search, wanted, before, spans, database);
}

absl::StatusOr<std::vector<LedgerIndex::Candidate>> LedgerIndex::StepInMemory(
    Search& search, size_t wanted) {
  std::vector<Candidate> found;
  GATEWAY_RETURN_IF_ERROR(search.Look(
      *tail_,
      before_ + static_cast<int64_t>(spans_.size() * options_.segment_entries),
      tail_->size(), wanted,
      [&]() -> absl::StatusOr<CommitStarts> { return tail_->commits(); },
      &found));
  return found;
}

absl::StatusOr<std::vector<LedgerIndex::Candidate>> LedgerIndex::StepInFile(
    Search& search, size_t wanted, int64_t before,
    const std::vector<TimeSpan>& spans, SqliteDatabase& database) {
  const size_t entries = options_.segment_entries;
  const size_t segments_max =
      search.terms.has_postings() ? kBucketsInAStep : kSegmentsInAStep;
  std::vector<Candidate> found;
  auto look = [&](SqliteConnection& db) -> absl::Status {
    size_t segments = 0;
    while (!search.is_over() && found.size() < wanted &&
           segments < segments_max) {
      const size_t number =
          static_cast<size_t>(search.position - before - 1) / entries;
      if (number >= spans.size()) break;
      // What is of another time costs nothing.
      if (spans[number].Overlaps(search.terms)) ++segments;
      StoredSegment segment(db, static_cast<int64_t>(number), entries,
                            spans[number]);
      GATEWAY_RETURN_IF_ERROR(search.Look(
          segment, before + static_cast<int64_t>(number * entries), entries,
          wanted, [&] { return segment.Commits(); }, &found));
    }
    return absl::OkStatus();
  };
  GATEWAY_RETURN_IF_ERROR(database.ReadBlocking(0, look));
  return found;
}

absl::Status LedgerIndex::Search::Look(
    IndexSegment& segment, int64_t before, size_t size, size_t wanted,
    absl::FunctionRef<absl::StatusOr<CommitStarts>()> commits,
    std::vector<Candidate>* found) {
  const int64_t end = std::min(before + static_cast<int64_t>(size), last);
  const bool down = query.newest_first;
  const int64_t begin = down ? std::max(before + 1, first) : position;
  const auto from = static_cast<uint32_t>(begin - before - 1);
  const auto final =
      static_cast<uint32_t>((down ? position : end) - before - 1);
  GATEWAY_ASSIGN_OR_RETURN(std::vector<uint32_t> places,
                           FindInSegment(segment, terms, from, final));
  position = down ? before : end + 1;
  if (places.empty()) return absl::OkStatus();
  if (down) std::reverse(places.begin(), places.end());
  GATEWAY_ASSIGN_OR_RETURN(const CommitStarts starts, commits());
  for (const uint32_t place : places) {
    const int64_t number = before + place + 1;
    if (found->size() == wanted) {
      position = number;
      break;
    }
    found->push_back({.number = number, .commit = starts.CommitOf(place)});
  }
  return absl::OkStatus();
}

absl::Status LedgerIndex::ReadEntries(const std::vector<Candidate>& candidates,
                                      Search& search, Page* page) {
  auto next = candidates.begin();
  while (next != candidates.end() && page->next == 0) {
    const int64_t number = next->commit;
    const auto end = std::find_if(
        next, candidates.end(),
        [&](const Candidate& each) { return each.commit != number; });
    absl::Status taken = absl::DataLossError(
        absl::StrCat("the ledger's commit ", number, " is not there"));
    const absl::Status read =
        log_.Read(number, [&](const LedgerCommit& commit) {
          taken = search.Take(commit, {next, end}, page);
          return absl::CancelledError("seen");
        });
    if (!read.ok() && !absl::IsCancelled(read)) return read;
    GATEWAY_RETURN_IF_ERROR(taken);
    next = end;
  }
  return absl::OkStatus();
}

absl::Status LedgerIndex::Search::Take(const LedgerCommit& commit,
                                       const std::vector<Candidate>& candidates,
                                       Page* page) {
  std::vector<std::string_view> texts;
  ForEachEntry(commit.texts,
               [&](std::string_view entry) { texts.push_back(entry); });
  const bool takes_all = MatchesAll(query.filter);
  for (const Candidate& candidate : candidates) {
    const int64_t place = candidate.number - commit.first_entry;
    if (place < 0 || place >= static_cast<int64_t>(texts.size())) {
      return absl::DataLossError(
          absl::StrCat("the ledger's commit ", commit.number,
                       " does not have the entry ", candidate.number));
    }
    const std::string_view text = texts[static_cast<size_t>(place)];
    if (!takes_all) {
      ReadEntryFacts(text, &facts).IgnoreError();
      if (!Matches(query.filter, facts)) continue;
    }
    const bool is_full =
        static_cast<int64_t>(page->entries.size()) == query.limit ||
        (!page->entries.empty() && bytes + text.size() > query.bytes_limit);
    if (is_full) {
      page->next = candidate.number;
      return absl::OkStatus();
    }
    bytes += text.size();
    page->entries.push_back(
        {.number = candidate.number, .text = std::string(text)});
  }
  return absl::OkStatus();
}

}  // namespace gateway
