#include "service/pipeline/output_check.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "errors/fault.h"
#include "errors/foreign_words.h"
#include "errors/verdict.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/schema/schema_cache.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kAnswerSchema[] =
    R"({"type": "object", "required": ["answer"],
        "properties": {"answer": {"type": "integer"}}})";

v1::GenerateRequest Asking(v1::ResponseFormat::Kind kind,
                           const std::string& schema = "") {
  v1::GenerateRequest request;
  request.mutable_response_format()->set_kind(kind);
  request.mutable_response_format()->set_schema(schema);
  return request;
}

v1::GenerateResponse Answers(const std::vector<std::string>& texts) {
  v1::GenerateResponse response;
  for (const std::string& text : texts) {
    v1::Choice* const choice = response.add_choices();
    choice->set_finish_reason(v1::FINISH_REASON_STOP);
    choice->mutable_message()->add_parts()->set_text(text);
  }
  return response;
}

v1::GenerateEvent Piece(int choice, const std::string& text) {
  v1::GenerateEvent event;
  event.mutable_delta()->set_choice_index(choice);
  event.mutable_delta()->set_text(text);
  return event;
}

v1::GenerateEvent End(int choice, v1::FinishReason reason) {
  v1::GenerateEvent event;
  event.mutable_choice_end()->set_choice_index(choice);
  event.mutable_choice_end()->set_finish_reason(reason);
  return event;
}

// As the pipeline does.
void ValidateBy(OutputCheck& check, const v1::GenerateResponse& response) {
  check.Add(response);
  if (!check.ValidateBriefly()) check.Validate();
}

class OutputCheckTest : public testing::Test {
 protected:
  OutputCheckTest() { Expect(/*strict=*/false); }

  void Expect(bool strict) {
    ASSERT_TRUE(
        check_
            .Expect(Asking(v1::ResponseFormat::KIND_JSON_SCHEMA, kAnswerSchema),
                    schemas_, strict)
            .ok());
  }

  void Validate(const v1::GenerateResponse& response) {
    ValidateBy(check_, response);
  }
  void ValidateNoted() {
    if (!check_.ValidateBriefly()) check_.Validate();
  }

  // What the answer is told to be.
  v1::GenerateResponse Told() const {
    v1::GenerateResponse told;
    check_.Describe(&told);
    return told;
  }

  SchemaCache schemas_;
  OutputCheck check_;
};

TEST_F(OutputCheckTest, AnAnswerAsAskedIsValid) {
  Validate(Answers({R"({"answer": 42})"}));
  EXPECT_TRUE(Told().has_output_valid());
  EXPECT_TRUE(Told().output_valid());
  EXPECT_THAT(Told().output_errors(), IsEmpty());
  EXPECT_TRUE(check_.Result().ok());
}

TEST_F(OutputCheckTest, AnotherAnswerIsNotAndSaysWhy) {
  Validate(Answers({R"({"answer": "42"})"}));
  EXPECT_TRUE(Told().has_output_valid());
  EXPECT_FALSE(Told().output_valid());
  EXPECT_THAT(Told().output_errors(),
              ElementsAre("#/answer: is a string, not an integer"));
  // Which is told, and no failure unless that was asked for.
  EXPECT_TRUE(check_.Result().ok());
}

TEST_F(OutputCheckTest, TheTextsOfAChoiceAreOne) {
  v1::GenerateResponse response = Answers({R"({"answ)"});
  v1::Message* const message = response.mutable_choices(0)->mutable_message();
  message->add_parts()->mutable_reasoning()->set_text("thinking");
  message->add_parts()->set_text(R"(er": 42})");
  Validate(response);
  EXPECT_TRUE(Told().output_valid());
}

TEST_F(OutputCheckTest, AllChoicesMustBeValid) {
  Validate(Answers({R"({"answer": 1})", R"({"answer": 2})"}));
  EXPECT_TRUE(Told().output_valid());
  Validate(Answers({R"({"answer": 1})", "{}"}));
  EXPECT_FALSE(Told().output_valid());
  EXPECT_THAT(Told().output_errors(),
              ElementsAre("choices[1]#: missing required property 'answer'"));
}

TEST_F(OutputCheckTest, AStreamIsCheckedByItsWholeText) {
  check_.Add(Piece(0, R"({"answer")"));
  check_.Add(Piece(1, "{"));
  check_.Add(Piece(0, ": 42}"));
  check_.Add(Piece(1, "}"));
  check_.Add(End(0, v1::FINISH_REASON_STOP));
  EXPECT_FALSE(check_.validated());
  ValidateNoted();
  EXPECT_TRUE(check_.validated());
  EXPECT_THAT(Told().output_errors(),
              ElementsAre("choices[1]#: missing required property 'answer'"));
}

