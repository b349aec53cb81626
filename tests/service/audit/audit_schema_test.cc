#include "service/audit/audit_schema.h"

#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/audit/audit_store.h"
#include "service/store/sqlite_connection.h"
#include "service/store/sqlite_schema.h"
#include "tests/service/store/temporary_folder.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

TEST(AuditSchemaTest, AnAuditLogIsToldFromOtherFiles) {
  TemporaryFolder folder;
  const std::string path = folder.Path("audit.db");
  {
    auto store = AuditStore::Open({.path = path});
    ASSERT_TRUE(store.ok()) << store.status();
  }
  auto db = SqliteConnection::Open(path, SqliteConnection::Access::kReadWrite,
                                   absl::Seconds(1));
  ASSERT_TRUE(db.ok());
  EXPECT_TRUE(CheckSchema(**db, AuditSchema()).ok());
  ASSERT_TRUE((*db)->Execute("PRAGMA application_id=1").ok());
  db->reset();
  const auto opened = AuditStore::Open({.path = path});
  EXPECT_EQ(opened.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(opened.status().message(), HasSubstr("audit log"));
}

// What was released stays: files have it.
TEST(AuditSchemaTest, EntriesHaveTheColumnsThatTheyAreReadBy) {
  TemporaryFolder folder;
  const std::string path = folder.Path("audit.db");
  {
    ASSERT_TRUE(AuditStore::Open({.path = path}).ok());
  }
  auto db = SqliteConnection::Open(path, SqliteConnection::Access::kReadOnly,
                                   absl::Seconds(1));
  ASSERT_TRUE(db.ok());
  const auto columns = (*db)->ReadInt64(
      "SELECT count(*) FROM pragma_table_info('entries') WHERE "
      "(cid = 3 AND name = 'request_id') OR (cid = 22 AND name = 'answer_of') "
      "OR (cid = 40 AND name = 'cost_usd_nanos') "
      "OR (cid = 45 AND name = 'entries') OR (cid = 46 AND name = "
      "'cost_known') OR (cid = 47 AND name = 'image_input_tokens') OR "
      "(cid = 48 AND name = 'image_output_tokens')");
  ASSERT_TRUE(columns.ok()) << columns.status();
  EXPECT_EQ(*columns, 7);
}

// A file of each version before goes on to be used.
TEST(AuditSchemaTest, AnEarlierFileIsTakenOver) {
  for (SqliteSchema earlier = AuditSchema(); earlier.migrations.size() > 1;) {
    earlier.migrations.pop_back();
    TemporaryFolder folder;
    const std::string path = folder.Path("audit.db");
    std::ofstream(path).close();
    {
      auto db = SqliteConnection::Open(
          path, SqliteConnection::Access::kReadWrite, absl::Seconds(1));
      ASSERT_TRUE(db.ok()) << db.status();
      ASSERT_TRUE(Migrate(**db, earlier).ok());
    }
    auto store = AuditStore::Open({.path = path});
    ASSERT_TRUE(store.ok()) << store.status();
    EXPECT_EQ((*store)->looked_at(), absl::InfinitePast());
    EXPECT_TRUE((*store)->KeepLook(absl::FromUnixSeconds(1)).ok());
  }
}

}  // namespace
}  // namespace gateway
