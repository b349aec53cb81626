#include "service/pipeline/token_estimate.h"

#include <cstdint>
#include <string>

#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

int64_t Estimate(const std::string& text) {
  v1::GenerateRequest request;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request));
  return EstimateInputTokens(request);
}

int64_t EstimateText(const std::string& text) {
  v1::GenerateRequest request;
  request.add_messages()->add_parts()->set_text(text);
  return EstimateInputTokens(request);
}

constexpr int64_t kFrame = 4;  // Of a message.

TEST(TokenEstimateTest, NothingIsNothing) { EXPECT_EQ(Estimate(""), 0); }

TEST(TokenEstimateTest, FourCharactersAreAToken) {
  EXPECT_EQ(EstimateText(""), kFrame);
  EXPECT_EQ(EstimateText("a"), kFrame + 1);
  EXPECT_EQ(EstimateText("abcd"), kFrame + 1);
  EXPECT_EQ(EstimateText("abcde"), kFrame + 2);
  EXPECT_EQ(EstimateText(std::string(4'000'000, 'x')), kFrame + 1'000'000);
}

TEST(TokenEstimateTest, CountsCharactersAndNotBytes) {
  EXPECT_EQ(EstimateText("äöüß"), kFrame + 1);
  EXPECT_EQ(EstimateText("日本語だ"), kFrame + 1);
  EXPECT_EQ(EstimateText("😀😀😀😀😀"), kFrame + 2);
}

TEST(TokenEstimateTest, EveryMessageHasAFrame) {
  EXPECT_EQ(Estimate("messages {} messages {} messages {}"), 3 * kFrame);
}

TEST(TokenEstimateTest, CountsAllThatMakesUpThePrompt) {
  EXPECT_EQ(Estimate(R"(
      messages { name: "1234"
        parts { refusal: "1234" }
        parts { reasoning { text: "1234" } }
        parts { tool_call { name: "1234" arguments: "1234" } }
        parts { opaque { json: "1234" } }
        parts { document { text: "1234" } } })"),
            kFrame + 7);
  EXPECT_EQ(Estimate(R"(messages { parts { tool_result {
                parts { text: "1234" } parts { text: "5678" } } } })"),
            kFrame + 2);
  EXPECT_EQ(Estimate(R"(
      tools { function { name: "1234" description: "1234"
                         parameters_schema: "1234" } }
      tools { custom { name: "1234" description: "1234"
                       grammar_definition: "1234" } }
      tools { provider { json: "1234" } }
      response_format { schema: "1234" })"),
            8);
}

TEST(TokenEstimateTest, AMediumIsAFlatSumWhateverItsSize) {
  const std::string large(100'000, 'x');
  EXPECT_EQ(
      Estimate("messages { parts { image { data: \"" + large + "\" } } }"),
      kFrame + 1000);
  EXPECT_EQ(Estimate(R"(messages { parts { image { url: "u" } }
                                   parts { audio { data: "d" } }
                                   parts { document { data: "d" } } })"),
            kFrame + 3000);
}

}  // namespace
}  // namespace gateway
