#include "base/http/http2_stream.h"

#include <cstddef>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/http/http1_codec.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/http2_pair.h"
#include "tests/testing/loop_runner.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

class Http2StreamTest : public testing::Test {
 protected:
  void Run(const std::function<Task<void>(Http2Pair&)>& body) {
    runner_.Run(Story(&body));
  }

  Task<void> Story(const std::function<Task<void>(Http2Pair&)>* body) {
    co_await pair_.Open();
    co_await (*body)(pair_);
    co_await pair_.Close();
    pair_.client.reset();
    pair_.server.reset();
  }

  LoopRunner runner_;
  Http2Pair pair_;
};

void SendHead(Http2Stream& stream) {
  const HttpField head[] = {{":status", "200"}};
  stream.SendHead(head);
}

TEST(Http2ErrorTest, HasTheNamesOfTheStandard) {
  EXPECT_EQ(Http2ErrorName(Http2Error::kNoError), "NO_ERROR");
  EXPECT_EQ(Http2ErrorName(Http2Error::kHttp11Required), "HTTP_1_1_REQUIRED");
  EXPECT_EQ(Http2ErrorName(static_cast<Http2Error>(0x2a)), "error 0x2a");
}

TEST_F(Http2StreamTest, WhateverWayItIsGivenTheBodyIsWhole) {
  Run([](Http2Pair& pair) -> Task<void> {
    Http2Recorder answer;
    Http2Stream* const stream =
        pair.client->StartRequest(kHttp2Post, false, answer);
    EXPECT_TRUE(stream->head_sent());
    stream->Send("");
    stream->Send("one ");
    std::memcpy(stream->Extend(4), "two ", 4);
    EXPECT_EQ(stream->unsent(), 8u);
    const std::string three = "three ";
    const std::string_view pieces[] = {three, "", "four"};
    stream->SendBorrowed(pieces);
    EXPECT_EQ(stream->unsent(), 18u);
    stream->End();
    EXPECT_TRUE(stream->ended());
    co_await answer.AwaitClosed();
    EXPECT_EQ(answer.body, "one two three four");
    EXPECT_EQ(answer.sent, 1);
  });
}

