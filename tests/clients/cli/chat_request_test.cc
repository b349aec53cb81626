#include "clients/cli/chat_request.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/os/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using ChatFlags = std::vector<std::pair<std::string, std::string>>;

absl::StatusOr<ChatTurns> TurnsOf(const ChatFlags& flags) {
  OperatorWords words;
  words.flags = flags;
  return ChatTurns::Of(words);
}

// What each message says, behind its role.
std::vector<std::string> Said(const v1::GenerateRequest& request) {
  std::vector<std::string> said;
  for (const v1::Message& message : request.messages()) {
    said.push_back(v1::Role_Name(message.role()) + " " +
                   message.parts(0).text());
  }
  return said;
}

TEST(ChatRequestTest, ATurnKnowsThoseBeforeIt) {
  absl::StatusOr<ChatTurns> turns = TurnsOf({{"--system", "Be brief."}});
  ASSERT_TRUE(turns.ok()) << turns.status();
  EXPECT_THAT(Said(turns->Ask("Hi")),
              ElementsAre("ROLE_SYSTEM Be brief.", "ROLE_USER Hi"));
  turns->Answered("Hello.");
  EXPECT_THAT(Said(turns->Ask("And?")),
              ElementsAre("ROLE_SYSTEM Be brief.", "ROLE_USER Hi",
                          "ROLE_ASSISTANT Hello.", "ROLE_USER And?"));
}

TEST(ChatRequestTest, WhatGotNoAnswerIsNotSaidAgain) {
  absl::StatusOr<ChatTurns> turns = TurnsOf({});
  ASSERT_TRUE(turns.ok()) << turns.status();
  turns->Ask("Fails");
  turns->Unanswered();
  turns->Ask("Calls tools only");
  turns->Answered("");
  EXPECT_THAT(Said(turns->Ask("Hi")), ElementsAre("ROLE_USER Hi"));
}

TEST(ChatRequestTest, ANewConversationIsToldWhatTheFirstWas) {
  absl::StatusOr<ChatTurns> turns = TurnsOf({{"--system", "Be brief."}});
  ASSERT_TRUE(turns.ok()) << turns.status();
  turns->Ask("Hi");
  turns->Answered("Hello.");
  turns->Forget();
  EXPECT_THAT(Said(turns->Ask("Ho")),
              ElementsAre("ROLE_SYSTEM Be brief.", "ROLE_USER Ho"));
}

TEST(ChatRequestTest, ASessionIsKeptByTheGateway) {
  absl::StatusOr<ChatTurns> turns = TurnsOf({{"--session", "s-1"}});
  ASSERT_TRUE(turns.ok()) << turns.status();
  turns->Ask("Hi");
  turns->Answered("Hello.");
  const v1::GenerateRequest& request = turns->Ask("And?");
  EXPECT_EQ(request.session(), "s-1");
  EXPECT_THAT(Said(request), ElementsAre("ROLE_USER And?"));
}

TEST(ChatRequestTest, FlagsAreFieldsOfTheRequest) {
  absl::StatusOr<ChatTurns> turns = TurnsOf({{"--model", "m"},
                                             {"--provider", "p"},
                                             {"--max_tokens", "7"},
                                             {"--temperature", "0.5"}});
  ASSERT_TRUE(turns.ok()) << turns.status();
  const v1::GenerateRequest& request = turns->Ask("Hi");
  EXPECT_EQ(request.model(), "m");
  EXPECT_EQ(request.provider_id(), "p");
  EXPECT_EQ(request.max_output_tokens(), 7);
  EXPECT_EQ(request.sampling().temperature(), 0.5);
}

TEST(ChatRequestTest, AFileHasWhatEveryTurnAsksFor) {
  const std::string path = testing::TempDir() + "/request.json";
  ASSERT_TRUE(ReplaceFile(path, R"({"model": "of-the-file", "tools": [
      {"function": {"name": "weather"}}]})")
                  .ok());
  absl::StatusOr<ChatTurns> turns =
      TurnsOf({{"--request", path}, {"--model", "m"}});
  ASSERT_TRUE(turns.ok()) << turns.status();
  const v1::GenerateRequest& request = turns->Ask("Hi");
  EXPECT_EQ(request.model(), "m");
  ASSERT_EQ(request.tools_size(), 1);
  EXPECT_EQ(request.tools(0).function().name(), "weather");
  ASSERT_TRUE(ReplaceFile(path, R"({"modell": "m"})").ok());
  const absl::Status wrong = TurnsOf({{"--request", path}}).status();
  EXPECT_THAT(wrong.ToString(), HasSubstr(path + " is no GenerateRequest"));
  EXPECT_THAT(wrong.ToString(), HasSubstr("modell"));
  EXPECT_THAT(TurnsOf({{"--request", "no/such.json"}}).status().ToString(),
              HasSubstr("no/such.json"));
}

TEST(ChatRequestTest, ARequestAsksIfItsLastMessageWaitsForAnAnswer) {
  const std::string path = testing::TempDir() + "/asking.json";
  const auto asks = [&path](const std::string& messages) {
    EXPECT_TRUE(ReplaceFile(path, "{\"messages\": [" + messages + "]}").ok());
    const absl::StatusOr<ChatTurns> turns = TurnsOf({{"--request", path}});
    EXPECT_TRUE(turns.ok()) << turns.status();
    return turns.ok() && turns->asks();
  };
  const std::string user =
      R"({"role": "ROLE_USER", "parts": [{"text": "Hi"}]})";
  EXPECT_TRUE(asks(user));
  EXPECT_TRUE(asks(user + R"(, {"role": "ROLE_TOOL"})"));
  EXPECT_FALSE(asks(user + R"(, {"role": "ROLE_ASSISTANT"})"));
  EXPECT_FALSE(asks(R"({"role": "ROLE_SYSTEM"})"));
  EXPECT_FALSE(asks(""));
}

TEST(ChatRequestTest, NumbersHaveTheirRanges) {
  EXPECT_TRUE(TurnsOf({{"--temperature", "0"}}).ok());
  EXPECT_TRUE(TurnsOf({{"--temperature", "2"}}).ok());
  for (const char* const wrong : {"-0.1", "2.1", "nan", "warm"}) {
    EXPECT_THAT(TurnsOf({{"--temperature", wrong}}).status().ToString(),
                HasSubstr("--temperature must be a number from 0 to 2"))
        << wrong;
  }
  EXPECT_TRUE(TurnsOf({{"--max_tokens", "1"}}).ok());
  for (const char* const wrong : {"0", "many", "99999999999"}) {
    EXPECT_THAT(TurnsOf({{"--max_tokens", wrong}}).status().ToString(),
                HasSubstr("--max_tokens must be a number from 1 to 2147483647"))
        << wrong;
  }
}

}  // namespace
}  // namespace gateway
