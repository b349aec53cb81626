#include "service/overload/cgroup_memory.h"

#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/os/file.h"
#include "base/string_view.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

// A tree of control groups in a folder of the test's own.
class CgroupMemoryTest : public testing::Test {
 protected:
  CgroupMemoryTest() {
    std::string folder = absl::StrCat(testing::TempDir(), "cgroup.XXXXXX");
    root_ = mkdtemp(folder.data());
  }

  // `path` is within the root.
  void Write(std::string_view path, std::string_view text) {
    std::string folder = root_;
    for (const absl::string_view part : absl::StrSplit(ToAbsl(path), '/')) {
      mkdir(folder.c_str(), 0755);
      absl::StrAppend(&folder, "/", part);
    }
    ASSERT_TRUE(ReplaceFile(folder, text).ok());
  }

  // The process is in `groups`, as /proc/self/cgroup says it.
  std::optional<CgroupMemory> Find(std::string_view groups) {
    Write("own", groups);
    const std::optional<CgroupMemoryReader> reader =
        CgroupMemoryReader::Find(root_, absl::StrCat(root_, "/own"));
    if (!reader.has_value()) return std::nullopt;
    return reader->Read();
  }

  static CgroupMemory Memory(int64_t limit, int64_t used) {
    return {.limit_bytes = limit, .used_bytes = used};
  }

  std::string root_;
};

TEST_F(CgroupMemoryTest, AContainerSeesItsGroupAtTheRoot) {
  Write("memory.max", "1000000\n");
  Write("memory.current", "600000\n");
  Write("memory.stat", "anon 400000\ninactive_file 50000\nactive_file 1\n");
  EXPECT_EQ(Find("0::/\n"), Memory(1000000, 550000));
}

TEST_F(CgroupMemoryTest, TheLesserOfMaxAndHighIsTheLimit) {
  Write("memory.max", "1000000\n");
  Write("memory.high", "900000\n");
  Write("memory.current", "1\n");
  EXPECT_EQ(Find("0::/\n"), Memory(900000, 1));
  Write("memory.max", "max\n");
  EXPECT_EQ(Find("0::/\n"), Memory(900000, 1));
  Write("memory.high", "max\n");
  EXPECT_EQ(Find("0::/\n"), std::nullopt);
}

TEST_F(CgroupMemoryTest, TheNearestGroupWithALimitCounts) {
  Write("a/b/memory.max", "max\n");
  Write("a/b/memory.current", "1\n");
  Write("a/memory.max", "2000\n");
  Write("a/memory.current", "2\n");
  Write("memory.max", "3000\n");
  Write("memory.current", "3\n");
  EXPECT_EQ(Find("0::/a/b\n"), Memory(2000, 2));
  Write("a/b/memory.max", "1000\n");
  EXPECT_EQ(Find("0::/a/b\n"), Memory(1000, 1));
  EXPECT_EQ(Find("0::/elsewhere\n"), Memory(3000, 3));
}

TEST_F(CgroupMemoryTest, AGroupAboveTheMountIsLookedForAtTheRoot) {
  Write("memory.max", "3000\n");
  Write("memory.current", "3\n");
  EXPECT_EQ(Find("0::/../other\n"), Memory(3000, 3));
}

TEST_F(CgroupMemoryTest, Version1IsReadWhereItLimits) {
  Write("memory/a/memory.limit_in_bytes", "1000\n");
  Write("memory/a/memory.usage_in_bytes", "700\n");
  Write("memory/a/memory.stat", "inactive_file 1\ntotal_inactive_file 100\n");
  EXPECT_EQ(Find("9:name=systemd:/\n4:cpu,memory:/a\n0::/\n"),
            Memory(1000, 600));
}

TEST_F(CgroupMemoryTest, Version1SaysNoLimitByAHugeNumber) {
  Write("memory/memory.limit_in_bytes", "9223372036854771712\n");
  Write("memory/memory.usage_in_bytes", "700\n");
  EXPECT_EQ(Find("4:memory:/\n"), std::nullopt);
}

TEST_F(CgroupMemoryTest, WithoutFilesThereIsNoLimit) {
  EXPECT_EQ(Find("0::/\n"), std::nullopt);
  EXPECT_EQ(CgroupMemoryReader::Find("/nowhere", "/nowhere/either"),
            std::nullopt);
}

TEST_F(CgroupMemoryTest, ALimitThatIsTakenAwayIsNone) {
  Write("memory.max", "1000\n");
  Write("memory.current", "1\n");
  const std::optional<CgroupMemoryReader> reader =
      CgroupMemoryReader::Find(root_, "/nowhere");
  ASSERT_TRUE(reader.has_value());
  EXPECT_EQ(reader->Read(), Memory(1000, 1));
  Write("memory.max", "2000\n");
  EXPECT_EQ(reader->Read(), Memory(2000, 1));
  Write("memory.max", "max\n");
  EXPECT_EQ(reader->Read(), std::nullopt);
}

TEST_F(CgroupMemoryTest, MoreInactiveThanInUseIsNothingInUse) {
  Write("memory.max", "1000\n");
  Write("memory.current", "10\n");
  Write("memory.stat", "inactive_file 20\n");
  EXPECT_EQ(Find("0::/\n"), Memory(1000, 0));
}

}  // namespace
}  // namespace gateway
