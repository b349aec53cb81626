#include "service/rpc/request_head.h"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "base/http/http1_codec.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/api/call_context.h"
#include "service/rpc/message_encoding.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

// A call as clients send it, with some fields changed or added; a field whose
// value is null is left out.
class Fields {
 public:
  Fields()
      : fields_{{":method", "POST"},
                {":scheme", "http"},
                {":path", "/pkg.Service/Method"},
                {":authority", "localhost"},
                {"te", "trailers"},
                {"content-type", "application/grpc"}} {}

  Fields& Set(std::string_view name, std::string_view value) {
    for (HttpField& field : fields_) {
      if (field.name == name) field.value = value;
    }
    return *this;
  }
  Fields& Remove(std::string_view name) {
    std::erase_if(fields_,
                  [&](const HttpField& field) { return field.name == name; });
    return *this;
  }
  Fields& Add(std::string_view name, std::string_view value) {
    fields_.push_back({name, value});
    return *this;
  }

  RequestHead Read(const MetadataLimits& limits = {}) const {
    return ReadRequestHead(fields_, limits);
  }
  const std::vector<HttpField>& all() const { return fields_; }

 private:
  std::vector<HttpField> fields_;
};

void ExpectRefused(const RequestHead& head, absl::StatusCode code,
                   std::string_view words) {
  EXPECT_EQ(head.http_status, 200);
  EXPECT_EQ(head.status.code(), code) << head.status;
  EXPECT_THAT(std::string(head.status.message()),
              HasSubstr(std::string(words)));
}

TEST(RequestHeadTest, APlainCallHasItsPathAndNothingElse) {
  const RequestHead head = Fields().Read();
  EXPECT_EQ(head.http_status, 200);
  EXPECT_TRUE(head.status.ok()) << head.status;
  EXPECT_EQ(head.path, "/pkg.Service/Method");
  EXPECT_EQ(head.request_id, "");
  EXPECT_EQ(head.timeout, absl::InfiniteDuration());
  EXPECT_EQ(head.encoding, MessageEncoding::kIdentity);
  EXPECT_FALSE(head.accepts_gzip);
}

TEST(RequestHeadTest, GrpcIsToldByItsContentType) {
  for (const char* type :
       {"application/grpc", "application/grpc+proto", "application/grpc+json",
        "application/grpc;charset=utf-8", "Application/gRPC"}) {
    EXPECT_EQ(Fields().Set("content-type", type).Read().http_status, 200)
        << type;
  }
  for (const char* type :
       {"", "application/json", "application/grp", "application/grpc-web",
        "application/grpcx", "xapplication/grpc", " application/grpc"}) {
    EXPECT_EQ(Fields().Set("content-type", type).Read().http_status, 415)
        << type;
  }
  EXPECT_EQ(Fields().Remove("content-type").Read().http_status, 415);
}

TEST(RequestHeadTest, OfTwoContentTypesBothMustBeGrpc) {
  EXPECT_EQ(Fields().Add("content-type", "application/grpc").Read().http_status,
            200);
  EXPECT_EQ(Fields().Add("content-type", "text/html").Read().http_status, 415);
  EXPECT_EQ(Fields()
                .Set("content-type", "text/html")
                .Add("content-type", "application/grpc")
                .Read()
                .http_status,
            415);
}

TEST(RequestHeadTest, OnlyPostIsACall) {
  for (const char* method : {"GET", "PUT", "post", "CONNECT"}) {
    EXPECT_EQ(Fields().Set(":method", method).Read().http_status, 405);
  }
  // What is not gRPC at all is told that first.
  EXPECT_EQ(
      Fields().Set(":method", "GET").Remove("content-type").Read().http_status,
      415);
}

TEST(RequestHeadTest, AHeadIsAnsweredWithoutABody) {
  EXPECT_TRUE(Fields().Set(":method", "HEAD").Read().is_head);
  EXPECT_FALSE(Fields().Set(":method", "GET").Read().is_head);
  EXPECT_FALSE(Fields().Read().is_head);
}

TEST(RequestHeadTest, TheClientMustTakeTrailers) {
  ExpectRefused(Fields().Remove("te").Read(),
                absl::StatusCode::kInvalidArgument, "te: ");
  ExpectRefused(Fields().Set("te", "deflate").Read(),
                absl::StatusCode::kInvalidArgument, "te: ");
  EXPECT_TRUE(Fields().Set("te", "Trailers").Read().status.ok());
}

