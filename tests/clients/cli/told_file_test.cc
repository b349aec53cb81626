#include "clients/cli/told_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/os/file.h"
#include "base/os/thread.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(ToldFileTest, FilesAndPipesAreReadToTheirEnd) {
  const std::string file = testing::TempDir() + "/told_file";
  ASSERT_TRUE(ReplaceFile(file, "of a file").ok());
  EXPECT_EQ(*ReadToldFile(file, 100), "of a file");
  const std::string pipe = absl::StrCat(testing::TempDir(), "/told_pipe");
  unlink(pipe.c_str());
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  const std::string text(100'000, 'x');  // More than a pipe holds.
  Thread writer("writer", [&] { std::ofstream(pipe) << text; });
  EXPECT_EQ(*ReadToldFile(pipe, text.size()), text);
  writer.Join();
}

TEST(ToldFileTest, WhatCannotBeReadIsNamed) {
  EXPECT_THAT(ReadToldFile("no/such", 1).status().ToString(),
              HasSubstr("no/such: "));
  const std::string file = testing::TempDir() + "/told_large";
  ASSERT_TRUE(ReplaceFile(file, "ab").ok());
  EXPECT_TRUE(absl::IsResourceExhausted(ReadToldFile(file, 1).status()));
  EXPECT_TRUE(
      absl::IsResourceExhausted(ReadToldFile("/dev/zero", 10).status()));
}

TEST(ToldFileTest, APathFromTheRootIsTheSameElsewhere) {
  EXPECT_EQ(FromRoot("/a/b"), "/a/b");
  EXPECT_THAT(FromRoot("b"), StartsWith("/"));
  EXPECT_THAT(FromRoot("./a/../b"), testing::EndsWith("/b"));
  EXPECT_EQ(FromRoot("/a/../b"), "/b");
}

}  // namespace
}  // namespace gateway
