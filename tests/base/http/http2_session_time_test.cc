// What sessions do when time passes: it does so by short limits.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/async/task.h"
#include "base/http/http2_session.h"
#include "base/http/http2_stream.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/http2_echo_server.h"
#include "tests/testing/http2_frames.h"
#include "tests/testing/http2_pair.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/raw_client.h"
#include "tests/testing/stream_pair.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

constexpr absl::Duration kSessionTimeout = absl::Milliseconds(20);

// A server with some limit, and a client that is played by the test.
class Http2SessionTimeTest : public testing::Test {
 protected:
  Http2SessionTimeTest() {
    limits_.handshake_timeout = absl::Seconds(20);
    limits_.keepalive_time = absl::InfiniteDuration();
    limits_.write_stall_timeout = absl::InfiniteDuration();
  }

  RawClient Connect() {
    server_.emplace(limits_);
    return RawClient::Connect(server_->port());
  }

  Http2Limits limits_;
  std::optional<Http2EchoServer> server_;
};

TEST_F(Http2SessionTimeTest, EveryStepOfTheHandshakeHasToCome) {
  limits_.handshake_timeout = kSessionTimeout;
  const std::string beginnings[] = {
      "",
      std::string(kHttp2Preface.substr(0, 10)),
      std::string(kHttp2Preface),
      std::string(kHttp2Preface) + Http2Settings().substr(0, 5),
      std::string(kHttp2Preface) + Http2Settings(),
      std::string(kHttp2Preface) + Http2Settings() + Http2Post(1, false),
  };
  for (const std::string& beginning : beginnings) {
    RawClient client = Connect();
    client.Send(beginning);
    const RawFrame goaway = ReceiveFrameOf(client, RawFrameType::kGoaway);
    EXPECT_EQ(goaway.Number(4),
              static_cast<uint32_t>(Http2Error::kSettingsTimeout));
    const absl::Status why = server_->AwaitEnd();
    EXPECT_TRUE(absl::IsDeadlineExceeded(why)) << why;
  }
}

TEST_F(Http2SessionTimeTest, AHeaderBlockHasToEnd) {
  limits_.handshake_timeout = kSessionTimeout;
  const std::string blocks[] = {
      Http2Post(1).substr(0, 12),
      Http2Frame(RawFrameType::kHeaders, 0, 1, Http2PostBlock()),
      Http2Frame(RawFrameType::kHeaders, 0, 1, Http2PostBlock()) +
          Http2Frame(RawFrameType::kContinuation, 0, 1, ""),
  };
  for (const std::string& block : blocks) {
    RawClient client = Connect();
    client.Send(Http2Greeting() + block);
    ReceiveFrames(client);
    const absl::Status why = server_->AwaitEnd();
    EXPECT_TRUE(absl::IsDeadlineExceeded(why)) << why;
  }
}

TEST_F(Http2SessionTimeTest, AHeaderBlockHasToEndDuringADrainToo) {
  limits_.handshake_timeout = absl::Milliseconds(100);
  RawClient client = Connect();
  client.Send(Http2Greeting() + Http2Post(1, false));
  ReceiveFrameOf(client, RawFrameType::kHeaders);
  server_->Drain();
  ReceiveFrameOf(client, RawFrameType::kGoaway);
  client.Send(Http2Post(3).substr(0, 12));
  const absl::Status why = server_->AwaitEnd();
  EXPECT_TRUE(absl::IsDeadlineExceeded(why)) << why;
}

// Nothing of a header block that nobody hears of keeps the time running.
TEST_F(Http2SessionTimeTest, AMalformedBlockIsOverToo) {
  limits_.handshake_timeout = kSessionTimeout;
  limits_.keepalive_time = kSessionTimeout;
  limits_.keepalive_timeout = absl::Seconds(20);
  RawClient client = Connect();
  client.Send(Http2Greeting() + Http2Post(1, false) +
              Http2Headers(3, std::string("\x00\x01y\x01x", 5)));
  for (int i = 0; i < 5; ++i) {
    const RawFrame ping = ReceiveFrameOf(client, RawFrameType::kPing);
    client.Send(Http2Ping(ping.payload, true));
  }
  client.Send(Http2Data(1, "still there", true));
  EXPECT_EQ(ReceiveFrameOf(client, RawFrameType::kData).payload,
            "still there");
}

