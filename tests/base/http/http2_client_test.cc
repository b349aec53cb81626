// What happens to requests and answers. How they share connections is told by
// http2_pool_test.cc.

#include "base/http/http2_client.h"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/http/http1_codec.h"
#include "base/http/http2_stream.h"
#include "base/http/http_client.h"
#include "base/secret.h"
#include "base/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/base/http/http1_client_test_base.h"
#include "tests/base/http/http2_client_test_base.h"
#include "tests/testing/hpack_reader.h"
#include "tests/testing/http2_frames.h"
#include "tests/testing/raw_client.h"
#include "tests/testing/scripted_server.h"
#include "tests/testing/test_http2_server.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using Pieces = absl::StatusOr<absl::Span<const std::string_view>>;

constexpr absl::Duration kHttp2ClientTimeout = absl::Milliseconds(40);

class Http2ClientTest : public Http2ClientTestBase {};

TEST_F(Http2ClientTest, SendsTheHeadItWasGiven) {
  Run([](Http2Client& client, TestHttp2Server& server) -> Task<void> {
    std::vector<HttpRequestHead::Field> fixed;
    fixed.push_back({"authorization", Secret("Bearer k")});
    fixed.push_back({"connection", Secret("keep-alive")});
    const HttpRequestHead head(To(server.port()), "POST", "/p",
                               std::move(fixed));
    const HttpField extra[] = {{"X-Request-Id", "7"}, {"Host", "x"},
                               {"x-b", "8"},          {"X-C", "9"}};
    const std::string_view body[] = {"hello", "", " ", "world"};
    CancelSignal never;
    HttpCall call;
    call.head = &head;
    call.extra_fields = extra;
    call.body = body;
    call.cancel = &never;
    auto exchange = co_await client.Send(call);
    EXPECT_TRUE(exchange.ok()) << exchange.status();
    EXPECT_EQ(server.requests[0]->fields,
              absl::StrCat(":method=POST;:scheme=http;:authority=127.0.0.1:",
                           server.port(),
                           ";:path=/p;authorization=Bearer k;"
                           "x-request-id=7;x-b=8;x-c=9;content-length=11;"));
    EXPECT_EQ(server.requests[0]->body, "hello world");
  });
}

TEST_F(Http2ClientTest, ConnectionsThatNobodyUsesAreClosed) {
  Run([](Http2Client& client, TestHttp2Server& server) -> Task<void> {
    const auto to = To(server.port());
    const HttpRequestHead head(to, "POST", "/p", {});
    CancelSignal never;
    HttpCall call;
    call.head = &head;
    call.cancel = &never;
    auto exchange = co_await client.Send(call);
    EXPECT_TRUE(exchange.ok()) << exchange.status();
    EXPECT_TRUE((co_await (*exchange)->ReadAll()).ok());
    exchange->reset();
    EXPECT_FALSE(client.CloseUnused());
    EXPECT_EQ(client.stats().idle, 1u);
    to->unused->store(true);
    EXPECT_FALSE(client.CloseUnused());
    co_await client.AwaitIdle();
    EXPECT_EQ(client.stats().idle + client.stats().active, 0u);
  });
}

TEST_F(Http2ClientTest, NoSecretEntersTheTableOfCompression) {
  ScriptedServer server([](RawListener& listener) {
    RawClient client = listener.Accept();
    EXPECT_EQ(client.ReceiveExactly(kHttp2Preface.size()), kHttp2Preface);
    client.Send(Http2Settings());
    const RawFrame head = ReceiveFrameOf(client, RawFrameType::kHeaders);
    EXPECT_EQ(NeverIndexed(HpackReader().Read(head.payload)),
              "authorization, x-proxy-key, x-own-key, x-request-id");
    client.Send(Http2Headers(head.stream, "\x88"));  // `:status 200`.
    client.ReceiveAll();
  });
  RunClient([&](Http2Client& client) -> Task<void> {
    std::vector<HttpRequestHead::Field> fixed;
    fixed.push_back({"authorization", Secret("Bearer k")});
    fixed.push_back({"content-type", Secret("text/plain"), /*indexable=*/true});
    fixed.push_back({"x-proxy-key", Secret("p")});
    const HttpRequestHead head(To(server.port()), "POST", "/p",
                               std::move(fixed));
    const HttpField extra[] = {{"X-Own-Key", "k", /*secret=*/true},
                               {"x-request-id", "7"},
                               {"x-team", "blue"}};
    CancelSignal never;
    HttpCall call;
    call.head = &head;
    call.extra_fields = extra;
    call.cancel = &never;
    auto exchange = co_await client.Send(call);
    EXPECT_TRUE(exchange.ok()) << exchange.status();
  });
}

