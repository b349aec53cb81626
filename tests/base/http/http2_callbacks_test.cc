// What sessions make of a peer's frames that no session of ours would send.

#include "base/http/http2_callbacks.h"

#include <nghttp2/nghttp2.h>
#include <sys/uio.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "base/async/task.h"
#include "base/http/http1_codec.h"
#include "base/http/http2_session.h"
#include "base/http/http2_stream.h"
#include "base/memory/byte_queue.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/hpack_reader.h"
#include "tests/testing/http2_echo_server.h"
#include "tests/testing/http2_frames.h"
#include "tests/testing/http2_pair.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/raw_client.h"
#include "tests/testing/stream_pair.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

TEST(Http2CallbacksTest, AllSessionsShareOneTable) {
  EXPECT_EQ(Http2Callbacks::Table(), Http2Callbacks::Table());
}

TEST(Http2FieldsTest, PointAtNamesAndValues) {
  const HttpField fields[] = {{":status", "200"}, {"empty", ""}};
  Http2Fields nghttp2_fields(fields);
  ASSERT_EQ(nghttp2_fields.size(), 2u);
  const nghttp2_nv& status = nghttp2_fields.data()[0];
  EXPECT_EQ(std::string(status.name, status.name + status.namelen), ":status");
  EXPECT_EQ(std::string(status.value, status.value + status.valuelen), "200");
  EXPECT_EQ(nghttp2_fields.data()[1].valuelen, 0u);
}

TEST(Http2FieldsTest, KeepOutOfTheTableWhatIsSecretOrNewEachTime) {
  const std::pair<HttpField, bool> cases[] = {
      {{"any-name", "k", /*secret=*/true}, true},
      {{"any-name", "k"}, false},
      {{"x-request-id", "1"}, true},
      {{"request-id", "1"}, true},
      {{"openai-processing-ms", "1"}, true},
      {{"grpc-message", "gone"}, true},
      {{"grpc-status-details-bin", "CAU"}, true},
      {{"grpc-status", "5"}, false},
      {{"retry-after", "1"}, false},
  };
  for (const auto& [field, kept_out] : cases) {
    Http2Fields fields(absl::MakeConstSpan(&field, 1));
    EXPECT_EQ(fields.data()->flags,
              kept_out ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE)
        << std::string(field.name);
  }
}

TEST(Http2FieldsTest, KeepTheNameOfATrailerWhoseValueIsNewEachTime) {
  const HttpField other = {"grpc-status", "0"};
  Http2Names names;
  const auto is_kept_out = [&](const HttpField& each) {
    Http2Fields fields =
        Http2Fields::OfKept(absl::MakeConstSpan(&each, 1), names);
    return (fields.data()->flags & NGHTTP2_NV_FLAG_NO_INDEX) != 0;
  };
  for (const HttpField& field :
       {HttpField{"x-llmgateway-budget-remaining-usd", "1"},
        HttpField{"x-trace-id", "2"}, HttpField{"x-request-id", "3"}}) {
    SCOPED_TRACE(std::string(field.name));
    for (int round = 0; round < 6; ++round) {
      EXPECT_FALSE(is_kept_out(field)) << round;
      EXPECT_FALSE(is_kept_out(other)) << round;
      for (int i = 1; i < Http2Names::kFieldsUntilNext; ++i) {
        EXPECT_TRUE(is_kept_out(field)) << i;
      }
    }
  }
}

TEST(Http2FieldsTest, ASecretTrailerNeverEntersTheTable) {
  const HttpField field = {"x-trace-id", "1", /*secret=*/true};
  Http2Names names;
  for (int i = 0; i < 2; ++i) {
    Http2Fields fields =
        Http2Fields::OfKept(absl::MakeConstSpan(&field, 1), names);
    EXPECT_NE(fields.data()->flags & NGHTTP2_NV_FLAG_NO_INDEX, 0) << i;
  }
}

TEST(Http2FieldsTest, PointAtACopyThatNghttp2LeavesAlone) {
  std::string name = "x-a";
  const HttpField fields[] = {
      {name, "1"}, {"empty", ""}, {"x-request-id", "2"}};
  ByteQueue kept;
  Http2Fields copies(fields, &kept);
  name = "x-b";
  ASSERT_EQ(copies.size(), 3u);
  constexpr int kNoCopies =
      NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE;
  EXPECT_EQ(copies.data()[0].flags, kNoCopies);
  EXPECT_EQ(copies.data()[2].flags, kNoCopies | NGHTTP2_NV_FLAG_NO_INDEX);
  EXPECT_EQ(kept.bytes(), "x-a1emptyx-request-id2");
  for (size_t i = 0; i < copies.size(); ++i) {
    const auto* const at = reinterpret_cast<char*>(copies.data()[i].name);
    EXPECT_GE(at, kept.bytes().data());
    EXPECT_LT(at, kept.bytes().data() + kept.size());
  }
}

