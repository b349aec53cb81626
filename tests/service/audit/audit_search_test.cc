#include "service/audit/audit_search.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/secret.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/audit/audit_store.h"
#include "tests/service/store/temporary_folder.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const absl::Time kBegin = absl::FromUnixSeconds(1767323045);

AuditEntry EntryAt(int64_t id, int second) {
  AuditEntry entry;
  entry.id = id;
  entry.time = kBegin + absl::Seconds(second);
  entry.outcome = AuditOutcome::kSucceeded;
  entry.texts.Add(absl::StrCat("r", id));
  return entry;
}

AuditEntry Saying(AuditEntry entry, AuditText which, std::string_view text) {
  entry.texts.Replace(which, text);
  return entry;
}

class AuditSearchTest : public testing::Test {
 protected:
  void SetUp() override {
    auto store = AuditStore::Open({.path = folder_.Path("audit.db")});
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
  }
  void Append(std::vector<AuditEntry> entries) {
    const absl::Status status = store_->Append(entries);
    ASSERT_TRUE(status.ok()) << status;
  }
  AuditPage Search(AuditQuery query) {
    auto page = store_->SearchBlocking(std::move(query));
    EXPECT_TRUE(page.ok()) << page.status();
    return page.ok() ? *std::move(page) : AuditPage();
  }
  std::vector<int64_t> Ids(AuditFilter filter) {
    std::vector<int64_t> ids;
    for (const AuditEntry& entry : Search({.filter = filter}).entries) {
      ids.push_back(entry.id);
    }
    return ids;
  }

  TemporaryFolder folder_;
  std::unique_ptr<AuditStore> store_;
};

TEST_F(AuditSearchTest, BodiesAreShownToWhoAsksForThem) {
  AuditEntry entry = EntryAt(1, 1);
  entry.request = {.bytes = "asked", .is_kept = true, .kept_bytes = 5};
  Append({entry});
  const AuditPage page = Search({});
  EXPECT_TRUE(page.entries.front().request.is_kept);
  EXPECT_EQ(page.entries.front().request.bytes, "");
  EXPECT_EQ(page.entries.front().request.kept_bytes, 5);
  EXPECT_FALSE(page.entries.front().response.is_kept);
}

TEST_F(AuditSearchTest, AnEncryptedBodyIsOpenedOrSaysWhyNot) {
  const auto cipher = BodyCipher::Make({{"k1", Secret(std::string(64, 'a'))}});
  ASSERT_TRUE(cipher.ok());
  std::vector<AuditEntry> entries = {EntryAt(1, 1), EntryAt(2, 2)};
  for (AuditEntry& entry : entries) {
    // That of the first entry, for both.
    const auto encrypted = cipher->Encrypt("asked", BodyContext(1, false));
    entry.request = {.bytes = encrypted->bytes,
                     .is_kept = true,
                     .key_id = encrypted->key_id};
  }
  Append(entries);
  AuditPage page = Search(
      {.bodies = true, .cipher = std::make_shared<const BodyCipher>(*cipher)});
  EXPECT_THAT(page.entries[0].request.unavailable, HasSubstr("altered"));
  EXPECT_EQ(page.entries[0].request.bytes, "");
  EXPECT_EQ(page.entries[1].request.bytes, "asked");
  EXPECT_EQ(page.entries[1].request.unavailable, "");
  page = Search({.bodies = true});
  EXPECT_THAT(page.entries[1].request.unavailable, HasSubstr("no key"));
}

