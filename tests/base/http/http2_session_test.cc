#include "base/http/http2_session.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/http/http1_codec.h"
#include "base/http/http2_stream.h"
#include "base/net/stream.h"
#include "base/net/tls_context.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/http2_pair.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/stream_pair.h"
#include "tests/testing/test_certificates.h"
#include "tests/testing/test_tls.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

class Http2SessionTest : public testing::Test {
 protected:
  // Runs `body`, which leaves the sessions open.
  void Run(const std::function<Task<void>(Http2Pair&)>& body) {
    runner_.Run(Story(&body, /*close=*/true));
  }
  // Runs `body`, after which the sessions end by themselves.
  void RunToTheEnd(const std::function<Task<void>(Http2Pair&)>& body) {
    runner_.Run(Story(&body, /*close=*/false));
  }

  Task<void> Story(const std::function<Task<void>(Http2Pair&)>* body,
                   bool close) {
    co_await pair_.Open();
    co_await (*body)(pair_);
    if (close) {
      co_await pair_.Close();
    } else {
      co_await pair_.AwaitEnd();
    }
    // Whatever they still have to do must do no harm.
    for (int i = 0; i < 3; ++i) co_await YieldToLoop();
    EXPECT_EQ(pair_.client_owner.ended, 1);
    EXPECT_EQ(pair_.server_owner.ended, 1);
    pair_.client.reset();
    pair_.server.reset();
  }

  LoopRunner runner_;
  Http2Pair pair_;
};

TEST_F(Http2SessionTest, CarriesARequestAndItsAnswerWithTrailers) {
  Run([](Http2Pair& pair) -> Task<void> {
    Http2Recorder answer;
    Http2Stream* const stream =
        pair.client->StartRequest(kHttp2Post, false, answer);
    stream->Send("hello ");
    stream->Send("world");
    stream->End();
    co_await answer.AwaitClosed();
    EXPECT_EQ(answer.head, ":status=200;x-kind=echo;");
    EXPECT_EQ(answer.body, "hello world");
    EXPECT_EQ(answer.trailers, "x-sum=42;");
    EXPECT_TRUE(answer.ended);
    EXPECT_EQ(answer.error, Http2Error::kNoError);
    EXPECT_EQ(pair.server_owner.streams[0]->head,
              ":method=POST;:scheme=http;:authority=test;:path=/echo;");
    EXPECT_EQ(pair.server_owner.streams[0]->error, Http2Error::kNoError);
  });
}

TEST_F(Http2SessionTest, CarriesABodyLargerThanEveryWindow) {
  Run([](Http2Pair& pair) -> Task<void> {
    std::string body(3'000'000, 'x');
    for (size_t i = 0; i < body.size(); i += 997) body[i] = 'a' + i % 26;
    Http2Recorder answer;
    const std::string_view pieces[] = {
        std::string_view(body).substr(0, 1000), "",
        std::string_view(body).substr(1000)};
    Http2Stream* const stream =
        pair.client->StartRequest(kHttp2Post, false, answer);
    stream->SendBorrowed(pieces);
    stream->End();
    co_await answer.AwaitClosed();
    EXPECT_EQ(answer.sent, 1);
    EXPECT_TRUE(answer.body == body);
    EXPECT_EQ(answer.trailers, "x-sum=42;");
  });
}

TEST_F(Http2SessionTest, ManyStreamsShareAConnection) {
  Run([](Http2Pair& pair) -> Task<void> {
    std::vector<std::unique_ptr<Http2Recorder>> answers;
    for (int i = 0; i < 100; ++i) {
      answers.push_back(std::make_unique<Http2Recorder>());
      Http2Stream* const stream =
          pair.client->StartRequest(kHttp2Post, false, *answers.back());
      stream->Send(absl::StrCat("number ", i));
      stream->End();
    }
    for (int i = 0; i < 100; ++i) {
      co_await answers[i]->AwaitClosed();
      EXPECT_EQ(answers[i]->body, absl::StrCat("number ", i));
    }
  });
}

