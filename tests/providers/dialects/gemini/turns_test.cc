#include "providers/dialects/gemini/turns.h"

#include <string>
#include <vector>

#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/usage.pb.h"

namespace gateway::gemini {
namespace {

class GeminiTurnsTest : public testing::Test {
 protected:
  Conversation Of(const std::string& text) {
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request_));
    DroppedFields dropped(kDialect, &warnings_);
    PartWriter writer(dropped);
    return Arrange(request_, writer, dropped);
  }

  v1::GenerateRequest request_;
  std::vector<v1::Warning> warnings_;
};

TEST_F(GeminiTurnsTest, InstructionsStandApart) {
  const Conversation conversation = Of(R"(
      messages { role: ROLE_SYSTEM parts { text: 'a' } }
      messages { role: ROLE_DEVELOPER parts { text: 'b' } }
      messages { role: ROLE_USER parts { text: 'c' } })");
  EXPECT_EQ(conversation.instructions.parts.size(), 2u);
  ASSERT_EQ(conversation.turns.size(), 1u);
  EXPECT_EQ(conversation.turns[0].role, "user");
  EXPECT_TRUE(warnings_.empty());
}

TEST_F(GeminiTurnsTest, ALateInstructionMovesAndThatIsTold) {
  const Conversation conversation = Of(R"(
      messages { role: ROLE_USER parts { text: 'a' } name: 'n' }
      messages { role: ROLE_SYSTEM parts { text: 'b' } })");
  EXPECT_EQ(conversation.instructions.parts.size(), 1u);
  ASSERT_EQ(warnings_.size(), 2u);
  EXPECT_EQ(warnings_[0].field(), "messages[].name");
  EXPECT_EQ(warnings_[1].field(), "messages[].role");
}

TEST_F(GeminiTurnsTest, ParallelCallsAndTheirResultsStandTogether) {
  const Conversation conversation = Of(R"(
      messages { role: ROLE_USER parts { text: 'a' } }
      messages { role: ROLE_USER parts { text: 'b' } }
      messages { role: ROLE_ASSISTANT parts { text: '' }
                 parts { tool_call { id: '1' name: 'f' } } }
      messages { role: ROLE_ASSISTANT
                 parts { tool_call { id: '2' name: 'f' } } }
      messages { role: ROLE_TOOL parts { tool_result { tool_call_id: '1' } } }
      messages { role: ROLE_TOOL parts { tool_result { tool_call_id: '2' } } }
      messages { role: ROLE_USER parts { text: 'c' } })");
  ASSERT_EQ(conversation.turns.size(), 4u);
  EXPECT_EQ(conversation.turns[0].parts.size(), 1u);
  EXPECT_EQ(conversation.turns[2].role, "model");
  EXPECT_EQ(conversation.turns[2].parts.size(), 2u);
  EXPECT_EQ(conversation.turns[3].role, "user");
  EXPECT_EQ(conversation.turns[3].parts.size(), 3u);
  EXPECT_EQ(conversation.turns[3].sources.size(), 3u);
}

TEST_F(GeminiTurnsTest, ResultsStandFirstAndInTheOrderOfTheirCalls) {
  const Conversation conversation = Of(R"(
      messages { role: ROLE_USER parts { text: 'a' } }
      messages { role: ROLE_ASSISTANT
                 parts { tool_call { id: '1' name: 'f' } }
                 parts { tool_call { id: '2' name: 'f' } }
                 parts { tool_call { id: '3' name: 'f' } } }
      messages { role: ROLE_USER parts { text: 'meanwhile' } }
      messages { role: ROLE_TOOL parts { tool_result { tool_call_id: 'x' } }
                 parts { tool_result { tool_call_id: '3' } }
                 parts { tool_result { tool_call_id: '2' } } }
      messages { role: ROLE_TOOL parts { tool_result { tool_call_id: '1' } } }
      messages { role: ROLE_USER parts { text: 'and' } })");
  ASSERT_EQ(conversation.turns.size(), 3u);
  std::vector<std::string> found;
  for (const v1::Part* const part : conversation.turns[2].parts) {
    found.push_back(part->has_text() ? part->text()
                                     : part->tool_result().tool_call_id());
  }
  EXPECT_EQ(found, (std::vector<std::string>{"1", "2", "3", "x", "meanwhile",
                                             "and"}));
}

TEST_F(GeminiTurnsTest, AnEmptyRefusalIsNoPart) {
  const Conversation conversation = Of(R"(
      messages { role: ROLE_ASSISTANT parts { text: 'a' }
                 parts { refusal: '' } })");
  ASSERT_EQ(conversation.turns.size(), 1u);
  EXPECT_EQ(conversation.turns[0].parts.size(), 1u);
}

TEST_F(GeminiTurnsTest, WhereOnlyInstructionsAreTheLastIsTheUsers) {
  const Conversation conversation = Of(R"(
      messages { role: ROLE_SYSTEM parts { text: 'a' } }
      messages { role: ROLE_SYSTEM parts { text: 'b' } parts { text: 'c' } }
      messages { role: ROLE_SYSTEM })");
  EXPECT_EQ(conversation.instructions.parts.size(), 1u);
  ASSERT_EQ(conversation.turns.size(), 1u);
  EXPECT_EQ(conversation.turns[0].role, "user");
  ASSERT_EQ(conversation.turns[0].parts.size(), 2u);
  EXPECT_EQ(conversation.turns[0].parts[0]->text(), "b");
  ASSERT_EQ(warnings_.size(), 1u);
  EXPECT_EQ(warnings_[0].field(), "messages[].role");
}

TEST_F(GeminiTurnsTest, ATurnOfNothingIsNone) {
  EXPECT_TRUE(Of(R"(messages { role: ROLE_ASSISTANT }
                    messages { role: ROLE_ASSISTANT parts { text: '' } })")
                  .turns.empty());
}

}  // namespace
}  // namespace gateway::gemini