TEST_F(AuditSearchTest, EachFilterFindsWhatItAsksForNewestFirst) {
  std::vector<AuditEntry> entries;
  const std::vector<AuditText> texts = {
      AuditText::kCaller,     AuditText::kAgentId,   AuditText::kAgentType,
      AuditText::kProvider,   AuditText::kProjectId, AuditText::kModel,
      AuditText::kModelServed};
  int64_t id = 0;
  for (const AuditText text : texts) {
    for (const char* const value : {"a", "b", "a"}) {
      ++id;
      entries.push_back(Saying(EntryAt(id, static_cast<int>(id)), text, value));
    }
  }
  entries.push_back(EntryAt(100, 100));
  entries.back().outcome = AuditOutcome::kFailed;
  entries.back().failure = 9;
  Append(entries);
  EXPECT_THAT(Ids({.caller = "a"}), ElementsAre(3, 1));
  EXPECT_THAT(Ids({.agent_id = "a"}), ElementsAre(6, 4));
  EXPECT_THAT(Ids({.agent_type = "a"}), ElementsAre(9, 7));
  EXPECT_THAT(Ids({.provider = "a"}), ElementsAre(12, 10));
  EXPECT_THAT(Ids({.project_id = "a"}), ElementsAre(15, 13));
  EXPECT_THAT(Ids({.model = "a"}), ElementsAre(21, 19, 18, 16));
  EXPECT_THAT(Ids({.request_id = "r5"}), ElementsAre(5));
  EXPECT_THAT(Ids({.outcome = AuditOutcome::kFailed}), ElementsAre(100));
  EXPECT_THAT(Ids({.failure = 9}), ElementsAre(100));
  EXPECT_THAT(Ids({.failure = 8}), IsEmpty());
  EXPECT_EQ(Ids({.outcome = AuditOutcome::kSucceeded}).size(), 21);
  EXPECT_EQ(Ids({}).size(), 22);
  // All together.
  EXPECT_THAT(Ids({.request_id = "r5", .caller = "a"}), IsEmpty());
  EXPECT_THAT(Ids({.caller = "a", .outcome = AuditOutcome::kFailed}),
              IsEmpty());
  // Within a time: its begin is in it, its end is not.
  EXPECT_THAT(Ids({.start_time = kBegin + absl::Seconds(7),
                   .end_time = kBegin + absl::Seconds(9)}),
              ElementsAre(8, 7));
  EXPECT_THAT(Ids({.start_time = kBegin + absl::Seconds(1),
                   .end_time = kBegin + absl::Seconds(3),
                   .caller = "a"}),
              ElementsAre(1));
}

TEST_F(AuditSearchTest, PagesFollowEachOtherWithoutGapOrRepetition) {
  std::vector<AuditEntry> entries;
  for (int64_t id = 1; id <= 25; ++id) {
    // Some at the same moment.
    entries.push_back(Saying(
        Saying(EntryAt(id, static_cast<int>(id / 4)), AuditText::kModel, "m"),
        AuditText::kModelServed, id % 2 == 0 ? "m" : "n"));
  }
  Append(entries);
  for (const std::string model : {"", "m"}) {
    std::vector<int64_t> ids;
    AuditQuery query{.filter = {.model = model}, .limit = 4};
    while (true) {
      const AuditPage page = Search(query);
      EXPECT_LE(page.entries.size(), 4);
      for (const AuditEntry& entry : page.entries) ids.push_back(entry.id);
      if (!page.next.has_value()) break;
      query.before = *page.next;
      ASSERT_LE(ids.size(), 25);
    }
    std::vector<int64_t> all;
    for (int64_t id = 25; id >= 1; --id) all.push_back(id);
    EXPECT_EQ(ids, all);
  }
}

TEST_F(AuditSearchTest, APageEndsBeforeItIsTooLarge) {
  std::vector<AuditEntry> entries;
  for (int64_t id = 1; id <= 3; ++id) {
    entries.push_back(EntryAt(id, static_cast<int>(id)));
    entries.back().request = {.bytes = std::string(4000, 'x'), .is_kept = true};
  }
  Append(entries);
  const AuditPage page = Search({.bytes_limit = 10000, .bodies = true});
  EXPECT_EQ(page.entries.size(), 2);
  ASSERT_TRUE(page.next.has_value());
  EXPECT_EQ(page.next->id, 2);
  // One is shown however large it is.
  EXPECT_EQ(Search({.bytes_limit = 10, .bodies = true}).entries.size(), 1);
}

}  // namespace
}  // namespace gateway