TEST_F(Http2ClientTest, AGetHasNoLength) {
  Run([](Http2Client& client, TestHttp2Server& server) -> Task<void> {
    Ask ask = Plain(To(server.port()));
    ask.method = "GET";
    ask.body = "";
    const Reply reply = co_await Call(client, ask);
    EXPECT_TRUE(reply.status.ok()) << reply.status;
    EXPECT_EQ(reply.code, 200);
    EXPECT_EQ(reply.body, "");
    EXPECT_EQ(reply.mark, "here");
    EXPECT_TRUE(reply.progress.sent);
    EXPECT_TRUE(reply.progress.answered);
    EXPECT_FALSE(reply.progress.reused_connection);
    EXPECT_THAT(server.requests[0]->fields,
                testing::Not(HasSubstr("content-length")));
  });
}

TEST_F(Http2ClientTest, ManyRequestsShareOneConnection) {
  Run([](Http2Client& client, TestHttp2Server& server) -> Task<void> {
    const auto to = To(server.port());
    server.on_end = nullptr;
    Calls calls(client);
    for (int i = 0; i < 200; ++i) {
      Ask ask = Plain(to);
      ask.body = absl::StrCat("number ", i);
      calls.Add(ask);
    }
    co_await server.AwaitRequests(200);
    EXPECT_EQ(client.stats().streams, 200u);
    EXPECT_EQ(client.stats().active, 1u);
    for (const auto& request : server.requests) {
      while (!request->ended) co_await server.changed.Wait();
      request->Answer(request->body);
    }
    co_await calls.AwaitAll();
    for (int i = 0; i < 200; ++i) {
      EXPECT_EQ(calls[i].body, absl::StrCat("number ", i));
      EXPECT_EQ(calls[i].progress.reused_connection, i > 0);
    }
    EXPECT_EQ(server.accepted, 1u);
    EXPECT_EQ(client.stats().idle, 1u);
  });
}

