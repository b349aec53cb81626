#include "service/ledger/postgres_archive.h"

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "base/os/clock.h"
#include "base/os/random.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/ledger/archive_check.h"
#include "service/ledger/archive_file.h"
#include "service/ledger/hash_text.h"
#include "service/ledger/inclusion_proof.h"
#include "service/ledger/ledger_check.h"
#include "service/ledger/ledger_index.h"
#include "service/ledger/ledger_log.h"
#include "service/ledger/ledger_walk.h"
#include "service/ledger/postgres_commit_store.h"
#include "service/ledger/postgres_keeper.h"
#include "tests/service/ledger/generated_ledger.h"
#include "tests/service/store/temporary_folder.h"
#include "tests/testing/postgres_server.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr absl::Duration kArchiveMax = absl::Seconds(20);

// How many entries it was told, over all of its lives.
class CountingState final : public LedgerState {
 public:
  absl::Status Apply(std::string_view /*entry*/) override {
    ++entries_;
    return absl::OkStatus();
  }
  void Apply(const BudgetChanges& /*changes*/) override { ++entries_; }
  std::string Checkpoint() const override { return absl::StrCat(entries_); }
  absl::Status Restore(std::string_view checkpoint) override {
    entries_ = std::atoi(std::string(checkpoint).c_str());
    return absl::OkStatus();
  }

 private:
  int entries_ = 0;
};

absl::Time At(int month, int day) {
  return absl::FromCivil(absl::CivilDay(2026, month, day), absl::UTCTimeZone());
}

std::string TextOfFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

// Two chains, with entries of three months and joins between them. Each test
// has a schema of its own.
class PostgresArchiveTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { server_ = new PostgresServer(); }
  static void TearDownTestSuite() {
    delete server_;
    server_ = nullptr;
  }
  static std::string NextSchema() {
    static int tests = 0;
    return absl::StrCat("archive_", ++tests);
  }

  PostgresArchiveTest()
      : ledger_({.connection = {.conninfo = server_->conninfo()},
                 .schema = NextSchema(),
                 .timeout = kArchiveMax}),
        archive_(folder_.Path("archive")) {
    EXPECT_TRUE(ledger_.Prepare().ok());
    one_ = Start();
    two_ = Start();
    for (const int month : {7, 8, 9}) {
      Append(*one_, 4, At(month, 2));
      Append(*two_, 3, At(month, 3));
      Join();
      Append(*one_, 2, At(month, 20));
    }
  }

  std::string InSchema(const std::string& sql) const {
    return absl::StrCat("SET search_path TO ", ledger_.options().schema, "; ",
                        sql);
  }
  std::string Ask(const std::string& sql) const {
    return server_->Ask(InSchema(sql));
  }

  std::unique_ptr<LedgerLog> Start() {
    auto store =
        PostgresCommitStore::Claim(ledger_, SystemClock(), SystemRandom());
    EXPECT_TRUE(store.ok()) << store.status();
    auto log = LedgerLog::Open(*std::move(store), {.state = &state_});
    EXPECT_TRUE(log.ok()) << log.status();
    return *std::move(log);
  }
  // One commit for each call.
  void Append(LedgerLog& log, int64_t calls, absl::Time time) {
    for (int64_t i = 0; i < calls; ++i) {
      const int64_t call = next_call_++;
      const UnchainedEntry dispatch = DispatchOf(call);
      const UnchainedEntry exchange = ExchangeOf(call);
      const std::vector<const UnchainedEntry*> entries = {&dispatch, &exchange};
      const absl::Status appended = log.Append(entries, time);
      ASSERT_TRUE(appended.ok()) << appended;
    }
  }
  void Join() {
    const auto db = ledger_.Connect(kArchiveMax);
    ASSERT_TRUE(*JoinChains(**db, absl::ZeroDuration(), kArchiveMax));
  }

  ArchiveOptions Options(const std::string& before) {
    return {.before = before, .folder = archive_, .new_state = [] {
              return std::make_unique<CountingState>();
            }};
  }
  ArchivedMonths Archive(const std::string& before) {
    const auto archived = ArchiveMonths(ledger_, Options(before));
    EXPECT_TRUE(archived.ok()) << archived.status();
    return archived.ok() ? *archived : ArchivedMonths();
  }
  absl::Status FailToArchive(const std::string& before) {
    const auto archived = ArchiveMonths(ledger_, Options(before));
    EXPECT_FALSE(archived.ok());
    return archived.status();
  }
  // What verification says of all chains.
  LedgerWalk Walk() {
    sources_.clear();
    LedgerWalk::Options options = {.joins = &ledger_};
    const auto chains = ledger_.Chains();
    for (const PostgresChain& chain : *chains) {
      sources_.push_back(
          std::make_unique<PostgresCommitSource>(ledger_, chain.number));
      options.chains.push_back(
          {absl::StrCat(chain.number), sources_.back().get()});
    }
    LedgerWalk walk(std::move(options));
    EXPECT_TRUE(walk.Begin().ok());
    while (!walk.is_done()) EXPECT_TRUE(walk.Step().ok());
    return walk;
  }
  ArchivesChecked CheckFiles() {
    const auto checked = CheckArchives(archive_, *ledger_.Archives(), &ledger_);
    EXPECT_TRUE(checked.ok()) << checked.status();
    return *checked;
  }
  // That each of so many calls is there once, in a file or in the database.
  void ExpectAllThere(int64_t calls) {
    std::multiset<std::string> ids;
    EntryFacts facts;
    const auto add = [&](std::string_view entry) {
      ASSERT_TRUE(ReadEntryFacts(entry, &facts).ok());
      ids.insert(facts.id);
    };
    const auto pieces = ledger_.Archives();
    for (const ArchivedPiece& piece : *pieces) {
      EXPECT_TRUE(VisitPiece(archive_, piece, [&](int64_t, std::string_view e) {
                    add(e);
                  }).ok());
    }
    const auto chains = ledger_.Chains();
    for (const PostgresChain& chain : *chains) {
      EXPECT_TRUE(ledger_
                      .ReadCommits(chain.number,
                                   ledger_.Archived(chain.number)->commits + 1,
                                   [&](const LedgerCommit& commit) {
                                     ForEachEntry(commit.texts, add);
                                     return absl::OkStatus();
                                   })
                      .ok());
    }
    EXPECT_EQ(ids.size(), static_cast<size_t>(2 * calls));
    for (int64_t call = 0; call < calls; ++call) {
      EXPECT_EQ(ids.count(DispatchIdOf(call)), 1U) << call;
      EXPECT_EQ(ids.count(ExchangeIdOf(call)), 1U) << call;
    }
  }

  TemporaryFolder folder_;
  static PostgresServer* server_;
  PostgresLedger ledger_;
  const std::string archive_;
  CountingState state_;
  std::unique_ptr<LedgerLog> one_;
  std::unique_ptr<LedgerLog> two_;
  std::vector<std::unique_ptr<PostgresCommitSource>> sources_;
  int64_t next_call_ = 0;
};