TEST(RequestHeadTest, TimeoutsHaveAllTheirUnits) {
  const std::pair<const char*, absl::Duration> timeouts[] = {
      {"1H", absl::Hours(1)},
      {"2M", absl::Minutes(2)},
      {"3S", absl::Seconds(3)},
      {"4m", absl::Milliseconds(4)},
      {"5u", absl::Microseconds(5)},
      {"6n", absl::Nanoseconds(6)},
      {"0S", absl::ZeroDuration()},
      {"007S", absl::Seconds(7)},
      {"99999999m", absl::Milliseconds(99999999)},
      {"8760H", absl::Hours(8760)},
      {"8761H", absl::InfiniteDuration()},
      {"99999999H", absl::InfiniteDuration()},
  };
  for (const auto& [text, timeout] : timeouts) {
    const RequestHead head = Fields().Add("grpc-timeout", text).Read();
    EXPECT_TRUE(head.status.ok()) << text;
    EXPECT_EQ(head.timeout, timeout) << text;
  }
}

TEST(RequestHeadTest, ATimeoutThatCannotBeReadIsRefused) {
  for (const char* text : {"", "S", "1", "1s", "1h", "100000000S", "-1S", "+1S",
                           " 1S", "1 S", "1.5S", "1SS", "0x1S", "S1"}) {
    ExpectRefused(Fields().Add("grpc-timeout", text).Read(),
                  absl::StatusCode::kInvalidArgument, "grpc-timeout: ");
  }
  ExpectRefused(
      Fields().Add("grpc-timeout", "1S").Add("grpc-timeout", "2S").Read(),
      absl::StatusCode::kInvalidArgument, "grpc-timeout: is there twice");
}

TEST(RequestHeadTest, EncodingsAreKnownOrUnimplemented) {
  EXPECT_EQ(Fields().Add("grpc-encoding", "gzip").Read().encoding,
            MessageEncoding::kGzip);
  EXPECT_EQ(Fields().Add("grpc-encoding", "deflate").Read().encoding,
            MessageEncoding::kDeflate);
  EXPECT_EQ(Fields().Add("grpc-encoding", "identity").Read().encoding,
            MessageEncoding::kIdentity);
  for (const char* encoding : {"", "snappy", "GZIP", "gzip,deflate"}) {
    ExpectRefused(Fields().Add("grpc-encoding", encoding).Read(),
                  absl::StatusCode::kUnimplemented, encoding);
  }
  ExpectRefused(Fields()
                    .Add("grpc-encoding", "gzip")
                    .Add("grpc-encoding", "identity")
                    .Read(),
                absl::StatusCode::kInvalidArgument, "twice");
}

TEST(RequestHeadTest, GzipIsFoundAmongTheAcceptedEncodings) {
  for (const char* list :
       {"gzip", "identity,deflate,gzip", "identity, gzip , deflate", ",gzip"}) {
    EXPECT_TRUE(Fields().Add("grpc-accept-encoding", list).Read().accepts_gzip)
        << list;
  }
  for (const char* list : {"", ",", "identity", "gzipped,xgzip", "g zip"}) {
    EXPECT_FALSE(Fields().Add("grpc-accept-encoding", list).Read().accepts_gzip)
        << list;
  }
  EXPECT_TRUE(Fields()
                  .Add("grpc-accept-encoding", "gzip")
                  .Add("grpc-accept-encoding", "identity")
                  .Read()
                  .accepts_gzip);
}

TEST(RequestHeadTest, TheRequestIdIsThereEvenIfTheCallIsRefused) {
  const RequestHead head = Fields()
                               .Remove("te")
                               .Add("grpc-timeout", "soon")
                               .Add("x-request-id", "order-66")
                               .Add("x-request-id", "second")
                               .Read();
  EXPECT_FALSE(head.status.ok());
  EXPECT_EQ(head.request_id, "order-66");
}

