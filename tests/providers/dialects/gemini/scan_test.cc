#include "providers/dialects/gemini/scan.h"

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "tests/providers/dialects/golden_files.h"

namespace gateway::gemini {
namespace {

absl::StatusOr<RequestScan> Scan(std::string_view body) {
  RequestScan scan;
  absl::Status status = ScanRequest(body, &scan);
  if (!status.ok()) return status;
  return scan;
}

TEST(GeminiScanRequestTest, ReadsWhatTheStagesNeed) {
  const std::string_view body =
      R"( {"contents":[],"tools":[{"googleSearch":{}}],
           "generation_config":{"maxOutputTokens":99,"candidate_count":2}})";
  const absl::StatusOr<RequestScan> scan = Scan(body);
  ASSERT_TRUE(scan.ok()) << scan.status();
  EXPECT_EQ(scan->model, "");
  EXPECT_EQ(scan->model_value.length, 0u);
  EXPECT_FALSE(scan->stream);
  EXPECT_TRUE(scan->stream_usage);
  EXPECT_EQ(scan->output_tokens_max, 99);
  EXPECT_EQ(scan->answer_count, 2);
  EXPECT_GT(scan->tool_count, 0);
  EXPECT_TRUE(scan->has_messages);
  EXPECT_EQ(body[scan->object_begin - 1], '{');
}

TEST(GeminiScanRequestTest, EachFunctionIsATool) {
  const std::pair<std::string_view, int> cases[] = {
      {R"({"functionDeclarations":[{},{},{}]})", 3},
      {R"([{"function_declarations":[{},{}]},{"googleSearch":{}}])", 3},
      {R"([{"functionDeclarations":[{}],"googleSearch":{}}])", 2},
      {R"([{"functionDeclarations":null},{}])", 1},
  };
  for (const auto& [tools, count] : cases) {
    const auto scan = Scan("{\"tools\":" + std::string(tools) + "}");
    ASSERT_TRUE(scan.ok()) << scan.status();
    EXPECT_EQ(scan->tool_count, count) << tools;
  }
}

TEST(GeminiScanRequestTest, LooksIntoAWholeRequestButNotDeeper) {
  const auto scan = Scan(
      R"({"generateContentRequest":{"contents":[{},{}],
          "tools":[{"googleSearch":{}}],
          "generateContentRequest":{"contents":[{}]}}})");
  ASSERT_TRUE(scan.ok()) << scan.status();
  EXPECT_EQ(scan->message_count, 2);
  EXPECT_EQ(scan->tool_count, 1);
}

TEST(GeminiScanRequestTest, TakesNullAndEmptyForAbsent) {
  const absl::StatusOr<RequestScan> scan = Scan(
      R"({"tools":[],"generationConfig":{"maxOutputTokens":null,
          "candidateCount":0}})");
  ASSERT_TRUE(scan.ok()) << scan.status();
  EXPECT_EQ(scan->tool_count, 0);
  EXPECT_FALSE(scan->has_messages);
  EXPECT_FALSE(scan->output_tokens_max.has_value());
  EXPECT_EQ(scan->answer_count, 0);
}

TEST(GeminiScanRequestTest, RefusesASecondKeyThatAPolicyDependsOn) {
  for (const auto& [first, second] :
       {std::pair("contents", "c\\u006fntents"),
        std::pair("generationConfig", "generation_config"),
        std::pair("tools", "tools"), std::pair("toolConfig", "tool_config"),
        std::pair("safetySettings", "safety_settings")}) {
    const std::string value = absl::StrCat(first) == "contents" ? "[]" : "null";
    const absl::StatusOr<RequestScan> scan = Scan(absl::StrCat(
        "{\"", first, "\":", value, ",\"", second, "\":", value, "}"));
    ASSERT_FALSE(scan.ok()) << first;
    EXPECT_EQ(FieldViolations(scan.status()).front().second, "repeated key");
  }
  EXPECT_FALSE(Scan(R"({"generationConfig":{"maxOutputTokens":1,
                        "max_output_tokens":2}})")
                   .ok());
  EXPECT_TRUE(Scan(R"({"novel":1,"novel":2})").ok());
}