PostgresServer* PostgresArchiveTest::server_ = nullptr;

TEST_F(PostgresArchiveTest, MonthsGoIntoFilesAndTheChainGoesOn) {
  const ArchivedMonths archived = Archive("2026-09");
  EXPECT_THAT(archived.partitions,
              ElementsAre("commits_2026_07", "commits_2026_08"));
  ASSERT_EQ(archived.pieces.size(), 4U);
  const ArchivedPiece& august = archived.pieces[1];
  EXPECT_EQ(august.file, "chain-1.2026-08.13-24.jsonl");
  EXPECT_EQ(august.hash_before, archived.pieces[0].last_hash);
  EXPECT_EQ(TextOfFile(absl::StrCat(archive_, "/", august.ManifestName())),
            ManifestText(august));
  EXPECT_EQ(HashText(TextOfFile(absl::StrCat(archive_, "/", august.file))),
            august.file_sha256);
  EXPECT_EQ(Ask("SELECT count(*) FROM commits"), "9");

  const LedgerWalk walk = Walk();
  EXPECT_TRUE(walk.valid()) << walk.DescribeProblem();
  EXPECT_EQ(walk.archived_entries(), 36);
  EXPECT_EQ(walk.checked_entries(), 54);
  EXPECT_EQ(walk.total_entries(), 54);
  EXPECT_EQ(walk.checked_joins(), 3);
  const ArchivesChecked checked = CheckFiles();
  EXPECT_EQ(checked.fault, "");
  EXPECT_EQ(checked.files, 4);
  EXPECT_EQ(checked.entries, 36);

  Append(*one_, 2, At(9, 21));
  Append(*two_, 2, At(10, 1));
  Join();
  EXPECT_TRUE(Walk().valid()) << Walk().DescribeProblem();
  ExpectAllThere(next_call_);
  EXPECT_TRUE(Archive("2026-09").pieces.empty()) << "there is nothing left";
  EXPECT_EQ(Archive("2026-10").pieces.size(), 2U);
  EXPECT_TRUE(Walk().valid()) << Walk().DescribeProblem();
  EXPECT_EQ(CheckFiles().files, 6);
  ExpectAllThere(next_call_);
}

