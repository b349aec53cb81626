#include "service/pipeline/token_estimate.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/anthropic_messages/anthropic_messages.h"
#include "providers/dialects/dialect.h"
#include "providers/dialects/gemini/gemini.h"
#include "providers/dialects/openai_chat/openai_chat.h"
#include "providers/dialects/openai_responses/openai_responses.h"
#include "providers/provider.h"

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

TEST(TokenEstimateTest, APromptIsMeasuredByItsMessages) {
  v1::GenerateRequest request;
  request.add_messages()->add_parts()->set_text("日本語だ");
  request.add_messages()->add_parts()->set_text("abc");
  request.add_tools()->mutable_function()->set_name("not_a_message");
  const PromptSize size = MeasurePrompt(request);
  EXPECT_EQ(size.characters, 7);
  EXPECT_EQ(size.messages, 2);
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

TEST(TokenEstimateTest, AnAnswerIsAllThatItsChoicesSay) {
  v1::GenerateResponse response;
  EXPECT_EQ(EstimateOutputTokens(response), 0);
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(
      choices { message { parts { reasoning { text: "1234" } }
                          parts { text: "äöüß" }
                          parts { tool_call { name: "1234"
                                              arguments: "1234" } } } }
      choices { message { parts { refusal: "12345" } } })",
                                                            &response));
  EXPECT_EQ(EstimateOutputTokens(response), 6);
}

// Of a request to OpenAI's Chat Completions.
int64_t GuessJson(std::string_view json) {
  const OpenAiChat chat;
  return GuessInputTokens({.dialect = &chat, .body = json});
}

std::string Words(size_t bytes) {
  std::string text;
  while (text.size() < bytes) text += "some words ";
  return text;
}

TEST(TokenGuessTest, ASmallJsonIsGuessedByItsSize) {
  EXPECT_EQ(GuessJson(""), 0);
  EXPECT_EQ(GuessJson(R"({"model":"abc"})"), 4);
}

TEST(TokenGuessTest, OfALargeJsonTextCounts) {
  const std::string text = "[\"" + Words(400'000) + "\"]";
  EXPECT_NEAR(GuessJson(text), static_cast<double>(text.size()) / 4, 32);
  // Of whatever script.
  std::string katakana;
  while (katakana.size() < 400'000) katakana += "カタカナ";
  EXPECT_NEAR(GuessJson(katakana),
              static_cast<double>(katakana.size()) / 4, 32);
}

TEST(TokenGuessTest, PicturesInJsonAreFlatSums) {
  const std::string bytes(4'000'000, 'x');
  const std::string source =
      R"({"type":"base64","data":")" + bytes + R"("}}]}]})";
  const OpenAiChat chat;
  const AnthropicMessages anthropic;
  const Gemini gemini;
  const OpenAiResponses responses;
  const std::pair<const Dialect*, std::string> cases[] = {
      {&chat, R"({"messages":[{"content":[{"type":"image_url","image_url":{
                  "url":"data:image/png;base64,)" + bytes + "\"}}]}]}"},
      {&anthropic, R"({"messages":[{"content":[{"source":)" + source},
      {&gemini, R"({"contents":[{"parts":[{"inlineData" : {"data" : ")" +
                    bytes + "\"}}]}]}"},
      {&responses, R"({"input":[{"content":[{"file_data":")" + bytes +
                       "\"}]}]}"},
  };
  for (const auto& [dialect, json] : cases) {
    const RawRequest raw = {.dialect = dialect, .body = json};
    EXPECT_NEAR(GuessInputTokens(raw),
                1000 + static_cast<double>(json.size()) / 64 / 4, 16)
        << dialect->name();
    EXPECT_EQ(EstimateInputTokens(raw), GuessInputTokens(raw));
  }
}

TEST(TokenGuessTest, TextsBesidePicturesCount) {
  const std::string picture =
      R"({"type":"input_audio","input_audio":{"data":")" +
      std::string(400'000, 'x') + "\"}},";
  const std::string words =
      R"({"type":"text","text":")" + Words(40'000) + "\"}";
  const std::string json = R"({"messages":[{"content":[)" + picture + words +
                           "," + picture + words + "]}]}";
  // A window in 64 may fall on either side of an edge.
  EXPECT_NEAR(GuessJson(json), 2000 + 80'000.0 / 4,
              3.0 * static_cast<double>(json.size()) / 64 / 4);
}

