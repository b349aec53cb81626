#include "service/summary/call_group.h"

#include <memory>
#include <string>

#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(CallGroupTest, AnOwnedGroupKeepsItsTexts) {
  std::unique_ptr<OwnedCallGroup> owned;
  {
    const std::string agent = "an agent whose name is on the heap by its size";
    const std::string caller = "team-a";
    owned = std::make_unique<OwnedCallGroup>(CallGroup{.agent_type = agent,
                                                       .provider = "p",
                                                       .caller = caller,
                                                       .caller_has_key = true});
  }
  EXPECT_EQ(
      owned->group(),
      (CallGroup{.agent_type = "an agent whose name is on the heap by its size",
                 .provider = "p",
                 .caller = "team-a",
                 .caller_has_key = true}));
}

TEST(CallGroupTest, NamesThatCallersMakeUpCanBeLeftOut) {
  EXPECT_EQ(WithoutMadeUpNames({.agent_type = "a",
                                .provider = "p",
                                .model = "m",
                                .project_id = "j",
                                .caller = "c"}),
            (CallGroup{.agent_type = "other",
                       .provider = "p",
                       .model = "m",
                       .project_id = "other",
                       .caller = "c"}));
  EXPECT_EQ(WithoutMadeUpNames({.caller = "c"}), (CallGroup{.caller = "c"}));
}

TEST(CallGroupTest, NamesAreCutBetweenCharacters) {
  const std::string long_name(kGroupNameBytesMax - 1, 'x');
  const std::string split = long_name + "ä";
  EXPECT_EQ(CutGroup({.model = long_name}).model, long_name);
  EXPECT_EQ(CutGroup({.agent_type = split}).agent_type, long_name);
  EXPECT_EQ(CutGroup({.project_id = long_name + "yz"}).project_id,
            long_name + "y");
}

}  // namespace
}  // namespace gateway