TEST_F(PostgresArchiveTest, AStartNeedsNothingThatIsArchived) {
  for (int i = 0; i < 2; ++i) {
    const UnchainedEntry debit(LedgerEntry{.event_type = "BUDGET_DEBIT",
                                           .id = absl::StrCat("LED-debit-", i),
                                           .time = At(9, 28)});
    const std::vector<const UnchainedEntry*> entries = {&debit};
    ASSERT_TRUE(one_->Append(entries, At(9, 28)).ok());
  }
  Archive("2026-10");
  EXPECT_EQ(Ask("SELECT count(*) FROM commits"), "0");
  EXPECT_TRUE(Walk().valid()) << Walk().DescribeProblem();
  one_.reset();
  state_ = CountingState();
  one_ = Start();
  EXPECT_EQ(one_->end().entries, 38) << "of the chain 1";
  EXPECT_EQ(state_.Checkpoint(), "2") << "all of it is known";
  Append(*one_, 1, At(10, 2));
  EXPECT_TRUE(Walk().valid()) << Walk().DescribeProblem();
}

TEST_F(PostgresArchiveTest, ADispatchThatIsOpenStaysOpen) {
  const UnchainedEntry dispatch(
      LedgerEntry{.event_type = "DISPATCH", .id = "LED-open", .time = At(8, 3)},
      OpeningNote("LED-open", "LED-exchange", "PRC-1", "{}"));
  const std::vector<const UnchainedEntry*> entries = {&dispatch};
  // Of the chain 3.
  auto three = Start();
  ASSERT_TRUE(three->Append(entries, At(8, 3)).ok());
  Archive("2026-09");
  three.reset();
  three = Start();
  EXPECT_EQ(three->open_dispatches().all().count("LED-open"), 1U);
}

TEST_F(PostgresArchiveTest, KilledAtAnyStepItIsRunAgain) {
  // All that a run tells, in its order.
  std::vector<std::string> steps;
  ArchiveOptions options = Options("2026-08");
  options.on_step = [&](std::string_view step) { steps.emplace_back(step); };
  ASSERT_TRUE(ArchiveMonths(ledger_, options).ok());
  ASSERT_GE(steps.size(), 9U);
  int kills = 0;
  for (const bool drops : {false, true}) {
    for (size_t at = 0; at < steps.size(); ++at) {
      // Only the last one has done it.
      if ((steps[at] == "committed") != drops) continue;
      size_t told = 0;
      ArchiveOptions killed = Options("2026-09");
      killed.on_step = [&](std::string_view) {
        if (told++ == at) raise(SIGKILL);
      };
      EXPECT_EXIT(ArchiveMonths(PostgresLedger(ledger_.options()), killed)
                      .IgnoreError(),
                  testing::KilledBySignal(SIGKILL), "")
          << steps[at];
      ++kills;
      // What it had locked goes with its session.
      server_->AskUntil(
          InSchema("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' "
                   "AND classid = 'archives'::regclass::oid"),
          "0");
      EXPECT_TRUE(Walk().valid()) << steps[at] << Walk().DescribeProblem();
      EXPECT_EQ(CheckFiles().fault, "") << steps[at];
      EXPECT_EQ(ledger_.Archives()->size(), drops ? 4U : 2U) << steps[at];
      ExpectAllThere(next_call_);
      Append(*one_, 1, At(9, 22));
    }
  }
  EXPECT_EQ(kills, static_cast<int>(steps.size()));
  EXPECT_TRUE(Archive("2026-09").pieces.empty());
  EXPECT_EQ(Ask("SELECT to_regclass('commits_2026_08') IS NULL"), "t");
}

