#include "service/sessions/session_messages.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

using ::testing::ElementsAre;
using ::testing::IsEmpty;

SessionMessages Messages(
    const std::vector<std::pair<v1::Role, std::string>>& said) {
  SessionMessages messages;
  for (const auto& [role, text] : said) {
    v1::Message& message = *messages.Add();
    message.set_role(role);
    message.add_parts()->set_text(text);
  }
  return messages;
}

std::vector<std::string> Texts(const SessionMessages& messages) {
  std::vector<std::string> texts;
  for (const v1::Message& each : messages) {
    texts.push_back(each.parts(0).text());
  }
  return texts;
}

TEST(SessionMessagesTest, WhatIsSaidComesAfterWhatWas) {
  SessionMessages messages = Messages({{v1::ROLE_SYSTEM, "be brief"},
                                       {v1::ROLE_USER, "one"},
                                       {v1::ROLE_ASSISTANT, "1"}});
  ContinueMessages(Messages({{v1::ROLE_USER, "two"}}), &messages);
  EXPECT_THAT(Texts(messages), ElementsAre("be brief", "one", "1", "two"));
}

TEST(SessionMessagesTest, InstructionsTakeThePlaceOfThoseOfBefore) {
  SessionMessages messages = Messages({{v1::ROLE_SYSTEM, "be brief"},
                                       {v1::ROLE_DEVELOPER, "no lists"},
                                       {v1::ROLE_USER, "one"},
                                       {v1::ROLE_ASSISTANT, "1"}});
  ContinueMessages(
      Messages({{v1::ROLE_SYSTEM, "be long"}, {v1::ROLE_USER, "two"}}),
      &messages);
  EXPECT_THAT(Texts(messages), ElementsAre("be long", "one", "1", "two"));
}

TEST(SessionMessagesTest, WhatTheSystemSaysLaterIsNoInstruction) {
  const SessionMessages said =
      Messages({{v1::ROLE_USER, "two"}, {v1::ROLE_SYSTEM, "now in French"}});
  EXPECT_EQ(CountInstructions(said), 0);
  SessionMessages messages =
      Messages({{v1::ROLE_SYSTEM, "be brief"}, {v1::ROLE_USER, "one"}});
  ContinueMessages(said, &messages);
  EXPECT_THAT(Texts(messages),
              ElementsAre("be brief", "one", "two", "now in French"));
}

TEST(SessionMessagesTest, NothingContinuesNothing) {
  SessionMessages messages;
  ContinueMessages(SessionMessages(), &messages);
  EXPECT_THAT(Texts(messages), IsEmpty());
  ContinueMessages(Messages({{v1::ROLE_SYSTEM, "be brief"}}), &messages);
  EXPECT_EQ(CountInstructions(messages), 1);
}

}  // namespace
}  // namespace gateway