TEST(GeminiScanRequestTest, NamesTheFieldAtFault) {
  const auto field_at_fault = [](std::string_view body) {
    const absl::StatusOr<RequestScan> scan = Scan(body);
    EXPECT_EQ(FaultReason(scan.status()), v1::ERROR_REASON_INVALID_REQUEST);
    return FieldViolations(scan.status()).front().first;
  };
  EXPECT_EQ(field_at_fault(R"({"contents":7})"), "contents");
  EXPECT_EQ(field_at_fault(R"({"generationConfig":{"maxOutputTokens":"x"}})"),
            "generationConfig.maxOutputTokens");
  EXPECT_EQ(field_at_fault("[]"), "");
}

TEST(GeminiScanResponseTest, AnErrorIsAnError) {
  ResponseFacts facts;
  EXPECT_EQ(FaultReason(ScanResponse(
                R"({"error":{"code":500,"status":"INTERNAL"}})", &facts)),
            v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
  for (const std::string_view body :
       {"", "<html>", "{}", R"({"candidates":1})", R"({"candidates":[{}]})",
        R"({"candidates":[{"finishReason":"STOP"},{"content":null}]})"}) {
    EXPECT_EQ(FaultReason(ScanResponse(body, &facts)),
              v1::ERROR_REASON_PROVIDER_BAD_RESPONSE)
        << body;
  }
}

// A candidate that has said something, and ended so.
std::string Candidate(int index, std::string_view word) {
  return R"({"index":)" + std::to_string(index) +
         R"(,"content":{"parts":[{"text":"a"}]},"finishReason":")" +
         std::string(word) + "\"}";
}

TEST(GeminiScanResponseTest, TellsThatAnotherCandidateWasCut) {
  const auto cut = [](std::string_view word) {
    const std::string body = R"({"candidates":[)" + Candidate(0, "STOP") + "," +
                             Candidate(1, word) + "]}";
    ResponseFacts facts;
    EXPECT_TRUE(ScanResponse(body, &facts).ok());
    EXPECT_EQ(facts.finish_reason, v1::FINISH_REASON_STOP);
    ChunkTap tap;
    EXPECT_TRUE(tap.OnEvent("", body).ok());
    EXPECT_EQ(tap.facts().other_choice_cut, facts.other_choice_cut);
    return facts.other_choice_cut;
  };
  EXPECT_FALSE(cut("STOP"));
  EXPECT_TRUE(cut("MAX_TOKENS"));
}

TEST(GeminiTapTest, KnowsAnErrorAndAnInterruption) {
  ChunkTap tap;
  constexpr std::string_view kPiece =
      R"({"candidates":[{"content":{"parts":[{"text":"a"}]}}]})";
  EXPECT_EQ(tap.OnEvent("", kPiece).value(), EventKind::kContent);
  EXPECT_FALSE(tap.finished());
  constexpr std::string_view kUsage =
      R"({"usageMetadata":{"promptTokenCount":4}})";
  EXPECT_EQ(tap.OnEvent("", kUsage).value(), EventKind::kIgnorable);
  EXPECT_EQ(tap.facts().usage.input_tokens(), 4);
  constexpr std::string_view kError =
      R"([{"error":{"code":429,"message":"slow"}}])";
  EXPECT_EQ(tap.OnEvent("", kError).value(), EventKind::kError);
  EXPECT_EQ(FaultReason(tap.error()), v1::ERROR_REASON_PROVIDER_RATE_LIMITED);
  EXPECT_FALSE(tap.CompleteAtClose());
}

TEST(GeminiTapTest, RefusesWhatItCannotRead) {
  ChunkTap tap;
  EXPECT_EQ(FaultReason(tap.OnEvent("", "{\"candidates\":").status()),
            v1::ERROR_REASON_PROVIDER_BAD_RESPONSE);
  EXPECT_EQ(tap.OnEvent("", " ").value(), EventKind::kIgnorable);
}

TEST(GeminiTapTest, ABlockedPromptIsAWholeStream) {
  ChunkTap tap;
  const std::string blocked =
      ReadGolden("gemini/responses/blocked_prompt.json");
  EXPECT_EQ(tap.OnEvent("", blocked).value(), EventKind::kContent);
  EXPECT_TRUE(tap.CompleteAtClose());
  EXPECT_EQ(tap.facts().finish_reason, v1::FINISH_REASON_CONTENT_FILTER);
}

}  // namespace
}  // namespace gateway::gemini