TEST_F(Http2StreamTest, TellsEachTimeThatAllHasBeenTaken) {
  pair_.server_owner.on_end = nullptr;
  Run([](Http2Pair& pair) -> Task<void> {
    Http2Recorder answer;
    Http2Stream* const stream =
        pair.client->StartRequest(kHttp2Post, false, answer);
    for (int i = 1; i <= 3; ++i) {
      stream->Send("piece");
      while (answer.sent < i) co_await answer.changed.Wait();
      EXPECT_EQ(stream->unsent(), 0u);
    }
    // Nothing is told for a window that is closed.
    co_await pair.server_owner.AwaitStreams(1);
    pair.server_owner.streams[0]->consumes = false;
    stream->Send(std::string(200'000, 'x'));
    co_await pair.server_owner.streams[0]->AwaitBody(64'000);
    EXPECT_EQ(answer.sent, 3);
    EXPECT_GT(stream->unsent(), 0u);
    stream->Reset(Http2Error::kCancel);
    co_await answer.AwaitClosed();
  });
}

TEST_F(Http2StreamTest, WhatOnSentSendsGoesOutToo) {
  pair_.server_owner.on_end = nullptr;
  Run([](Http2Pair& pair) -> Task<void> {
    Http2Recorder answer;
    Http2Stream* const stream =
        pair.client->StartRequest(kHttp2Post, false, answer);
    answer.on_sent = [&] {
      if (answer.sent < 50) stream->Send(std::string(1'000, 'x'));
    };
    stream->Send("x");
    while (answer.sent < 50) co_await answer.changed.Wait();
    co_await pair.server_owner.AwaitStreams(1);
    co_await pair.server_owner.streams[0]->AwaitBody(49'001);
    stream->Reset(Http2Error::kCancel);
    co_await answer.AwaitClosed();
  });
}

TEST_F(Http2StreamTest, AResetReachesTheOtherEndWhoeverItComesFrom) {
  pair_.server_owner.on_end = nullptr;
  Run([](Http2Pair& pair) -> Task<void> {
    Http2Recorder one, two;
    Http2Stream* const first =
        pair.client->StartRequest(kHttp2Post, false, one);
    pair.client->StartRequest(kHttp2Post, false, two);
    co_await pair.server_owner.AwaitStreams(2);
    Http2Served& served = *pair.server_owner.streams[0];
    first->Reset(Http2Error::kCancel, absl::CancelledError("had enough"));
    first->Reset(Http2Error::kInternalError);  // Once is enough.
    co_await one.AwaitClosed();
    EXPECT_EQ(one.error, Http2Error::kCancel);
    EXPECT_EQ(one.why.message(), "had enough");
    co_await served.AwaitClosed();
    EXPECT_EQ(served.error, Http2Error::kCancel);

    Http2Served& other = *pair.server_owner.streams[1];
    other.stream->Reset(Http2Error::kRefusedStream);
    co_await two.AwaitClosed();
    EXPECT_EQ(two.error, Http2Error::kRefusedStream);
    EXPECT_TRUE(two.why.ok());
    co_await other.AwaitClosed();
    EXPECT_EQ(other.error, Http2Error::kRefusedStream);
  });
}

TEST_F(Http2StreamTest, ARequestMayBeResetBeforeItHasLeft) {
  Run([](Http2Pair& pair) -> Task<void> {
    Http2Recorder answer;
    pair.client->StartRequest(kHttp2Post, true, answer)
        ->Reset(Http2Error::kCancel);
    co_await answer.AwaitClosed();
    EXPECT_EQ(answer.error, Http2Error::kCancel);
    co_await pair.Greet();
    EXPECT_EQ(pair.client->open_streams(), 0u);
  });
}

TEST_F(Http2StreamTest, APeerMayResetWhileABodyIsUnsent) {
  Run([](Http2Pair& pair) -> Task<void> {
    pair.server_owner.consumes = false;
    Http2Recorder answer;
    const std::string body(500'000, 'x');
    const std::string_view pieces[] = {body};
    Http2Stream* const stream =
        pair.client->StartRequest(kHttp2Post, false, answer);
    stream->Send("in front");
    stream->SendBorrowed(pieces);
    stream->End();
    co_await pair.server_owner.AwaitStreams(1);
    Http2Served& served = *pair.server_owner.streams[0];
    co_await served.AwaitBody(60'000);
    served.stream->Reset(Http2Error::kEnhanceYourCalm);
    co_await answer.AwaitClosed();
    EXPECT_EQ(answer.error, Http2Error::kEnhanceYourCalm);
    EXPECT_EQ(answer.sent, 0);
    // The connection goes on.
    co_await pair.Greet();
  });
}

TEST_F(Http2StreamTest, NothingIsReportedAfterAReset) {
  pair_.server_owner.on_end = nullptr;
  pair_.server_owner.on_request = [](Http2Served& served) {
    served.stream->Reset(Http2Error::kRefusedStream);
  };
  Run([](Http2Pair& pair) -> Task<void> {
    Http2Recorder answer;
    Http2Stream* const stream =
        pair.client->StartRequest(kHttp2Post, false, answer);
    stream->Send("body");
    stream->End();
    co_await answer.AwaitClosed();
    Http2Served& served = *pair.server_owner.streams[0];
    EXPECT_EQ(served.body, "");
    EXPECT_FALSE(served.ended);
    EXPECT_EQ(served.closed, 1);
  });
}

TEST_F(Http2StreamTest, ARequestThatHasBeenAnsweredIsStopped) {
  pair_.server_owner.on_request = [](Http2Served& served) {
    const HttpField head[] = {{":status", "403"}};
    served.stream->SendHead(head, /*end=*/true);
    served.stream->SetEvents(nullptr);
  };
  Run([](Http2Pair& pair) -> Task<void> {
    Http2Recorder answer;
    Http2Stream* const stream =
        pair.client->StartRequest(kHttp2Post, false, answer);
    stream->Send(std::string(300'000, 'x'));
    co_await answer.AwaitClosed();
    EXPECT_EQ(answer.head, ":status=403;");
    EXPECT_TRUE(answer.ended);
    EXPECT_EQ(answer.error, Http2Error::kNoError);
    co_await pair.Greet();
    EXPECT_EQ(pair.server->open_streams(), 0u);
  });
}

TEST_F(Http2StreamTest, WithoutEventsTheRestIsSentAndReceived) {
  pair_.server_owner.consumes = false;
  Run([](Http2Pair& pair) -> Task<void> {
    std::string body(300'000, 'x');
    Http2Recorder answer;
    Http2Stream* stream =
        pair.client->StartRequest(kHttp2Post, false, answer);
    {
      const std::string borrowed(200'000, 'x');
      const std::string_view pieces[] = {
          std::string_view(borrowed).substr(0, 100'000),
          std::string_view(borrowed).substr(100'000)};
      stream->Send(std::string(100'000, 'x'));
      stream->SendBorrowed(pieces);
      co_await pair.server_owner.AwaitStreams(1);
      co_await pair.server_owner.streams[0]->AwaitBody(64'000);
      stream->SetEvents(nullptr);
    }
    stream->End();
    Http2Served& served = *pair.server_owner.streams[0];
    SendHead(*served.stream);
    served.stream->Send(body);
    served.stream->End();
    // What came and was not consumed does not keep the window closed.
    served.stream->SetEvents(nullptr);
    while (pair.client->open_streams() > 0) {
      co_await pair.client_owner.changed.Wait();
    }
    EXPECT_EQ(answer.closed, 0);
    EXPECT_EQ(served.closed, 0);
  });
}

// Whoever implements the events goes at each of them.
TEST_F(Http2StreamTest, EventsMayBeTakenAwayWithinEachOfThem) {
  for (int event = 0; event < 6; ++event) {
    Http2Pair pair;
    Http2Recorder answer;
    Http2Stream* stream = nullptr;
    const auto leave = [&] { stream->SetEvents(nullptr); };
    if (event == 0) answer.on_head = leave;
    if (event == 1) answer.on_data = leave;
    if (event == 2) answer.on_trailers = leave;
    if (event == 3) answer.on_sent = leave;
    pair.server_owner.on_request = [event](Http2Served& served) {
      const auto leave_and_answer = [&served] {
        Http2Stream& stream = *served.stream;
        stream.SetEvents(nullptr);
        AnswerWithEcho(stream, served);
      };
      if (event == 4) leave_and_answer();
      if (event == 5) served.on_data = leave_and_answer;
    };
    runner_.Run([](Http2Pair* pair, Http2Recorder* answer,
                   Http2Stream** stream) -> Task<void> {
      co_await pair->Open();
      *stream = pair->client->StartRequest(kHttp2Post, false, *answer);
      (*stream)->Send("body");
      (*stream)->End();
      while (pair->client->open_streams() > 0) {
        co_await pair->client_owner.changed.Wait();
      }
      co_await pair->Greet();
      co_await pair->Close();
      pair->client.reset();
      pair->server.reset();
    }(&pair, &answer, &stream));
    EXPECT_EQ(answer.closed, event < 4 ? 0 : 1) << event;
  }
}

TEST_F(Http2StreamTest, TrailersMayComeWithoutABody) {
  pair_.server_owner.on_end = [](Http2Stream& stream, Http2Served&) {
    SendHead(stream);
    const HttpField trailers[] = {{"grpc-status", "0"}};
    stream.End(trailers);
  };
  Run([](Http2Pair& pair) -> Task<void> {
    Http2Recorder answer;
    pair.client->StartRequest(kHttp2Post, true, answer);
    co_await answer.AwaitClosed();
    EXPECT_EQ(answer.head, ":status=200;");
    EXPECT_EQ(answer.body, "");
    EXPECT_EQ(answer.trailers, "grpc-status=0;");
    EXPECT_EQ(answer.error, Http2Error::kNoError);
  });
}

TEST_F(Http2StreamTest, AHeadAloneCanBeTheAnswer) {
  pair_.server_owner.on_end = [](Http2Stream& stream, Http2Served&) {
    const HttpField head[] = {{":status", "204"}};
    stream.SendHead(head, /*end=*/true);
  };
  Run([](Http2Pair& pair) -> Task<void> {
    Http2Recorder answer;
    pair.client->StartRequest(kHttp2Post, true, answer);
    co_await answer.AwaitClosed();
    EXPECT_EQ(answer.head, ":status=204;");
    EXPECT_TRUE(answer.ended);
  });
}

TEST_F(Http2StreamTest, ABodyAndItsEndMayComeBeforeTheHead) {
  pair_.server_owner.on_end = [](Http2Stream& stream, Http2Served&) {
    stream.Send("body");
    stream.End();
    SendHead(stream);
  };
  Run([](Http2Pair& pair) -> Task<void> {
    Http2Recorder answer;
    pair.client->StartRequest(kHttp2Post, true, answer);
    co_await answer.AwaitClosed();
    EXPECT_EQ(answer.body, "body");
    EXPECT_TRUE(answer.ended);
  });
}

TEST_F(Http2StreamTest, AHeadThatCannotBeSentEndsItsStream) {
  const std::string large(100'000, 'v');
  pair_.server_owner.on_end = [&large](Http2Stream& stream, Http2Served&) {
    const HttpField head[] = {{":status", "200"}, {"large", large}};
    stream.SendHead(head, /*end=*/true);
  };
  Run([&large](Http2Pair& pair) -> Task<void> {
    Http2Recorder answer;
    pair.client->StartRequest(kHttp2Post, true, answer);
    co_await answer.AwaitClosed();
    EXPECT_EQ(answer.error, Http2Error::kInternalError);
    EXPECT_THAT(pair.server_owner.streams[0]->why.message(),
                HasSubstr("too large"));

    const HttpField head[] = {kHttp2Post[0], kHttp2Post[1], kHttp2Post[2],
                              kHttp2Post[3], {"large", large}};
    Http2Recorder other;
    pair.client->StartRequest(head, true, other);
    co_await other.AwaitClosed();
    EXPECT_EQ(other.error, Http2Error::kInternalError);
    EXPECT_THAT(other.why.message(), HasSubstr("too large"));
  });
}

TEST_F(Http2StreamTest, TrailersThatCannotBeSentEndTheirStream) {
  const std::string large(100'000, 'v');
  pair_.server_owner.on_end = [&large](Http2Stream& stream, Http2Served&) {
    SendHead(stream);
    stream.Send("body");
    const HttpField trailers[] = {{"large", large}};
    stream.End(trailers);
  };
  Run([](Http2Pair& pair) -> Task<void> {
    Http2Recorder answer;
    pair.client->StartRequest(kHttp2Post, true, answer);
    co_await answer.AwaitClosed();
    EXPECT_EQ(answer.error, Http2Error::kInternalError);
  });
}

}  // namespace
}  // namespace gateway