TEST(RequestHeadTest, MetadataMayHaveAsManyValuesAsTheLimitSays) {
  const MetadataLimits limits{.values = 3};
  Fields fields;
  fields.Add("a", "1").Add("b-bin", "MQ,MQ");
  EXPECT_TRUE(fields.Read(limits).status.ok());
  // Commas divide only binary values.
  Fields text;
  EXPECT_TRUE(text.Add("a", "1,2,3,4,5").Read(limits).status.ok());

  fields.Add("c", "");
  const RequestHead head = fields.Read(limits);
  ExpectRefused(head, absl::StatusCode::kResourceExhausted, "3 values");
  EXPECT_EQ(FaultReason(head.status), v1::ERROR_REASON_REQUEST_TOO_LARGE);
  Fields commas;
  ExpectRefused(commas.Add("b-bin", ",,,").Read(limits),
                absl::StatusCode::kResourceExhausted, "3 values");
}

TEST(RequestHeadTest, MetadataMayHaveAsManyBytesAsTheLimitSays) {
  Fields fields;
  fields.Add("name", "value");
  EXPECT_TRUE(fields.Read({.bytes = 4 + 5 + 32}).status.ok());
  ExpectRefused(fields.Read({.bytes = 4 + 5 + 31}),
                absl::StatusCode::kResourceExhausted, "40 bytes");
}

class AddMetadataTest : public testing::Test {
 protected:
  // Adds fields that are gone afterwards.
  absl::Status Add(const Fields& fields) {
    std::vector<std::pair<std::string, std::string>> texts;
    for (const HttpField& field : fields.all()) {
      texts.emplace_back(field.name, field.value);
    }
    std::vector<HttpField> copies;
    for (const auto& [name, value] : texts) copies.push_back({name, value});
    return AddMetadata(copies, ReadRequestHead(copies, {}).metadata_bytes,
                       call_);
  }

  std::vector<std::pair<std::string, std::string>> Metadata() const {
    std::vector<std::pair<std::string, std::string>> all;
    for (const MetadataEntry& entry : call_.metadata()) {
      all.emplace_back(entry.name, entry.value);
    }
    return all;
  }

  std::unique_ptr<EventLoop> loop_ = *EventLoop::Create();
  CallContext call_{*loop_, {}};
};

TEST_F(AddMetadataTest, WhatTheCallerSentStaysWhenTheFieldsAreGone) {
  ASSERT_TRUE(Add(Fields()
                      .Add("authorization", "Bearer key")
                      .Add("x-request-id", "order-66")
                      .Add("empty", "")
                      .Add("authorization", "second"))
                  .ok());
  EXPECT_THAT(Metadata(),
              ElementsAre(Pair("authorization", "Bearer key"),
                          Pair("x-request-id", "order-66"), Pair("empty", ""),
                          Pair("authorization", "second")));
  EXPECT_EQ(call_.request_id(), "order-66");
}

TEST_F(AddMetadataTest, WhatBelongsToTheProtocolIsLeftOut) {
  ASSERT_TRUE(Add(Fields()
                      .Add("grpc-timeout", "1S")
                      .Add("grpc-trace-bin", "not base64"))
                  .ok());
  EXPECT_THAT(Metadata(), IsEmpty());
}

TEST_F(AddMetadataTest, BinaryValuesAreDecoded) {
  ASSERT_TRUE(Add(Fields()
                      .Add("a-bin", "AP8")
                      .Add("b-bin", "Zg==")
                      .Add("c-bin", "")
                      .Add("cabin", "Zg"))
                  .ok());
  EXPECT_THAT(Metadata(), ElementsAre(Pair("a-bin", std::string("\0\xff", 2)),
                                      Pair("b-bin", "f"), Pair("c-bin", ""),
                                      Pair("cabin", "Zg")));
}

TEST_F(AddMetadataTest, BinaryValuesWithCommasBetweenThemAreSeveral) {
  ASSERT_TRUE(
      Add(Fields().Add("a-bin", "Zg==,Zm8, Zm9v ,,").Add("b", "1,2")).ok());
  EXPECT_THAT(Metadata(), ElementsAre(Pair("a-bin", "f"), Pair("a-bin", "fo"),
                                      Pair("a-bin", "foo"), Pair("a-bin", ""),
                                      Pair("a-bin", ""), Pair("b", "1,2")));
}

TEST_F(AddMetadataTest, BadBase64IsRefusedByName) {
  for (const char* wrong : {"Z", "Zg=", "Zg==,*", "a b"}) {
    const absl::Status status = Add(Fields().Add("token-bin", wrong));
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << wrong;
    EXPECT_THAT(std::string(status.message()), HasSubstr("token-bin: "));
  }
}

}  // namespace
}  // namespace gateway
