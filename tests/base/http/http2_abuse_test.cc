// What a hostile peer gets out of a session: its own connection closed, and
// nobody else's touched.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "base/http/http2_session.h"
#include "base/http/http2_stream.h"
#include "base/http/http2_turn_share.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/http2_echo_server.h"
#include "tests/testing/http2_frames.h"
#include "tests/testing/raw_client.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

class Http2AbuseTest : public testing::Test {
 protected:
  Http2AbuseTest() : neighbour_(RawClient::Connect(server_.port())) {
    neighbour_.Send(Http2Greeting());
    NeighbourIsServed();
  }
  ~Http2AbuseTest() override {
    NeighbourIsServed();
    EXPECT_EQ(server_.open(), 1u);
  }

  RawClient Attack() {
    RawClient client = RawClient::Connect(server_.port());
    client.Send(Http2Greeting());
    return client;
  }

  // A well-behaved client on the same loop gets its answer.
  void NeighbourIsServed() {
    neighbour_.Send(Http2Post(next_id_, false) +
                    Http2Data(next_id_, "question", true));
    const RawFrame answer = ReceiveFrameOf(neighbour_, RawFrameType::kData);
    EXPECT_EQ(answer.payload, "question");
    EXPECT_EQ(answer.stream, next_id_);
    next_id_ += 2;
  }

  // The error code with which the connection is closed, or -1 for none.
  int64_t ClosedWith(RawClient& client) {
    RawFrame frame;
    int64_t error = -1;
    while (ReceiveFrame(client, &frame)) {
      if (frame.type == RawFrameType::kGoaway) error = frame.Number(4);
    }
    EXPECT_FALSE(client.timed_out());
    client.Close();
    return error;
  }

  // Sends the same bytes until the peer takes no more, with the neighbour's
  // requests in between. They have to be very many.
  void Flood(RawClient& client, std::string_view bytes) {
    const std::string chunk = Repeat(bytes, 1 + 8192 / bytes.size());
    for (int i = 0; i < 1000; ++i) {
      if (i % 10 == 0) NeighbourIsServed();
      if (!client.Send(chunk)) return;
    }
    ADD_FAILURE() << "the flood is not stopped";
  }

  void ExpectFloodIsStopped(std::string_view bytes) {
    RawClient client = Attack();
    Flood(client, bytes);
    const absl::Status why = server_.AwaitEnd();
    EXPECT_THAT(why.message(), HasSubstr("carry nothing"));
    EXPECT_TRUE(Http2Session::IsFlood(why));
  }

