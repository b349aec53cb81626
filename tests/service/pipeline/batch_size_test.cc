#include "service/pipeline/batch_size.h"

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "service/overload/overload_control.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

std::shared_ptr<const RuntimeSnapshot> RuntimeWith(
    const std::string& overload) {
  return MakeTestRuntime(
      "providers: [{name: mock, mock: {}}]\n"
      "routing: {default_target: mock}\n" +
      overload);
}

TEST(BatchSizeTest, AsManyAsMayBeWhereMemoryIsNotShort) {
  for (const char* overload :
       {"", "overload: {memory: {size_bytes_limit: 1024GiB}}\n"}) {
    const auto runtime = RuntimeWith(overload);
    EXPECT_EQ(BatchSizeOf(*runtime, 2048), 2048u);
    EXPECT_EQ(*PageSizeOf(*runtime, 0), 100);
    EXPECT_EQ(*PageSizeOf(*runtime, 7), 7);
    EXPECT_EQ(*PageSizeOf(*runtime, 1000), 1000);
    EXPECT_EQ(*PageSizeOf(*runtime, 1001), 1000);
  }
}

TEST(BatchSizeTest, AQuarterWhereItIs) {
  // Of a control group that may have 1000 MiB, 80 % of 95 % are in use.
  const std::string folder = absl::StrCat(testing::TempDir(), "/group");
  std::filesystem::create_directories(folder);
  std::ofstream(folder + "/memory.max") << (int64_t{1000} << 20) << "\n";
  std::ofstream(folder + "/memory.current") << (int64_t{780} << 20) << "\n";
  const auto runtime = RuntimeWith(
      absl::StrCat("overload: {memory: {cgroup_root: \"", folder, "\"}}\n"));
  ASSERT_NE(runtime->overload()->memory().pressure(), MemoryPressure::kNormal);
  EXPECT_EQ(BatchSizeOf(*runtime, 2048), 512u);
  EXPECT_EQ(*PageSizeOf(*runtime, 0), 25);
  EXPECT_EQ(*PageSizeOf(*runtime, 1000), 250);
  EXPECT_EQ(*PageSizeOf(*runtime, 3), 1);
}

TEST(BatchSizeTest, ANegativePageIsNone) {
  const absl::Status status = PageSizeOf(*RuntimeWith(""), -1).status();
  EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_INVALID_REQUEST);
  EXPECT_EQ(FieldViolations(status)[0].first, "page_size");
}

}  // namespace
}  // namespace gateway
