#include "providers/dialects/service_tier.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/anthropic_messages/anthropic_messages.h"
#include "providers/dialects/dialect.h"
#include "providers/dialects/gemini/gemini.h"
#include "providers/dialects/openai_chat/openai_chat.h"
#include "providers/dialects/openai_responses/openai_responses.h"

namespace gateway {
namespace {

struct NamedEvent {
  std::string name;
  std::string data;
};

// Returns the tier that a stream tells. Both ways through the dialect have to
// agree.
std::string TierOf(const Dialect& dialect,
                   const std::vector<NamedEvent>& events) {
  const std::unique_ptr<StreamTap> tap = dialect.NewStreamTap();
  const std::unique_ptr<EventReader> reader = dialect.NewEventReader();
  for (const NamedEvent& event : events) {
    EXPECT_TRUE(tap->OnEvent(event.name, event.data).ok());
    EventList read;
    EXPECT_TRUE(reader->Read(event.name, event.data, &read).ok());
  }
  const std::string told(std::string_view(tap->facts().service_tier));
  EXPECT_EQ(reader->service_tier(), told);
  return told;
}

// The same of a whole answer.
std::string TierOf(const Dialect& dialect, std::string_view body) {
  ResponseFacts facts;
  EXPECT_TRUE(dialect.ScanResponse(body, &facts).ok());
  v1::GenerateResponse response;
  EXPECT_TRUE(dialect.ReadResponse(body, &response).ok());
  EXPECT_EQ(response.service_tier(), std::string_view(facts.service_tier));
  return response.service_tier();
}

// A field of an answer with this value; nothing for a value of nothing.
std::string Field(std::string_view value) {
  if (value.empty()) return "";
  return absl::StrCat(R"("service_tier":)", std::string(value), ",");
}

// What each format is given here: nothing, or a JSON value, for each of its
// events that may tell a tier.
using Values = std::vector<std::string_view>;

// Events that each bring a piece of text, and one that ends the answer.
std::string ChatTier(const Values& values) {
  std::vector<NamedEvent> events;
  for (size_t i = 0; i < values.size(); ++i) {
    const bool is_last = i + 1 == values.size();
    events.push_back(
        {"", absl::StrCat(R"({"id":"c",)", Field(values[i]),
                          R"("choices":[{"index":0,"delta":{"content":"w"},)",
                          R"("finish_reason":)", is_last ? R"("stop")" : "null",
                          "}]}")});
  }
  events.push_back({"", "[DONE]"});
  return TierOf(OpenAiChat(), events);
}

std::string MessagesTier(std::string_view start, std::string_view end) {
  return TierOf(
      AnthropicMessages(),
      {{"message_start",
        absl::StrCat(R"({"type":"message_start","message":{"id":"m","type":)"
                     R"("message","role":"assistant","model":"m","content":)"
                     R"([],"usage":{)",
                     Field(start), R"("input_tokens":50}}})")},
       {"message_delta",
        absl::StrCat(R"({"type":"message_delta","delta":{"stop_reason":)"
                     R"("end_turn"},"usage":{)",
                     Field(end), R"("output_tokens":4}})")},
       {"message_stop", R"({"type":"message_stop"})"}});
}

std::string GeminiTier(const Values& traffic_types) {
  std::vector<NamedEvent> events;
  for (size_t i = 0; i < traffic_types.size(); ++i) {
    const bool is_last = i + 1 == traffic_types.size();
    events.push_back(
        {"", absl::StrCat(
                 R"({"candidates":[{"content":{"parts":[{"text":"w"}]})",
                 is_last ? R"(,"finishReason":"STOP")" : "",
                 R"(}],"usageMetadata":{"promptTokenCount":1,"trafficType":)",
                 std::string(traffic_types[i]), "}}")});
  }
  return TierOf(Gemini(), events);
}

std::string ResponsesTier(std::string_view start, std::string_view end) {
  const auto event = [](std::string_view type, std::string_view status,
                        std::string_view tier) -> NamedEvent {
    return {std::string(type),
            absl::StrCat(R"({"type":")", std::string(type),
                         R"(","sequence_number":0,"response":{"id":"resp_1",)",
                         Field(tier), R"("object":"response","status":")",
                         std::string(status),
                         R"(","model":"m","output":[]}})")};
  };
  return TierOf(OpenAiResponses(),
                {event("response.created", "in_progress", start),
                 event("response.completed", "completed", end)});
}

