// What an HttpServer does with more requests at once than it can answer at
// once, or hold: each turn of the loop has its share of them, and room is made.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/http/http_handler.h"
#include "gtest/gtest.h"
#include "tests/testing/event.h"
#include "tests/testing/http2_frames.h"
#include "tests/testing/raw_client.h"
#include "tests/testing/test_http_server.h"

namespace gateway {
namespace {

// Of one turn; one client alone asks for more.
constexpr size_t kRequestsPerTurnMax = 160;
constexpr uint32_t kCrowdStreams = 250;

// Counts the requests of each turn of the loop.
class TurnCounter final : public HttpHandler {
 public:
  Task<void> Handle(const HttpRequest&, HttpResponder& responder) override {
    ++by_turn[EventLoop::Current()->turn()];
    if (++handled == awaited) done.Set();
    const std::string_view body[] = {"counted"};
    static_cast<void>(co_await responder.Send({200, {}}, body));
  }

  size_t most() const {
    size_t most = 0;
    for (const auto& [turn, count] : by_turn) most = std::max(most, count);
    return most;
  }

  // Of the server's thread, but for the tests while it is idle.
  size_t awaited = 0;
  size_t handled = 0;
  std::map<uint64_t, size_t> by_turn;
  Event done;
};

class HttpCrowdTest : public testing::Test {
 protected:
  // What `work` sends lies there at once when the server looks.
  template <typename Work>
  void WhileTheServerSleeps(Work work) {
    Event asleep;
    Event awake;
    server_.loop().Post([&] {
      asleep.Set();
      EXPECT_TRUE(awake.Wait());
    });
    EXPECT_TRUE(asleep.Wait());
    work();
    awake.Set();
    server_.Do([] {});  // The events outlive the sleep.
  }
  void ExpectShares() {
    EXPECT_TRUE(handler_.done.Wait());
    server_.Do([this] { EXPECT_LE(handler_.most(), kRequestsPerTurnMax); });
  }
  static std::string ManyStreams() {
    std::string frames;
    for (uint32_t i = 0; i < kCrowdStreams; ++i) {
      frames += Http2Headers(1 + 2 * i, Http2GetBlock());
    }
    return frames;
  }

  TurnCounter handler_;
  TestHttpServer server_{handler_};
};

TEST_F(HttpCrowdTest, ManyStreamsAreBegunInManyTurns) {
  handler_.awaited = kCrowdStreams;
  RawClient client = RawClient::Connect(server_.port());
  WhileTheServerSleeps(
      [&] { client.Send(Http2Greeting() + ManyStreams()); });
  ExpectShares();
}

TEST_F(HttpCrowdTest, SoAreThePipelinesOfManyConnections) {
  constexpr int kConnections = 20;
  constexpr int kRequests = 100;
  handler_.awaited = kConnections * kRequests;
  std::string pipeline;
  for (int i = 0; i < kRequests; ++i) {
    pipeline += "GET / HTTP/1.1\r\nhost: x\r\n\r\n";
  }
  std::vector<RawClient> clients;
  WhileTheServerSleeps([&] {
    for (int i = 0; i < kConnections; ++i) {
      clients.push_back(RawClient::Connect(server_.port()));
      clients.back().Send(pipeline);
    }
  });
  ExpectShares();
  for (RawClient& client : clients) {
    for (int i = 0; i < kRequests; ++i) {
      EXPECT_EQ(client.ReceiveAnswer().body, "counted");
    }
  }
}

TEST_F(HttpCrowdTest, WhoHasLeftMeanwhileIsNotAnswered) {
  RawClient client = RawClient::Connect(server_.port());
  client.Send(Http2Greeting());
  client.Receive();  // It is a connection of HTTP/2.
  WhileTheServerSleeps([&] {
    client.Send(ManyStreams());
    client.Close();
  });
  while (server_.connections() > 0) {
    // Each look is a turn of its loop.
  }
  server_.Do([this] { EXPECT_LE(handler_.handled, kRequestsPerTurnMax); });
}

TEST_F(HttpCrowdTest, AStreamThatWaitsForItsTurnMayBeResetOrHaveABody) {
  std::string frames;
  for (uint32_t i = 0; i < kCrowdStreams; ++i) {
    const uint32_t id = 1 + 2 * i;
    frames += Http2Post(id, false) + Http2Data(id, "body", true);
    if (i % 5 == 4) {
      frames += Http2Frame(RawFrameType::kRstStream, 0, id, BigEndian(8, 4));
    }
  }
  RawClient client = RawClient::Connect(server_.port());
  WhileTheServerSleeps([&] { client.Send(Http2Greeting() + frames); });
  size_t answered = 0;
  RawFrame frame;
  // All but those that were reset; of these the first were answered.
  const size_t kept = kCrowdStreams - kCrowdStreams / 5;
  while (answered < kept && ReceiveFrame(client, &frame)) {
    if (frame.type == RawFrameType::kData &&
        (frame.flags & kRawEndStream) != 0) {
      ++answered;
    }
  }
  EXPECT_EQ(answered, kept);
}

// A connection that opens with requests whose heads have 14 MB in all, and
// whose bodies do not come.
RawClient OpenWithLargeHeads(uint16_t port) {
  constexpr size_t kValueBytes = 4000;
  constexpr int kTimes = 14;
  // Literal, remembered: `a` and a value whose length takes three bytes.
  const std::string literal =
      "\x40\x01" "a" "\x7f\xa1\x1e" + std::string(kValueBytes, 'y');
  const std::string again(kTimes, '\xbe');  // The newest that is remembered.
  std::string said = Http2Greeting();
  for (uint32_t i = 0; i < kCrowdStreams; ++i) {
    said += Http2Headers(
        1 + 2 * i, Http2PostBlock() + (i == 0 ? literal : "") + again, false);
  }
  RawClient client = RawClient::Connect(port);
  EXPECT_TRUE(client.Send(said));
  return client;
}

constexpr size_t kTooMany = 6;  // Such connections.

TEST_F(HttpCrowdTest, WhereHeadsAreTooManyConnectionsAreClosed) {
  constexpr int kLooksMax = 200'000;
  std::vector<RawClient> clients;
  for (size_t i = 0; i < kTooMany; ++i) {
    clients.push_back(OpenWithLargeHeads(server_.port()));
  }
  int looks = 0;
  while (server_.connections() == kTooMany && looks < kLooksMax) ++looks;
  EXPECT_LT(server_.connections(), kTooMany);
  RawClient other = RawClient::Connect(server_.port());
  other.Send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
  EXPECT_EQ(other.ReceiveAnswer().status, 200);
}

TEST_F(HttpCrowdTest, WhatClientsLeaveBehindCountsNoMore) {
  for (size_t i = 0; i < kTooMany; ++i) {
    RawClient client = OpenWithLargeHeads(server_.port());
    client.Send(Http2Ping("all read"));
    EXPECT_EQ(ReceiveFrameOf(client, RawFrameType::kPing).payload, "all read");
  }
  while (server_.connections() > 0) {
    // Each look is a turn of its loop.
  }
  for (int i = 0; i < 2; ++i) {
    RawClient client = OpenWithLargeHeads(server_.port());
    std::string ends;
    for (uint32_t id = 1; id < 2 * kCrowdStreams; id += 2) {
      ends += Http2Data(id, "body", true);
    }
    client.Send(ends);
    for (uint32_t j = 0; j < kCrowdStreams; ++j) {
      EXPECT_EQ(ReceiveFrameOf(client, RawFrameType::kData).payload, "counted");
    }
  }
}

}  // namespace
}  // namespace gateway
