#include "service/audit/audit_log.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/sleep.h"
#include "base/async/task.h"
#include "base/os/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/store/temporary_folder.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/loop_thread.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using BuiltIn = RedactionPatterns::BuiltIn;

std::shared_ptr<AuditPolicy> PolicyOf(
    std::shared_ptr<const BodyCipher> cipher = nullptr) {
  auto redactor =
      BodyRedactor::Make({.built_in = {BuiltIn::kEmail, BuiltIn::kKeys}});
  EXPECT_TRUE(redactor.ok());
  auto policy = std::make_shared<AuditPolicy>(*std::move(redactor));
  policy->cipher = std::move(cipher);
  return policy;
}

AuditBody BodyOf(std::string text) {
  return {.bytes = std::move(text), .is_kept = true, .bytes_limit = 1 << 20};
}

class AuditLogTest : public testing::Test {
 protected:
  void Open(AuditLog::Options options = {}) {
    log_.reset();
    options.store.path = path_;
    options.store.busy_timeout = absl::Milliseconds(10);
    auto log = AuditLog::Open(options, policy_, clock_);
    ASSERT_TRUE(log.ok()) << log.status();
    log_ = *std::move(log);
  }
  AuditEntry Call(const std::string& request_id) {
    AuditEntry entry;
    entry.time = clock_.WallTime();
    entry.texts.Add(request_id);
    return entry;
  }
  std::vector<AuditEntry> Entries(AuditKind kind = AuditKind::kCall) {
    auto page =
        log_->store().SearchBlocking({.filter = {.kind = kind},
                                      .limit = 1000,
                                      .bodies = true,
                                      .cipher = log_->policy()->cipher});
    EXPECT_TRUE(page.ok()) << page.status();
    return page.ok() ? std::move(page->entries) : std::vector<AuditEntry>();
  }
  // Waits until `reached`, of what the log has counted.
  template <typename Reached>
  void Await(Reached reached) {
    const AuditLog* const log = log_.get();
    auto wait = [log, &reached]() { return Poll(*log, reached); };
    ASSERT_TRUE(loop_.RunTask(wait));
  }
  template <typename Reached>
  static Task<void> Poll(const AuditLog& log, Reached& reached) {
    CancelSignal never;
    while (!reached(log.counts())) {
      const absl::Status slept =
          co_await Sleep(*EventLoop::Current(), absl::Milliseconds(5), never);
      EXPECT_TRUE(slept.ok());
    }
  }
  void AwaitWritten(uint64_t count) {
    Await([count](const AuditLog::Counts& c) { return c.written >= count; });
  }
  // Where SQLite does not find it, and back.
  void Move(const std::string& from, const std::string& to) {
    for (const char* const suffix : {"", "-wal"}) {
      std::filesystem::rename(from + suffix, to + suffix);
    }
  }

  TemporaryFolder folder_;
  std::string path_ = folder_.Path("audit.db");
  FakeClock clock_;
  std::shared_ptr<const AuditPolicy> policy_ = PolicyOf();
  std::unique_ptr<AuditLog> log_;
  LoopThread loop_;
};

TEST_F(AuditLogTest, WhatIsAddedIsWritten) {
  Open();
  for (int i = 0; i < 1000; ++i) log_->Add(Call(absl::StrCat("r", i)));
  AwaitWritten(1000);
  EXPECT_THAT(Entries(), SizeIs(1000));
  EXPECT_EQ(log_->counts().dropped, 0);
}

TEST_F(AuditLogTest, WhatWaitsAtTheEndIsWrittenAndIdsGoOn) {
  Open();
  for (int i = 0; i < 2000; ++i) log_->Add(Call("r"));
  Open();
  log_->Add(Call("after"));
  AwaitWritten(1);
  EXPECT_EQ(Entries().front().texts[AuditText::kRequestId], "after");
  auto page = log_->store().SearchBlocking({.limit = 3000});
  EXPECT_EQ(page->entries.size(), 2001);
}

