#include "base/memory/stable_list.h"

#include <string>

#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(StableListTest, EachStaysWhereItIs) {
  StableList<std::string> list;
  EXPECT_TRUE(list.empty());
  std::string& first = list.Add();
  first = "a";
  std::string& second = list.Add();
  second = "b";
  for (int i = 0; i < 100; ++i) list.Add();
  EXPECT_EQ(list.size(), 102u);
  EXPECT_EQ(&list[0], &first);
  EXPECT_EQ(&list[1], &second);
  EXPECT_EQ(list.front() + list[1], "ab");
}

TEST(StableListTest, IsVisitedInTheOrderInWhichItGrew) {
  StableList<int> list;
  for (int i = 0; i < 4; ++i) list.Add() = i;
  int next = 0;
  const StableList<int>& same = list;
  for (const int each : same) EXPECT_EQ(each, next++);
  EXPECT_EQ(next, 4);
  EXPECT_EQ(same.back(), 3);
  list.Clear();
  EXPECT_TRUE(list.empty());
  EXPECT_EQ(list.Add(), 0);
  EXPECT_EQ(&list.front(), &list.back());
  EXPECT_EQ(list.Add(7), 7);
}

}  // namespace
}  // namespace gateway
