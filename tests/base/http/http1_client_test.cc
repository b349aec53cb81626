#include "base/http/http1_client.h"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/async/timer_wheel.h"
#include "base/http/http1_codec.h"
#include "base/http/http_client.h"
#include "base/http/http_destination.h"
#include "base/memory/block_pool.h"
#include "base/secret.h"
#include "base/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/base/http/http1_client_test_base.h"
#include "tests/testing/event.h"
#include "tests/testing/mock_upstream_process.h"
#include "tests/testing/raw_client.h"
#include "tests/testing/scripted_server.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

class Http1ClientTest : public Http1ClientTestBase {
 protected:
  // What comes of answering one request with exactly these bytes and closing.
  Reply AnswerWith(std::string_view bytes, bool read_all = true,
                   std::string_view method = "POST") {
    ScriptedServer server([&](RawListener& listener) {
      RawClient client = listener.Accept();
      ReceiveRequest(client);
      client.Send(bytes);
    });
    return CallOnce({.to = To(server.port()),
                     .method = std::string(method),
                     .read_all = read_all});
  }
};

TEST_F(Http1ClientTest, SendsTheHeadItWasGiven) {
  std::string seen;
  ScriptedServer server([&](RawListener& listener) {
    RawClient client = listener.Accept();
    seen = client.ReceiveUntil("\r\n\r\n");
    seen += client.ReceiveExactly(11);
    client.Send(kOk);
  });
  WithClient([&](Http1Client& client) -> Task<void> {
    std::vector<HttpRequestHead::Field> fixed;
    fixed.push_back({"authorization", Secret("Bearer k")});
    const HttpRequestHead head(To(server.port()), "POST", "/p",
                               std::move(fixed));
    const HttpField extra[] = {{"x-request-id", "7"}};
    const std::string_view body[] = {"hello", "", " ", "world"};
    CancelSignal never;
    HttpCall call;
    call.head = &head;
    call.extra_fields = extra;
    call.body = body;
    call.cancel = &never;
    auto exchange = co_await client.Send(call);
    EXPECT_TRUE(exchange.ok()) << exchange.status();
  });
  EXPECT_EQ(seen, absl::StrCat("POST /p HTTP/1.1\r\nhost: 127.0.0.1:",
                               server.port(),
                               "\r\nauthorization: Bearer k\r\n"
                               "x-request-id: 7\r\ncontent-length: 11\r\n\r\n"
                               "hello world"));
}

TEST_F(Http1ClientTest, ReusesItsConnection) {
  ScriptedServer server([](RawListener& listener) {
    RawClient client = listener.Accept();
    for (int i = 0; i < 10; ++i) {
      ReceiveRequest(client);
      client.Send(kOk);
    }
    EXPECT_TRUE(client.AtEnd());
  });
  WithClient([&](Http1Client& client) -> Task<void> {
    const auto to = To(server.port());
    for (int i = 0; i < 10; ++i) {
      const Reply reply = co_await Call(client, Plain(to));
      EXPECT_TRUE(reply.status.ok()) << reply.status;
      EXPECT_EQ(reply.body, "ok");
      EXPECT_EQ(reply.progress.reused_connection, i > 0);
      EXPECT_TRUE(reply.progress.sent);
      EXPECT_TRUE(reply.progress.answered);
      EXPECT_EQ(client.stats().idle, 1u);
      EXPECT_EQ(client.stats().active, 0u);
    }
  });
}

TEST_F(Http1ClientTest, ConnectionsThatNobodyUsesAreClosed) {
  ScriptedServer server([](RawListener& listener) {
    RawClient client = listener.Accept();
    ReceiveRequest(client);
    client.Send(kOk);
    EXPECT_TRUE(client.AtEnd());
  });
  WithClient([&](Http1Client& client) -> Task<void> {
    const auto to = To(server.port());
    co_await Call(client, Plain(to));
    EXPECT_FALSE(client.CloseUnused());
    EXPECT_EQ(client.stats().idle, 1u);
    to->unused->store(true);
    EXPECT_FALSE(client.CloseUnused());
    EXPECT_EQ(client.stats().idle, 0u);
  });
}

