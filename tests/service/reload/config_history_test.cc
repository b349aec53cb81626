#include "service/reload/config_history.h"

#include <cstdlib>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "service/state/state_store.h"

namespace gateway {
namespace {

ConfigVersion Version(int64_t number) {
  ConfigVersion version;
  version.number = number;
  version.etag = "etag";
  version.checksum = "checksum";
  version.source = "applied by ops";
  version.load_time = absl::FromUnixMillis(1767323045678);
  version.text = "# \xff is no UTF-8\nproviders: []\n";
  version.from_file = false;
  version.applied = true;
  return version;
}

std::unique_ptr<StateStore> OpenStore() {
  std::string folder = testing::TempDir() + "/history.XXXXXX";
  EXPECT_NE(mkdtemp(folder.data()), nullptr);
  return *StateStore::Open(folder);
}

TEST(ConfigHistoryTest, IsReadAsItWasWritten) {
  const auto store = OpenStore();
  ConfigHistory history = ConfigHistory::Restore(*store);
  EXPECT_TRUE(history.versions().empty());
  history.Add(Version(1), "sum of before");
  history.Add(Version(2), "sum of the file");
  ASSERT_TRUE(history.Write(*store).ok());

  const ConfigHistory again = ConfigHistory::Restore(*store);
  EXPECT_EQ(again.file_sha256(), "sum of the file");
  ASSERT_EQ(again.versions().size(), 2u);
  const ConfigVersion& read = again.versions().back();
  const ConfigVersion written = Version(2);
  EXPECT_EQ(read.number, 2);
  // Of another process it would say nothing.
  EXPECT_EQ(read.etag, "");
  EXPECT_EQ(read.checksum, written.checksum);
  EXPECT_EQ(read.source, written.source);
  EXPECT_EQ(read.load_time, written.load_time);
  EXPECT_EQ(read.text, written.text);
  EXPECT_FALSE(read.from_file);
  EXPECT_TRUE(read.applied);
}

TEST(ConfigHistoryTest, TheOldestGoFirst) {
  ConfigHistory history;
  const int64_t last = ConfigHistory::kVersionsMax + 1;
  for (int64_t number = 1; number <= last; ++number) {
    history.Add(Version(number), "sum");
  }
  EXPECT_EQ(history.versions().size(), ConfigHistory::kVersionsMax);
  EXPECT_EQ(history.Find(1), nullptr);
  EXPECT_NE(history.Find(2), nullptr);
  EXPECT_EQ(history.Find(last), &history.versions().back());
}

TEST(ConfigHistoryTest, TheLastMayBeReplaced) {
  ConfigHistory history;
  history.Add(Version(1), "before");
  ConfigVersion other = Version(1);
  other.text = "other";
  history.ReplaceLast(other, "after");
  EXPECT_EQ(history.versions().size(), 1u);
  EXPECT_EQ(history.Find(1)->text, "other");
  EXPECT_EQ(history.file_sha256(), "after");
}

TEST(ConfigHistoryTest, ADocumentThatIsNoneIsSetAside) {
  for (const char* text :
       {"", "{", "[]", R"({"versions": [{"version": 7}, {"version": "x"}]})",
        R"({"versions": [{"text_base64": "!"}]})"}) {
    const auto store = OpenStore();
    ASSERT_TRUE(store->Write("config.json", text).ok());
    const ConfigHistory history = ConfigHistory::Restore(*store);
    EXPECT_TRUE(history.versions().empty()) << text;
    ASSERT_EQ(store->damaged().size(), 1u) << text;
    EXPECT_EQ(
        store->damaged()[0].find(store->folder() + "/config.json.damaged-"),
        0u);
  }
}

}  // namespace
}  // namespace gateway
