#include "providers/dialects/anthropic_messages/turns.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace gateway::anthropic {
namespace {

std::string NameOf(const v1::Part& part) {
  if (part.has_tool_result()) return part.tool_result().tool_call_id();
  if (part.has_tool_call()) return part.tool_call().id();
  return part.text();
}

std::string NamesOf(const std::vector<const v1::Part*>& parts) {
  std::vector<std::string> names;
  for (const v1::Part* part : parts) names.push_back(NameOf(*part));
  return absl::StrJoin(names, ",");
}

// The arrangement in short: system parts, then each turn's results and parts.
class ArrangeTest : public testing::Test {
 protected:
  std::string Arranged(const std::string& messages) {
    v1::GenerateRequest request;
    EXPECT_TRUE(
        google::protobuf::TextFormat::ParseFromString(messages, &request));
    DroppedFields dropped(kDialect, &warnings_);
    ContentWriter writer(ContentWriter::Side::kRequest, dropped);
    const Conversation conversation = Arrange(request, writer, dropped);
    std::vector<std::string> turns;
    if (!conversation.system.empty()) {
      turns.push_back("system:" + NamesOf(conversation.system));
    }
    for (const Turn& turn : conversation.turns) {
      std::vector<const v1::Part*> parts = turn.results;
      parts.insert(parts.end(), turn.parts.begin(), turn.parts.end());
      turns.push_back(
          absl::StrCat(std::string(turn.role), ":", NamesOf(parts)));
    }
    return absl::StrJoin(turns, " ");
  }

  std::vector<v1::Warning> warnings_;
};

const char kSystem[] = "messages { role: ROLE_SYSTEM parts { text: 's' } }";
const char kDeveloper[] =
    "messages { role: ROLE_DEVELOPER parts { text: 'd' } }";
const char kUser[] = "messages { role: ROLE_USER parts { text: 'u' } }";
const char kAssistant[] =
    "messages { role: ROLE_ASSISTANT parts { text: 'a' } }";
const char kCalls[] =
    "messages { role: ROLE_ASSISTANT parts { tool_call { id: 'c1' } } "
    "parts { tool_call { id: 'c2' } } }";
const char kResult1[] =
    "messages { role: ROLE_TOOL parts { tool_result { tool_call_id: 'r1' } } }";
const char kResult2[] =
    "messages { role: ROLE_TOOL parts { tool_result { tool_call_id: 'r2' } } }";

TEST_F(ArrangeTest, GathersLeadingInstructions) {
  EXPECT_EQ(Arranged(absl::StrCat(kSystem, kDeveloper, kUser)),
            "system:s,d user:u");
  EXPECT_TRUE(warnings_.empty());
}

TEST_F(ArrangeTest, MovesLaterInstructionsToTheBeginningAndTells) {
  EXPECT_EQ(Arranged(absl::StrCat(kUser, kSystem, kAssistant)),
            "system:s user:u assistant:a");
  EXPECT_EQ(warnings_.size(), 1u);
}

TEST_F(ArrangeTest, LeavesInstructionsWhereThisFormatHadThem) {
  EXPECT_EQ(Arranged(absl::StrCat(
                kUser,
                "messages { role: ROLE_SYSTEM parts { text: 's' } "
                "extensions { dialect: 'anthropic_messages' name: 'role' "
                "json: '\"system\"' } }")),
            "user:u :s");
  EXPECT_TRUE(warnings_.empty());
}

TEST_F(ArrangeTest, MakesOneTurnOfResultsAndWhatTheUserAdds) {
  EXPECT_EQ(Arranged(absl::StrCat(kUser, kCalls, kResult1, kResult2, kUser)),
            "user:u assistant:c1,c2 user:r1,r2,u");
}

TEST_F(ArrangeTest, PutsResultsFirst) {
  EXPECT_EQ(Arranged(absl::StrCat(kCalls, kUser, kResult1, kUser, kResult2)),
            "assistant:c1,c2 user:r1,r2,u,u");
}

TEST_F(ArrangeTest, LeavesOtherRunsApart) {
  EXPECT_EQ(Arranged(absl::StrCat(kUser, kUser, kAssistant, kAssistant)),
            "user:u user:u assistant:a assistant:a");
}

TEST_F(ArrangeTest, DropsATurnOfWhichNothingIsLeft) {
  EXPECT_EQ(Arranged(absl::StrCat(
                kUser,
                "messages { role: ROLE_ASSISTANT parts { reasoning { text: "
                "'unsealed' } } }",
                kUser)),
            "user:u user:u");
}

TEST_F(ArrangeTest, LeavesOutTurnsWithoutContentButForTheLast) {
  for (const std::string parts :
       {"", "parts { text: '' }", "parts { text: '' } parts { refusal: '' }"}) {
    const std::string empty = "messages { role: ROLE_ASSISTANT " + parts + " }";
    warnings_.clear();
    EXPECT_EQ(Arranged(absl::StrCat(kUser, empty, kUser)), "user:u user:u");
    ASSERT_EQ(warnings_.size(), 1u);
    EXPECT_EQ(warnings_[0].field(), "messages[].parts");
    EXPECT_EQ(Arranged(absl::StrCat(kUser, empty)).substr(0, 16),
              "user:u assistant");
  }
  const char* const some =
      "messages { role: ROLE_ASSISTANT "
      "parts { text: '' } parts { text: 'a' } }";
  EXPECT_EQ(Arranged(absl::StrCat(kUser, some, kUser)),
            "user:u assistant:,a user:u");
}

TEST_F(ArrangeTest, TheLastInstructionIsATurnWhereThereIsNone) {
  EXPECT_EQ(Arranged(kSystem), "user:s");
  EXPECT_EQ(warnings_.size(), 1u);
  EXPECT_EQ(Arranged(absl::StrCat(kSystem, kDeveloper)), "system:s user:d");
  EXPECT_EQ(Arranged(absl::StrCat(
                kSystem, "messages { role: ROLE_SYSTEM parts { audio {} } }")),
            "user:s");
}

TEST_F(ArrangeTest, TellsOfNames) {
  Arranged("messages { role: ROLE_USER name: 'ann' parts { text: 'u' } }");
  ASSERT_EQ(warnings_.size(), 1u);
  EXPECT_EQ(warnings_[0].field(), "messages[].name");
}

}  // namespace
}  // namespace gateway::anthropic