TEST_F(Http2SessionTimeTest, AnIdleConnectionIsDrained) {
  limits_.idle_timeout = kSessionTimeout;
  RawClient client = Connect();
  client.Send(Http2Greeting() + Http2Post(1));
  std::string story;
  for (const RawFrame& frame : ReceiveFrames(client)) {
    if (frame.type == RawFrameType::kHeaders) story += "answer ";
    if (frame.type == RawFrameType::kGoaway) story += "goaway ";
  }
  EXPECT_EQ(story, "answer goaway goaway ");
  client.Close();
  EXPECT_TRUE(server_->AwaitEnd().ok());
}

TEST_F(Http2SessionTimeTest, AConnectionWithAStreamIsNotIdle) {
  limits_.idle_timeout = kSessionTimeout;
  limits_.keepalive_time = kSessionTimeout;
  limits_.keepalive_timeout = absl::Seconds(20);
  RawClient client = Connect();
  client.Send(Http2Greeting() + Http2Post(1, false));
  for (int i = 0; i < 5; ++i) {
    RawFrame frame{};
    while (ReceiveFrame(client, &frame) &&
           frame.type != RawFrameType::kPing) {
      EXPECT_NE(frame.type, RawFrameType::kGoaway);
    }
    client.Send(Http2Ping(frame.payload, true));
  }
  client.Send(Http2Data(1, "still there", true));
  EXPECT_EQ(ReceiveFrameOf(client, RawFrameType::kData).payload,
            "still there");
}

TEST_F(Http2SessionTimeTest, APeerThatAnswersNoPingIsGone) {
  limits_.keepalive_time = kSessionTimeout;
  limits_.keepalive_timeout = kSessionTimeout;
  RawClient client = Connect();
  client.Send(Http2Greeting() + Http2Post(1, false));
  int pings = 0;
  for (const RawFrame& frame : ReceiveFrames(client)) {
    pings += frame.type == RawFrameType::kPing;
  }
  EXPECT_EQ(pings, 1);
  EXPECT_THAT(server_->AwaitEnd().message(), HasSubstr("pings"));
}

TEST_F(Http2SessionTimeTest, AnOldConnectionIsDrainedAndThenCutOff) {
  limits_.age_max = kSessionTimeout;
  limits_.age_grace = kSessionTimeout;
  RawClient client = Connect();
  client.Send(Http2Greeting() + Http2Post(1, false));
  int goaways = 0;
  for (const RawFrame& frame : ReceiveFrames(client)) {
    goaways += frame.type == RawFrameType::kGoaway;
  }
  EXPECT_GE(goaways, 1);
  EXPECT_THAT(server_->AwaitEnd().message(), HasSubstr("age"));
}

TEST_F(Http2SessionTimeTest, StreamsMayEndWithinTheGrace) {
  limits_.age_max = kSessionTimeout;
  RawClient client = Connect();
  client.Send(Http2Greeting() + Http2Post(1, false));
  ReceiveFrameOf(client, RawFrameType::kGoaway);
  const RawFrame ping = ReceiveFrameOf(client, RawFrameType::kPing);
  client.Send(Http2Ping(ping.payload, true));
  ReceiveFrameOf(client, RawFrameType::kGoaway);
  client.Send(Http2Data(1, "in time", true));
  EXPECT_EQ(ReceiveFrameOf(client, RawFrameType::kData).payload, "in time");
  ReceiveFrames(client);
  client.Close();
  EXPECT_TRUE(server_->AwaitEnd().ok());
}