  // Each stream is broken off by the server, until it has had enough.
  void ExpectRefusedOneByOneAndThenStopped(
      const std::function<std::string(uint32_t id)>& stream, Http2Error with) {
    RawClient client = Attack();
    int refused = 0;
    for (uint32_t id = 1; id < 20'000; id += 2) {
      if (!client.Send(stream(id))) break;
      RawFrame frame;
      while (ReceiveFrame(client, &frame) &&
             (frame.stream != id || frame.type != RawFrameType::kRstStream)) {
      }
      if (frame.stream != id) break;
      EXPECT_EQ(frame.Number(0), static_cast<uint32_t>(with));
      ++refused;
    }
    EXPECT_GE(refused, 300);
    EXPECT_LT(refused, 10'000);
    const absl::Status why = server_.AwaitEnd();
    EXPECT_THAT(why.message(), HasSubstr("are reset before"));
    EXPECT_TRUE(Http2Session::IsFlood(why));
  }

  Http2EchoServer server_;
  RawClient neighbour_;
  uint32_t next_id_ = 1;
};

int64_t Code(Http2Error error) { return static_cast<int64_t>(error); }

TEST_F(Http2AbuseTest, WhatComesBehindAResetIsTheFaultOfItsStreamAlone) {
  RawClient client = Attack();
  client.Send(Http2Post(1, false) + Http2Post(3, false) + Http2Reset(3, 8) +
              Http2Data(3, "was under way", true));
  const RawFrame closed = ReceiveFrameOf(client, RawFrameType::kRstStream);
  EXPECT_EQ(closed.stream, 3u);
  EXPECT_EQ(closed.Number(0), Code(Http2Error::kStreamClosed));
  client.Send(Http2Data(1, "goes on", true));
  EXPECT_EQ(ReceiveFrameOf(client, RawFrameType::kData).payload, "goes on");
  client.Close();
  EXPECT_TRUE(server_.AwaitEnd().ok());
}

TEST_F(Http2AbuseTest, EveryOtherCallMayBeGivenUpAtOnce) {
  RawClient client = Attack();
  for (uint32_t id = 1; id < 8000; id += 4) {
    client.Send(Http2Post(id, false) + Http2Reset(id, 8) +
                Http2Data(id, "was under way", true) +
                Http2Post(id + 2, false) + Http2Data(id + 2, "asks", true));
    const RawFrame answer = ReceiveFrameOf(client, RawFrameType::kData);
    ASSERT_EQ(answer.stream, id + 2);
    ASSERT_EQ(answer.payload, "asks");
  }
  client.Close();
  EXPECT_TRUE(server_.AwaitEnd().ok());
}

TEST_F(Http2AbuseTest, AFloodOfPingsIsStopped) {
  ExpectFloodIsStopped(Http2Ping("12345678"));
}

TEST_F(Http2AbuseTest, AFloodOfPingAnswersIsStopped) {
  ExpectFloodIsStopped(Http2Ping("12345678", true));
}

TEST_F(Http2AbuseTest, AFloodOfSettingsIsStopped) {
  ExpectFloodIsStopped(Http2Settings());
}

TEST_F(Http2AbuseTest, AFloodOfPrioritiesIsStopped) {
  ExpectFloodIsStopped(
      Http2Frame(RawFrameType::kPriority, 0, 3, BigEndian(0, 4) + "w"));
}

TEST_F(Http2AbuseTest, AFloodOfWindowUpdatesIsStopped) {
  ExpectFloodIsStopped(Http2WindowUpdate(0, 1));
}

TEST_F(Http2AbuseTest, AFloodOfUnknownFramesIsStopped) {
  ExpectFloodIsStopped(Http2Frame(RawFrameType::kUnknown, 0, 0, "what"));
}

TEST_F(Http2AbuseTest, AFloodOfEmptyDataIsStopped) {
  RawClient client = Attack();
  client.Send(Http2Post(1, false));
  Flood(client, Http2Data(1, ""));
  EXPECT_THAT(server_.AwaitEnd().message(), HasSubstr("carry nothing"));
}

TEST_F(Http2AbuseTest, AFloodOfPaddingIsStopped) {
  RawClient client = Attack();
  client.Send(Http2Post(1, false));
  Flood(client, Http2Frame(RawFrameType::kData, kRawPadded, 1,
                           std::string("\x02\0\0", 3)));
  EXPECT_THAT(server_.AwaitEnd().message(), HasSubstr("carry nothing"));
}

TEST_F(Http2AbuseTest, AFloodThatEndsSaysWhy) {
  RawClient client = Attack();
  client.Send(Repeat(Http2Ping("12345678"), 2100));
  EXPECT_EQ(ClosedWith(client), Code(Http2Error::kEnhanceYourCalm));
  EXPECT_THAT(server_.AwaitEnd().message(), HasSubstr("carry nothing"));
}

TEST_F(Http2AbuseTest, RapidResetsAreStopped) {
  RawClient client = Attack();
  std::string bytes;
  for (uint32_t id = 1; id < 2000; id += 2) {
    bytes += Http2Post(id, false) + Http2Reset(id, 8);
  }
  const int before = server_.requests();
  client.Send(bytes);
  EXPECT_EQ(ClosedWith(client), Code(Http2Error::kEnhanceYourCalm));
  EXPECT_THAT(server_.AwaitEnd().message(), HasSubstr("are reset before"));
  // Few cost more than to be read: those that were cut between two reads.
  EXPECT_LE(server_.requests() - before, 30);
}

TEST_F(Http2AbuseTest, ManyRequestsAtOnceLeaveTheTurnToOthers) {
  constexpr uint32_t kStreams = 250;
  std::string requests;
  for (uint32_t id = 1; id < 2 * kStreams; id += 2) requests += Http2Post(id);
  std::vector<RawClient> clients;
  server_.WhileTheLoopSleeps([&] {
    for (int i = 0; i < 4; ++i) {
      clients.push_back(Attack());
      clients.back().Send(requests);
    }
  });
  for (RawClient& client : clients) {
    for (uint32_t i = 0; i < kStreams; ++i) {
      ReceiveFrameOf(client, RawFrameType::kData);
    }
    client.HalfClose();
    EXPECT_TRUE(server_.AwaitEnd().ok());
  }
  // Each its own, and one more than all have in common.
  EXPECT_LE(server_.most_requests_of_a_turn(),
            Http2TurnShare::kOfAll + 5 * (Http2TurnShare::kOwn + 1));
}

TEST_F(Http2AbuseTest, ResetsThatTheServerIsMadeToSendAreStopped) {
  // More than a window can hold.
  ExpectRefusedOneByOneAndThenStopped(
      [](uint32_t id) {
        return Http2Post(id, false) + Http2WindowUpdate(id, 0x7fffffff);
      },
      Http2Error::kFlowControlError);
}

TEST_F(Http2AbuseTest, MalformedRequestsAreRefusedOneByOneAndThenStopped) {
  // No pseudo field at all.
  const std::string block("\x00\x01y\x01x", 5);
  ExpectRefusedOneByOneAndThenStopped(
      [&block](uint32_t id) { return Http2Headers(id, block); },
      Http2Error::kProtocolError);
}

TEST_F(Http2AbuseTest, AFloodOfContinuationsIsStopped) {
  RawClient client = Attack();
  client.Send(Http2Frame(RawFrameType::kHeaders, 0, 1, Http2PostBlock()) +
              Repeat(Http2Frame(RawFrameType::kContinuation, 0, 1, ""), 2100));
  EXPECT_EQ(ClosedWith(client), Code(Http2Error::kEnhanceYourCalm));
  EXPECT_THAT(server_.AwaitEnd().message(), HasSubstr("carry nothing"));
}

// A 4 KB field is put into the table once, and then named by one byte.
std::string Bomb(size_t repetitions) {
  std::string block = Http2PostBlock();
  block += std::string("\x40\x01z", 3);
  const size_t size = 4000;
  block += '\x7f';
  block += static_cast<char>(((size - 127) & 0x7f) | 0x80);
  block += static_cast<char>((size - 127) >> 7);
  block += std::string(size, 'v');
  block += std::string(repetitions, '\xbe');
  return block;
}

TEST_F(Http2AbuseTest, AHeaderBombIsStopped) {
  RawClient client = Attack();
  client.Send(Http2Headers(1, Bomb(12'000)));
  EXPECT_EQ(ClosedWith(client), Code(Http2Error::kEnhanceYourCalm));
  EXPECT_THAT(server_.AwaitEnd().message(), HasSubstr("without end"));
}

TEST_F(Http2AbuseTest, AHeaderListThatIsMerelyTooLargeIsAnswered) {
  RawClient client = Attack();
  client.Send(Http2Headers(1, Bomb(10)) + Http2Post(3));
  const RawFrame first = ReceiveFrameOf(client, RawFrameType::kHeaders);
  EXPECT_EQ(first.stream, 1u);
  EXPECT_TRUE((first.flags & kRawEndStream) != 0);
  const RawFrame second = ReceiveFrameOf(client, RawFrameType::kHeaders);
  EXPECT_EQ(second.stream, 3u);
  client.HalfClose();
  EXPECT_TRUE(server_.AwaitEnd().ok());
}

TEST_F(Http2AbuseTest, ASkippedStreamIdIsNotTakenUpLater) {
  RawClient client = Attack();
  client.Send(Http2Post(5) + Http2Post(3));
  EXPECT_EQ(ClosedWith(client), Code(Http2Error::kProtocolError));
  EXPECT_THAT(server_.AwaitEnd().message(), HasSubstr("skipped"));
}

TEST_F(Http2AbuseTest, AnOlderProtocolIsNotTakenForThisOne) {
  RawClient client = RawClient::Connect(server_.port());
  client.Send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
  ClosedWith(client);
  EXPECT_THAT(server_.AwaitEnd().message(), HasSubstr("broke HTTP/2"));
}

TEST_F(Http2AbuseTest, GarbageEndsTheConnection) {
  RawClient client = RawClient::Connect(server_.port());
  client.Send(std::string(100'000, '\xa5'));
  ClosedWith(client);
  EXPECT_THAT(server_.AwaitEnd().message(), HasSubstr("broke HTTP/2"));

  RawClient greeted = Attack();
  greeted.Send(std::string(100'000, '\xa5'));
  EXPECT_EQ(ClosedWith(greeted), Code(Http2Error::kFrameSizeError));
  EXPECT_THAT(server_.AwaitEnd().message(), HasSubstr("broke HTTP/2"));
}

// Patterns of good clients that look a little like abuse.

TEST_F(Http2AbuseTest, AClientMayPingAndGiveCreditAfterEveryMessage) {
  RawClient client = Attack();
  client.Send(Http2Post(1, false));
  for (int i = 0; i < 10'000; ++i) {
    client.Send(Http2Data(1, "message"));
    const RawFrame echo = ReceiveFrameOf(client, RawFrameType::kData);
    ASSERT_EQ(echo.payload, "message") << i;
    client.Send(Http2Ping("12345678") + Http2WindowUpdate(0, 7) +
                Http2WindowUpdate(1, 7));
  }
  client.HalfClose();
  EXPECT_THAT(server_.AwaitEnd().message(), HasSubstr("closed"));
}

TEST_F(Http2AbuseTest, AClientMayGiveUpAllOfItsCallsBeforeTheyAreAnswered) {
  constexpr uint32_t kStreams = 1000;
  Http2EchoServer server({.concurrent_streams = kStreams});
  RawClient client = RawClient::Connect(server.port());
  std::string requests;
  std::string resets;
  for (uint32_t id = 1; id < 2 * kStreams; id += 2) {
    requests += Http2Post(id, false);
    resets += Http2Reset(id, 8);
  }
  client.Send(Http2Greeting() + requests + resets +
              Http2Post(2 * kStreams + 1));
  RawFrame frame;
  do {
    frame = ReceiveFrameOf(client, RawFrameType::kHeaders);
  } while (frame.stream != 0 && frame.stream != 2 * kStreams + 1);
  EXPECT_EQ(frame.stream, 2 * kStreams + 1);
  client.HalfClose();
  EXPECT_TRUE(server.AwaitEnd().ok());
}

TEST_F(Http2AbuseTest, AClientMayGiveUpHalfOfItsCallsBeforeTheyAreAnswered) {
  RawClient client = Attack();
  for (uint32_t id = 1; id < 8000; id += 4) {
    client.Send(Http2Post(id, false) + Http2Reset(id, 8) +
                Http2Post(id + 2, true));
    RawFrame frame;
    do {
      frame = ReceiveFrameOf(client, RawFrameType::kHeaders);
    } while (frame.stream != 0 && frame.stream != id + 2);
    ASSERT_EQ(frame.stream, id + 2);
  }
  client.HalfClose();
  EXPECT_TRUE(server_.AwaitEnd().ok());
}

TEST_F(Http2AbuseTest, AClientMayCancelEveryCallThatItHasSeenBegin) {
  RawClient client = Attack();
  for (uint32_t id = 1; id < 4000; id += 2) {
    client.Send(Http2Post(id, false));
    const RawFrame head = ReceiveFrameOf(client, RawFrameType::kHeaders);
    ASSERT_EQ(head.stream, id);
    client.Send(Http2Reset(id, 8));
  }
  client.HalfClose();
  EXPECT_TRUE(server_.AwaitEnd().ok());
}

}  // namespace
}  // namespace gateway