constexpr std::string_view kDefault = R"("default")";
constexpr std::string_view kFlex = R"("flex")";
constexpr std::string_view kPriority = R"("priority")";

TEST(ServiceTierTest, WhatIsToldLastCounts) {
  EXPECT_EQ(ChatTier({kDefault, kDefault, kPriority}), "priority");
  EXPECT_EQ(ChatTier({kPriority, kDefault, kDefault}), "default");
  EXPECT_EQ(ChatTier({kFlex, kPriority, kDefault, ""}), "default");
  EXPECT_EQ(MessagesTier(kDefault, kPriority), "priority");
  EXPECT_EQ(MessagesTier(kPriority, R"("standard")"), "default");
  EXPECT_EQ(ResponsesTier(R"("auto")", kFlex), "flex");
}

TEST(ServiceTierTest, GeminiTellsItWithItsCounts) {
  EXPECT_EQ(GeminiTier({"null", R"("ON_DEMAND_PRIORITY")"}), "priority");
  EXPECT_EQ(GeminiTier({R"("ON_DEMAND_FLEX")", "null"}), "flex");
  EXPECT_EQ(GeminiTier({R"("ON_DEMAND")"}), "");
  EXPECT_EQ(TierOf(Gemini(),
                   R"({"candidates":[{"content":{"parts":[{"text":"w"}]},)"
                   R"("finishReason":"STOP"}],"usageMetadata":)"
                   R"({"trafficType":"ON_DEMAND_PRIORITY"}})"),
            "priority");
}

TEST(ServiceTierTest, WhatTellsNoneChangesNothing) {
  for (const char* none : {"", "null", R"("")", "5", "[]"}) {
    SCOPED_TRACE(none);
    EXPECT_EQ(ChatTier({kFlex, none, none}), "flex");
    EXPECT_EQ(ChatTier({none, none, kFlex}), "flex");
    EXPECT_EQ(ChatTier({none, kFlex, none}), "flex");
    EXPECT_EQ(MessagesTier(kFlex, none), "flex");
    EXPECT_EQ(MessagesTier(none, kFlex), "flex");
    EXPECT_EQ(ResponsesTier(kFlex, none), "flex");
    EXPECT_EQ(ResponsesTier(none, kFlex), "flex");
  }
}

// Of a forwarded stream an event that is like the last one but for its text is
// not read; one that tells another tier is, wherever it stands.
TEST(ServiceTierTest, AForwardedPieceInTheMiddleTellsItToo) {
  EXPECT_EQ(ChatTier({"null", "null", kFlex, kFlex, kFlex, "null"}), "flex");
  EXPECT_EQ(ChatTier({kFlex, R"("flexible")", R"("flexible")", ""}),
            "flexible");
  EXPECT_EQ(ChatTier({R"("flexible")", kFlex, kFlex, ""}), "flex");
}

// Some services begin with an event without choices.
TEST(ServiceTierTest, WhatAPrefaceTellsCounts) {
  EXPECT_EQ(TierOf(OpenAiChat(),
                   {{"", R"({"id":"","choices":[],"service_tier":"flex"})"},
                    {"", R"({"id":"c","choices":[{"index":0,"delta":)"
                         R"({"content":"w"},"finish_reason":"stop"}]})"}}),
            "flex");
}

TEST(ServiceTierTest, AWholeAnswerIsReadAlike) {
  for (const auto& [value, told] :
       {std::pair{kFlex, "flex"}, {"null", ""}, {"5", ""}, {"", ""}}) {
    EXPECT_EQ(TierOf(OpenAiChat(),
                     absl::StrCat("{", Field(value),
                                  R"("id":"c","choices":[{"index":0,)"
                                  R"("finish_reason":"stop","message":)"
                                  R"({"role":"assistant","content":"w"}}]})")),
              told);
    EXPECT_EQ(TierOf(AnthropicMessages(),
                     absl::StrCat(
                         R"({"id":"m","type":"message","role":"assistant",)"
                         R"("model":"m","stop_reason":"end_turn","content":)"
                         R"([{"type":"text","text":"w"}],"usage":{)",
                         Field(value), R"("input_tokens":50}})")),
              told);
    EXPECT_EQ(
        TierOf(OpenAiResponses(),
               absl::StrCat("{", Field(value),
                            R"("id":"resp_1","object":"response","status":)"
                            R"("completed","model":"m","output":[]})")),
        told);
  }
}

}  // namespace
}  // namespace gateway