// A connection that is drained already when it gets too old has its grace.
TEST_F(Http2SessionTimeTest, AgeDoesNotCutADrainShort) {
  limits_.age_max = kSessionTimeout;
  limits_.keepalive_time = kSessionTimeout;
  limits_.keepalive_timeout = absl::Seconds(20);
  RawClient client = Connect();
  client.Send(Http2Greeting() + Http2Post(1, false));
  ReceiveFrameOf(client, RawFrameType::kHeaders);
  server_->Drain();
  for (int i = 0; i < 5; ++i) {
    const RawFrame ping = ReceiveFrameOf(client, RawFrameType::kPing);
    client.Send(Http2Ping(ping.payload, true));
  }
  client.Send(Http2Data(1, "in time", true));
  EXPECT_EQ(ReceiveFrameOf(client, RawFrameType::kData).payload, "in time");
}

TEST_F(Http2SessionTimeTest, AStreamWhoseWindowStaysShutIsReset) {
  limits_.write_stall_timeout = kSessionTimeout;
  RawClient client = Connect();
  // SETTINGS_INITIAL_WINDOW_SIZE 0.
  client.Send(std::string(kHttp2Preface) +
              Http2Frame(RawFrameType::kSettings, 0, 0,
                         BigEndian(4, 2) + BigEndian(0, 4)) +
              Http2SettingsAck() + Http2Post(1, false) + Http2Post(3, false) +
              Http2Data(3, "stalls"));
  const RawFrame reset = ReceiveFrameOf(client, RawFrameType::kRstStream);
  EXPECT_EQ(reset.stream, 3u);
  EXPECT_EQ(reset.Number(0), static_cast<uint32_t>(Http2Error::kCancel));
  // A stream that has nothing to say does not stall.
  client.Send(Http2WindowUpdate(1, 100) + Http2Data(1, "goes on", true));
  EXPECT_EQ(ReceiveFrameOf(client, RawFrameType::kData).payload, "goes on");
}