TEST_F(PostgresArchiveTest, WhatWasAlteredInAnArchiveIsNamed) {
  const ArchivedMonths archived = Archive("2026-09");
  const ArchivedPiece& piece = archived.pieces[1];
  const std::string lines = absl::StrCat(archive_, "/", piece.file);
  const std::string manifest =
      absl::StrCat(archive_, "/", piece.ManifestName());
  // What the check says of a file with this text.
  const auto fault_with = [&](const std::string& path,
                              const std::string& text) {
    const std::string before = TextOfFile(path);
    std::ofstream(path, std::ios::binary) << text;
    const ArchivesChecked checked = CheckFiles();
    EXPECT_EQ(checked.chain, "1");
    EXPECT_THAT(checked.fault, HasSubstr(path));
    std::ofstream(path, std::ios::binary) << before;
    EXPECT_EQ(CheckFiles().fault, "");
    return checked.fault;
  };
  const std::string text = TextOfFile(lines);
  std::string altered = text;
  const size_t third = text.find('\n', text.find('\n') + 1) + 1;
  altered[text.find("Dispatching", third)] = 'd';
  EXPECT_THAT(fault_with(lines, altered),
              testing::AllOf(HasSubstr("line 3, the entry 15, LED-"),
                             HasSubstr("it was altered")));
  EXPECT_THAT(fault_with(lines, text.substr(text.find('\n') + 1)),
              HasSubstr("line 1, the entry 13"));
  EXPECT_THAT(
      fault_with(lines, text.substr(0, text.rfind('\n', text.size() - 2) + 1)),
      HasSubstr("has 11 entries, and 12 were archived"));
  EXPECT_THAT(fault_with(lines, text.substr(0, text.size() - 1)),
              HasSubstr("is another file"));
  EXPECT_THAT(
      fault_with(manifest, absl::StrReplaceAll(
                               ManifestText(piece),
                               {{piece.merkle_root, std::string(64, 'a')}})),
      HasSubstr("merkle_root is \"aaa"));
  EXPECT_THAT(fault_with(manifest, "{}"), HasSubstr("is no manifest"));
  std::filesystem::rename(lines, lines + ".away");
  EXPECT_THAT(CheckFiles().fault, HasSubstr("cannot be read"));
  std::filesystem::rename(lines + ".away", lines);

  // The record itself.
  const auto problem_with = [&](const std::string& sql) {
    Ask("CREATE TABLE kept AS SELECT * FROM archives");
    EXPECT_EQ(Ask(sql), "");
    const LedgerWalk walk = Walk();
    EXPECT_FALSE(walk.valid());
    Ask("TRUNCATE archives; INSERT INTO archives SELECT * FROM kept; "
        "DROP TABLE kept");
    EXPECT_TRUE(Walk().valid());
    return walk.DescribeProblem();
  };
  EXPECT_THAT(problem_with("UPDATE archives SET last_hash = repeat('a', 64) "
                           "WHERE chain = 1 AND month = '2026-08'"),
              HasSubstr("chain 1: the entry 25"));
  EXPECT_THAT(problem_with("DELETE FROM archives WHERE chain = 2"),
              HasSubstr("chain 2: the entry 1 cannot be read"));
}

TEST_F(PostgresArchiveTest, AnArchiveThatWasWrittenAnewIsFoundByTheJoins) {
  Archive("2026-08");
  ArchivedPiece piece = (*ledger_.Archives(2))[0];
  // As somebody would who may write files and the database alike.
  std::vector<std::string> lines;
  ASSERT_TRUE(VisitPiece(archive_, piece, [&](int64_t, std::string_view line) {
                lines.emplace_back(line);
              }).ok());
  std::string hash;
  std::string texts;
  for (int64_t call = 900; call < 903; ++call) {
    DispatchOf(call).AppendChained(&hash, &texts);
    texts.push_back('\n');
    ExchangeOf(call).AppendChained(&hash, &texts);
    texts.push_back('\n');
  }
  auto writer = *ArchiveWriter::Begin(
      archive_,
      {.chain = "2", .month = "2026-07", .first_commit = 1, .first_entry = 1});
  ASSERT_TRUE(
      writer->Add({.number = 3, .first_entry = 1, .entries = 6, .texts = texts})
          .ok());
  const ArchivedPiece anew = *writer->Finish([] {});
  ASSERT_EQ(anew.file, piece.file);
  Ask(absl::StrCat("UPDATE archives SET last_hash = '", anew.last_hash,
                   "', merkle_root = '", anew.merkle_root,
                   "', file_bytes = ", anew.file_bytes, ", file_sha256 = '",
                   anew.file_sha256, "' WHERE chain = 2"));
  EXPECT_FALSE(Walk().valid());
  EXPECT_THAT(CheckFiles().fault,
              HasSubstr("line 6, the entry 6, " + ExchangeIdOf(902) +
                        " is not what a join has seen"));
}