TEST_F(Http1ClientTest, DestinationsOfOneUseAreForgottenWithTheNext) {
  ScriptedServer server([](RawListener& listener) {
    for (int i = 0; i < 5; ++i) {
      RawClient client = listener.Accept();
      ReceiveRequest(client);
      client.Send(kOk);
      EXPECT_TRUE(client.AtEnd());
    }
  });
  WithClient([&](Http1Client& client) -> Task<void> {
    for (int i = 0; i < 5; ++i) {
      const auto to = To(server.port());
      const auto use = UseOf(*to);
      EXPECT_TRUE((co_await Call(client, Plain(to))).status.ok());
      EXPECT_EQ(client.destinations(), 1u);
    }
    EXPECT_FALSE(client.CloseUnused());
    EXPECT_EQ(client.destinations(), 0u);
  });
}

TEST_F(Http1ClientTest, MakesAFreshConnectionWhenTold) {
  ScriptedServer server([](RawListener& listener) {
    RawClient first = listener.Accept();
    ReceiveRequest(first);
    first.Send(kOk);
    RawClient second = listener.Accept();
    ReceiveRequest(second);
    second.Send(kOk);
    EXPECT_TRUE(first.AtEnd());
    EXPECT_TRUE(second.AtEnd());
  });
  WithClient([&](Http1Client& client) -> Task<void> {
    const auto to = To(server.port());
    co_await Call(client, Plain(to));
    Ask ask = Plain(to);
    ask.fresh_connection = true;
    const Reply reply = co_await Call(client, ask);
    EXPECT_TRUE(reply.status.ok());
    EXPECT_FALSE(reply.progress.reused_connection);
    // It takes the place of the other.
    EXPECT_EQ(client.stats().idle, 1u);
  });
}

TEST_F(Http1ClientTest, SaysThatAReusedConnectionWasStale) {
  for (const bool reset : {false, true}) {
    ScriptedServer server([reset](RawListener& listener) {
      RawClient client = listener.Accept();
      ReceiveRequest(client);
      client.Send(kOk);
      ReceiveRequest(client);
      if (reset) client.Reset();
    });
    WithClient([&](Http1Client& client) -> Task<void> {
      const auto to = To(server.port());
      to->stale_break_max = absl::Hours(1);  // However slow this machine is.
      co_await Call(client, Plain(to));
      const Reply reply = co_await Call(client, Plain(to));
      EXPECT_TRUE(absl::IsUnavailable(reply.status)) << reply.status;
      EXPECT_TRUE(reply.progress.reused_connection);
      EXPECT_TRUE(reply.progress.not_processed);
      EXPECT_FALSE(reply.progress.answered);
      EXPECT_EQ(client.stats().idle, 0u);
    });
  }
}

TEST_F(Http1ClientTest, AReusedConnectionThatBreaksLateWasNotStale) {
  constexpr absl::Duration kStaleBreakMax = absl::Milliseconds(20);
  for (const bool reset : {false, true}) {
    Event worked;  // For so long.
    ScriptedServer server([&](RawListener& listener) {
      RawClient client = listener.Accept();
      ReceiveRequest(client);
      client.Send(kOk);
      ReceiveRequest(client);
      EXPECT_TRUE(worked.Wait());
      if (reset) client.Reset();
    });
    WithClient([&](Http1Client& client) -> Task<void> {
      const auto to = To(server.port());
      to->stale_break_max = kStaleBreakMax;
      co_await Call(client, Plain(to));
      Timer timer([&worked] { worked.Set(); });
      EventLoop::Current()->ArmTimer(timer, kStaleBreakMax);
      const Reply reply = co_await Call(client, Plain(to));
      EXPECT_TRUE(absl::IsUnavailable(reply.status)) << reply.status;
      EXPECT_TRUE(reply.progress.reused_connection);
      EXPECT_FALSE(reply.progress.not_processed);
      EXPECT_FALSE(reply.progress.timed_out);
    });
  }
}

