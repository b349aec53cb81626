#include "service/http/dialect_sink.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/http/http_handler.h"
#include "base/status_macros.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "google/protobuf/arena.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/openai_chat/openai_chat.h"
#include "providers/provider.h"
#include "service/http/http_api.h"
#include "service/pipeline/call.h"
#include "tests/testing/loop_client.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;

// Keeps what is written to a client, who can leave.
class StoredResponseQuery final : public HttpResponder {
 public:
  static constexpr std::string_view kPing = ": ping\n\n";

  Task<absl::Status> Send(HttpAnswerHead head,
                          absl::Span<const std::string_view> body) override {
    Keep(head);
    for (std::string_view piece : body) whole.append(piece);
    ++answers;
    co_return client;
  }
  void Start(HttpAnswerHead head) override {
    Keep(head);
    ++starts;
  }
  Task<absl::Status> Write(absl::Span<const std::string_view> pieces) override {
    std::string& write = writes.emplace_back();
    for (std::string_view piece : pieces) write.append(piece);
    if (on_write) on_write();
    most_at_once = std::max(most_at_once, ++under_way_);
    for (int i = 0; i < yields; ++i) co_await YieldToLoop();
    --under_way_;
    co_return client;
  }
  Task<absl::Status> Finish() override {
    ++finishes;
    co_return client;
  }
  void Abort() override { ++aborts; }
  CancelSignal& gone() override { return gone_; }
  std::string_view peer() const override { return "127.0.0.1:1"; }

  std::string All() const {
    std::string all;
    for (const std::string& write : writes) all += write;
    return all;
  }

  int Pings() const {
    return static_cast<int>(std::count(writes.begin(), writes.end(), kPing));
  }

  std::function<void()> on_write;
  int yields = 0;  // How long a write takes.
  int most_at_once = 0;  // Writes under way.
  absl::Status client;  // What the client says to all that is sent.
  int status = 0;
  std::map<std::string, std::string> fields;
  std::string whole;
  std::vector<std::string> writes;
  int answers = 0;
  int starts = 0;
  int finishes = 0;
  int aborts = 0;

 private:
  void Keep(const HttpAnswerHead& head) {
    status = head.status;
    for (const HttpField& field : head.fields) {
      fields[std::string(field.name)] = std::string(field.value);
    }
  }

  CancelSignal gone_;
  int under_way_ = 0;
};

void Add(std::initializer_list<v1::GenerateEvent> events, StreamBatch* batch) {
  for (const v1::GenerateEvent& event : events) batch->events.push_back(event);
}

class DialectSinkTest : public testing::Test {
 protected:
  DialectSinkTest() {
    call_.facts.request_id = "req-1";
    call_.facts.model = "asked";
    call_.planned.first = {.provider = call_.runtime->providers().Find("mock"),
                           .model = "served"};
    call_.planned.reason = "default";
    call_.attempts.Add().provider = "mock";
    call_.attempts.back().model = "served";
  }

  absl::Status Answer() {
    return client_.Run([&]() -> Task<absl::Status> {
      co_return co_await sink_.SendAnswer(call_);
    });
  }

  absl::Status Batch(StreamBatch& batch) {
    return client_.Run([&]() -> Task<absl::Status> {
      co_return co_await sink_.SendBatch(call_, batch);
    });
  }
  absl::Status Events(std::initializer_list<v1::GenerateEvent> events) {
    StreamBatch batch;
    Add(events, &batch);
    return Batch(batch);
  }
  absl::Status Bytes(std::vector<std::string_view> pieces) {
    StreamBatch batch;
    batch.raw.assign(pieces.begin(), pieces.end());
    return Batch(batch);
  }
  absl::Status End(const absl::Status& outcome) {
    return client_.Run([&]() -> Task<absl::Status> {
      co_return co_await sink_.SendEnd(call_, outcome);
    });
  }