TEST_F(PostgresArchiveTest, WhatIsNotWellIsNotArchived) {
  EXPECT_TRUE(absl::IsInvalidArgument(FailToArchive("2026-9")));
  EXPECT_TRUE(absl::IsInvalidArgument(FailToArchive("2999-01")));
  Ask("UPDATE commits SET texts = set_byte(texts, 100, "
      "get_byte(texts, 100) # 1) WHERE chain = 2 AND number = 9");
  const absl::Status altered = FailToArchive("2026-09");
  EXPECT_TRUE(absl::IsDataLoss(altered)) << altered;
  EXPECT_THAT(std::string(altered.message()),
              HasSubstr("nothing is archived: chain 2: the entry 17"));
  EXPECT_EQ(Ask("SELECT count(*) FROM archives"), "0");
}

TEST_F(PostgresArchiveTest, OfAClockThatWasPutBackMonthsGoTogether) {
  Append(*one_, 1, At(8, 31));
  const absl::Status behind = FailToArchive("2026-09");
  EXPECT_TRUE(absl::IsFailedPrecondition(behind)) << behind;
  EXPECT_THAT(std::string(behind.message()), HasSubstr("the chain 1"));
  EXPECT_EQ(Ask("SELECT count(*) FROM archives"), "0");
  EXPECT_EQ(Archive("2026-08").pieces.size(), 2U);
  const ArchivedMonths both = Archive("2026-10");
  EXPECT_EQ(both.pieces.size(), 4U);
  EXPECT_TRUE(Walk().valid()) << Walk().DescribeProblem();
  ExpectAllThere(next_call_);
}

TEST_F(PostgresArchiveTest, TwoDoNotArchiveAtOnce) {
  const auto db = *ledger_.Connect(kArchiveMax);
  ASSERT_TRUE(
      db->Execute("SELECT pg_advisory_lock('archives'::regclass::oid::int, 0)",
                  kArchiveMax)
          .ok());
  EXPECT_THAT(std::string(FailToArchive("2026-09").message()),
              HasSubstr("another archives"));
}

TEST_F(PostgresArchiveTest, AMonthThatIsGoneIsMadeAgainByWhoWritesIntoIt) {
  Archive("2026-09");
  // Its store has known the partition.
  Append(*one_, 2, At(8, 30));
  EXPECT_TRUE(Walk().valid()) << Walk().DescribeProblem();
  const ArchivedMonths late = Archive("2026-10");
  EXPECT_EQ(CheckFiles().fault, "");
  ExpectAllThere(next_call_);
}

TEST_F(PostgresArchiveTest, WhatIsFoundIsWhatIsNotArchived) {
  const PostgresCommitSource source(ledger_, 1);
  const auto open = [&] {
    auto index = std::make_unique<LedgerIndex>(
        source, LedgerIndex::Options{.ledger_path = folder_.Path("chain-1"),
                                     .interval = absl::Milliseconds(1),
                                     .segment_entries = 8});
    EXPECT_TRUE(index->CatchUp(kArchiveMax)) << index->state().status;
    return index;
  };
  const auto numbers = [](LedgerIndex& index, bool newest_first) {
    std::vector<int64_t> found;
    LedgerIndex::Query query = {.filter = {.event_types = {"EXCHANGE"}},
                                .newest_first = newest_first,
                                .limit = 3};
    do {
      const auto page = index.Find(query);
      EXPECT_TRUE(page.ok()) << page.status();
      for (const NumberedEntry& entry : page->entries) {
        found.push_back(entry.number);
      }
      query.from = page->next;
    } while (query.from != 0);
    return found;
  };
  auto index = open();
  EXPECT_EQ(numbers(*index, false).size(), 18U);
  Archive("2026-08");
  // One that has them all, one that goes on, and one that is new.
  for (int i = 0; i < 3; ++i) {
    const std::vector<int64_t> found = numbers(*index, false);
    EXPECT_EQ(found.size(), 12U);
    EXPECT_EQ(found.front(), 14);
    EXPECT_EQ(found.back(), 36);
    EXPECT_EQ(numbers(*index, true).front(), 36);
    EXPECT_EQ(numbers(*index, true).back(), 14);
    EXPECT_EQ(index->state().indexed_entries, 36);
    index.reset();
    if (i == 1) std::filesystem::remove(folder_.Path("chain-1.index"));
    index = open();
  }
  // Of one that was made behind an archive, which is opened again.
  Append(*one_, 8, At(9, 23));
  ASSERT_TRUE(index->CatchUp(kArchiveMax));
  index.reset();
  index = open();
  EXPECT_EQ(numbers(*index, false).size(), 20U);
  EXPECT_EQ(index->state().indexed_entries, 52);
  // All that it has is archived now.
  Archive("2026-10");
  index.reset();
  Append(*one_, 1, At(10, 23));
  index = open();
  EXPECT_EQ(numbers(*index, false), std::vector<int64_t>({54}));
  EXPECT_TRUE(absl::IsFailedPrecondition(EntryText(source, 7).status()));
  EXPECT_TRUE(EntryText(source, 54).ok());
  EXPECT_TRUE(absl::IsNotFound(EntryText(source, 55).status()));
}