TEST_F(Http1ClientTest, AConnectionThatBreaksWithinItsAnswerWasNotStale) {
  ScriptedServer server([](RawListener& listener) {
    RawClient client = listener.Accept();
    ReceiveRequest(client);
    client.Send(kOk);
    ReceiveRequest(client);
    client.Send("HTTP/1.1 20");
  });
  WithClient([&](Http1Client& client) -> Task<void> {
    const auto to = To(server.port());
    co_await Call(client, Plain(to));
    const Reply reply = co_await Call(client, Plain(to));
    EXPECT_TRUE(absl::IsUnavailable(reply.status)) << reply.status;
    EXPECT_TRUE(reply.progress.answered);
    EXPECT_FALSE(reply.progress.not_processed);
  });
}

TEST_F(Http1ClientTest, AResetOfAFreshConnectionIsNotStaleness) {
  ScriptedServer server([](RawListener& listener) {
    RawClient client = listener.Accept();
    ReceiveRequest(client);
    client.Reset();
  });
  const Reply reply = CallOnce({.to = To(server.port())});
  EXPECT_TRUE(absl::IsUnavailable(reply.status)) << reply.status;
  EXPECT_TRUE(reply.progress.sent);
  EXPECT_FALSE(reply.progress.not_processed);
}

TEST_F(Http1ClientTest, ForgetsIdleConnectionsThatTheServerEnds) {
  enum class How { kClose, kReset, kBabble };
  for (const How how : {How::kClose, How::kReset, How::kBabble}) {
    ScriptedServer server([how](RawListener& listener) {
      RawClient client = listener.Accept();
      ReceiveRequest(client);
      client.Send(kOk);
      if (how == How::kReset) client.Reset();
      if (how == How::kBabble) {
        client.Send("HTTP/1.1 408 Request Timeout\r\n\r\n");
        client.AtEnd();
      }
    });
    WithClient([&](Http1Client& client) -> Task<void> {
      co_await Call(client, Plain(To(server.port())));
      while (client.stats().idle > 0) co_await YieldToLoop();
    });
  }
}

