// What a server's session says to a client that the test plays, frame by frame.

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/http/http1_codec.h"
#include "base/http/http2_session.h"
#include "base/http/http2_stream.h"
#include "base/net/stream.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/http2_echo_server.h"
#include "tests/testing/http2_frames.h"
#include "tests/testing/http2_pair.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/raw_client.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

TEST(Http2SessionDrainTest, NoRequestOnItsWayIsLost) {
  Http2EchoServer server;
  RawClient client = RawClient::Connect(server.port());
  client.Send(Http2Greeting() + Http2Post(1, false));
  ReceiveFrameOf(client, RawFrameType::kHeaders);
  server.Drain();
  const RawFrame first = ReceiveFrameOf(client, RawFrameType::kGoaway);
  EXPECT_EQ(first.Number(0), 0x7fffffffu);
  EXPECT_EQ(first.Number(4), 0u);
  const RawFrame ping = ReceiveFrameOf(client, RawFrameType::kPing);
  // An answer to some other ping says nothing.
  client.Send(Http2Ping("whatever", true) + Http2Post(3, false) +
              Http2Ping(ping.payload, true));
  const RawFrame second = ReceiveFrameOf(client, RawFrameType::kGoaway);
  EXPECT_EQ(second.Number(0), 3u);
  client.Send(Http2Post(5, true) + Http2Data(1, "one", true) +
              Http2Data(3, "three", true));
  std::string bodies;
  for (const RawFrame& frame : ReceiveFrames(client)) {
    EXPECT_NE(frame.stream, 5u);
    if (frame.type == RawFrameType::kData) bodies += frame.payload;
  }
  EXPECT_EQ(bodies, "onethree");
  client.Close();
  EXPECT_TRUE(server.AwaitEnd().ok());
}

// A connection without windows, but for the socket, and an answer that no
// socket's buffer holds.
class Http2FairnessTest : public testing::Test {
 protected:
  Http2FairnessTest() : client_(RawClient::Connect(server_.port())) {
    client_.Send(std::string(kHttp2Preface) +
                 Http2Frame(RawFrameType::kSettings, 0, 0,
                            BigEndian(4, 2) + BigEndian(0x7fffffff, 4)) +
                 Http2SettingsAck() + Http2WindowUpdate(0, 0x7fff0000));
  }

  Http2EchoServer server_{Http2Limits(), std::string(20'000'000, 'x')};
  RawClient client_;
};

TEST_F(Http2FairnessTest, AnswersTakeTurns) {
  // The one that calls itself urgent gets no more than the others.
  const std::string urgent("\x00\x08priority\x03u=0", 14);
  client_.Send(Http2Headers(1, Http2GetBlock()) +
               Http2Headers(3, Http2GetBlock() + urgent) +
               Http2Headers(5, Http2GetBlock()));
  int turns[6] = {};
  for (int i = 0; i < 90; ++i) {
    const RawFrame frame = ReceiveFrameOf(client_, RawFrameType::kData);
    ASSERT_LT(frame.stream, 6u);
    ++turns[frame.stream];
  }
  for (const int stream : {1, 3, 5}) {
    EXPECT_GE(turns[stream], 28) << stream;
    EXPECT_LE(turns[stream], 32) << stream;
  }
}

TEST_F(Http2FairnessTest, AShortAnswerDoesNotWaitForALongOne) {
  client_.Send(Http2Headers(1, Http2GetBlock()));
  ASSERT_EQ(ReceiveFrameOf(client_, RawFrameType::kData).stream, 1u);
  client_.Send(Http2Post(3, false) + Http2Data(3, "short", true));
  RawFrame frame;
  do {
    frame = ReceiveFrameOf(client_, RawFrameType::kData);
  } while (frame.stream == 1 && (frame.flags & kRawEndStream) == 0);
  EXPECT_EQ(frame.stream, 3u);
  EXPECT_EQ(frame.payload, "short");
}

TEST(Http2OutputOfATurnTest, LeavesInOneWrite) {
  Http2EchoServer server;
  RawClient client = RawClient::Connect(server.port());
  const auto await_answers = [&client](int count) {
    while (count > 0) {
      const RawFrame frame = ReceiveFrameOf(client, RawFrameType::kData);
      ASSERT_EQ(frame.type, RawFrameType::kData);
      if ((frame.flags & kRawEndStream) != 0) --count;
    }
  };
  client.Send(Http2Greeting() + Http2Headers(1, Http2GetBlock()));
  await_answers(1);
  const uint32_t before = client.segments_received();
  EXPECT_GT(before, 0u);
  std::string requests;
  for (uint32_t id = 3; id <= 101; id += 2) {
    requests += Http2Headers(id, Http2GetBlock());
  }
  client.Send(requests);
  await_answers(50);
  EXPECT_EQ(client.segments_received() - before, 1u);
}