// A client's session whose server is played by the test.
class Http2ClientCallbacksTest : public testing::Test {
 protected:
  // Has the server say all of `frames` once it has a request, and waits for
  // the end of the answer.
  void Answer(std::string_view frames) {
    runner_.Run(Story(frames));
  }

  Task<void> Story(std::string_view frames) {
    StreamPair streams = co_await ConnectedPair();
    Http2Session session(Http2Session::Role::kClient,
                         std::move(streams.client), limits_, owner_);
    session.Start();
    session.StartRequest(kHttp2Post, true, answer_);
    co_await streams.server->Readable();  // The request has come.
    const std::string bytes =
        Http2Settings() + Http2SettingsAck() + std::string(frames);
    iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
    const absl::Status written = co_await streams.server->Write(&piece, 1);
    EXPECT_TRUE(written.ok()) << written;
    co_await answer_.AwaitClosed();
    retiring_ = session.retiring();
    session.Close(absl::OkStatus());
    co_await owner_.AwaitEnded();
  }

  Http2Limits limits_;
  Http2TestOwner owner_;
  Http2Recorder answer_;
  LoopRunner runner_;
  bool retiring_ = false;
};

// Literal fields, and :status by its index or in letters.
const std::string kStatus200 = "\x88";
const std::string kStatus103("\x08\x03" "103", 5);
const std::string kFieldAB("\x00\x01" "a\x01" "b", 5);

// Both up to 126 bytes.
std::string Literal(std::string_view name, std::string_view value) {
  std::string field(1, '\0');
  field += static_cast<char>(name.size());
  field += name;
  field += static_cast<char>(value.size());
  field += value;
  return field;
}

TEST_F(Http2ClientCallbacksTest, InterimAnswersAreNotReported) {
  Answer(Http2Headers(1, kStatus103 + kFieldAB, false) +
         Http2Headers(1, kStatus103, false) +
         Http2Headers(1, kStatus200, false) + Http2Data(1, "body", true));
  EXPECT_EQ(answer_.head, ":status=200;");
  EXPECT_EQ(answer_.body, "body");
  EXPECT_EQ(answer_.trailers, "");
  EXPECT_EQ(answer_.error, Http2Error::kNoError);
}

TEST_F(Http2ClientCallbacksTest, PaddingIsNotPartOfTheBody) {
  Answer(Http2Headers(1, kStatus200, false) +
         Http2Frame(RawFrameType::kData, kRawPadded, 1,
                    std::string("\x05", 1) + "one " + std::string(5, '\0')) +
         Http2Frame(RawFrameType::kData, kRawPadded | kRawEndStream, 1,
                    std::string("\x00", 1) + "two"));
  EXPECT_EQ(answer_.body, "one two");
  EXPECT_TRUE(answer_.ended);
}

TEST_F(Http2ClientCallbacksTest, AHeadThatIsTooLargeResetsItsStream) {
  limits_.header_list_bytes = 1000;
  const std::string value(100, 'v');
  std::string block = kStatus200;
  for (int i = 0; i < 20; ++i) {
    block += std::string("\x00\x01" "a\x64", 4) + value;
  }
  Answer(Http2Headers(1, block, false));
  EXPECT_EQ(answer_.head, "");
  EXPECT_EQ(answer_.error, Http2Error::kCancel);
  EXPECT_TRUE(absl::IsResourceExhausted(answer_.why)) << answer_.why;
  EXPECT_FALSE(retiring_);
}

TEST_F(Http2ClientCallbacksTest, AGoawayRefusesWhatTheServerHasNotLookedAt) {
  Answer(Http2Frame(RawFrameType::kGoaway, 0, 0,
                    BigEndian(0, 4) + BigEndian(0, 4)));
  EXPECT_EQ(answer_.error, Http2Error::kRefusedStream);
  EXPECT_TRUE(retiring_);
  EXPECT_TRUE(owner_.why.ok()) << owner_.why;
}

TEST_F(Http2ClientCallbacksTest, AServerThatPushesIsClosed) {
  Answer(Http2Frame(static_cast<RawFrameType>(5), kRawEndHeaders, 1,
                    BigEndian(2, 4) + Http2PostBlock()));
  EXPECT_EQ(answer_.error, Http2Error::kInternalError);
  EXPECT_THAT(owner_.why.message(), HasSubstr("PROTOCOL_ERROR"));
}

TEST_F(Http2ClientCallbacksTest, AnAnswerWithoutAStatusIsAnError) {
  Answer(Http2Headers(1, kFieldAB, true));
  EXPECT_EQ(answer_.error, Http2Error::kProtocolError);
  EXPECT_EQ(answer_.head, "");
}

// A server that echoes.
class Http2ServerTest : public testing::Test {
 protected:
  Http2ServerTest() : client_(RawClient::Connect(server_.port())) {
    client_.Send(Http2Greeting());
  }

  Http2EchoServer server_;
  RawClient client_;
};