TEST(TokenGuessTest, ATextThatLooksLikeAPictureIsAText) {
  const std::string letters(1'000'000, 'z');
  for (const std::string& text :
       {"{\"content\":\"" + letters + "\"}",
        "{\"content\":\"data: " + letters + "\"}",
        "{\"content\":\"" + Words(100'000) + letters + "\"}",
        "{\"messages\":[{\"content\":\"data:;base64," + letters + "\"}]}",
        "{\"messages\":[{\"content\":[{\"type\":\"text\",\"text\":"
        "\"data:image/png;base64," + letters + "\"}]}]}",
        "{\"tools\":[{\"function\":{\"parameters\":{\"data\":\"" + letters +
            "\"}}}]}",
        "{\"examples_data\":\"" + letters + "\"}"}) {
    EXPECT_NEAR(GuessJson(text), static_cast<double>(text.size()) / 4, 32)
        << text.substr(0, 80);
  }
  const AnthropicMessages anthropic;
  const std::string document =
      R"({"messages":[{"content":[{"type":"document","source":{"type":"text",)"
      R"("media_type":"text/plain","data":")" + letters + "\"}}]}]}";
  EXPECT_NEAR(GuessInputTokens({.dialect = &anthropic, .body = document}),
              static_cast<double>(document.size()) / 4, 32);
  const Gemini gemini;
  const std::string result =
      R"({"contents":[{"parts":[{"functionResponse":{"response":{"data":")" +
      letters + "\"}}}]}]}";
  EXPECT_NEAR(GuessInputTokens({.dialect = &gemini, .body = result}),
              static_cast<double>(result.size()) / 4, 32);
}

TEST(TokenGuessTest, EscapesCountAsWhatTheySay) {
  for (const int characters : {100, 7000, 100'000}) {
    std::string escaped;
    std::string plain;
    for (int i = 0; i < characters; ++i) {
      escaped += "\\u6f22";
      plain += "\u6f22";
    }
    EXPECT_NEAR(GuessJson(escaped), GuessJson(plain),
                0.06 * plain.size() / 4)
        << characters;
  }
  EXPECT_EQ(GuessJson(R"("\n\"\\\u0")"), 2);
}

TEST(TokenGuessTest, OfAMessageItsBytesCount) {
  v1::GenerateRequest request;
  request.add_messages()->add_parts()->set_text("äöüß");
  EXPECT_EQ(GuessInputTokens(request), kFrame + 2);
  request.mutable_messages(0)->add_parts()->mutable_image();
  EXPECT_EQ(GuessInputTokens(request), kFrame + 1002);
}

TEST(TokenEstimateTest, TextsThatBecomeVectorsCountEach) {
  v1::EmbedRequest request;
  request.add_inputs()->set_text("12345");
  request.add_inputs()->set_text("1");
  request.add_inputs()->mutable_tokens()->add_ids(7);
  EXPECT_EQ(EstimateInputTokens(request), 2 + 1 + 1);
}

TEST(TokenEstimateTest, OfAnAnswerThatOnlyItsVendorKnowsWhatItSaysCounts) {
  v1::GenerateResponse response;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(
      choices { message {
        parts { opaque { json: '{"executableCode":{"code":"12345678"}}' } }
        parts { image { data: "x" } } } })",
                                                            &response));
  EXPECT_EQ(EstimateOutputTokens(response), 2 + 1000);
}

// A stream of which so many tokens were forwarded.
class ForwardedStream final : public ProviderStream {
 public:
  explicit ForwardedStream(int64_t tokens) : tokens_(tokens) {}

  Task<absl::StatusOr<bool>> Next(StreamBatch*) override { co_return false; }
  const ResponseFacts& facts() const override { return facts_; }
  int64_t SaidTokens() const override { return tokens_; }

 private:
  const int64_t tokens_;
  const ResponseFacts facts_{};
};

TEST(DeliveredTokensTest, ReadEventsCountByTheirText) {
  const ForwardedStream none(0);
  DeliveredTokens delivered;
  EXPECT_EQ(delivered.Estimate(none), 0);
  StreamBatch batch;
  batch.events.emplace_back().mutable_delta()->set_text("日本語だ日本語だ");
  batch.events.emplace_back()
      .mutable_delta()
      ->mutable_tool_call()
      ->set_arguments("{}");
  delivered.Add(batch);
  EXPECT_EQ(delivered.Estimate(none), 3);
  batch.Clear();
  batch.events.emplace_back().mutable_usage()->set_output_tokens(70);
  delivered.Add(batch);
  EXPECT_EQ(delivered.Estimate(none), 70);
}

TEST(DeliveredTokensTest, ForwardedEventsCountByWhatTheirStreamSays) {
  EXPECT_EQ(DeliveredTokens().Estimate(ForwardedStream(41)), 41);
}

}  // namespace
}  // namespace gateway
