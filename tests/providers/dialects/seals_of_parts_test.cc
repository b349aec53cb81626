#include "providers/dialects/seals_of_parts.h"

#include <string>

#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

constexpr char kSealedCall[] = R"(
    tool_call { id: 'c' name: 'f' arguments: '{}' }
    extensions { dialect: 'gemini' name: 'thoughtSignature' json: '"U0lH"' }
    extensions { dialect: 'gemini' name: 'other' json: '1' })";

template <typename Message>
Message FromText(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message));
  return message;
}

TEST(SealsOfPartsTest, OnlyGooglesSealsOfPartsAreSeals) {
  EXPECT_EQ(SealOfPart(FromText<v1::Part>(kSealedCall).extensions()), "U0lH");
  for (const char* const other :
       {"extensions { dialect: 'gemini' name: 'x' json: '\"U0lH\"' }",
        "extensions { dialect: 'x' name: 'thoughtSignature' json: '\"a\"' }",
        "extensions { dialect: 'gemini' name: 'thoughtSignature' json: '1' }",
        "extensions { dialect: 'gemini' name: 'thoughtSignature' json: '\"' }",
        "extensions { dialect: 'gemini' name: 'thoughtSignature' "
        "json: '\"a\\\\n\"' }"}) {
    EXPECT_EQ(SealOfPart(FromText<v1::Part>(other).extensions()), "") << other;
  }
}

TEST(SealsOfPartsTest, ASealStandsBeforeItsPartAndComesBack) {
  v1::Message message;
  message.set_role(v1::ROLE_ASSISTANT);
  message.add_parts()->set_text("Let me see.");
  EXPECT_FALSE(HasSealedParts(message));
  *message.add_parts() = FromText<v1::Part>(kSealedCall);
  ASSERT_TRUE(HasSealedParts(message));
  const v1::Message sealed = WithSealsAsReasoning(message);
  ASSERT_EQ(sealed.parts_size(), 3);
  EXPECT_EQ(sealed.role(), v1::ROLE_ASSISTANT);
  EXPECT_EQ(sealed.parts(0).text(), "Let me see.");
  EXPECT_EQ(sealed.parts(1).reasoning().redacted_data(), "seal:gemini:U0lH");
  EXPECT_EQ(SealFromReasoning(sealed.parts(1).reasoning()), "U0lH");
  EXPECT_EQ(sealed.parts(2).tool_call().id(), "c");
  ASSERT_EQ(sealed.parts(2).extensions_size(), 1);
  EXPECT_EQ(sealed.parts(2).extensions(0).name(), "other");
}

TEST(SealsOfPartsTest, APiecesSealIsReasoningOfTheSamePart) {
  const v1::Delta sealed = SealAsReasoning(FromText<v1::Delta>(R"(
      choice_index: 1 part_index: 2 tool_call { id: 'c' name: 'f' }
      extensions { dialect: 'gemini' name: 'thoughtSignature'
                   json: '"U0lH"' })"));
  EXPECT_EQ(sealed.choice_index(), 1);
  EXPECT_EQ(sealed.part_index(), 2);
  EXPECT_EQ(sealed.redacted_reasoning(), "seal:gemini:U0lH");
}

TEST(SealsOfPartsTest, ThoughtsAndSealsOfOthersAreNone) {
  for (const char* const other :
       {"text: 'a' redacted_data: 'seal:gemini:x'", "redacted_data: 'x'",
        "redacted_data: 'seal:openai_responses:x'",
        "signature: 'seal:gemini:x'"}) {
    EXPECT_EQ(SealFromReasoning(FromText<v1::Reasoning>(other)), "") << other;
  }
}

}  // namespace
}  // namespace gateway