TEST_F(OutputCheckTest, WhatWasCutOffOrRefusedSaysSo) {
  v1::GenerateResponse response = Answers({R"({"answer": 42})"});
  response.mutable_choices(0)->set_finish_reason(v1::FINISH_REASON_LENGTH);
  Validate(response);
  EXPECT_THAT(Told().output_errors(), ElementsAre(HasSubstr("cut off")));
  response.mutable_choices(0)->set_finish_reason(
      v1::FINISH_REASON_CONTENT_FILTER);
  Validate(response);
  EXPECT_THAT(Told().output_errors(), ElementsAre(HasSubstr("filter")));
  response = Answers({""});
  response.mutable_choices(0)->mutable_message()->add_parts()->set_refusal(
      "I cannot");
  Validate(response);
  EXPECT_THAT(Told().output_errors(), ElementsAre(HasSubstr("refused")));
  Validate(v1::GenerateResponse());
  EXPECT_THAT(Told().output_errors(), ElementsAre(HasSubstr("no answer")));
  v1::GenerateEvent refusal;
  refusal.mutable_delta()->set_refusal("no");
  check_.Add(refusal);
  ValidateNoted();
  EXPECT_THAT(Told().output_errors(), ElementsAre(HasSubstr("refused")));
}

TEST_F(OutputCheckTest, ATurnThatCallsToolsIsNotChecked) {
  v1::GenerateResponse response = Answers({"Let me look that up"});
  response.mutable_choices(0)->set_finish_reason(v1::FINISH_REASON_TOOL_CALLS);
  Expect(/*strict=*/true);
  Validate(response);
  EXPECT_FALSE(check_.validated());
  EXPECT_FALSE(Told().has_output_valid());
  EXPECT_TRUE(check_.Result().ok());
}

TEST_F(OutputCheckTest, AStrictCallFailsWithTheFirstErrors) {
  Expect(/*strict=*/true);
  Validate(Answers({R"({"answer": 1.5})"}));
  const absl::Status result = check_.Result();
  EXPECT_EQ(FaultReason(result), v1::ERROR_REASON_RESPONSE_VALIDATION);
  EXPECT_EQ(result.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(result.message()),
              HasSubstr("#/answer: is a number, not an integer"));
  EXPECT_THAT(FieldViolations(result),
              ElementsAre(testing::Pair("output#/answer",
                                        "is a number, not an integer")));
  EXPECT_FALSE(ComesFromUpstream(ClassifyFailure(result)));
  // Nobody but the caller is told a name that the answer has.
  EXPECT_EQ(FindForeignWords(result, ForeignWords::kOfAnswer),
            "#/answer: is a number, not an integer");
}

TEST_F(OutputCheckTest, AFaultIsBoundedHoweverMuchIsWrong) {
  Expect(/*strict=*/true);
  std::vector<std::string> texts(
      50, R"({"answer": ")" + std::string(2000, 'x') + "\"}");
  Validate(Answers(texts));
  const absl::Status result = check_.Result();
  EXPECT_THAT(FieldViolations(result), SizeIs(OutputCheck::kFaultErrorsMax));
  EXPECT_LT(result.message().size(), kFaultMessageBytesLimit);
  EXPECT_THAT(Told().output_errors(), SizeIs(JsonSchema::kErrorsMax));
}

TEST_F(OutputCheckTest, AnAnswerWithoutBoundsIsNotKept) {
  for (size_t bytes = 0; bytes <= OutputCheck::kTextBytesMax;
       bytes += 1024 * 1024) {
    check_.Add(Piece(0, std::string(1024 * 1024, ' ')));
  }
  ValidateNoted();
  EXPECT_THAT(Told().output_errors(), ElementsAre(HasSubstr("longer than")));
}

TEST(OutputCheckExpectTest, AnyObjectWillDoForJsonMode) {
  SchemaCache schemas;
  OutputCheck check;
  ASSERT_TRUE(
      check.Expect(Asking(v1::ResponseFormat::KIND_JSON_OBJECT), schemas, false)
          .ok());
  v1::GenerateResponse told;
  ValidateBy(check, Answers({R"({"any": []})"}));
  check.Describe(&told);
  EXPECT_TRUE(told.output_valid());
  ValidateBy(check, Answers({"[]"}));
  check.Describe(&told);
  EXPECT_FALSE(told.output_valid());
}

