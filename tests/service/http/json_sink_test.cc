#include "service/http/json_sink.h"

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "base/http/http_handler.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "google/protobuf/arena.h"
#include "gtest/gtest.h"
#include "providers/dialects/openai_chat/openai_chat.h"
#include "service/http/http_api.h"
#include "service/pipeline/loop_services.h"
#include "tests/testing/raw_client.h"
#include "tests/testing/running_loop.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

constexpr size_t kLargeBytes = 300'000;

class TestSink final : public JsonSink {
 public:
  using JsonSink::JsonSink;

 private:
  absl::Status WriteBody(Call& call, std::string* body) override {
    if (call.facts.path == "/unwritable") {
      return MakeFault(v1::ERROR_REASON_INTERNAL, "cannot be said");
    }
    *body = call.facts.path == "/large" ? std::string(kLargeBytes, ' ')
                                        : "[1,2]";
    return absl::OkStatus();
  }
};

// Sends the answer of a call, or on `/failed` its failure.
class SinkHandler final : public HttpHandler {
 public:
  explicit SinkHandler(LoopServices& services) : services_(services) {}

  Task<void> Handle(const HttpRequest& request,
                    HttpResponder& responder) override {
    RequestContext context(services_, api_, request, responder);
    google::protobuf::Arena arena;
    Call call(services_.runtime.Get(), services_.loop, services_.http,
              responder.gone(), arena, request.arrival);
    call.SetPath("", request.path);
    TestSink sink(context);
    const bool full = request.query == "full";
    if (full) services_.loop.answer_bytes().SetLimit(kLargeBytes);
    if (request.path == "/failed") {
      (co_await sink.SendEnd(call, InvalidField("ours", "is wrong")))
          .IgnoreError();
    } else {
      outcome_ = co_await sink.SendAnswer(call);
    }
    EXPECT_EQ(outcome_.ok(), request.path != "/unwritable" && !full);
    EXPECT_GT(call.response_bytes, 0);
    EXPECT_EQ(services_.loop.answer_bytes().used_bytes(),
              request.path == "/large" && !full ? kLargeBytes : 0);
  }

 private:
  LoopServices& services_;
  const OpenAiChat dialect_;
  const HttpApi api_ = {.dialect = &dialect_};
  absl::Status outcome_;
};

class JsonSinkTest : public testing::Test {
 protected:
  RawAnswer Get(const std::string& path) {
    client_.Send("GET " + path + " HTTP/1.1\r\nhost: localhost\r\n\r\n");
    return client_.ReceiveAnswer();
  }

  RunningLoop loop_{MakeTestRuntime("providers: [{name: mock, mock: {}}]\n"),
                    [](LoopServices& services) {
                      return std::make_unique<SinkHandler>(services);
                    }};
  RawClient client_ = RawClient::Connect(loop_.port());
};

TEST_F(JsonSinkTest, AnAnswerIsTheBodyOfItsRoute) {
  const RawAnswer answer = Get("/");
  EXPECT_THAT(answer.head, HasSubstr("200"));
  EXPECT_THAT(answer.head, HasSubstr("application/json"));
  EXPECT_EQ(answer.body, "[1,2]");
}

TEST_F(JsonSinkTest, AFailureIsToldAsItIs) {
  const RawAnswer answer = Get("/failed");
  EXPECT_THAT(answer.head, HasSubstr("400"));
  EXPECT_THAT(answer.body, HasSubstr("ours"));
}

TEST_F(JsonSinkTest, WhatCannotBeWrittenIsAFailureOfTheCall) {
  const RawAnswer answer = Get("/unwritable");
  EXPECT_THAT(answer.head, HasSubstr("500"));
  EXPECT_THAT(answer.body, HasSubstr("cannot be said"));
}

TEST_F(JsonSinkTest, ALargeAnswerCountsUntilItIsTaken) {
  const RawAnswer answer = Get("/large");
  EXPECT_THAT(answer.head, HasSubstr("200"));
  EXPECT_EQ(answer.body.size(), kLargeBytes);
}

TEST_F(JsonSinkTest, WithoutRoomForALargeAnswerTheCallFails) {
  const RawAnswer answer = Get("/large?full");
  EXPECT_THAT(answer.head, HasSubstr("503"));
  EXPECT_THAT(answer.body, HasSubstr("runtime.answer_buffer_bytes_limit"));
}

}  // namespace
}  // namespace gateway