  static v1::GenerateEvent Started() {
    v1::GenerateEvent event;
    event.mutable_started()->set_id("chatcmpl-7");
    event.mutable_started()->set_model("served");
    return event;
  }
  static v1::GenerateEvent Text(const std::string& text) {
    v1::GenerateEvent event;
    event.mutable_delta()->set_text(text);
    return event;
  }

  LoopClient client_;
  CancelSignal cancel_;
  google::protobuf::Arena arena_;
  Call call_{MakeTestRuntime("providers: [{name: mock, mock: {}}]\n"),
             client_.loop(),
             client_.http(),
             cancel_,
             arena_,
             client_.loop().Now()};
  const OpenAiChat dialect_;
  const HttpApi api_ = {.dialect = &dialect_};
  StoredResponseQuery kept_;
  DialectSink sink_{api_, kept_};
};

TEST_F(DialectSinkTest, AParsedAnswerIsWrittenInTheDialectsWords) {
  v1::GenerateResponse response;
  response.set_id("chatcmpl-7");
  response.set_model("served");
  v1::Message* const message = response.add_choices()->mutable_message();
  message->set_role(v1::ROLE_ASSISTANT);
  message->add_parts()->set_text("forty-two");
  call_.attempts.back().answer.response = &response;
  EXPECT_TRUE(Answer().ok());
  EXPECT_EQ(kept_.status, 200);
  EXPECT_EQ(kept_.fields["content-type"], "application/json");
  EXPECT_EQ(kept_.fields["x-request-id"], "req-1");
  EXPECT_THAT(kept_.whole, HasSubstr(R"("object":"chat.completion")"));
  EXPECT_THAT(kept_.whole, HasSubstr(R"("content":"forty-two")"));
  EXPECT_EQ(call_.http_status, 200);
  EXPECT_EQ(call_.response_bytes, static_cast<int64_t>(kept_.whole.size()));
}

TEST_F(DialectSinkTest, TheBytesOfARawAnswerGoThrough) {
  call_.attempts.back().forwards = true;
  call_.attempts.back().answer.raw = "{ \"whatever\" : [1,2] }\n";
  EXPECT_TRUE(Answer().ok());
  EXPECT_EQ(kept_.whole, "{ \"whatever\" : [1,2] }\n");
  EXPECT_EQ(kept_.status, 200);
  EXPECT_EQ(call_.response_bytes, 23);
}

