#include "service/ledger/end_file.h"

#include <fstream>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "tests/service/store/temporary_folder.h"

namespace gateway {
namespace {

class EndFileTest : public testing::Test {
 protected:
  TemporaryFolder folder_;
  const std::string path_ = folder_.Path("ledger.db.end");
};

TEST_F(EndFileTest, ANewOneSaysNothing) {
  const auto file = EndFile::Open(path_);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ((*file)->end().commits, 0);
  EXPECT_EQ((*file)->end().entries, 0);
}

TEST_F(EndFileTest, SaysWhatWasWrittenLast) {
  {
    const auto file = EndFile::Open(path_);
    ASSERT_TRUE(file.ok()) << file.status();
    (*file)->Write({.commits = 1'000'000, .entries = 9'000'000, .hash = "ab"});
    (*file)->Write({.commits = 12, .entries = 34, .hash = "cd"});
  }
  const auto again = EndFile::Open(path_);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ((*again)->end().commits, 12);
  EXPECT_EQ((*again)->end().entries, 34);
  EXPECT_EQ((*again)->end().hash, "cd");
  EXPECT_FALSE((*again)->is_of_earlier_boot());
}

TEST_F(EndFileTest, IsReadBesideWhoWrites) {
  EXPECT_EQ(EndFile::Peek(path_).value(), LedgerEnd());
  const auto file = EndFile::Open(path_);
  ASSERT_TRUE(file.ok()) << file.status();
  (*file)->Write({.commits = 12, .entries = 34, .hash = "cd"});
  EXPECT_EQ(EndFile::Peek(path_).value(), (LedgerEnd{12, 34, "cd"}));
}

TEST_F(EndFileTest, KnowsThatTheMachineHasStartedAnewSince) {
  std::ofstream(path_) << "1 2 ab 01234567-89ab-cdef-0123-456789abcdef\n";
  const auto file = EndFile::Open(path_);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ((*file)->end(), (LedgerEnd{1, 2, "ab"}));
  EXPECT_TRUE((*file)->is_of_earlier_boot());
}

TEST_F(EndFileTest, OneOfAnEarlierVersionMayBeOfThisBoot) {
  std::ofstream(path_) << "1 2 ab\n";
  const auto file = EndFile::Open(path_);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ((*file)->end(), (LedgerEnd{1, 2, "ab"}));
  EXPECT_FALSE((*file)->is_of_earlier_boot());
}

TEST_F(EndFileTest, OneOfZerosSaysNothing) {
  std::ofstream(path_) << std::string(100, '\0');
  const auto file = EndFile::Open(path_);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ((*file)->end(), LedgerEnd());
}

TEST_F(EndFileTest, IsForOneAtATime) {
  auto file = EndFile::Open(path_);
  ASSERT_TRUE(file.ok()) << file.status();
  const absl::Status other = EndFile::Open(path_).status();
  EXPECT_EQ(other.code(), absl::StatusCode::kFailedPrecondition) << other;
  EXPECT_NE(other.message().find("another gateway"), std::string::npos);
  file->reset();
  EXPECT_TRUE(EndFile::Open(path_).ok());
}

TEST_F(EndFileTest, WhatSaysNoEndIsADamage) {
  for (const char* const text : {"x", "1 2\n", "1 x hash\n", "1 2 a b\n"}) {
    std::ofstream(path_) << text;
    EXPECT_EQ(EndFile::Open(path_).status().code(), absl::StatusCode::kDataLoss)
        << text;
  }
}

}  // namespace
}  // namespace gateway
