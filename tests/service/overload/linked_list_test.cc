#include "service/overload/linked_list.h"

#include <array>
#include <string>
#include <utility>

#include "gtest/gtest.h"

namespace gateway {
namespace {

struct Member {
  char name = ' ';
  Links<Member> links;
};
using List = LinkedList<Member, &Member::links>;

class LinkedListTest : public testing::Test {
 protected:
  LinkedListTest() {
    for (Member& each : members_) list_.PushBack(each);
  }

  static std::string Names(const List& list) {
    std::string names;
    for (const Member* each = list.first(); each != nullptr;
         each = each->links.next) {
      names += each->name;
    }
    return names;
  }
  static std::string NamesFromBehind(const List& list) {
    std::string names;
    for (const Member* each = list.last(); each != nullptr;
         each = each->links.previous) {
      names += each->name;
    }
    return names;
  }

  std::array<Member, 3> members_ = {Member{'a'}, Member{'b'}, Member{'c'}};
  List list_;
};

TEST_F(LinkedListTest, KeepsTheOrder) {
  EXPECT_EQ(Names(list_), "abc");
  EXPECT_EQ(NamesFromBehind(list_), "cba");
}

TEST_F(LinkedListTest, AMemberLeavesFromAnywhere) {
  list_.Remove(members_[1]);
  EXPECT_EQ(Names(list_), "ac");
  EXPECT_EQ(NamesFromBehind(list_), "ca");
  list_.Remove(members_[0]);
  EXPECT_EQ(Names(list_), "c");
  list_.Remove(members_[2]);
  EXPECT_TRUE(list_.empty());
  EXPECT_EQ(list_.last(), nullptr);
}

TEST_F(LinkedListTest, WhoLeftComesBackLast) {
  list_.Remove(members_[0]);
  list_.PushBack(members_[0]);
  EXPECT_EQ(Names(list_), "bca");
}

TEST_F(LinkedListTest, AMovedListLeavesNothingBehind) {
  const List moved = std::move(list_);
  EXPECT_EQ(Names(moved), "abc");
  // NOLINTNEXTLINE(bugprone-use-after-move): that is what is tested.
  EXPECT_TRUE(list_.empty());
}

}  // namespace
}  // namespace gateway