TEST_F(AuditLogTest, BodiesAndMessagesAreRedactedBeforeTheyAreWritten) {
  Open();
  AuditEntry entry = Call("r1");
  entry.texts.Replace(AuditText::kMessage,
                      "key sk-canaryabcdefghijklmnop is wrong");
  entry.request = BodyOf(R"({"user":"canary@mail.example"})");
  entry.response = BodyOf("canary");
  entry.response.bytes_limit = 3;
  log_->Add(std::move(entry));
  AwaitWritten(1);
  const AuditEntry read = Entries().front();
  EXPECT_EQ(read.texts[AuditText::kRequestId], "r1");
  EXPECT_EQ(read.texts[AuditText::kMessage], "key [redacted:keys] is wrong");
  EXPECT_EQ(read.request.bytes, R"({"user":"[redacted:email]"})");
  EXPECT_EQ(read.request.redactions, 1);
  EXPECT_FALSE(read.request.truncated);
  EXPECT_EQ(read.response.bytes, "can");
  EXPECT_EQ(read.response.kept_bytes, 3);
  EXPECT_TRUE(read.response.truncated);
}

TEST_F(AuditLogTest, ABodyIsMadeATextByWhoKnowsHow) {
  Open();
  AuditEntry entry = Call("r1");
  entry.request = BodyOf("abc");
  entry.request.to_text = [](std::string_view bytes) {
    return absl::StrCat("text of ", std::string(bytes));
  };
  log_->Add(std::move(entry));
  AwaitWritten(1);
  EXPECT_EQ(Entries().front().request.bytes, "text of abc");
}

TEST_F(AuditLogTest, BodiesAreEncryptedInTheFile) {
  auto cipher = BodyCipher::Make({{"k1", Secret(std::string(64, 'a'))}});
  ASSERT_TRUE(cipher.ok());
  policy_ = PolicyOf(std::make_shared<const BodyCipher>(*std::move(cipher)));
  Open();
  AuditEntry entry = Call("r1");
  entry.request = BodyOf("canary of a request");
  entry.response = BodyOf("canary of an answer");
  log_->Add(std::move(entry));
  AwaitWritten(1);
  const AuditEntry read = Entries().front();
  EXPECT_EQ(read.request.bytes, "canary of a request");
  EXPECT_EQ(read.response.bytes, "canary of an answer");
  EXPECT_EQ(read.request.key_id, "k1");
  log_.reset();
  for (const char* const suffix : {"", "-wal"}) {
    std::ifstream in(path_ + suffix, std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(in), {});
    EXPECT_THAT(bytes, Not(HasSubstr("canary"))) << suffix;
  }
}

TEST_F(AuditLogTest, AnotherPolicyIsInForceForWhatIsWrittenThen) {
  Open();
  auto redactor = BodyRedactor::Make({.own = {{"word", "hello"}}});
  ASSERT_TRUE(redactor.ok());
  log_->Use(std::make_shared<AuditPolicy>(*std::move(redactor)));
  AuditEntry entry = Call("r1");
  entry.request = BodyOf("hello a@b.example");
  log_->Add(std::move(entry));
  AwaitWritten(1);
  EXPECT_EQ(Entries().front().request.bytes, "[redacted:word] a@b.example");
}

TEST_F(AuditLogTest, WhatCannotBeWrittenIsTriedAgain) {
  Open();
  log_->Add(Call("before"));
  AwaitWritten(1);
  const std::string away = folder_.Path("away.db");
  Move(path_, away);
  log_->Add(Call("meanwhile"));
  Await([](const AuditLog::Counts& c) { return c.failing; });
  log_->Add(Call("later"));
  Move(away, path_);
  AwaitWritten(3);
  EXPECT_THAT(Entries(), SizeIs(3));
  EXPECT_FALSE(log_->counts().failing);
}

TEST_F(AuditLogTest, WhatHasNoRoomIsCountedAndToldInItsPlace) {
  Open({.queue_entries_limit = 5});
  log_->Add(Call("before"));
  AwaitWritten(1);
  EXPECT_EQ(log_->counts().unwritten, 0);
  const std::string away = folder_.Path("away.db");
  Move(path_, away);
  log_->Add(Call("fails"));
  Await([](const AuditLog::Counts& c) { return c.failing; });
  for (int i = 0; i < 8; ++i) log_->Add(Call("many"));
  EXPECT_EQ(log_->counts().dropped, 3);
  EXPECT_EQ(log_->counts().waiting, 5);
  EXPECT_EQ(log_->counts().unwritten, 9);
  EXPECT_EQ(log_->counts().last_drop, clock_.SteadyTime());
  testing::internal::CaptureStderr();
  Move(away, path_);
  AwaitWritten(7);
  log_->Add(Call("after"));
  AwaitWritten(8);
  Open();  // Writes whatever is left.
  EXPECT_THAT(Entries(), SizeIs(8));
  const std::vector<AuditEntry> told = Entries(AuditKind::kLoss);
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told.front().entries, 3);
  EXPECT_THAT(std::string(told.front().texts[AuditText::kMessage]),
              HasSubstr("3 entries"));
  EXPECT_EQ(log_->counts().unwritten, 0);
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, HasSubstr("Entries of the audit log were dropped"));
  EXPECT_THAT(log, HasSubstr("\"entries\":3"));
}

