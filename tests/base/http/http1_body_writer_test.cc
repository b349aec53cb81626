// What clients send from a source, over both versions.

#include "base/http/http1_body_writer.h"

#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "base/http/body_source.h"
#include "base/http/http_client.h"
#include "gtest/gtest.h"
#include "tests/base/http/http_upload_test_base.h"
#include "tests/testing/event.h"
#include "tests/testing/loop_thread.h"
#include "tests/testing/raw_client.h"
#include "tests/testing/test_http_server.h"

namespace gateway {
namespace {

class Http1BodyWriterTest : public HttpUploadTest {};

TEST_F(Http1BodyWriterTest, ABodyOfAnotherLengthThanItSaidIsNotSent) {
  class Liar final : public BodySource {
   public:
    explicit Liar(uint64_t bytes) : left_(bytes) {}
    std::optional<uint64_t> length() const override { return 1000; }
    absl::StatusOr<State> Take(std::string_view* piece) override {
      if (left_ == 0) return State::kEnd;
      *piece = std::string_view(Repeated()).substr(0, left_);
      left_ = 0;
      return State::kPiece;
    }
    void SetWakeUp(WakeUp*) override {}

   private:
    uint64_t left_;
  };
  TestHttpServer server(receiver_);
  UploadSender sender;
  for (const HttpVersion version :
       {HttpVersion::kHttp1, HttpVersion::kHttp2}) {
    for (const uint64_t bytes : {999, 1001}) {
      Liar body(bytes);
      const auto answer =
          sender.Post(UploadSender::To(server.port(), version), "/sum", body);
      EXPECT_EQ(answer.status().code(), absl::StatusCode::kInternal)
          << answer.status();
    }
  }
}

TEST_F(Http1BodyWriterTest, AServerThatTakesNothingIsGivenUp) {
  RawListener server;
  UploadSender sender;
  const auto to = UploadSender::To(server.port(), HttpVersion::kHttp1);
  to->timeouts.first_byte = absl::Milliseconds(100);
  MadeBody body(kLarge, /*says_length=*/false);
  const auto answer = sender.Post(to, "/", body);
  EXPECT_EQ(answer.status().code(), absl::StatusCode::kDeadlineExceeded)
      << answer.status();
  EXPECT_LT(body.taken, kInFlightMax);
}

TEST_F(Http1BodyWriterTest, WhatWasTakenIsNotSentAgain) {
  RawListener server;
  UploadSender sender;
  const auto to = UploadSender::To(server.port(), HttpVersion::kHttp1);
  Event used;
  LoopThread other;
  const auto serve = [&] {
    RawClient client = server.Accept();
    client.ReceiveUntil("\r\n\r\n");
    client.ReceiveExactly(1000);
    client.Send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    // The connection is given up when another request has come.
    client.ReceiveUntil("\r\n\r\n");
    client.Close();
    used.Set();
  };
  other.loop().Post(serve);
  MadeBody first(1000, /*says_length=*/true);
  EXPECT_EQ(sender.Post(to, "/", first).value_or(""), "200 ok");
  MadeBody second(1000, /*says_length=*/true);
  HttpProgress progress;
  EXPECT_FALSE(sender.Post(to, "/", second, &progress).ok());
  EXPECT_TRUE(used.Wait());
  EXPECT_TRUE(progress.reused_connection);
  EXPECT_FALSE(progress.not_processed);
  EXPECT_EQ(second.taken, 1000u);
}

TEST_F(Http1BodyWriterTest, WhatBreaksOffIsNoWholeBodyUpstream) {
  TestHttpServer server(receiver_);
  UploadSender sender;
  for (const HttpVersion version :
       {HttpVersion::kHttp1, HttpVersion::kHttp2}) {
    for (const bool says_length : {true, false}) {
      MadeBody body(1'000'000, says_length);
      body.fails_at = 300'000;
      const auto answer =
          sender.Post(UploadSender::To(server.port(), version), "/sum", body);
      EXPECT_EQ(answer.status(), absl::DataLossError("the disk is gone"));
      EXPECT_NE(receiver_.AwaitFailure().code(), absl::StatusCode::kUnknown);
    }
  }
}

TEST_F(Http1BodyWriterTest, NoFailureOfASourceHasItSentByAnotherVersion) {
  TestHttpServer server(receiver_);
  UploadSender sender;
  for (const HttpVersion version :
       {HttpVersion::kHttp1, HttpVersion::kHttp2}) {
    MadeBody body(1'000'000, /*says_length=*/true);
    body.fails_at = 300'000;
    body.failure = absl::FailedPreconditionError("the disk is gone");
    const auto answer =
        sender.Post(UploadSender::To(server.port(), version), "/sum", body);
    EXPECT_EQ(answer.status(), absl::InternalError("the disk is gone"));
  }
}

}  // namespace
}  // namespace gateway