TEST_F(Http2SessionTest, ASlowConsumerClosesItsOwnWindowOnly) {
  pair_.server_limits.stream_window_bytes = 20'000;
  Run([](Http2Pair& pair) -> Task<void> {
    co_await pair.Greet();
    // What nobody consumes is more in all than a connection's first window.
    pair.server_owner.consumes = false;
    const std::string body(50'000, 's');
    std::vector<std::unique_ptr<Http2Recorder>> slow;
    for (size_t i = 0; i < 10; ++i) {
      slow.push_back(std::make_unique<Http2Recorder>());
      Http2Stream* const stream =
          pair.client->StartRequest(kHttp2Post, false, *slow.back());
      stream->Send(body);
      stream->End();
      co_await pair.server_owner.AwaitStreams(i + 1);
      co_await pair.server_owner.streams[i]->AwaitBody(20'000);
    }
    pair.server_owner.consumes = true;
    Http2Recorder quick;
    Http2Stream* const stream =
        pair.client->StartRequest(kHttp2Post, false, quick);
    stream->Send(body);
    stream->End();
    co_await quick.AwaitClosed();
    EXPECT_EQ(quick.body.size(), body.size());
    for (size_t i = 0; i < 10; ++i) {
      Http2Served& served = *pair.server_owner.streams[i];
      EXPECT_EQ(served.body.size(), 20'000u);
      // What is consumed lets the rest come.
      served.consumes = true;
      served.stream->Consume(20'000);
      co_await slow[i]->AwaitClosed();
      EXPECT_EQ(slow[i]->body.size(), body.size());
    }
  });
}

TEST_F(Http2SessionTest, AClientTakesNoMoreStreamsThanBothEndsAllow) {
  pair_.server_limits.concurrent_streams = 2;
  pair_.server_owner.on_end = nullptr;
  Run([](Http2Pair& pair) -> Task<void> {
    co_await pair.Greet();
    EXPECT_TRUE(pair.client->accepting());
    Http2Recorder one, two, three;
    pair.client->StartRequest(kHttp2Post, true, one);
    pair.client->StartRequest(kHttp2Post, true, two);
    EXPECT_FALSE(pair.client->accepting());
    EXPECT_EQ(pair.client->StartRequest(kHttp2Post, true, three), nullptr);
    co_await pair.server_owner.AwaitStreams(2);
    bool told = false;
    pair.client_owner.on_capacity = [&] { told = true; };
    AnswerWithEcho(*pair.server_owner.streams[0]->stream,
                   *pair.server_owner.streams[0]);
    co_await one.AwaitClosed();
    EXPECT_TRUE(told);
    pair.client_owner.on_capacity = nullptr;
    EXPECT_TRUE(pair.client->accepting());
    pair.client->StartRequest(kHttp2Post, true, three);
    co_await pair.server_owner.AwaitStreams(3);
    for (int i = 1; i < 3; ++i) {
      AnswerWithEcho(*pair.server_owner.streams[i]->stream,
                     *pair.server_owner.streams[i]);
    }
    co_await two.AwaitClosed();
    co_await three.AwaitClosed();
    EXPECT_EQ(three.error, Http2Error::kNoError);
  });
}

TEST_F(Http2SessionTest, UploadsTakeTurns) {
  // No window is shut.
  pair_.server_limits.concurrent_streams = 10;
  pair_.server_limits.stream_window_bytes = 4'000'000;
  Run([](Http2Pair& pair) -> Task<void> {
    co_await pair.Greet();
    const std::string body(2'000'000, 'x');
    Http2Recorder one, two;
    for (Http2Recorder* answer : {&one, &two}) {
      Http2Stream* const stream =
          pair.client->StartRequest(kHttp2Post, false, *answer);
      stream->Send(body);
      stream->End();
    }
    co_await pair.server_owner.AwaitStreams(2);
    Http2Served& first = *pair.server_owner.streams[0];
    Http2Served& second = *pair.server_owner.streams[1];
    co_await first.AwaitBody(body.size());
    EXPECT_GT(second.body.size(), body.size() / 2);
    co_await one.AwaitClosed();
    co_await two.AwaitClosed();
  });
}

TEST_F(Http2SessionTest, AServerThatDrainsLetsOpenStreamsEnd) {
  pair_.server_owner.on_end = nullptr;
  RunToTheEnd([](Http2Pair& pair) -> Task<void> {
    Http2Recorder answer;
    pair.client->StartRequest(kHttp2Post, true, answer);
    co_await pair.server_owner.AwaitStreams(1);
    pair.server->Drain();
    EXPECT_TRUE(pair.server->retiring());
    while (!pair.client->retiring()) {
      co_await pair.client_owner.changed.Wait();
    }
    EXPECT_FALSE(pair.client->accepting());
    Http2Served& served = *pair.server_owner.streams[0];
    AnswerWithEcho(*served.stream, served);
    co_await answer.AwaitClosed();
    EXPECT_EQ(answer.error, Http2Error::kNoError);
    EXPECT_EQ(answer.trailers, "x-sum=42;");
    co_await pair.AwaitEnd();
    EXPECT_TRUE(pair.client_owner.why.ok()) << pair.client_owner.why;
    EXPECT_TRUE(pair.server_owner.why.ok()) << pair.server_owner.why;
  });
}

TEST_F(Http2SessionTest, AClientThatDrainsLetsOpenStreamsEnd) {
  RunToTheEnd([](Http2Pair& pair) -> Task<void> {
    Http2Recorder answer;
    pair.client->StartRequest(kHttp2Post, true, answer);
    pair.client->Drain();
    EXPECT_FALSE(pair.client->accepting());
    co_await answer.AwaitClosed();
    EXPECT_EQ(answer.error, Http2Error::kNoError);
    co_await pair.AwaitEnd();
    EXPECT_TRUE(pair.client_owner.why.ok()) << pair.client_owner.why;
    EXPECT_TRUE(pair.server_owner.why.ok()) << pair.server_owner.why;
  });
}

TEST_F(Http2SessionTest, ADrainWithoutStreamsEndsTheConnection) {
  RunToTheEnd([](Http2Pair& pair) -> Task<void> {
    co_await pair.Greet();
    pair.server->Drain();
    pair.server->Drain();
  });
  EXPECT_TRUE(pair_.server_owner.why.ok());
}

TEST_F(Http2SessionTest, ALostConnectionTellsAllStreams) {
  pair_.server_owner.on_end = nullptr;
  RunToTheEnd([](Http2Pair& pair) -> Task<void> {
    Http2Recorder one, two;
    pair.client->StartRequest(kHttp2Post, true, one);
    pair.client->StartRequest(kHttp2Post, false, two)->Send("body");
    co_await pair.server_owner.AwaitStreams(2);
    pair.server->Close(absl::InternalError("the test says so"));
    co_await pair.AwaitEnd();
    for (const Http2Recorder* recorder :
         {static_cast<const Http2Recorder*>(&one),
          static_cast<const Http2Recorder*>(&two)}) {
      EXPECT_EQ(recorder->closed, 1);
      EXPECT_EQ(recorder->error, Http2Error::kInternalError);
      EXPECT_TRUE(absl::IsUnavailable(recorder->why)) << recorder->why;
    }
    for (const auto& served : pair.server_owner.streams) {
      EXPECT_EQ(served->closed, 1);
      EXPECT_THAT(served->why.message(), HasSubstr("the test says so"));
    }
    EXPECT_TRUE(absl::IsUnavailable(pair.client_owner.why));
  });
}

// What the streams do when they are told that all is over does no harm.
TEST_F(Http2SessionTest, StreamsMayTouchEachOtherWhenTheConnectionEnds) {
  pair_.server_owner.on_end = nullptr;
  RunToTheEnd([](Http2Pair& pair) -> Task<void> {
    Http2Recorder one, two;
    pair.client->StartRequest(kHttp2Post, true, one);
    pair.client->StartRequest(kHttp2Post, true, two);
    co_await pair.server_owner.AwaitStreams(2);
    for (int i = 0; i < 2; ++i) {
      pair.server_owner.streams[i]->on_closed = [&pair, i] {
        Http2Stream* const other = pair.server_owner.streams[1 - i]->stream;
        if (other == nullptr) return;
        const HttpField head[] = {{":status", "200"}};
        other->SendHead(head);
        other->Send("too late");
        other->Reset(Http2Error::kCancel);
        pair.server->Drain();
        pair.server->Close(absl::OkStatus());
      };
    }
    pair.server->Close(absl::OkStatus());
    co_await pair.AwaitEnd();
  });
}

TEST_F(Http2SessionTest, MayBeClosedFromWithinEachEvent) {
  const auto close_at = [](Http2Pair& pair, int event) {
    const auto close = [&pair] {
      pair.client->Close(absl::OkStatus());
      pair.server->Close(absl::OkStatus());
    };
    Http2TestOwner& server = pair.server_owner;
    server.on_request = [close, event](Http2Served& served) {
      if (event == 0) close();
      if (event == 1) served.on_data = close;
      if (event == 2) served.on_trailers = close;
      if (event == 3) served.on_closed = close;
    };
    if (event == 4) pair.client_owner.on_capacity = close;
  };
  for (int event = 0; event < 9; ++event) {
    Http2Pair pair;
    Http2Recorder answer;
    const auto close = [&pair] {
      pair.client->Close(absl::OkStatus());
      pair.server->Close(absl::OkStatus());
    };
    close_at(pair, event);
    if (event == 5) answer.on_sent = close;
    if (event == 6) answer.on_head = close;
    if (event == 7) answer.on_data = close;
    if (event == 8) answer.on_closed = close;
    runner_.Run([](Http2Pair* pair, Http2Recorder* answer) -> Task<void> {
      co_await pair->Open();
      Http2Stream* const stream =
          pair->client->StartRequest(kHttp2Post, false, *answer);
      stream->Send("body");
      const HttpField trailers[] = {{"x-last", "1"}};
      stream->End(trailers);
      co_await pair->AwaitEnd();
      EXPECT_EQ(answer->closed, 1);
      for (int i = 0; i < 3; ++i) co_await YieldToLoop();
      EXPECT_EQ(pair->client_owner.ended, 1);
      EXPECT_EQ(pair->server_owner.ended, 1);
      pair->client.reset();
      pair->server.reset();
    }(&pair, &answer));
  }
}

TEST_F(Http2SessionTest, NothingIsReportedAfterClose) {
  pair_.server_owner.on_request = [this](Http2Served&) {
    pair_.server->Close(absl::OkStatus());
  };
  RunToTheEnd([](Http2Pair& pair) -> Task<void> {
    std::vector<std::unique_ptr<Http2Recorder>> answers;
    for (int i = 0; i < 5; ++i) {
      answers.push_back(std::make_unique<Http2Recorder>());
      pair.client->StartRequest(kHttp2Post, false, *answers.back())
          ->Send("body");
    }
    co_await pair.AwaitEnd();
    EXPECT_EQ(pair.server_owner.streams.size(), 1u);
    EXPECT_EQ(pair.server_owner.streams[0]->body, "");
  });
}

TEST_F(Http2SessionTest, MayBeDestroyedWhenItHasEnded) {
  pair_.client_owner.on_ended = [this] { pair_.client.reset(); };
  pair_.server_owner.on_ended = [this] { pair_.server.reset(); };
  RunToTheEnd([](Http2Pair& pair) -> Task<void> {
    Http2Recorder answer;
    pair.client->StartRequest(kHttp2Post, true, answer);
    pair.client->Drain();
    co_await answer.AwaitClosed();
  });
}

TEST_F(Http2SessionTest, MayBeDestroyedWithoutHavingBegun) {
  runner_.Run([]() -> Task<void> {
    StreamPair streams = co_await ConnectedPair();
    const Http2Limits limits;
    Http2TestOwner owner;
    Http2Session session(Http2Session::Role::kServer,
                         std::move(streams.server), limits, owner);
  }());
}

Task<void> StartServerTls(Stream* stream, const TlsContext* tls,
                          WakeUp* done) {
  const std::string nobody;
  const absl::Status status = co_await stream->StartTls(*tls, nobody);
  EXPECT_TRUE(status.ok()) << status;
  done->Set();
}

// Does something at the end of the turn in which it was told to.
class AtTurnEnd final : private TurnEndTask {
 public:
  explicit AtTurnEnd(std::function<void()> action)
      : action_(std::move(action)) {}
  void Begin() { EventLoop::Current()->RunAtTurnEnd(*this); }

 private:
  void OnTurnEnd() override { action_(); }

  const std::function<void()> action_;
};

TEST_F(Http2SessionTest, WhatAnswersHoldDoesNotWaitForTheEndOfTheTurn) {
  // More than the client takes at once.
  const std::string answer(512 * 1024, 'a');
  Run([&](Http2Pair& pair) -> Task<void> {
    co_await pair.Greet();
    bool answered = false;
    std::optional<size_t> held;
    AtTurnEnd look([&] {
      if (answered && !held.has_value()) held = pair.server_owner.held;
    });
    pair.server_owner.on_end = [&](Http2Stream& stream, Http2Served& served) {
      answered = true;
      const HttpField head[] = {{":status", "200"}};
      stream.SendHead(head);
      stream.Send(answer);
      stream.End();
      stream.SetEvents(nullptr);
      served.stream = nullptr;
    };
    Http2Recorder recorder;
    pair.client->StartRequest(kHttp2Post, /*end=*/true, recorder);
    while (!held.has_value()) {
      // Before the sessions do what they have to at the end of this turn.
      look.Begin();
      co_await YieldToLoop();
    }
    EXPECT_GT(*held, 0u);
    EXPECT_LT(*held, answer.size());
    co_await recorder.AwaitClosed();
    EXPECT_EQ(recorder.body.size(), answer.size());
  });
}

TEST_F(Http2SessionTest, SpeaksUnderTls) {
  runner_.Run([](Http2Pair* pair) -> Task<void> {
    const TestCertificates certificates;
    const auto server_tls = ServerTls(certificates.good(), {"h2"});
    const auto client_tls = ClientTls(certificates, {"h2"});
    StreamPair streams = co_await ConnectedPair();
    WakeUp done;
    Spawn(StartServerTls(streams.server.get(), server_tls.get(), &done));
    const std::string name = "localhost";
    const absl::Status status =
        co_await streams.client->StartTls(*client_tls, name);
    EXPECT_TRUE(status.ok()) << status;
    co_await done.Wait();
    EXPECT_EQ(streams.client->alpn(), "h2");
    EXPECT_EQ(streams.server->alpn(), "h2");
    pair->Begin(std::move(streams));

    const std::string body(500'000, 'x');
    Http2Recorder answer;
    Http2Stream* const stream =
        pair->client->StartRequest(kHttp2Post, false, answer);
    stream->Send(body);
    stream->End();
    co_await answer.AwaitClosed();
    EXPECT_TRUE(answer.body == body);
    EXPECT_EQ(answer.trailers, "x-sum=42;");
    pair->server->Drain();
    co_await pair->AwaitEnd();
    EXPECT_TRUE(pair->client_owner.why.ok()) << pair->client_owner.why;
    EXPECT_TRUE(pair->server_owner.why.ok()) << pair->server_owner.why;
    pair->client.reset();
    pair->server.reset();
  }(&pair_));
}

}  // namespace
}  // namespace gateway