TEST_F(Http2SessionTimeTest, StreamsAreResetWhileTheConnectionsWindowIsShut) {
  limits_.write_stall_timeout = kSessionTimeout;
  server_.emplace(limits_, std::string(100'000, 'x'));
  RawClient client = RawClient::Connect(server_->port());
  client.Send(std::string(kHttp2Preface) +
              Http2Frame(RawFrameType::kSettings, 0, 0,
                         BigEndian(4, 2) + BigEndian(0x7fffffff, 4)) +
              Http2SettingsAck() + Http2Headers(1, Http2GetBlock()) +
              Http2Headers(3, Http2GetBlock()));
  uint32_t streams = 0;
  for (int i = 0; i < 2; ++i) {
    const RawFrame reset = ReceiveFrameOf(client, RawFrameType::kRstStream);
    EXPECT_EQ(reset.Number(0), static_cast<uint32_t>(Http2Error::kCancel));
    streams += reset.stream;
  }
  EXPECT_EQ(streams, 1u + 3u);
}

// The first streams have used up the window. What the peer gives after that,
// bit by bit, goes to the others first, who have had nothing.
TEST_F(Http2SessionTimeTest, AStreamThatWaitsForItsTurnIsNotStalled) {
  limits_.write_stall_timeout = absl::Seconds(1);
  limits_.keepalive_time = absl::Milliseconds(5);
  limits_.keepalive_timeout = absl::Seconds(20);
  constexpr size_t kAnswer = 100'000;
  constexpr uint32_t kStreams = 10;
  server_.emplace(limits_, std::string(kAnswer, 'x'));
  RawClient client = RawClient::Connect(server_->port());
  std::string requests;
  for (uint32_t i = 0; i < kStreams; ++i) {
    requests += Http2Headers(2 * i + 1, Http2GetBlock());
  }
  client.Send(std::string(kHttp2Preface) +
              Http2Frame(RawFrameType::kSettings, 0, 0,
                         BigEndian(4, 2) + BigEndian(0x7fffffff, 4)) +
              Http2SettingsAck() + requests);
  size_t bytes = 0;
  // Each ping is some time: all together are more than twice the timeout, and
  // what is given with them is less than the others may have first.
  for (int pings = 0; pings < 500;) {
    RawFrame frame;
    ASSERT_TRUE(ReceiveFrame(client, &frame));
    ASSERT_NE(frame.type, RawFrameType::kRstStream) << frame.stream;
    if (frame.type == RawFrameType::kData) bytes += frame.payload.size();
    if (frame.type != RawFrameType::kPing) continue;
    ++pings;
    client.Send(Http2Ping(frame.payload, true) + Http2WindowUpdate(0, 150));
  }
  client.Send(Http2WindowUpdate(0, 0x7f000000));
  while (bytes < kStreams * kAnswer) {
    RawFrame frame;
    ASSERT_TRUE(ReceiveFrame(client, &frame));
    ASSERT_NE(frame.type, RawFrameType::kRstStream) << frame.stream;
    if (frame.type == RawFrameType::kData) bytes += frame.payload.size();
  }
}

TEST_F(Http2SessionTimeTest, APeerThatReadsNothingIsClosed) {
  limits_.write_stall_timeout = absl::Milliseconds(100);
  RawClient::Options options;
  options.receive_buffer_bytes = 4096;
  server_.emplace(limits_, std::string(20'000'000, 'x'));
  RawClient client = RawClient::Connect(server_->port(), options);
  // Windows without end, and an answer larger than any socket's buffer.
  client.Send(std::string(kHttp2Preface) +
              Http2Frame(RawFrameType::kSettings, 0, 0,
                         BigEndian(4, 2) + BigEndian(0x7fffffff, 4)) +
              Http2SettingsAck() + Http2WindowUpdate(0, 0x7fff0000) +
              Http2Headers(1, Http2GetBlock()));
  const absl::Status why = server_->AwaitEnd();
  EXPECT_TRUE(absl::IsDeadlineExceeded(why)) << why;
  EXPECT_THAT(why.message(), HasSubstr("does not read"));
}

TEST(Http2ClientTimeTest, AnIdleClientTellsItsOwnerAndEnds) {
  LoopRunner runner;
  Http2Pair pair;
  pair.client_limits.idle_timeout = kSessionTimeout;
  runner.Run([](Http2Pair* pair) -> Task<void> {
    co_await pair->Open();
    co_await pair->Greet();
    bool told = false;
    pair->client_owner.on_capacity = [&] {
      told = told || pair->client->retiring();
    };
    co_await pair->AwaitEnd();
    EXPECT_TRUE(told);
    EXPECT_TRUE(pair->client_owner.why.ok()) << pair->client_owner.why;
    EXPECT_TRUE(pair->server_owner.why.ok()) << pair->server_owner.why;
    pair->client.reset();
    pair->server.reset();
  }(&pair));
}

TEST(Http2ClientTimeTest, AServerThatSaysNothingFailsTheHandshake) {
  LoopRunner runner;
  runner.Run([]() -> Task<void> {
    StreamPair streams = co_await ConnectedPair();
    Http2Limits limits;
    limits.handshake_timeout = kSessionTimeout;
    Http2TestOwner owner;
    Http2Session session(Http2Session::Role::kClient,
                         std::move(streams.client), limits, owner);
    session.Start();
    Http2Recorder answer;
    session.StartRequest(kHttp2Post, true, answer);
    co_await owner.AwaitEnded();
    EXPECT_EQ(answer.closed, 1);
    EXPECT_TRUE(absl::IsDeadlineExceeded(answer.why)) << answer.why;
  }());
}

TEST(Http2ClientTimeTest, PingsKeepAConnectionThatAnswersThem) {
  LoopRunner runner;
  Http2Pair pair;
  pair.client_limits.keepalive_time = absl::Milliseconds(5);
  pair.client_limits.keepalive_timeout = absl::Seconds(20);
  // The server's limit tells how time passes.
  pair.server_limits.age_max = absl::Milliseconds(100);
  runner.Run([](Http2Pair* pair) -> Task<void> {
    co_await pair->Open();
    co_await pair->AwaitEnd();
    EXPECT_TRUE(pair->client_owner.why.ok()) << pair->client_owner.why;
    EXPECT_TRUE(pair->server_owner.why.ok()) << pair->server_owner.why;
    pair->client.reset();
    pair->server.reset();
  }(&pair));
}

}  // namespace
}  // namespace gateway