TEST_F(AuditLogTest, WhatCannotBeWrittenAtTheEndIsToldWithWhatHadNoRoom) {
  Open({.queue_entries_limit = 5});
  log_->Add(Call("before"));
  AwaitWritten(1);
  const std::string away = folder_.Path("away.db");
  Move(path_, away);
  log_->Add(Call("fails"));
  Await([](const AuditLog::Counts& c) { return c.failing; });
  for (int i = 0; i < 8; ++i) log_->Add(Call("many"));
  testing::internal::CaptureStderr();
  EXPECT_EQ(
      log_->Close(),
      absl::DataLossError("9 entries of the audit log could not be written"));
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, HasSubstr("that could not be written are lost"));
  EXPECT_THAT(log, HasSubstr("\"entries\":9"));
  EXPECT_EQ(log_->counts().unwritten, 9);
  Move(away, path_);
}

TEST_F(AuditLogTest, WhatHadNoRoomIsToldWhereOnlyTheLastAttemptSucceeds) {
  Open({.queue_entries_limit = 5});
  const std::string away = folder_.Path("away.db");
  Move(path_, away);
  log_->Add(Call("fails"));
  Await([](const AuditLog::Counts& c) { return c.failing; });
  for (int i = 0; i < 8; ++i) log_->Add(Call("many"));
  Move(away, path_);
  EXPECT_TRUE(log_->Close().ok());
  EXPECT_EQ(log_->counts().unwritten, 0);
  Open();
  EXPECT_THAT(Entries(), SizeIs(6));
  const std::vector<AuditEntry> told = Entries(AuditKind::kLoss);
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told.front().entries, 3);
}

TEST_F(AuditLogTest, AnEntryWhoseBodiesHaveNoRoomIsKeptWithoutThem) {
  Open({.queue_bytes_limit = 64 * 1024});
  AuditEntry entry = Call("r1");
  entry.request = BodyOf(std::string(100 * 1024, 'x'));
  log_->Add(std::move(entry));
  AwaitWritten(1);
  const AuditEntry read = Entries().front();
  EXPECT_THAT(read.request.unavailable, HasSubstr("queue_bytes_limit"));
  EXPECT_FALSE(read.response.is_kept);
  EXPECT_EQ(log_->counts().bodiless, 1);
  EXPECT_EQ(log_->counts().dropped, 0);
}

TEST_F(AuditLogTest, WhatIsTooOldIsDeletedAndThatIsRecorded) {
  Open();
  for (int i = 0; i < 2500; ++i) log_->Add(Call("old"));
  AwaitWritten(2500);
  clock_.Advance(absl::Hours(24) * 30);
  log_->Add(Call("new"));
  AwaitWritten(2501);
  EXPECT_EQ(log_->counts().deleted, 0);
  // A moment later, and an hour after the clock was looked at.
  clock_.Advance(AuditLog::kSweepInterval);
  log_->Add(Call("newer"));
  Await([](const AuditLog::Counts& c) { return c.deleted == 2500; });
  Open();
  EXPECT_THAT(Entries(), SizeIs(2));
  const std::vector<AuditEntry> deletions = Entries(AuditKind::kDeletion);
  ASSERT_THAT(deletions, SizeIs(1));
  EXPECT_EQ(deletions.front().entries, 2500);
  EXPECT_THAT(std::string(deletions.front().texts[AuditText::kMessage]),
              HasSubstr("retention_days"));
}

TEST_F(AuditLogTest, AClockThatJumpsDeletesNothingForAnHour) {
  Open();
  log_->Add(Call("old"));
  AwaitWritten(1);
  // Where the log has looked at the clock once.
  log_->Add(Call("old too"));
  AwaitWritten(2);
  const absl::Time right = clock_.WallTime();
  clock_.Advance(AuditLog::kSweepInterval);
  clock_.StepWallTime(right + absl::Hours(24) * 365);
  log_->Add(Call("while it is wrong"));
  AwaitWritten(3);
  log_->Add(Call("once more"));
  AwaitWritten(4);
  EXPECT_EQ(log_->counts().deleted, 0);
  clock_.Advance(AuditLog::kSweepInterval);
  log_->Add(Call("an hour later"));
  Await([](const AuditLog::Counts& c) { return c.deleted == 2; });
}