TEST_F(Http1ClientTest, ReadsBodiesOfEveryKindAndSize) {
  enum class Framing { kLength, kChunked, kClose };
  for (const size_t size :
       {size_t{0}, size_t{1}, size_t{1000}, kBlockBytes - 100, kBlockBytes - 1,
        kBlockBytes, kBlockBytes + 1, size_t{100'000}, size_t{5'000'000}}) {
    const std::string body = Pattern(size);
    for (const Framing framing :
         {Framing::kLength, Framing::kChunked, Framing::kClose}) {
      std::string answer = "HTTP/1.1 200 OK\r\nx-mark: still here\r\n";
      if (framing == Framing::kLength) {
        absl::StrAppend(&answer, "content-length: ", size, "\r\n\r\n", body);
      } else if (framing == Framing::kChunked) {
        absl::StrAppend(&answer, "transfer-encoding: chunked\r\n\r\n");
        for (size_t at = 0, n = 1; at < size; at += n, n = 2 * n + 1) {
          const std::string chunk = body.substr(at, n);
          absl::StrAppend(&answer, absl::Hex(chunk.size()), "\r\n", chunk,
                          "\r\n");
        }
        answer += "0\r\n\r\n";
      } else {
        absl::StrAppend(&answer, "\r\n", body);
      }
      for (const bool read_all : {false, true}) {
        const Reply reply = AnswerWith(answer, read_all);
        ASSERT_TRUE(reply.status.ok()) << reply.status << size;
        EXPECT_EQ(reply.code, 200);
        EXPECT_TRUE(reply.body == body) << size << read_all;
        EXPECT_EQ(reply.mark, "still here") << size << read_all;
      }
    }
  }
}

TEST_F(Http1ClientTest, ReadsAnAnswerThatComesByteByByte) {
  const std::string answer =
      "HTTP/1.1 200 OK\r\nx-mark: m\r\ntransfer-encoding: chunked\r\n\r\n"
      "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n";
  for (const bool read_all : {false, true}) {
    ScriptedServer server([&](RawListener& listener) {
      RawClient client = listener.Accept();
      ReceiveRequest(client);
      for (const char& byte : answer) client.Send({&byte, 1});
      client.AtEnd();
    });
    const Reply reply =
        CallOnce({.to = To(server.port()), .read_all = read_all});
    EXPECT_TRUE(reply.status.ok()) << reply.status;
    EXPECT_EQ(reply.body, "hello world");
    EXPECT_EQ(reply.mark, "m");
  }
}

TEST_F(Http1ClientTest, ReadsHeadsLargerThanABlock) {
  const std::string mark = Pattern(50'000);
  for (const bool read_all : {false, true}) {
    const Reply reply = AnswerWith(
        absl::StrCat("HTTP/1.1 200 OK\r\nx-mark: ", mark,
                     "\r\ncontent-length: 20000\r\n\r\n", Pattern(20'000)),
        read_all);
    EXPECT_TRUE(reply.status.ok()) << reply.status;
    EXPECT_TRUE(reply.mark == mark);
    EXPECT_TRUE(reply.body == Pattern(20'000));
  }
}

TEST_F(Http1ClientTest, PassesOverInterimAnswers) {
  const Reply reply = AnswerWith(
      absl::StrCat("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n"
                   "link: x\r\n\r\n",
                   ToAbsl(kOk)));
  EXPECT_TRUE(reply.status.ok()) << reply.status;
  EXPECT_EQ(reply.code, 200);
  EXPECT_EQ(reply.body, "ok");
}

TEST_F(Http1ClientTest, AnAnswerToHeadHasNoBody) {
  const Reply reply = AnswerWith(
      "HTTP/1.1 103 Early Hints\r\n\r\n"
      "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n",
      /*read_all=*/true, "HEAD");
  EXPECT_TRUE(reply.status.ok()) << reply.status;
  EXPECT_EQ(reply.body, "");
}

TEST_F(Http1ClientTest, DoesNotFollowRedirects) {
  const Reply reply = AnswerWith(
      "HTTP/1.1 307 Temporary Redirect\r\n"
      "location: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n");
  EXPECT_TRUE(reply.status.ok()) << reply.status;
  EXPECT_EQ(reply.code, 307);
}

TEST_F(Http1ClientTest, ReadsAnAnswerThatComesBeforeTheRequestIsRead) {
  ScriptedServer server([](RawListener& listener) {
    RawClient client = listener.Accept();
    client.ReceiveUntil("\r\n\r\n");
    client.Send(
        "HTTP/1.1 413 Content Too Large\r\ncontent-length: 4\r\n"
        "connection: close\r\n\r\nmuch");
    client.HalfClose();
    client.ReceiveAll();
  });
  const Reply reply = CallOnce({.to = To(server.port()),
                                .body = std::string(20'000'000, 'x')});
  EXPECT_TRUE(reply.status.ok()) << reply.status;
  EXPECT_EQ(reply.code, 413);
  EXPECT_EQ(reply.body, "much");
}

TEST_F(Http1ClientTest, RefusesHalfAnswers) {
  const std::string length = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n";
  const std::string chunked =
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
  for (const std::string& half :
       {std::string(), std::string("HTTP/1.1 200 OK\r\nx"), length,
        length + "12345", chunked, chunked + "5\r\n123",
        chunked + "5\r\n12345\r\n", chunked + "5\r\n12345\r\n0\r\n"}) {
    for (const bool read_all : {false, true}) {
      const Reply reply = AnswerWith(half, read_all);
      EXPECT_TRUE(absl::IsUnavailable(reply.status)) << reply.status << half;
    }
  }
}

TEST_F(Http1ClientTest, WhatCameBeforeBadFramingIsHandedOn) {
  const std::string head =
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
  for (const std::string_view bad : {"xyz\r\n", "3\r\n!!longer\r\n"}) {
    const Reply reply = AnswerWith(
        absl::StrCat(head, "5\r\nhello\r\n6\r\n world\r\n", ToAbsl(bad)),
        /*read_all=*/false);
    EXPECT_TRUE(reply.body.starts_with("hello world")) << reply.body;
    EXPECT_TRUE(absl::IsInternal(reply.status)) << reply.status;
    EXPECT_THAT(ToStd(reply.status.message()), HasSubstr("not HTTP"));
  }
}

TEST_F(Http1ClientTest, RefusesWhatIsNotHttp) {
  for (const std::string_view bytes :
       {"SSH-2.0-x\r\n", "HTTP/1.1 abc\r\n\r\n",
        "HTTP/1.1 200 OK\nx: y\n\n", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n"
        "transfer-encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n"}) {
    const Reply reply = AnswerWith(bytes);
    EXPECT_TRUE(absl::IsInternal(reply.status)) << reply.status << bytes;
    EXPECT_THAT(ToStd(reply.status.message()), HasSubstr("the server"))
        << bytes;
  }
}

TEST_F(Http1ClientTest, HoldsAnswersToTheirLimits) {
  const std::string big = std::string(70'000, 'x');
  const Reply head =
      AnswerWith(absl::StrCat("HTTP/1.1 200 OK\r\nx: ", big, "\r\n\r\n"));
  EXPECT_TRUE(absl::IsResourceExhausted(head.status)) << head.status;

  for (const std::string& answer :
       {std::string("content-length: 11\r\n\r\n01234567890"),
        std::string("transfer-encoding: chunked\r\n\r\nb\r\n01234567890\r\n"),
        std::string("\r\n01234567890")}) {
    ScriptedServer server([&](RawListener& listener) {
      RawClient client = listener.Accept();
      ReceiveRequest(client);
      client.Send(absl::StrCat("HTTP/1.1 200 OK\r\n", answer));
    });
    const auto to = To(server.port());
    to->response_bytes_limit = 10;
    const Reply reply = CallOnce({.to = to});
    EXPECT_TRUE(absl::IsOutOfRange(reply.status)) << reply.status;
  }
}

TEST_F(Http1ClientTest, FinishesInTheBackgroundWhatIsAboutToEnd) {
  for (const bool ends : {true, false}) {
    ScriptedServer server([ends](RawListener& listener) {
      RawClient client = listener.Accept();
      ReceiveRequest(client);
      client.Send(
          "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
          "5\r\nhello\r\n");
      // Only the reader knows that this was all that matters.
      if (ends) client.Send("3\r\nend\r\n0\r\n\r\n");
      EXPECT_TRUE(client.AtEnd());
    });
    WithClient([&](Http1Client& client) -> Task<void> {
      const HttpRequestHead head(To(server.port()), "POST", "/", {});
      const std::string_view body[] = {"{}"};
      CancelSignal never;
      HttpCall call;
      call.head = &head;
      call.body = body;
      call.cancel = &never;
      auto exchange = co_await client.Send(call);
      EXPECT_TRUE(exchange.ok());
      const auto pieces = co_await (*exchange)->Read();
      EXPECT_TRUE(pieces.ok());
      (*exchange)->FinishInBackground();
      exchange->reset();
      co_await client.AwaitIdle();
      EXPECT_EQ(client.stats().idle, ends ? 1u : 0u);
    });
  }
}

TEST_F(Http1ClientTest, HoldsNoBlockWhileItWaitsForTheNextChunk) {
  ScriptedServer server([](RawListener& listener) {
    RawClient client = listener.Accept();
    ReceiveRequest(client);
    client.Send(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
        "5\r\nhello\r\n");
    EXPECT_TRUE(client.AtEnd());
  });
  WithClient([&](Http1Client& client) -> Task<void> {
    const HttpRequestHead head(To(server.port()), "POST", "/", {});
    const std::string_view body[] = {"{}"};
    CancelSignal enough;
    HttpCall call;
    call.head = &head;
    call.body = body;
    call.cancel = &enough;
    auto exchange = co_await client.Send(call);
    EXPECT_TRUE(exchange.ok());
    auto pieces = co_await (*exchange)->Read();
    EXPECT_TRUE(pieces.ok());
    EXPECT_EQ(runner_.loop().blocks().lent(), 1u);
    size_t lent = 1;
    runner_.loop().Post([&] {
      lent = runner_.loop().blocks().lent();
      enough.Cancel(absl::CancelledError("seen"));
    });
    pieces = co_await (*exchange)->Read();
    EXPECT_FALSE(pieces.ok());
    EXPECT_EQ(lent, 0u);
  });
}

TEST_F(Http1ClientTest, KeepsWhatCameOfABodyThatBreaksOff) {
  auto upstream = MockUpstreamProcess::Start({.any_request = true});
  ASSERT_TRUE(upstream.ok()) << upstream.status();
  WithClient([&](Http1Client& client) -> Task<void> {
    const auto to = To((*upstream)->port());
    // In the block of the head, and in memory of its own.
    for (const size_t size : {5, 300'000}) {
      for (const char* framing : {"content_length", "chunked"}) {
        const std::string body(size, 'x');
        EXPECT_TRUE(
            (*upstream)
                ->SetScript("m", absl::StrCat(R"({"garbage": "short_body",)",
                                              R"( "framing": ")", framing,
                                              R"(", "body": ")", body, R"("})"))
                .ok());
        Ask ask = Plain(to);
        ask.path = "/v1/chat/completions";
        ask.body = R"({"model": "m", "messages": []})";
        const Reply reply = co_await Call(client, ask);
        EXPECT_TRUE(absl::IsUnavailable(reply.status)) << reply.status;
        EXPECT_TRUE(reply.came == body) << framing << reply.came.size();
        EXPECT_EQ(reply.progress.body_bytes, size);
      }
    }
  });
}

struct Fault {
  std::string script;
  bool (*is)(const absl::Status&);
};

TEST_F(Http1ClientTest, SurvivesAnUpstreamsFaults) {
  auto upstream = MockUpstreamProcess::Start({.any_request = true});
  ASSERT_TRUE(upstream.ok()) << upstream.status();
  const std::vector<Fault> faults = {
      {R"({"reset_before_first_byte": true})", absl::IsUnavailable},
      {R"({"close_before_first_byte": true})", absl::IsUnavailable},
      {R"({"chunks": 5, "reset_after_chunks": 2})", absl::IsUnavailable},
      {R"({"chunks": 5, "close_after_chunks": 2})", absl::IsUnavailable},
      {R"({"chunks": 5, "half_close_after_chunks": 2})", absl::IsUnavailable},
      {R"({"garbage": "short_body"})", absl::IsUnavailable},
      {R"({"garbage": "oversize_headers"})", absl::IsResourceExhausted},
      {R"({"garbage": "both_lengths"})", absl::IsInternal},
      {R"({"garbage": "bad_chunk_size"})", absl::IsInternal},
      {R"({"garbage": "bad_status_line"})", absl::IsInternal},
      {R"({"garbage": "bad_header_line"})", absl::IsInternal},
  };
  WithClient([&](Http1Client& client) -> Task<void> {
    const auto to = To((*upstream)->port());
    for (const Fault& fault : faults) {
      EXPECT_TRUE((*upstream)->SetScript("m", fault.script).ok());
      for (const bool stream : {false, true}) {
        const Ask ask{.to = to,
                      .path = "/v1/chat/completions",
                      .body = absl::StrCat(
                          R"({"model": "m", "messages": [], "stream": )",
                          stream ? "true}" : "false}"),
                      .read_all = !stream};
        const Reply reply = co_await Call(client, ask);
        EXPECT_TRUE(fault.is(reply.status)) << reply.status << fault.script;
        // The same pool serves the next one.
        EXPECT_TRUE((*upstream)->SetScript("m", "{}").ok());
        const Reply next = co_await Call(client, ask);
        EXPECT_TRUE(next.status.ok()) << next.status << fault.script;
        EXPECT_TRUE((*upstream)->SetScript("m", fault.script).ok());
      }
    }
  });
}

}  // namespace
}  // namespace gateway
