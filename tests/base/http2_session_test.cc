#include "base/http2_session.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/event_loop.h"
#include "base/http1_codec.h"
#include "base/http2_stream.h"
#include "base/task.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/stream_pair.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A stream's whole story as one end saw it.
class Recorder : public Http2StreamEvents {
 public:
  virtual ~Recorder() = default;

  void OnHead(Http2Stream&, absl::Span<const HttpField> fields) override {
    head = Text(fields);
    changed.Set();
  }
  void OnData(Http2Stream& stream, std::string_view bytes) override {
    body += bytes;
    if (consumes) stream.Consume(bytes.size());
    changed.Set();
  }
  void OnTrailers(Http2Stream&, absl::Span<const HttpField> fields) override {
    trailers = Text(fields);
  }
  void OnEnd(Http2Stream&) override {
    ended = true;
    changed.Set();
  }
  void OnSent(Http2Stream&) override {
    ++sent;
    changed.Set();
  }
  void OnClosed(Http2Stream&, Http2Error with, const absl::Status& because)
      override {
    closed = true;
    error = with;
    why = because;
    changed.Set();
  }

  static std::string Text(absl::Span<const HttpField> fields) {
    std::string text;
    for (const HttpField& field : fields) {
      absl::StrAppend(&text, std::string(field.name), "=",
                      std::string(field.value), ";");
    }
    return text;
  }

  Task<void> AwaitClosed() {
    while (!closed) co_await changed.Wait();
  }

  std::string head;
  std::string body;
  std::string trailers;
  bool consumes = true;
  bool ended = false;
  bool closed = false;
  int sent = 0;
  Http2Error error = Http2Error::kNoError;
  absl::Status why;
  WakeUp changed;
};

// A server's side of one stream, which a test tells what to do.
class Served final : public Recorder {
 public:
  void OnEnd(Http2Stream& stream) override {
    Recorder::OnEnd(stream);
    if (on_end) on_end(stream, *this);
  }

  Http2Stream* stream = nullptr;
  std::function<void(Http2Stream&, Served&)> on_end;
};

void AnswerWithEcho(Http2Stream& stream, Served& served) {
  const HttpField head[] = {{":status", "200"}, {"x-kind", "echo"}};
  stream.SendHead(head);
  stream.Send(served.body);
  const HttpField trailers[] = {{"x-sum", "42"}};
  stream.End(trailers);
}

class TestOwner final : public Http2Session::Owner {
 public:
  void OnRequest(Http2Stream& stream, absl::Span<const HttpField> fields,
                 bool) override {
    auto served = std::make_unique<Served>();
    served->head = Recorder::Text(fields);
    served->stream = &stream;
    served->on_end = on_end;
    served->consumes = consumes;
    stream.SetEvents(served.get());
    streams.push_back(std::move(served));
    if (on_request) on_request(*streams.back());
    changed.Set();
  }
  void OnCapacity() override { changed.Set(); }
  void OnEnded(const absl::Status& because) override {
    ended = true;
    why = because;
    changed.Set();
  }

  bool ended = false;
  bool consumes = true;
  absl::Status why;
  std::function<void(Http2Stream&, Served&)> on_end = AnswerWithEcho;
  std::function<void(Served&)> on_request;
  std::vector<std::unique_ptr<Served>> streams;
  WakeUp changed;
};

// Two sessions that talk to each other.
struct Sessions {
  Http2Limits client_limits;
  Http2Limits server_limits;
  TestOwner client_owner;
  TestOwner server_owner;
  std::unique_ptr<Http2Session> client;
  std::unique_ptr<Http2Session> server;

  Task<void> Open() {
    StreamPair pair = co_await ConnectedPair();
    server = std::make_unique<Http2Session>(Http2Session::Role::kServer,
                                            std::move(pair.server),
                                            server_limits, server_owner);
    client = std::make_unique<Http2Session>(Http2Session::Role::kClient,
                                            std::move(pair.client),
                                            client_limits, client_owner);
    server->Start();
    client->Start();
  }

  Task<void> Close() {
    client->Close(absl::OkStatus());
    while (!client_owner.ended) co_await client_owner.changed.Wait();
    while (!server_owner.ended) co_await server_owner.changed.Wait();
  }
};

const HttpField kPost[] = {{":method", "POST"},
                           {":scheme", "http"},
                           {":authority", "test"},
                           {":path", "/echo"}};

