#include "providers/dialects/part_signatures.h"

#include <string>

#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

constexpr char kSignedCall[] = R"(
    tool_call { id: 'c' name: 'f' arguments: '{}' }
    extensions { dialect: 'gemini' name: 'thoughtSignature' json: '"U0lH"' }
    extensions { dialect: 'gemini' name: 'other' json: '1' })";

template <typename Message>
Message FromText(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message));
  return message;
}

TEST(PartSignaturesTest, OnlyGooglesSignaturesOfPartsAreSignatures) {
  EXPECT_EQ(PartSignature(FromText<v1::Part>(kSignedCall).extensions()),
            "U0lH");
  for (const char* const other :
       {"extensions { dialect: 'gemini' name: 'x' json: '\"U0lH\"' }",
        "extensions { dialect: 'x' name: 'thoughtSignature' json: '\"a\"' }",
        "extensions { dialect: 'gemini' name: 'thoughtSignature' json: '1' }",
        "extensions { dialect: 'gemini' name: 'thoughtSignature' json: '\"' }",
        "extensions { dialect: 'gemini' name: 'thoughtSignature' "
        "json: '\"a\\\\n\"' }"}) {
    EXPECT_EQ(PartSignature(FromText<v1::Part>(other).extensions()), "")
        << other;
  }
}

TEST(PartSignaturesTest, ASignatureStandsBeforeItsPartAndComesBack) {
  v1::Message message;
  message.set_role(v1::ROLE_ASSISTANT);
  message.add_parts()->set_text("Let me see.");
  EXPECT_FALSE(HasSignedParts(message));
  *message.add_parts() = FromText<v1::Part>(kSignedCall);
  ASSERT_TRUE(HasSignedParts(message));
  const v1::Message with_reasoning = WithSignaturesAsReasoning(message);
  ASSERT_EQ(with_reasoning.parts_size(), 3);
  EXPECT_EQ(with_reasoning.role(), v1::ROLE_ASSISTANT);
  EXPECT_EQ(with_reasoning.parts(0).text(), "Let me see.");
  EXPECT_EQ(with_reasoning.parts(1).reasoning().redacted_data(),
            "seal:gemini:U0lH");
  EXPECT_EQ(SignatureFromReasoning(with_reasoning.parts(1).reasoning()),
            "U0lH");
  EXPECT_EQ(with_reasoning.parts(2).tool_call().id(), "c");
  ASSERT_EQ(with_reasoning.parts(2).extensions_size(), 1);
  EXPECT_EQ(with_reasoning.parts(2).extensions(0).name(), "other");
}

TEST(PartSignaturesTest, APiecesSignatureIsReasoningOfTheSamePart) {
  const v1::Delta with_reasoning = SignatureAsReasoning(FromText<v1::Delta>(R"(
      choice_index: 1 part_index: 2 tool_call { id: 'c' name: 'f' }
      extensions { dialect: 'gemini' name: 'thoughtSignature'
                   json: '"U0lH"' })"));
  EXPECT_EQ(with_reasoning.choice_index(), 1);
  EXPECT_EQ(with_reasoning.part_index(), 2);
  EXPECT_EQ(with_reasoning.redacted_reasoning(), "seal:gemini:U0lH");
}

TEST(PartSignaturesTest, ThoughtsAndSignaturesOfOthersAreNone) {
  for (const char* const other :
       {"text: 'a' redacted_data: 'seal:gemini:x'", "redacted_data: 'x'",
        "redacted_data: 'seal:openai_responses:x'",
        "signature: 'seal:gemini:x'"}) {
    EXPECT_EQ(SignatureFromReasoning(FromText<v1::Reasoning>(other)), "")
        << other;
  }
}

}  // namespace
}  // namespace gateway