// One from the cache, which no exchange with a provider counts.
TEST_F(DialectSinkTest, ALargeAnswerWithoutAnExchangeCountsUntilItIsTaken) {
  const auto answer = [&] {
    auto* const response =
        google::protobuf::Arena::CreateMessage<v1::GenerateResponse>(&arena_);
    response->add_choices()->mutable_message()->add_parts()->set_text(
        std::string(300'000, 'x'));
    call_.attempts.back().answer.response = response;
    return Answer();
  };
  EXPECT_TRUE(answer().ok());
  EXPECT_EQ(client_.loop().answer_bytes().used_bytes(), kept_.whole.size());
  call_.held.Release(HeldAnswer::Kind::kWritten);
  client_.loop().answer_bytes().SetLimit(300'000);
  kept_.whole.clear();
  EXPECT_EQ(FaultReason(answer()), v1::ERROR_REASON_OVERLOADED);
  EXPECT_EQ(kept_.status, 503);
  EXPECT_THAT(kept_.whole, HasSubstr("runtime.answer_buffer_bytes_limit"));
}

TEST_F(DialectSinkTest, AFailureTellsWhenToComeBackInWholeSeconds) {
  absl::Status limited = MakeFault(v1::ERROR_REASON_RATE_LIMITED, "too many");
  SetRetryDelay(limited, absl::Milliseconds(1001));
  EXPECT_TRUE(End(limited).ok());
  EXPECT_EQ(kept_.status, 429);
  EXPECT_EQ(call_.http_status, 429);
  EXPECT_EQ(kept_.fields["retry-after"], "2");
  EXPECT_EQ(kept_.fields["x-request-id"], "req-1");
  EXPECT_THAT(kept_.whole, HasSubstr("too many"));
  // It is ours to give: another attempt later may well succeed.
  EXPECT_EQ(kept_.fields.count("x-should-retry"), 0u);
}

TEST_F(DialectSinkTest, ClientsShallNotMultiplyOurAttempts) {
  call_.attempts.Add().kind = v1::Attempt::KIND_RETRY;
  EXPECT_TRUE(
      End(MakeFault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE, "down")).ok());
  EXPECT_EQ(kept_.status, 502);
  EXPECT_EQ(kept_.fields["x-should-retry"], "false");
  EXPECT_EQ(kept_.fields.count("retry-after"), 0u);
  EXPECT_EQ(kept_.answers, 1);
}

TEST_F(DialectSinkTest, EventsAreWrittenAndEndWithTheDialectsLastWord) {
  EXPECT_TRUE(Events({Started(), Text("forty")}).ok());
  EXPECT_TRUE(Events({Text("-two")}).ok());
  EXPECT_TRUE(End(absl::OkStatus()).ok());
  EXPECT_EQ(kept_.starts, 1);
  EXPECT_EQ(kept_.finishes, 1);
  EXPECT_EQ(kept_.status, 200);
  EXPECT_EQ(kept_.fields["content-type"], "text/event-stream; charset=utf-8");
  EXPECT_EQ(kept_.fields["cache-control"], "no-cache");
  EXPECT_EQ(kept_.fields["x-request-id"], "req-1");
  ASSERT_EQ(kept_.writes.size(), 3u);
  EXPECT_THAT(kept_.writes[0], HasSubstr(R"("content":"forty")"));
  EXPECT_THAT(kept_.writes[0], HasSubstr(R"("model":"served")"));
  EXPECT_THAT(kept_.writes[1], HasSubstr(R"("content":"-two")"));
  EXPECT_EQ(kept_.writes[2], "data: [DONE]\n\n");
  EXPECT_EQ(call_.response_bytes, static_cast<int64_t>(kept_.All().size()));
}

TEST_F(DialectSinkTest, UsageIsWrittenForThoseWhoAskedForIt) {
  call_.facts.stream_usage = true;
  call_.attempts.back().answer.facts.usage.set_input_tokens(12);
  call_.attempts.back().answer.facts.usage.set_output_tokens(34);
  EXPECT_TRUE(Events({Started(), Text("x")}).ok());
  EXPECT_TRUE(End(absl::OkStatus()).ok());
  EXPECT_THAT(kept_.writes.back(), HasSubstr(R"("prompt_tokens":12)"));
  EXPECT_THAT(kept_.writes.back(), HasSubstr(R"("completion_tokens":34)"));
  EXPECT_THAT(kept_.writes.back(), HasSubstr("data: [DONE]\n\n"));
}

TEST_F(DialectSinkTest, TheBytesOfARawStreamGoThroughAndNothingIsAdded) {
  call_.attempts.back().forwards = true;
  EXPECT_TRUE(Bytes({"data: {\"a\":1}\n\n", ": ping\n\n"}).ok());
  EXPECT_TRUE(Bytes({"data: [DONE]\n\n"}).ok());
  EXPECT_TRUE(End(absl::OkStatus()).ok());
  EXPECT_THAT(kept_.writes,
              ElementsAre("data: {\"a\":1}\n\n: ping\n\n", "data: [DONE]\n\n"));
  EXPECT_EQ(kept_.finishes, 1);
}

TEST_F(DialectSinkTest, AStreamThatBreaksOffEndsWithAnErrorAndNoLastWord) {
  const absl::Status broken =
      MakeFault(v1::ERROR_REASON_STREAM_INTERRUPTED, "the stream broke off");
  for (const bool raw : {false, true}) {
    StoredResponseQuery kept;
    DialectSink sink(api_, kept);
    call_.attempts.back().forwards = raw;
    StreamBatch batch;
    batch.raw.push_back("data: {\"a\":1}\n\n");
    Add({Started(), Text("x")}, &batch);
    client_
        .Run([&]() -> Task<absl::Status> {
          GATEWAY_CO_RETURN_IF_ERROR(co_await sink.SendBatch(call_, batch));
          co_return co_await sink.SendEnd(call_, broken);
        })
        .IgnoreError();
    ASSERT_EQ(kept.writes.size(), 2u);
    EXPECT_THAT(kept.writes[1], StartsWith("data: {\"error\":"));
    EXPECT_THAT(kept.writes[1], HasSubstr("the stream broke off"));
    EXPECT_THAT(kept.All(), Not(HasSubstr("[DONE]")));
    EXPECT_EQ(kept.finishes, 1);
  }
}

TEST_F(DialectSinkTest, AStreamThatFailsBeforeItsFirstBatchFailsByStatus) {
  call_.facts.stream = true;
  EXPECT_TRUE(End(MakeFault(v1::ERROR_REASON_MODEL_NOT_FOUND, "gone")).ok());
  EXPECT_EQ(kept_.status, 404);
  EXPECT_EQ(kept_.fields["content-type"], "application/json");
  EXPECT_EQ(kept_.starts, 0);
  EXPECT_THAT(kept_.writes, IsEmpty());
}

TEST_F(DialectSinkTest, AClientWhoIsGoneIsReported) {
  kept_.client = absl::CancelledError("the client closed the connection");
  EXPECT_EQ(Events({Started(), Text("x")}), kept_.client);
  EXPECT_EQ(End(absl::OkStatus()), kept_.client);
  // Nothing more was said to nobody.
  EXPECT_EQ(kept_.finishes, 0);
}

TEST_F(DialectSinkTest, DetailsAreTheLastFieldsOfAWholeAnswer) {
  call_.attempts.back().forwards = true;
  call_.attempts.back().answer.facts.usage.set_cost_known(true);
  call_.attempts.back().answer.facts.usage.set_cost_usd_nanos(1'500'000);
  for (const auto& [said, told] :
       std::vector<std::pair<std::string, std::string>>{
           {"{\"a\":1 }\n", "\\{\"a\":1,\"provider\":\"mock\",\"latency_ms\":"
                           "[0-9]+,\"cost_usd\":0.0015 \\}\n"},
           {"{}", "\\{\\}"},
           {"{ }", "\\{ \\}"},
           {"[1]", "\\[1\\]"},
           {"", ""}}) {
    StoredResponseQuery kept;
    DialectSink sink(api_, kept, DetailForm::kBrief);
    call_.attempts.back().answer.raw = said;
    EXPECT_TRUE(client_
                    .Run([&]() -> Task<absl::Status> {
                      co_return co_await sink.SendAnswer(call_);
                    })
                    .ok());
    EXPECT_THAT(kept.whole, MatchesRegex(told));
  }
}

TEST_F(DialectSinkTest, AFailureHasNoDetails) {
  StoredResponseQuery kept;
  DialectSink sink(api_, kept, DetailForm::kBrief);
  client_
      .Run([&]() -> Task<absl::Status> {
        co_return co_await sink.SendEnd(
            call_, MakeFault(v1::ERROR_REASON_MODEL_NOT_FOUND, "gone"));
      })
      .IgnoreError();
  EXPECT_THAT(kept.whole, Not(HasSubstr("latency_ms")));
}

// An API whose streams are pinged as soon as they are silent.
class PingedStreamTest : public DialectSinkTest {
 protected:
  // Sends `batch`, waits until the client has been pinged so often, and ends.
  void StreamUntilPinged(StreamBatch& batch, int pings) {
    client_
        .Run([&]() -> Task<absl::Status> {
          GATEWAY_CO_RETURN_IF_ERROR(co_await pinged_.SendBatch(call_, batch));
          while (kept_.Pings() < pings) co_await YieldToLoop();
          GATEWAY_CO_RETURN_IF_ERROR(co_await pinged_.SendBatch(call_, batch));
          co_return co_await pinged_.SendEnd(call_, absl::OkStatus());
        })
        .IgnoreError();
  }

  const HttpApi pinged_api_ = {.dialect = &dialect_,
                               .ping = StoredResponseQuery::kPing,
                               .ping_interval = absl::Milliseconds(1)};
  DialectSink pinged_{pinged_api_, kept_};
};

TEST_F(PingedStreamTest, SilenceIsFilledWithPings) {
  StreamBatch batch;
  Add({Started(), Text("x")}, &batch);
  StreamUntilPinged(batch, 3);
  EXPECT_GE(kept_.Pings(), 3);
  EXPECT_THAT(kept_.writes.front(), HasSubstr(R"("content":"x")"));
  EXPECT_EQ(kept_.writes.back(), "data: [DONE]\n\n");
  EXPECT_EQ(call_.response_bytes, static_cast<int64_t>(kept_.All().size()));
}

TEST_F(PingedStreamTest, NothingIsWrittenWhileAPingIs) {
  // The client takes its time with each write; two at once would be seen.
  kept_.yields = 3;
  StreamBatch batch;
  Add({Started(), Text("x")}, &batch);
  StreamUntilPinged(batch, 20);
  EXPECT_EQ(kept_.most_at_once, 1);
  EXPECT_EQ(kept_.finishes, 1);
}

TEST_F(PingedStreamTest, ARawStreamHasThePingsOfItsProvider) {
  call_.attempts.back().forwards = true;
  StreamBatch batch;
  batch.raw.push_back("data: {}\n\n");
  client_
      .Run([&]() -> Task<absl::Status> {
        GATEWAY_CO_RETURN_IF_ERROR(co_await pinged_.SendBatch(call_, batch));
        // Long enough for the timer of one that is pinged.
        const absl::Duration until =
            client_.loop().Now() + absl::Milliseconds(5);
        while (client_.loop().Now() < until) co_await YieldToLoop();
        co_return co_await pinged_.SendEnd(call_, absl::OkStatus());
      })
      .IgnoreError();
  EXPECT_EQ(kept_.Pings(), 0);
}

TEST_F(DialectSinkTest, WhatALargeEventBecomesCountsUntilItIsTaken) {
  const std::string text(300'000, 'x');
  size_t counted = 0;
  kept_.on_write = [&] {
    counted = client_.loop().answer_bytes().used_bytes();
  };
  StreamBatch batch;
  Add({Started(), Text(text)}, &batch);
  batch.held_bytes = batch.events.held_bytes();
  ASSERT_TRUE(
      call_.held.Count(HeldAnswer::Kind::kEvents, batch.held_bytes).ok());
  EXPECT_TRUE(Batch(batch).ok());
  // As it was written, and no more as it was read.
  EXPECT_GE(counted, kept_.writes.back().size());
  EXPECT_LT(counted, text.size() + 10'000);
  EXPECT_TRUE(batch.events.empty());
  EXPECT_EQ(client_.loop().answer_bytes().used_bytes(), 0u);
}

TEST_F(DialectSinkTest, WithoutRoomForALargeEventTheStreamFails) {
  client_.loop().answer_bytes().SetLimit(400'000);
  StreamBatch batch;
  Add({Started(), Text(std::string(300'000, 'x'))}, &batch);
  batch.held_bytes = batch.events.held_bytes();
  const absl::Status refused = Batch(batch);
  EXPECT_EQ(FaultReason(refused), v1::ERROR_REASON_OVERLOADED);
  EXPECT_THAT(kept_.writes, IsEmpty());
  EXPECT_TRUE(End(refused).ok());
  // Nothing had been said: it fails as a whole.
  EXPECT_EQ(kept_.starts, 0);
  EXPECT_EQ(kept_.status, 503);
  EXPECT_THAT(kept_.whole, HasSubstr("runtime.answer_buffer_bytes_limit"));
  EXPECT_EQ(client_.loop().answer_bytes().used_bytes(), 0u);
}

}  // namespace
}  // namespace gateway