TEST_F(AuditLogTest, AStartWithAClockThatIsAheadDeletesNothingForAnHour) {
  Open();
  log_->Add(Call("of today"));
  AwaitWritten(1);
  log_.reset();
  const absl::Time right = clock_.WallTime();
  clock_.StepWallTime(right + absl::Hours(24) * 40);
  Open();
  log_->Add(Call("while it is wrong"));
  AwaitWritten(1);
  log_->Add(Call("once more"));
  AwaitWritten(2);
  EXPECT_EQ(log_->counts().deleted, 0);
  // Set right, it has jumped again.
  log_.reset();
  clock_.StepWallTime(right + absl::Minutes(1));
  Open();
  clock_.Advance(AuditLog::kSweepInterval);
  log_->Add(Call("right again"));
  AwaitWritten(1);
  log_.reset();
  Open();
  EXPECT_THAT(Entries(), SizeIs(4));
}

TEST_F(AuditLogTest, RestartsDoNotPutOffWhatIsDue) {
  Open();
  log_->Add(Call("old"));
  AwaitWritten(1);
  log_.reset();
  // After so long a rest it is waited for an hour, in which it starts anew
  // twice.
  clock_.Advance(absl::Hours(24) * 31);
  for (int i = 0; i < 2; ++i) {
    Open();
    log_->Add(Call("young"));
    AwaitWritten(1);
    EXPECT_EQ(log_->counts().deleted, 0);
    log_.reset();
    clock_.Advance(AuditLog::kSweepInterval / 2);
  }
  Open();
  Await([](const AuditLog::Counts& c) { return c.deleted == 1; });
  EXPECT_THAT(Entries(), SizeIs(2));
}

TEST_F(AuditLogTest, AFileThatIsFullHasRoomOnceOldEntriesAreDeleted) {
  AuditLog::Options options;
  options.store.file_bytes_limit = 512 * 1024;
  Open(options);
  int added = 0;
  while (!log_->counts().failing) {
    AuditEntry entry = Call("old");
    entry.request = BodyOf(std::string(8 * 1024, 'x'));
    log_->Add(std::move(entry));
    ++added;
    Await([added](const AuditLog::Counts& c) {
      return c.failing || c.written == static_cast<uint64_t>(added);
    });
  }
  clock_.Advance(absl::Hours(24) * 30 + AuditLog::kSweepInterval);
  log_->Add(Call("new"));
  Await([added](const AuditLog::Counts& c) {
    return c.deleted > 0 && c.written == static_cast<uint64_t>(added) + 1;
  });
  EXPECT_FALSE(log_->counts().failing);
  EXPECT_EQ(log_->counts().dropped, 0);
}

TEST_F(AuditLogTest, WhatIsLeftOutIsCounted) {
  Open();
  for (int i = 0; i < 3; ++i) log_->LeaveOut(/*caller_known=*/false);
  for (int i = 0; i < 2; ++i) log_->LeaveOut(/*caller_known=*/true);
  EXPECT_EQ(log_->counts().unknown_left_out, 3);
  EXPECT_EQ(log_->counts().left_out, 2);
  EXPECT_EQ(log_->counts().dropped, 0);
}

TEST_F(AuditLogTest, WhoIsShownBodiesIsRecordedFirst) {
  Open();
  CancelSignal never;
  absl::Status recorded = absl::UnknownError("");
  const auto record = [&]() -> Task<void> {
    return [](AuditLog& log, CancelSignal& cancel,
              absl::Status* outcome) -> Task<void> {
      *outcome = co_await log.RecordDisclosure("AdminService/GetAudit", "ann",
                                               3, cancel);
    }(*log_, never, &recorded);
  };
  ASSERT_TRUE(loop_.RunTask(record));
  EXPECT_TRUE(recorded.ok()) << recorded;
  const std::vector<AuditEntry> told = Entries(AuditKind::kDisclosure);
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told.front().texts[AuditText::kCaller], "ann");
  EXPECT_EQ(told.front().texts[AuditText::kOperation], "AdminService/GetAudit");
  EXPECT_EQ(told.front().entries, 3);
  log_->Add(Call("r1"));
  AwaitWritten(1);
  EXPECT_GT(Entries().front().id, told.front().id);
  Move(path_, folder_.Path("away.db"));
  ASSERT_TRUE(loop_.RunTask(record));
  EXPECT_FALSE(recorded.ok());
}

}  // namespace
}  // namespace gateway