TEST_F(PostgresArchiveTest, AnIndexThatAnArchiveHasOvertakenIsMadeAnew) {
  const PostgresCommitSource source(ledger_, 1);
  LedgerIndex index(source, {.ledger_path = folder_.Path("chain-1"),
                             .interval = absl::Hours(1),
                             .segment_entries = 8});
  ASSERT_TRUE(index.CatchUp(kArchiveMax)) << index.state().status;
  // Which it has not read when they are in a file.
  Append(*one_, 4, At(9, 25));
  Archive("2026-10");
  const int64_t last = next_call_;
  Append(*one_, 1, At(10, 23));
  // Who waits for it is told nothing of that.
  EXPECT_TRUE(index.CatchUp(kArchiveMax)) << index.state().status;
  const auto found = index.Find({.filter = {.id = ExchangeIdOf(last)}});
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->entries.size(), 1U);
}

TEST_F(PostgresArchiveTest, AnIndexOfWhatWasCutOffIsMadeAnew) {
  const PostgresCommitSource source(ledger_, 1);
  LedgerIndex index(source, {.ledger_path = folder_.Path("chain-1"),
                             .interval = absl::Milliseconds(1),
                             .segment_entries = 8});
  ASSERT_TRUE(index.CatchUp(kArchiveMax)) << index.state().status;
  // As a standby has it to which the last two commits were not copied.
  Ask("DELETE FROM commits WHERE chain = 1 AND number > 16; "
      "UPDATE chains SET commits = 16, entries = 32, last_hash = "
      "(SELECT last_hash FROM commits WHERE chain = 1 AND number = 16) "
      "WHERE chain = 1");
  EXPECT_TRUE(absl::IsDataLoss(one_->KeepAlive()));
  EXPECT_FALSE(*one_->Settle());
  const int64_t first = next_call_;
  Append(*one_, 4, At(9, 25));
  // It finds out, and begins again.
  while (!index.CatchUp(kArchiveMax) || index.state().indexed_entries != 40) {
  }
  for (int64_t call = first; call < next_call_; ++call) {
    const auto found = index.Find({.filter = {.id = ExchangeIdOf(call)}});
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_EQ(found->entries.size(), 1U) << call;
  }
}

TEST_F(PostgresArchiveTest, EachEntryIsProvenByTheRootOfItsFile) {
  const ArchivedMonths archived = Archive("2026-08");
  const ArchivedPiece& piece = archived.pieces[0];
  std::vector<std::string> ids;
  EntryFacts facts;
  ASSERT_TRUE(VisitPiece(archive_, piece, [&](int64_t, std::string_view line) {
                ASSERT_TRUE(ReadEntryFacts(line, &facts).ok());
                ids.push_back(facts.id);
              }).ok());
  for (const std::string& id : ids) {
    ProofSearch search(id);
    ASSERT_TRUE(
        VisitPiece(archive_, piece, [&](int64_t, std::string_view line) {
          search.Add(line);
        }).ok());
    const auto proof = search.Find();
    ASSERT_TRUE(proof.has_value()) << id;
    EXPECT_EQ(FaultOfProof(*ReadProof(ProofText(*proof)), piece.merkle_root),
              "");
  }
}

}  // namespace
}  // namespace gateway
