#include "service/reload/config_history.h"

#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/state/state_store.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

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
        R"({"versions": [{"text_base64": "!"}]})", "{}", R"({"foo": 1})",
        R"({"file_sha256": "f"})", R"({"file_sha256": "f", "versions": []})",
        R"({"file_sha256": "f", "versions": [{}]})",
        R"({"file_sha256": "f", "versions": [{"version": 1}]})"}) {
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

class KeptHistoryTest : public testing::Test {
 protected:
  KeptHistoryTest() {
    ConfigHistory history;
    history.Add(Version(1), "file");
    history.Add(Version(2), "file");
    EXPECT_TRUE(history.Write(*store_).ok());
    document_ = **store_->Read("config.json");
  }

  // How many versions are read of the document, with `part` altered.
  size_t ReadWith(const std::string& part, const std::string& altered) {
    EXPECT_THAT(document_, HasSubstr(part));
    EXPECT_TRUE(store_
                    ->Write("config.json",
                            absl::StrReplaceAll(document_, {{part, altered}}))
                    .ok());
    return ConfigHistory::Restore(*store_).versions().size();
  }

  const std::unique_ptr<StateStore> store_ = OpenStore();
  std::string document_;
};

TEST_F(KeptHistoryTest, OneThatWasAlteredIsSetAside) {
  const std::string text = absl::Base64Escape(Version(1).text);
  for (const auto& [part, altered] : std::map<std::string, std::string>{
           {R"("file_sha256":"file")", R"("file_sha256":"fil")"},
           {R"("version":2)", R"("version":3)"},
           {R"("load_time_ms":1767323045678)", R"("load_time_ms":1)"},
           {"applied by ops", "applied by others"},
           {R"("checksum":"checksum")", R"("checksum":"0")"},
           {R"("from_file":false)", R"("from_file":true)"},
           {R"("applied":true)", R"("applied":false)"},
           {text, absl::Base64Escape("providers: []\n")},
           {R"("sum":")", R"("sum":"0)"}}) {
    SCOPED_TRACE(altered);
    EXPECT_EQ(ReadWith(part, altered), 0u);
    EXPECT_EQ(*store_->Read("config.json"), std::nullopt);
  }
}

TEST_F(KeptHistoryTest, OneThatLacksAFieldIsSetAside) {
  for (const char* field :
       {"file_sha256", "versions", "version", "load_time_ms", "source",
        "checksum", "from_file", "applied", "text_base64", "sum"}) {
    SCOPED_TRACE(field);
    const std::string name = absl::StrCat("\"", field, "\":");
    EXPECT_EQ(ReadWith(name, absl::StrCat("\"", field, "z\":")), 0u);
    EXPECT_EQ(*store_->Read("config.json"), std::nullopt);
  }
}

TEST_F(KeptHistoryTest, OneIsReadThatHasNoSumYet) {
  const size_t sum = document_.find(R"(,"sum":)");
  ASSERT_NE(sum, std::string::npos);
  EXPECT_EQ(ReadWith(document_.substr(sum), "}"), 2u);
  EXPECT_TRUE(store_->damaged().empty());
}

}  // namespace
}  // namespace gateway