TEST_F(Http2ClientTest, CarriesBodiesLargerThanEveryWindow) {
  Run([](Http2Client& client, TestHttp2Server& server) -> Task<void> {
    const auto to = To(server.port());
    for (const size_t size : {0, 1, 16'384, 65'535, 65'536, 5'000'000}) {
      for (const bool read_all : {false, true}) {
        Ask ask = Plain(to);
        ask.body = Pattern(size);
        ask.read_all = read_all;
        const Reply reply = co_await Call(client, ask);
        EXPECT_TRUE(reply.status.ok()) << reply.status;
        EXPECT_TRUE(reply.body == ask.body) << size;
        EXPECT_TRUE(reply.progress.sent);
      }
    }
    EXPECT_EQ(server.accepted, 1u);
    EXPECT_EQ(EventLoop::Current()->blocks().lent(), 0u);
  });
}

TEST_F(Http2ClientTest, HandsPiecesOnAsTheyCome) {
  Run([](Http2Client& client, TestHttp2Server& server) -> Task<void> {
    server.on_end = [](TestHttp2Server::Request& request) { request.Head(); };
    Sent sent(To(server.port()));
    const absl::Status begun = co_await sent.Send(client);
    EXPECT_TRUE(begun.ok()) << begun;
    EXPECT_EQ(sent.exchange->status(), 200);
    EXPECT_EQ(sent.exchange->Find("x-mark"), "here");
    EXPECT_EQ(sent.exchange->Find("x-other"), "");
    for (const std::string text : {"one", "two", "three"}) {
      server.requests[0]->stream->Send(text);
      const Pieces pieces = co_await sent.exchange->Read();
      EXPECT_EQ((*pieces)[0], text);
      EXPECT_EQ(pieces->size(), 1u);
    }
    server.requests[0]->stream->End();
    const Pieces end = co_await sent.exchange->Read();
    EXPECT_TRUE(end->empty());
    EXPECT_EQ(sent.exchange->Find("x-mark"), "");
  });
}

TEST_F(Http2ClientTest, ASlowReaderHoldsUpNobodyElse) {
  Run([](Http2Client& client, TestHttp2Server& server) -> Task<void> {
    const auto to = To(server.port());
    const std::string large = Pattern(10'000'000);
    server.on_end = [&](TestHttp2Server::Request& request) {
      request.Answer(server.requests.size() == 1 ? large : request.body);
    };
    Sent slow(to);
    co_await slow.Send(client);
    for (int i = 0; i < 20; ++i) {
      Ask ask = Plain(to);
      ask.body = Pattern(100'000);
      const Reply reply = co_await Call(client, ask);
      EXPECT_TRUE(reply.body == ask.body);
    }
    // The stream's window, and what its server has on its way.
    EXPECT_GT(server.requests[0]->stream->unsent(), 9'000'000u);
    std::string body;
    const absl::Status read = co_await ReadBits(*slow.exchange, &body);
    EXPECT_TRUE(read.ok()) << read;
    EXPECT_TRUE(body == large);
    EXPECT_EQ(server.accepted, 1u);
  });
}

// Cancels a request while it is served, and shows that only its stream went.
class Http2ClientCancelTest : public Http2ClientTestBase {
 protected:
  // `on_request` brings the request where it is to be cancelled.
  void ExpectOnlyItsStreamGoes(
      std::function<void(TestHttp2Server::Request&)> on_request,
      std::string body = "", bool read = false) {
    Run([&](Http2Client& client, TestHttp2Server& server) -> Task<void> {
      const auto to = To(server.port());
      co_await Call(client, Plain(to));  // There is a connection.
      server.on_head = on_request;
      server.on_end = nullptr;
      CancelSignal cancel;
      Calls calls(client);
      Ask ask = Plain(to);
      ask.body = body;
      ask.cancel = &cancel;
      calls.Add(ask);
      co_await server.AwaitRequests(2);
      // What was sent to the client arrives there.
      for (int i = 0; i < 5; ++i) co_await YieldToLoop();
      cancel.Cancel(absl::AbortedError("enough"));
      co_await calls.AwaitAll();
      EXPECT_EQ(calls[0].status, absl::AbortedError("enough"));
      EXPECT_EQ(calls[0].began, read);
      EXPECT_FALSE(calls[0].progress.timed_out);
      EXPECT_FALSE(calls[0].progress.not_processed);
      co_await server.AwaitClosed(*server.requests[1]);
      EXPECT_EQ(server.requests[1]->error, Http2Error::kCancel);
      server.on_head = nullptr;
      server.on_end = [](TestHttp2Server::Request& request) {
        request.Answer("fine");
      };
      const Reply reply = co_await Call(client, Plain(to));
      EXPECT_EQ(reply.body, "fine");
      EXPECT_TRUE(reply.progress.reused_connection);
      EXPECT_EQ(server.accepted, 1u);
    });
  }
};

TEST_F(Http2ClientCancelTest, WhileItWaitsForTheHead) {
  ExpectOnlyItsStreamGoes([](TestHttp2Server::Request&) {});
}

TEST_F(Http2ClientCancelTest, WithinTheBody) {
  ExpectOnlyItsStreamGoes(
      [](TestHttp2Server::Request& request) {
        request.Head();
        request.stream->Send("12345");
      },
      "", /*read=*/true);
}

TEST_F(Http2ClientCancelTest, WhileItWritesToAServerThatDoesNotRead) {
  ExpectOnlyItsStreamGoes(
      [](TestHttp2Server::Request& request) { request.consumes = false; },
      Pattern(10'000'000));
}

TEST_F(Http2ClientTest, TakesNoticeOfACancellationBeforeAnything) {
  Run([](Http2Client& client, TestHttp2Server& server) -> Task<void> {
    Sent sent(To(server.port()));
    sent.cancel.Cancel(absl::AbortedError("enough"));
    const absl::Status status = co_await sent.Send(client);
    EXPECT_EQ(status, absl::AbortedError("enough"));
    EXPECT_EQ(server.accepted, 0u);
  });
}

TEST_F(Http2ClientTest, WhatWasReadWholeStaysWhenItsCallIsCancelled) {
  Run([](Http2Client& client, TestHttp2Server& server) -> Task<void> {
    const std::string body = Pattern(100'000);
    server.on_end = [&body](TestHttp2Server::Request& request) {
      request.Answer(body);
    };
    Sent sent(To(server.port()));
    co_await sent.Send(client);
    const auto answer = co_await sent.exchange->ReadAll();
    EXPECT_TRUE(*answer == body);
    sent.cancel.Cancel(absl::AbortedError("enough"));
    // Whatever is let go of would be taken by these.
    const std::vector<std::string> others(100, std::string(131'072, '?'));
    EXPECT_TRUE(*answer == body);
  });
}

TEST_F(Http2ClientTest, WhoeverDropsAnExchangeResetsItsStream) {
  Run([](Http2Client& client, TestHttp2Server& server) -> Task<void> {
    server.on_end = [](TestHttp2Server::Request& request) { request.Head(); };
    Sent sent(To(server.port()));
    co_await sent.Send(client);
    sent.exchange.reset();
    co_await server.AwaitClosed(*server.requests[0]);
    EXPECT_EQ(server.requests[0]->error, Http2Error::kCancel);
    EXPECT_EQ(server.connections.size(), 1u);
  });
}

TEST_F(Http2ClientTest, LetsAnAnswerEndInTheBackground) {
  Run([](Http2Client& client, TestHttp2Server& server) -> Task<void> {
    server.on_end = [](TestHttp2Server::Request& request) {
      request.Head();
      request.stream->Send("all that matters");
    };
    Sent sent(To(server.port()));
    co_await sent.Send(client);
    co_await sent.exchange->Read();
    sent.exchange->FinishInBackground();
    sent.exchange.reset();
    EXPECT_EQ(client.stats().streams, 0u);
    server.requests[0]->stream->Send("and a little more");
    server.requests[0]->stream->End();
    co_await client.AwaitIdle();
    EXPECT_TRUE(server.requests[0]->closed);
    EXPECT_EQ(server.requests[0]->error, Http2Error::kNoError);
  });
}

TEST_F(Http2ClientTest, CutsAnAnswerOffThatDoesNotEndInTheBackground) {
  Run([](Http2Client& client, TestHttp2Server& server) -> Task<void> {
    server.on_end = [](TestHttp2Server::Request& request) {
      request.Head();
      request.stream->Send(Pattern(1'000'000));
    };
    Sent sent(To(server.port()));
    co_await sent.Send(client);
    co_await sent.exchange->Read();
    sent.exchange->FinishInBackground();
    sent.exchange.reset();
    co_await client.AwaitIdle();
    co_await server.AwaitClosed(*server.requests[0]);
    EXPECT_EQ(server.requests[0]->error, Http2Error::kCancel);
  });
}

TEST_F(Http2ClientTest, TakesAnAnswerThatComesBeforeTheRequestWasRead) {
  Run([](Http2Client& client, TestHttp2Server& server) -> Task<void> {
    server.on_head = [](TestHttp2Server::Request& request) {
      request.consumes = false;
      request.Answer("too much", "413");
    };
    server.on_end = nullptr;
    Ask ask = Plain(To(server.port()));
    ask.body = Pattern(10'000'000);
    const Reply reply = co_await Call(client, ask);
    EXPECT_TRUE(reply.status.ok()) << reply.status;
    EXPECT_EQ(reply.code, 413);
    EXPECT_EQ(reply.body, "too much");
    co_await server.AwaitClosed(*server.requests[0]);
    EXPECT_EQ(server.accepted, 1u);
  });
}

TEST_F(Http2ClientTest, AServerMayStopARequestThatItHasAnswered) {
  Run([](Http2Client& client, TestHttp2Server& server) -> Task<void> {
    server.on_head = [](TestHttp2Server::Request& request) {
      request.consumes = false;
      request.Answer("too much", "413");
      // Has RST_STREAM with NO_ERROR follow the answer's end (RFC 9113, 8.1).
      std::exchange(request.stream, nullptr)->SetEvents(nullptr);
    };
    Ask ask = Plain(To(server.port()));
    ask.body = Pattern(10'000'000);
    const Reply reply = co_await Call(client, ask);
    EXPECT_TRUE(reply.status.ok()) << reply.status;
    EXPECT_EQ(reply.code, 413);
    EXPECT_EQ(reply.body, "too much");
  });
}

TEST_F(Http2ClientTest, GoesOnSendingAfterTheAnswerHasBegun) {
  Run([](Http2Client& client, TestHttp2Server& server) -> Task<void> {
    server.on_head = [](TestHttp2Server::Request& request) {
      request.consumes = false;
      request.Head();
    };
    server.on_end = [](TestHttp2Server::Request& request) {
      request.stream->Send(absl::StrCat(request.body.size()));
      request.stream->End();
    };
    const std::string body = Pattern(3'000'000);
    Sent sent(To(server.port()), body);
    co_await sent.Send(client);
    sent.body.assign(sent.body.size(), '?');  // The caller's bytes are gone.
    TestHttp2Server::Request& request = *server.requests[0];
    request.consumes = true;
    request.stream->Consume(request.body.size());
    const auto answer = co_await sent.exchange->ReadAll();
    EXPECT_EQ(*answer, "3000000");
    EXPECT_TRUE(request.body == body);
    EXPECT_TRUE(sent.progress.sent);
  });
}

TEST_F(Http2ClientTest, DeliversWhatCameBeforeTheAnswerBrokeOff) {
  Run([](Http2Client& client, TestHttp2Server& server) -> Task<void> {
    server.on_end = [](TestHttp2Server::Request& request) {
      request.Head();
      request.stream->Send("12345");
    };
    Sent sent(To(server.port()));
    co_await sent.Send(client);
    const Pieces first = co_await sent.exchange->Read();
    EXPECT_EQ((*first)[0], "12345");
    server.requests[0]->stream->Reset(Http2Error::kInternalError);
    const Pieces second = co_await sent.exchange->Read();
    EXPECT_EQ(second.status(), absl::UnavailableError(
                                   "the server broke the answer off: "
                                   "INTERNAL_ERROR"));
    EXPECT_FALSE(sent.progress.not_processed);
    EXPECT_EQ(server.connections.size(), 1u);
  });
}

TEST_F(Http2ClientTest, KeepsWhatCameOfABodyThatBreaksOff) {
  Run([](Http2Client& client, TestHttp2Server& server) -> Task<void> {
    server.on_end = [](TestHttp2Server::Request& request) {
      request.Head();
      request.stream->Send("12345");
    };
    const auto to = To(server.port());
    to->timeouts.idle = kHttp2ClientTimeout;
    const Reply reply = co_await Call(client, Plain(to));
    EXPECT_TRUE(reply.progress.timed_out);
    EXPECT_EQ(reply.came, "12345");
  });
}

TEST_F(Http2ClientTest, EndsAnswersThatAreTooLarge) {
  Run([](Http2Client& client, TestHttp2Server& server) -> Task<void> {
    const auto to = To(server.port());
    to->response_bytes_limit = 1000;
    Calls calls(client);
    for (const size_t size : {1000, 1001}) {
      for (const bool read_all : {false, true}) {
        Ask ask = Plain(to);
        ask.body = Pattern(size);
        ask.read_all = read_all;
        calls.Add(ask);
      }
    }
    co_await calls.AwaitAll();
    for (int i = 0; i < 4; ++i) {
      EXPECT_EQ(calls[i].status.ok(), i < 2) << calls[i].status;
      if (i < 2) continue;
      EXPECT_TRUE(absl::IsOutOfRange(calls[i].status));
      EXPECT_THAT(ToStd(calls[i].status.message()), HasSubstr("too large"));
    }
    EXPECT_EQ(server.accepted, 1u);
  });
}

TEST_F(Http2ClientTest, DoesNotBeginToReadWhatIsDeclaredTooLarge) {
  Run([](Http2Client& client, TestHttp2Server& server) -> Task<void> {
    server.on_end = [](TestHttp2Server::Request& request) {
      const HttpField head[] = {{":status", "200"},
                                {"content-length", "1001"}};
      request.stream->SendHead(head);
    };
    const auto to = To(server.port());
    to->response_bytes_limit = 1000;
    const Reply reply = co_await Call(client, Plain(to));
    EXPECT_TRUE(absl::IsOutOfRange(reply.status)) << reply.status;
    EXPECT_FALSE(reply.began);
  });
}

TEST_F(Http2ClientTest, RefusesAnEndlessHead) {
  Run([](Http2Client& client, TestHttp2Server& server) -> Task<void> {
    server.on_end = [](TestHttp2Server::Request& request) {
      std::vector<HttpField> head = {{":status", "200"}};
      head.resize(2000, HttpField{"many", "1"});
      request.stream->SendHead(head, /*end=*/true);
    };
    const Reply reply = co_await Call(client, Plain(To(server.port())));
    EXPECT_TRUE(absl::IsResourceExhausted(reply.status)) << reply.status;
  });
}

TEST_F(Http2ClientTest, SaysThatAHeadIsTooLargeToBeSent) {
  Run([](Http2Client& client, TestHttp2Server& server) -> Task<void> {
    Ask ask = Plain(To(server.port()));
    ask.path = "/" + std::string(100'000, 'p');
    const Reply reply = co_await Call(client, ask);
    EXPECT_TRUE(absl::IsResourceExhausted(reply.status)) << reply.status;
    EXPECT_FALSE(reply.progress.not_processed);
    EXPECT_EQ(server.requests.size(), 0u);
  });
}

class Http2ClientTimeoutTest : public Http2ClientTestBase {
 protected:
  static void ExpectTimeout(const Reply& reply, std::string_view what) {
    EXPECT_TRUE(absl::IsDeadlineExceeded(reply.status)) << reply.status;
    EXPECT_THAT(ToStd(reply.status.message()), HasSubstr(what));
    EXPECT_TRUE(reply.progress.timed_out);
    EXPECT_FALSE(reply.progress.not_processed);
  }
};

TEST_F(Http2ClientTimeoutTest, GivesUpOnASilentServer) {
  Run([](Http2Client& client, TestHttp2Server& server) -> Task<void> {
    server.on_end = nullptr;
    const auto to = To(server.port());
    to->timeouts.first_byte = kHttp2ClientTimeout;
    const Reply reply = co_await Call(client, Plain(to));
    ExpectTimeout(reply, "first byte");
    EXPECT_TRUE(reply.progress.sent);
    co_await server.AwaitClosed(*server.requests[0]);
  });
}

TEST_F(Http2ClientTimeoutTest, GivesUpOnAServerThatDoesNotReadTheRequest) {
  Run([](Http2Client& client, TestHttp2Server& server) -> Task<void> {
    server.on_head = [](TestHttp2Server::Request& request) {
      request.consumes = false;
    };
    const auto to = To(server.port());
    to->timeouts.first_byte = kHttp2ClientTimeout;
    Ask ask = Plain(to);
    ask.body = Pattern(10'000'000);
    const Reply reply = co_await Call(client, ask);
    ExpectTimeout(reply, "take the request");
    EXPECT_FALSE(reply.progress.sent);
  });
}

TEST_F(Http2ClientTimeoutTest, GivesUpOnAnAnswerThatStandsStill) {
  Run([](Http2Client& client, TestHttp2Server& server) -> Task<void> {
    server.on_end = [](TestHttp2Server::Request& request) {
      request.Head();
      request.stream->Send("12345");
    };
    const auto to = To(server.port());
    to->timeouts.idle = kHttp2ClientTimeout;
    for (const bool read_all : {false, true}) {
      Ask ask = Plain(to);
      ask.read_all = read_all;
      const Reply reply = co_await Call(client, ask);
      EXPECT_TRUE(reply.began);
      ExpectTimeout(reply, "more of the answer");
    }
    EXPECT_EQ(server.accepted, 1u);
  });
}

TEST_F(Http2ClientTimeoutTest, GivesUpOnAnAnswerThatTakesTooLongInAll) {
  Run([](Http2Client& client, TestHttp2Server& server) -> Task<void> {
    server.on_end = [](TestHttp2Server::Request& request) { request.Head(); };
    const auto to = To(server.port());
    to->timeouts.total = kHttp2ClientTimeout;
    const Reply reply = co_await Call(client, Plain(to));
    ExpectTimeout(reply, "");
  });
}

}  // namespace
}  // namespace gateway