TEST_F(Http2ServerTest, ARequestMayHaveTrailers) {
  client_.Send(Http2Post(1, false) + Http2Data(1, "body") +
               Http2Headers(1, kFieldAB, true));
  EXPECT_EQ(ReceiveFrameOf(client_, RawFrameType::kHeaders).stream, 1u);
  EXPECT_EQ(ReceiveFrameOf(client_, RawFrameType::kData).payload, "body");
  const RawFrame trailers = ReceiveFrameOf(client_, RawFrameType::kHeaders);
  EXPECT_TRUE((trailers.flags & kRawEndStream) != 0);
  EXPECT_THAT(trailers.payload, HasSubstr("a"));
}

TEST_F(Http2ServerTest, WhatIsNewEachTimeIsWrittenSoThatNobodyKeepsIt) {
  // Its trailers come back.
  client_.Send(Http2Post(1, false) + Http2Data(1, "body") +
               Http2Headers(1,
                            kFieldAB + Literal("request-id", "7") +
                                Literal("grpc-message", "gone"),
                            true));
  HpackReader reader;
  reader.Read(ReceiveFrameOf(client_, RawFrameType::kHeaders).payload);
  EXPECT_EQ(NeverIndexed(reader.Read(
                ReceiveFrameOf(client_, RawFrameType::kHeaders).payload)),
            "request-id, grpc-message");
}

TEST_F(Http2ServerTest, TrailersWithoutABodyBringNoEmptyFrame) {
  client_.Send(Http2Post(1, false) + Http2Headers(1, kFieldAB, true));
  client_.Send(Http2Ping("12345678"));
  std::vector<RawFrame> frames(1);
  while (ReceiveFrame(client_, &frames.back()) &&
         !(frames.back().stream == 1 &&
           (frames.back().flags & kRawEndStream) != 0)) {
    EXPECT_NE(frames.back().type, RawFrameType::kData);
  }
  EXPECT_EQ(frames.back().type, RawFrameType::kHeaders);
}

TEST_F(Http2ServerTest, MalformedRequestsEndTheirStreamOnly) {
  client_.Send(Http2Post(1, false));
  client_.Send(Http2Headers(3, kFieldAB, false));
  const RawFrame reset = ReceiveFrameOf(client_, RawFrameType::kRstStream);
  EXPECT_EQ(reset.stream, 3u);
  EXPECT_EQ(reset.Number(0), 1u);
  client_.Send(Http2Data(1, "still there", true));
  EXPECT_EQ(ReceiveFrameOf(client_, RawFrameType::kData).payload,
            "still there");
}

TEST_F(Http2ServerTest, PaddingGivesItsCreditBack) {
  client_.Send(Http2Post(1, false));
  // More than all windows together, if the padding stayed.
  const std::string frame = Http2Frame(
      RawFrameType::kData, kRawPadded, 1,
      std::string("\xff", 1) + "x" + std::string(255, '\0'));
  std::string echo;
  for (int i = 0; i < 2'000; ++i) {
    client_.Send(frame);
    echo += ReceiveFrameOf(client_, RawFrameType::kData).payload;
  }
  EXPECT_EQ(echo, std::string(2'000, 'x'));
}

TEST_F(Http2ServerTest, StreamsOverTheLimitAreRefused) {
  Http2Limits limits;
  limits.concurrent_streams = 2;
  Http2EchoServer server(limits);
  RawClient client = RawClient::Connect(server.port());
  // The client has not said yet that it knows the limit.
  client.Send(std::string(kHttp2Preface) + Http2Settings() +
              Http2Post(1, false) + Http2Post(3, false) + Http2Post(5, false));
  const RawFrame reset = ReceiveFrameOf(client, RawFrameType::kRstStream);
  EXPECT_EQ(reset.stream, 5u);
  EXPECT_EQ(reset.Number(0), 7u);
  client.Send(Http2SettingsAck() + Http2Data(1, "goes on", true));
  EXPECT_EQ(ReceiveFrameOf(client, RawFrameType::kData).payload, "goes on");
}

TEST_F(Http2ServerTest, BodiesOfStreamsThatAreGoneLeaveTheWindowOpen) {
  Http2Limits limits;
  limits.concurrent_streams = 4;
  limits.stream_window_bytes = 16 * 1024;
  Http2EchoServer server(limits);
  RawClient client = RawClient::Connect(server.port());
  client.Send(Http2Greeting() + Http2WindowUpdate(0, 100'000'000));
  // Each body is cut off by its reset; together they exceed every window.
  const std::string body(16'000, 'x');
  for (uint32_t id = 1; id < 201; id += 2) {
    client.Send(Http2Post(id, false) + Http2Data(id, body) + Http2Reset(id, 8) +
                Http2Ping("12345678"));
    ReceiveFrameOf(client, RawFrameType::kPing);
  }
  client.Send(Http2Post(201, false) + Http2Data(201, "fine", true));
  RawFrame frame;
  while (ReceiveFrame(client, &frame) &&
         (frame.stream != 201 || frame.type != RawFrameType::kData)) {
  }
  EXPECT_EQ(frame.payload, "fine");
}

}  // namespace
}  // namespace gateway
