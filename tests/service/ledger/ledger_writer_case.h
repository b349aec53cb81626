// What the tests of LedgerWriter share: one that writes a file, and whoever has
// entries committed.

#ifndef TESTS_SERVICE_LEDGER_LEDGER_WRITER_CASE_H_
#define TESTS_SERVICE_LEDGER_LEDGER_WRITER_CASE_H_

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/sleep.h"
#include "base/async/task.h"
#include "base/os/clock.h"
#include "gtest/gtest.h"
#include "service/ledger/chain_check.h"
#include "service/ledger/entry_reader.h"
#include "service/ledger/ledger_writer.h"
#include "tests/service/store/temporary_folder.h"
#include "tests/testing/loop_thread.h"

namespace gateway {

inline UnchainedEntry EntryOf(const std::string& id) {
  LedgerEntry entry;
  entry.event_type = "EXCHANGE";
  entry.id = id;
  return UnchainedEntry(entry);
}

inline Task<void> CommitOne(LedgerWriter& writer, std::string id,
                            LedgerWriter::IfNotCommitted otherwise,
                            absl::Status* outcome) {
  UnchainedEntry entry = EntryOf(id);
  *outcome = co_await writer.Commit({}, absl::MakeSpan(&entry, 1), otherwise);
}

// And the ledger is written again.
inline Task<void> AwaitNothingKept(LedgerWriter& writer) {
  CancelSignal never;
  while (writer.counts().kept > 0 || writer.counts().failing) {
    const absl::Status slept =
        co_await Sleep(*EventLoop::Current(), absl::Milliseconds(20), never);
    EXPECT_TRUE(slept.ok());
  }
}

// How many entries each line of a log says to be lost.
inline std::vector<std::string> LostIn(const std::string& log) {
  std::vector<std::string> lost;
  for (const auto line : absl::StrSplit(log, '\n')) {
    constexpr absl::string_view kEntries = "\"entries\":";
    if (!absl::StrContains(line, "Entries are lost")) continue;
    const auto at = line.find(kEntries) + kEntries.size();
    lost.emplace_back(line.substr(at, line.find(',', at) - at));
  }
  return lost;
}

class LedgerWriterCase : public testing::Test {
 protected:
  void Open(const LedgerWriter::Options& options = {}) {
    auto log = LedgerLog::Open({.path = path_});
    ASSERT_TRUE(log.ok()) << log.status();
    writer_ =
        std::make_unique<LedgerWriter>(*std::move(log), options, SystemClock());
  }
  absl::Status Commit(const std::string& id,
                      LedgerWriter::IfNotCommitted otherwise) {
    absl::Status outcome;
    EXPECT_TRUE(loop_.RunTask(
        [&] { return CommitOne(*writer_, id, otherwise, &outcome); }));
    return outcome;
  }
  // Where SQLite does not find it, and back.
  void Move(const std::string& from, const std::string& to) {
    for (const char* const suffix : {"", "-wal"}) {
      std::filesystem::rename(from + suffix, to + suffix);
    }
  }
  // The ids of what is in the file, whose chain is checked.
  std::vector<std::string> Committed() {
    writer_.reset();
    std::vector<std::string> ids;
    auto log = LedgerLog::Open({.path = path_});
    EXPECT_TRUE(log.ok()) << log.status();
    if (!log.ok()) return ids;
    ChainCheck check;
    const absl::Status read = (*log)->Read(1, [&](const LedgerCommit& commit) {
      ForEachEntry(commit.texts, [&](std::string_view entry) {
        const ChainCheck::Finding finding = check.Add(entry);
        EXPECT_EQ(finding.what, "");
        ids.push_back(finding.entry_id);
        EntryFacts facts;
        EXPECT_TRUE(ReadEntryFacts(entry, &facts).ok());
        if (facts.event_type != "ENTRIES_LOST") return;
        // How many there were.
        ids.back() =
            absl::StrCat(facts.reason.substr(0, facts.reason.find(' ')), " ",
                         facts.event_type);
      });
      return absl::OkStatus();
    });
    EXPECT_TRUE(read.ok()) << read;
    return ids;
  }
  TemporaryFolder folder_;
  std::string path_ = folder_.Path("ledger.db");
  std::unique_ptr<LedgerWriter> writer_;
  LoopThread loop_;
};

}  // namespace gateway

#endif  // TESTS_SERVICE_LEDGER_LEDGER_WRITER_CASE_H_