// A peer that breaks the rules and does not read keeps nobody busy.
TEST(Http2RefusedPeerTest, LosesItsStreamsAtOnceAndItsConnectionSoon) {
  LoopRunner runner;
  runner.Run([]() -> Task<void> {
    // What is written to one end stays there until the other one reads.
    int fds[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    RawClient client(fds[1]);
    Http2Limits limits;
    limits.write_stall_timeout = absl::InfiniteDuration();
    limits.keepalive_time = absl::InfiniteDuration();
    constexpr size_t kAnswer = 10'000'000;
    Http2TestOwner owner;
    owner.on_end = [](Http2Stream& stream, Http2Served&) {
      const HttpField head[] = {{":status", "200"}};
      stream.SendHead(head);
      stream.Send(std::string(kAnswer, 'x'));
    };
    Http2Session session(Http2Session::Role::kServer, *Stream::Adopt(fds[0]),
                         limits, owner);
    session.Start();
    client.Send(std::string(kHttp2Preface) +
                Http2Frame(RawFrameType::kSettings, 0, 0,
                           BigEndian(4, 2) + BigEndian(0x7fffffff, 4)) +
                Http2SettingsAck() + Http2WindowUpdate(0, 0x7fff0000) +
                Http2Post(1));
    co_await owner.AwaitStreams(1);
    Http2Served& served = *owner.streams[0];
    // Until the socket takes no more.
    for (size_t unsent = kAnswer;;) {
      for (int i = 0; i < 20; ++i) co_await YieldToLoop();
      const size_t before = std::exchange(unsent, served.stream->unsent());
      if (unsent < kAnswer && unsent == before) break;
    }
    client.Send(Repeat(Http2Frame(RawFrameType::kUnknown, 0, 0, "what"), 2100));
    co_await served.AwaitClosed();
    EXPECT_THAT(served.why.message(), HasSubstr("carry nothing"));
    EXPECT_EQ(owner.ended, 0);
    EXPECT_TRUE(session.retiring());
    co_await owner.AwaitEnded();
    EXPECT_THAT(owner.why.message(), HasSubstr("carry nothing"));
    EXPECT_EQ(served.closed, 1);
  }());
}

// A field with a value of so many bytes, neither indexed nor compressed.
std::string LargeField(size_t bytes) {
  std::string field("\x00\x01v\x7f", 4);
  for (size_t rest = bytes - 127; rest > 0; rest >>= 7) {
    field += static_cast<char>((rest & 0x7f) | (rest >> 7 > 0 ? 0x80 : 0));
  }
  return field + std::string(bytes, 'v');
}

// A request whose header block takes as many frames as it needs.
std::string LargeRequest(std::string_view block) {
  constexpr size_t kFrameBytes = 16 * 1024;
  RawFrameType type = RawFrameType::kHeaders;
  uint8_t flags = kRawEndStream;
  std::string frames;
  while (!block.empty()) {
    const std::string_view piece = block.substr(0, kFrameBytes);
    block.remove_prefix(piece.size());
    if (block.empty()) flags |= kRawEndHeaders;
    frames += Http2Frame(type, flags, 1, piece);
    type = RawFrameType::kContinuation;
    flags = 0;
  }
  return frames;
}

TEST(Http2LargeHeadTest, MayBeAsLargeAsTheLimit) {
  Http2Limits limits;
  limits.header_list_bytes = 1024 * 1024;
  Http2EchoServer server(limits);
  RawClient client = RawClient::Connect(server.port());
  client.Send(Http2Greeting() +
              LargeRequest(Http2GetBlock() + Repeat(LargeField(65'000), 16)));
  EXPECT_EQ(ReceiveFrameOf(client, RawFrameType::kData).payload, "hello");
}

TEST(Http2LargeHeadTest, OneValueHasALimitOfItsOwn) {
  Http2Limits limits;
  limits.header_list_bytes = 1024 * 1024;
  Http2EchoServer server(limits);
  RawClient most = RawClient::Connect(server.port());
  most.Send(Http2Greeting() +
            LargeRequest(Http2GetBlock() + LargeField(64 * 1024)));
  EXPECT_EQ(ReceiveFrameOf(most, RawFrameType::kData).payload, "hello");
  RawClient more = RawClient::Connect(server.port());
  more.Send(Http2Greeting() +
            LargeRequest(Http2GetBlock() + LargeField(64 * 1024 + 1)));
  EXPECT_EQ(ReceiveFrameOf(more, RawFrameType::kGoaway).Number(4),
            static_cast<uint32_t>(Http2Error::kCompressionError));
}

}  // namespace
}  // namespace gateway