class Http2SessionTest : public testing::Test {
 protected:
  void Run(std::function<Task<void>(Sessions&)> body) {
    runner_.Run(Story(&body));
  }

  Task<void> Story(std::function<Task<void>(Sessions&)>* body) {
    co_await sessions_.Open();
    co_await (*body)(sessions_);
    co_await sessions_.Close();
    sessions_.client.reset();
    sessions_.server.reset();
  }

  LoopRunner runner_;
  Sessions sessions_;
};

TEST_F(Http2SessionTest, CarriesARequestAndItsAnswerWithTrailers) {
  Run([](Sessions& sessions) -> Task<void> {
    Recorder answer;
    Http2Stream* const stream =
        sessions.client->StartRequest(kPost, false, answer);
    stream->Send("hello ");
    stream->Send("world");
    stream->End();
    co_await answer.AwaitClosed();
    EXPECT_EQ(answer.head, ":status=200;x-kind=echo;");
    EXPECT_EQ(answer.body, "hello world");
    EXPECT_EQ(answer.trailers, "x-sum=42;");
    EXPECT_TRUE(answer.ended);
    EXPECT_EQ(answer.error, Http2Error::kNoError);
    EXPECT_EQ(sessions.server_owner.streams[0]->head,
              ":method=POST;:scheme=http;:authority=test;:path=/echo;");
    EXPECT_EQ(sessions.server_owner.streams[0]->error, Http2Error::kNoError);
  });
}

TEST_F(Http2SessionTest, CarriesABodyLargerThanEveryWindow) {
  Run([](Sessions& sessions) -> Task<void> {
    std::string body(3'000'000, 'x');
    for (size_t i = 0; i < body.size(); i += 997) body[i] = 'a' + i % 26;
    Recorder answer;
    const std::string_view pieces[] = {
        std::string_view(body).substr(0, 1000), "",
        std::string_view(body).substr(1000)};
    Http2Stream* const stream =
        sessions.client->StartRequest(kPost, false, answer);
    stream->SendBorrowed(pieces);
    stream->End();
    co_await answer.AwaitClosed();
    EXPECT_EQ(answer.sent, 1);
    EXPECT_TRUE(answer.body == body);
    EXPECT_EQ(answer.trailers, "x-sum=42;");
  });
}

TEST_F(Http2SessionTest, TrailersMayComeWithoutABody) {
  sessions_.server_owner.on_end = [](Http2Stream& stream, Served&) {
    const HttpField head[] = {{":status", "200"}};
    stream.SendHead(head);
    const HttpField trailers[] = {{"grpc-status", "0"}};
    stream.End(trailers);
  };
  Run([](Sessions& sessions) -> Task<void> {
    Recorder answer;
    sessions.client->StartRequest(kPost, true, answer);
    co_await answer.AwaitClosed();
    EXPECT_EQ(answer.head, ":status=200;");
    EXPECT_EQ(answer.body, "");
    EXPECT_EQ(answer.trailers, "grpc-status=0;");
    EXPECT_EQ(answer.error, Http2Error::kNoError);
  });
}

TEST_F(Http2SessionTest, AHeadAloneCanBeTheAnswer) {
  sessions_.server_owner.on_end = [](Http2Stream& stream, Served&) {
    const HttpField head[] = {{":status", "204"}};
    stream.SendHead(head, /*end=*/true);
  };
  Run([](Sessions& sessions) -> Task<void> {
    Recorder answer;
    sessions.client->StartRequest(kPost, true, answer);
    co_await answer.AwaitClosed();
    EXPECT_EQ(answer.head, ":status=204;");
    EXPECT_TRUE(answer.ended);
  });
}

TEST_F(Http2SessionTest, ManyStreamsShareAConnection) {
  Run([](Sessions& sessions) -> Task<void> {
    std::vector<std::unique_ptr<Recorder>> answers;
    for (int i = 0; i < 100; ++i) {
      answers.push_back(std::make_unique<Recorder>());
      Http2Stream* const stream =
          sessions.client->StartRequest(kPost, false, *answers.back());
      stream->Send(absl::StrCat("number ", i));
      stream->End();
    }
    for (int i = 0; i < 100; ++i) {
      co_await answers[i]->AwaitClosed();
      EXPECT_EQ(answers[i]->body, absl::StrCat("number ", i));
    }
  });
}

}  // namespace
}  // namespace gateway