TEST(OutputCheckExpectTest, FreeTextIsNotChecked) {
  SchemaCache schemas;
  for (const auto kind :
       {v1::ResponseFormat::KIND_UNSPECIFIED, v1::ResponseFormat::KIND_TEXT}) {
    OutputCheck check;
    ASSERT_TRUE(check.Expect(Asking(kind), schemas, true).ok());
    EXPECT_FALSE(check.asked());
    ValidateBy(check, Answers({"{"}));
    EXPECT_TRUE(check.ValidateBriefly());
    EXPECT_FALSE(check.validated());
    EXPECT_TRUE(check.Result().ok());
  }
}

TEST(OutputCheckExpectTest, ASchemaThatCannotBeReadIsRefusedWithItsPlace) {
  SchemaCache schemas;
  OutputCheck check;
  const absl::Status refused = check.Expect(
      Asking(v1::ResponseFormat::KIND_JSON_SCHEMA,
             R"({"properties": {"a": {"unevaluatedProperties": false}}})"),
      schemas, false);
  EXPECT_EQ(FaultReason(refused), v1::ERROR_REASON_INVALID_REQUEST);
  EXPECT_THAT(FieldViolations(refused),
              ElementsAre(testing::Pair(
                  "response_format.schema",
                  HasSubstr("#/properties/a/unevaluatedProperties: "))));
}

// A schema and an answer that cost a step for each pair of an item and a part
// of the schema: 200,000.
struct Costly {
  Costly() {
    schema = R"({"items": {"allOf": [)";
    for (int i = 0; i < 100; ++i) {
      absl::StrAppend(&schema, i == 0 ? "" : ",", R"({"type": "integer"})");
    }
    absl::StrAppend(&schema, "]}}");
    items = "[0";
    for (int i = 1; i < 2000; ++i) absl::StrAppend(&items, ",", i);
    absl::StrAppend(&items, "]");
  }

  std::string schema;
  std::string items;
};

TEST_F(OutputCheckTest, WhatTakesLongIsNotCheckedBriefly) {
  const Costly costly;
  OutputCheck check;
  ASSERT_TRUE(
      check
          .Expect(Asking(v1::ResponseFormat::KIND_JSON_SCHEMA, costly.schema),
                  schemas_, /*strict=*/false)
          .ok());
  check.Add(Answers({costly.items}));
  EXPECT_FALSE(check.ValidateBriefly());
  EXPECT_FALSE(check.validated());
  check.Validate();
  EXPECT_TRUE(check.validated());
  EXPECT_TRUE(check.Result().ok());
  // Nor is a long text.
  check_.Add(Answers({"{\"answer\": " + std::string(100'000, ' ') + "1}"}));
  EXPECT_FALSE(check_.ValidateBriefly());
  EXPECT_FALSE(check_.validated());
  check_.Validate();
  EXPECT_TRUE(Told().output_valid());
}

// Else so many choices take so many times as long.
TEST_F(OutputCheckTest, AllChoicesShareOneBudget) {
  const Costly costly;
  const auto errors_of = [&](int choices) {
    OutputCheck check;
    const v1::GenerateRequest request =
        Asking(v1::ResponseFormat::KIND_JSON_SCHEMA, costly.schema);
    EXPECT_TRUE(check.Expect(request, schemas_, /*strict=*/false).ok());
    ValidateBy(check, Answers(std::vector<std::string>(choices, costly.items)));
    v1::GenerateResponse response;
    check.Describe(&response);
    return std::vector<std::string>(response.output_errors().begin(),
                                    response.output_errors().end());
  };
  EXPECT_THAT(errors_of(1), IsEmpty());
  EXPECT_THAT(errors_of(128), testing::Contains(HasSubstr("too much work")));
}

TEST(OutputCheckHeldTest, CountsWhatItHoldsOfAStream) {
  OutputCheck check;
  SchemaCache schemas;
  ASSERT_TRUE(
      check.Expect(Asking(v1::ResponseFormat::KIND_JSON_OBJECT), schemas, false)
          .ok());
  check.Add(Piece(0, "12345"));
  check.Add(Piece(1, "678"));
  EXPECT_EQ(check.held_bytes(), 8u);
  // What is too long is not held.
  check.Add(Piece(1, std::string(OutputCheck::kTextBytesMax - 2, ' ')));
  EXPECT_EQ(check.held_bytes(), 8u);
}

}  // namespace
}  // namespace gateway
