#include "service/rpc/call_trailers.h"

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/http/http1_codec.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"
#include "service/api/call_context.h"
#include "service/rpc/binary_metadata.h"
#include "service/rpc/message_encoding.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;
using FieldList = std::vector<std::pair<std::string, std::string>>;

FieldList Copied(absl::Span<const HttpField> fields) {
  FieldList copied;
  for (const HttpField& field : fields) {
    copied.emplace_back(field.name, field.value);
  }
  return copied;
}

std::string ValueOf(const FieldList& fields, const std::string& name) {
  for (const auto& field : fields) {
    if (field.first == name) return field.second;
  }
  return "none";
}

std::string DecodedBytes(const std::string& text) {
  std::string bytes(text.size(), '\0');
  const std::optional<size_t> size = DecodeBase64(text, bytes.data());
  bytes.resize(size.value_or(0));
  return bytes;
}

TEST(CallHeadTest, SaysWhatTheAnswerIs) {
  EXPECT_THAT(Copied(CallHead(MessageEncoding::kIdentity, {}).fields()),
              ElementsAre(Pair(":status", "200"),
                          Pair("content-type", "application/grpc"),
                          Pair("grpc-accept-encoding",
                               "identity,deflate,gzip")));
  EXPECT_EQ(ValueOf(Copied(CallHead(MessageEncoding::kGzip, {}).fields()),
                    "grpc-encoding"),
            "gzip");
}

TEST(CallHeadTest, CarriesTheHandlersMetadata) {
  FieldBlock metadata;
  for (int i = 0; i < 20; ++i) {  // More than are held without allocating.
    metadata.Add("x-raw-bin", std::string(40, '\xff'));
    metadata.Add("x-text", "text");
  }
  const CallHead head(MessageEncoding::kIdentity, metadata);
  const FieldList fields = Copied(head.fields());
  ASSERT_EQ(fields.size(), 43u);
  for (size_t i = 3; i < fields.size(); i += 2) {
    EXPECT_EQ(DecodedBytes(fields[i].second), std::string(40, '\xff'));
    EXPECT_THAT(fields[i + 1], Pair("x-text", "text"));
  }
}

TEST(CallTrailersTest, OfSuccessAreFew) {
  const std::vector<MetadataEntry> own = {{"x-target", "mock"}};
  const CallTrailers trailers("the-id", own, absl::OkStatus());
  EXPECT_THAT(Copied(trailers.fields()),
              ElementsAre(Pair("grpc-status", "0"),
                          Pair("x-request-id", "the-id"),
                          Pair("x-target", "mock")));
}

TEST(CallTrailersTest, OfAnErrorCarryItsDetails) {
  absl::Status status =
      MakeFault(v1::ERROR_REASON_RATE_LIMITED, "zu schnell: 7 \xe2\x82\xac");
  SetRetryDelay(status, absl::Milliseconds(1500));
  const CallTrailers trailers("the-id", {}, status);
  const FieldList fields = Copied(trailers.fields());
  EXPECT_EQ(ValueOf(fields, "grpc-status"), "8");
  EXPECT_EQ(ValueOf(fields, "grpc-message"), "zu schnell: 7 %E2%82%AC");
  EXPECT_EQ(ValueOf(fields, "grpc-retry-pushback-ms"), "1500");
  google::rpc::Status details;
  ASSERT_TRUE(details.ParseFromString(
      DecodedBytes(ValueOf(fields, "grpc-status-details-bin"))));
  EXPECT_EQ(details.code(), 8);
  EXPECT_EQ(FaultReason(FromRpcStatus(details)),
            v1::ERROR_REASON_RATE_LIMITED);
}

TEST(CallTrailersTest, CanForbidToTryAgain) {
  const absl::Status status = MakeFault(v1::ERROR_REASON_DRAINING, "draining");
  const CallTrailers may("the-id", {}, status);
  EXPECT_EQ(ValueOf(Copied(may.fields()), "grpc-retry-pushback-ms"), "none");
  const CallTrailers may_not("the-id", {}, status, /*head_too=*/false,
                             ClientRetry::kForbidden);
  EXPECT_EQ(ValueOf(Copied(may_not.fields()), "grpc-retry-pushback-ms"), "-1");
}

TEST(CallTrailersTest, AMessageIsPrintableAscii) {
  const std::pair<std::string, std::string> messages[] = {
      {"no such model: \"gpt-x\"~", "no such model: \"gpt-x\"~"},
      // A field with a space at either end is malformed, and clients reset the
      // stream for it.
      {" ", "%20"},
      {"  ", "%20%20"},
      {"   ", "%20 %20"},
      {" two words ", "%20two words%20"},
      {" %", "%20%25"},
      {"$%&", "$%25&"},
      {"%%41", "%25%2541"},
      {"\x1f\x20\x7e\x7f", "%1F ~%7F"},
      {"a\r\nb", "a%0D%0Ab"},
      {"caf\xc3\xa9", "caf%C3%A9"},
  };
  for (const auto& [message, encoded] : messages) {
    const CallTrailers trailers("", {}, absl::NotFoundError(message));
    EXPECT_EQ(ValueOf(Copied(trailers.fields()), "grpc-message"), encoded);
  }
}

TEST(CallTrailersTest, HaveNoMessageWhereThereIsNone) {
  const CallTrailers trailers("", {}, absl::CancelledError(""));
  EXPECT_EQ(ValueOf(Copied(trailers.fields()), "grpc-message"), "none");
}

TEST(CallTrailersTest, AloneTheyBeginWithAHead) {
  const CallTrailers trailers("the-id", {}, absl::NotFoundError("none"),
                              /*head_too=*/true);
  const FieldList fields = Copied(trailers.fields());
  ASSERT_GE(fields.size(), 4u);
  EXPECT_THAT(fields[0], Pair(":status", "200"));
  EXPECT_THAT(fields[1], Pair("content-type", "application/grpc"));
  EXPECT_THAT(fields[2],
              Pair("grpc-accept-encoding", "identity,deflate,gzip"));
  EXPECT_THAT(fields[3], Pair("grpc-status", "5"));
}

}  // namespace
}  // namespace gateway
