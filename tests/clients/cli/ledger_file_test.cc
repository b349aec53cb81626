#include "clients/cli/ledger_file.h"

#include <unistd.h>

#include <cstddef>
#include <fstream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/ledger/ledger_log.h"
#include "tests/service/ledger/generated_ledger.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;

class LedgerFileTest : public testing::Test {
 protected:
  std::string Path(std::string_view name) {
    return absl::StrCat(
        testing::TempDir(), "/",
        testing::UnitTest::GetInstance()->current_test_info()->name(),
        std::string(name));
  }
  // A gateway's file with twenty calls, and lines with five more.
  std::vector<std::string> Files() {
    const std::string database = Path(".db");
    auto log = LedgerLog::Open({.path = database});
    EXPECT_TRUE(log.ok()) << log.status();
    EXPECT_TRUE(AppendCalls(**log, {.calls = 20, .calls_in_commit = 3}).ok());
    std::string hash = (*log)->end().hash;
    std::string lines;
    for (int64_t call = 20; call < 25; ++call) {
      DispatchOf(call).AppendChained(&hash, &lines);
      lines.append("\r\n\n");
      ExchangeOf(call).AppendChained(&hash, &lines);
      lines.append("\n");
    }
    const std::string text = Path(".jsonl");
    std::ofstream(text) << lines;
    return {database, text};
  }
};

TEST_F(LedgerFileTest, LinesOfAnyLengthThatEntriesHaveAreRead) {
  const std::string file = Path(".jsonl");
  std::vector<size_t> sizes;
  std::ofstream out(file);
  // Both sides of the pieces that are read.
  for (const size_t size : {1, 65534, 65535, 65536, 131070, 200000}) {
    sizes.push_back(size);
    out << std::string(size, 'a') << "\n";
  }
  out << "b";
  sizes.push_back(1);
  out.close();
  std::vector<size_t> found;
  EXPECT_TRUE(VisitLedgerFile(file, [&](int64_t, std::string_view entry) {
                found.push_back(entry.size());
              }).ok());
  EXPECT_EQ(found, sizes);
}

TEST_F(LedgerFileTest, ALineThatIsNoEntryForItsLengthIsNotKept) {
  const std::string file = Path(".jsonl");
  std::ofstream(file).close();
  // A hole, which takes no room: it is all NULs.
  ASSERT_EQ(truncate(file.c_str(), off_t{1} << 30), 0);
  const absl::Status refused =
      VisitLedgerFile(file, [](int64_t, std::string_view) {});
  EXPECT_TRUE(absl::IsResourceExhausted(refused)) << refused;
}

TEST_F(LedgerFileTest, BothKindsAreVisitedInTheirOrder) {
  const std::vector<std::string> files = Files();
  EXPECT_TRUE(*IsLedgerDatabase(files[0]));
  EXPECT_FALSE(*IsLedgerDatabase(files[1]));
  std::vector<int64_t> numbers;
  for (const std::string& file : files) {
    EXPECT_TRUE(
        VisitLedgerFile(file, [&](int64_t number, std::string_view entry) {
          numbers.push_back(number);
          EXPECT_TRUE(entry.starts_with("{\"decision\""));
          EXPECT_TRUE(entry.ends_with("}"));
        }).ok());
  }
  ASSERT_EQ(numbers.size(), 50);
  EXPECT_EQ(numbers[39], 40);
  EXPECT_EQ(numbers[40], 1);
  EXPECT_TRUE(absl::IsNotFound(IsLedgerDatabase(Path("none")).status()));
}

TEST_F(LedgerFileTest, EntriesAreFoundFromEitherEnd) {
  const std::vector<std::string> files = Files();
  const auto numbers = [&](const LedgerFilter& filter, int64_t limit,
                           bool newest_first) {
    const auto found = FindInFiles(files, filter, limit, newest_first);
    EXPECT_TRUE(found.ok()) << found.status();
    std::vector<int64_t> all;
    for (const auto& entry : *found) all.push_back(entry.number());
    return all;
  };
  EXPECT_THAT(numbers({}, 3, false), ElementsAre(1, 2, 3));
  EXPECT_THAT(numbers({}, 3, true), ElementsAre(50, 49, 48));
  EXPECT_THAT(numbers({.decision = "ERROR"}, 10, false), ElementsAre(20, 40));
  EXPECT_THAT(numbers({.request_id = "req-21"}, 10, true), ElementsAre(44, 43));
  EXPECT_THAT(numbers({.caller = "nobody"}, 10, true), ElementsAre());
}

TEST_F(LedgerFileTest, AnEntryIsFoundWhole) {
  const auto found =
      FindInFiles(Files(), {.id = ExchangeIdOf(9)}, 2, /*newest_first=*/true);
  ASSERT_TRUE(found.ok());
  ASSERT_EQ(found->size(), 1);
  const auto& entry = found->front();
  EXPECT_EQ(entry.id(), ExchangeIdOf(9));
  EXPECT_EQ(entry.event_type(), "EXCHANGE");
  EXPECT_EQ(entry.submission_id(), "PRC-0");
  EXPECT_EQ(entry.decision(), "ERROR");
  EXPECT_EQ(entry.reason(), "TIMEOUT: the provider took too long");
  EXPECT_EQ(absl::FromUnixSeconds(entry.time().seconds()) +
                absl::Nanoseconds(entry.time().nanos()),
            kFirstCallTime + absl::Milliseconds(95));
  EXPECT_EQ(entry.number(), 20);
  EXPECT_EQ(entry.previous_hash().size(), 64);
  EXPECT_EQ(entry.entry_hash().size(), 64);
  EXPECT_THAT(entry.json(), testing::HasSubstr(ExchangeIdOf(9)));
}

}  // namespace
}  // namespace gateway
