#include "service/tracing/otlp_export.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/tracing/otlp_fields.h"
#include "service/tracing/span_reader.h"
#include "service/tracing/wire.h"
#include "tests/service/tracing/traced_calls.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

std::string Joined(const OtlpBatch& batch) {
  std::string all;
  for (const std::string_view piece : batch.pieces()) all += piece;
  return all;
}

// The bytes of the only field of that number.
std::string Field(std::string_view message, int number) {
  std::string found;
  int count = 0;
  WireReader wire(message);
  while (wire.Next()) {
    if (wire.field() != number) continue;
    found = wire.bytes();
    ++count;
  }
  EXPECT_TRUE(wire.ok());
  EXPECT_EQ(count, 1) << number;
  return found;
}

TEST(OtlpBatchTest, IsOneRequestOfAllSpans) {
  const OtlpResource resource =
      MakeOtlpResource("llm-gateway", "1.2.3", {{"region", "eu"}});
  TestCall one;
  one.AddAttempt("openai", "gpt-x");
  TestCall other;
  const std::vector<KeptTraceRef> traces = {one.kept(), other.kept()};
  const OtlpBatch batch(resource, traces, /*framed=*/false);
  EXPECT_EQ(batch.spans(), 3);

  const std::string of_resource =
      Field(Joined(batch), otlp::export_request::kResourceSpans);
  const std::string told = Field(of_resource, otlp::resource_spans::kResource);
  EXPECT_THAT(told, HasSubstr("service.name"));
  EXPECT_THAT(told, HasSubstr("llm-gateway"));
  EXPECT_THAT(told, HasSubstr("1.2.3"));
  EXPECT_THAT(told, HasSubstr("region"));
  const std::string of_scope =
      Field(of_resource, otlp::resource_spans::kScopeSpans);
  std::string spans;
  WireReader wire(of_scope);
  while (wire.Next()) {
    if (wire.field() == otlp::scope_spans::kSpans) {
      WireWriter(&spans, BytesFieldMax(wire.bytes().size()))
          .Bytes(otlp::scope_spans::kSpans, wire.bytes());
    }
  }
  EXPECT_TRUE(wire.ok());
  const std::vector<ReadSpan> read = ReadSpans(spans);
  ASSERT_EQ(read.size(), 3u);
  EXPECT_EQ(read[0].span, one.trace->span());
  EXPECT_EQ(read[2].span, other.trace->span());
}

TEST(OtlpBatchTest, IsAMessageOfGrpcIfFramed) {
  const OtlpResource resource = MakeOtlpResource("s", "1", {});
  const std::vector<KeptTraceRef> traces = {TestCall().kept()};
  const std::string plain = Joined(OtlpBatch(resource, traces, false));
  const std::string framed = Joined(OtlpBatch(resource, traces, true));
  ASSERT_EQ(framed.size(), plain.size() + 5);
  EXPECT_EQ(framed.substr(5), plain);
  EXPECT_EQ(framed[0], 0);
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(framed[i]); };
  EXPECT_EQ(byte(1) << 24 | byte(2) << 16 | byte(3) << 8 | byte(4),
            static_cast<int>(plain.size()));
}

// A message of what `write` writes, of a few hundred bytes at most.
template <typename Write>
std::string MessageOf(const Write& write) {
  constexpr size_t kBytesMax = 512;
  std::string out;
  {
    WireWriter wire(&out, kBytesMax);
    write(wire);
  }
  return out;
}

// ExportTraceServiceResponse with a partial success.
std::string PartialSuccess(int rejected, std::string_view message) {
  const std::string partial = MessageOf([&](WireWriter& wire) {
    wire.Varint(1, static_cast<uint64_t>(rejected));
    wire.Bytes(2, message);
  });
  return MessageOf([&](WireWriter& wire) { wire.Bytes(1, partial); });
}

TEST(OtlpOutcomeTest, ByHttp) {
  EXPECT_EQ(OutcomeOfHttp(200, "", "").verdict, ExportVerdict::kTaken);
  const ExportOutcome partly =
      OutcomeOfHttp(200, "", PartialSuccess(3, "too old"));
  EXPECT_EQ(partly.verdict, ExportVerdict::kTaken);
  EXPECT_EQ(partly.rejected, 3);
  EXPECT_EQ(partly.message, "too old");
  for (const int status : {429, 502, 503, 504}) {
    EXPECT_EQ(OutcomeOfHttp(status, "", "").verdict, ExportVerdict::kLater);
  }
  for (const int status : {301, 400, 401, 404, 413, 500, 501}) {
    EXPECT_EQ(OutcomeOfHttp(status, "", "").verdict, ExportVerdict::kRefused);
  }
  EXPECT_EQ(OutcomeOfHttp(503, " 7 ", "").delay, absl::Seconds(7));
  EXPECT_EQ(OutcomeOfHttp(503, "", "").delay, std::nullopt);
  EXPECT_EQ(OutcomeOfHttp(503, "Wed, 21 Oct 2026 07:28:00 GMT", "").delay,
            std::nullopt);
  EXPECT_EQ(OutcomeOfHttp(503, "-1", "").delay, std::nullopt);
  // Nobody keeps spans for days.
  EXPECT_EQ(OutcomeOfHttp(503, "86400", "").delay, absl::Minutes(5));
}

// google.rpc.Status with RetryInfo, as trailers have it.
std::string RetryDetails(int64_t seconds, int64_t nanos) {
  const std::string delay = MessageOf([&](WireWriter& wire) {
    wire.Varint(1, static_cast<uint64_t>(seconds));
    wire.Varint(2, static_cast<uint64_t>(nanos));
  });
  const std::string info =
      MessageOf([&](WireWriter& wire) { wire.Bytes(1, delay); });
  const std::string any = MessageOf([&](WireWriter& wire) {
    wire.Bytes(1, "type.googleapis.com/google.rpc.RetryInfo");
    wire.Bytes(2, info);
  });
  const std::string status = MessageOf([&](WireWriter& wire) {
    wire.Varint(1, 8);
    wire.Bytes(3, any);
  });
  return absl::Base64Escape(status);
}

TEST(OtlpOutcomeTest, ByGrpc) {
  const std::string response = PartialSuccess(2, "no");
  const std::string framed = std::string("\0\0\0\0", 4) +
                             static_cast<char>(response.size()) + response;
  const ExportOutcome partly = OutcomeOfGrpc("0", "", "", framed);
  EXPECT_EQ(partly.verdict, ExportVerdict::kTaken);
  EXPECT_EQ(partly.rejected, 2);
  EXPECT_EQ(OutcomeOfGrpc("0", "", "", "").verdict, ExportVerdict::kTaken);
  for (const char* code : {"1", "4", "10", "11", "14", "15"}) {
    EXPECT_EQ(OutcomeOfGrpc(code, "", "", "").verdict, ExportVerdict::kLater)
        << code;
  }
  for (const char* code : {"2", "3", "5", "7", "8", "12", "13", "16"}) {
    EXPECT_EQ(OutcomeOfGrpc(code, "", "", "").verdict, ExportVerdict::kRefused)
        << code;
  }
  const ExportOutcome full = OutcomeOfGrpc("8", "", RetryDetails(2, 500), "");
  EXPECT_EQ(full.verdict, ExportVerdict::kLater);
  EXPECT_EQ(full.delay, absl::Seconds(2) + absl::Nanoseconds(500));
  // Trailers may come without the padding of base64.
  std::string unpadded = RetryDetails(3, 1);
  while (unpadded.ends_with('=')) unpadded.pop_back();
  EXPECT_EQ(OutcomeOfGrpc("14", "", unpadded, "").delay,
            absl::Seconds(3) + absl::Nanoseconds(1));
  EXPECT_EQ(OutcomeOfGrpc("14", "", "not base64!", "").delay, std::nullopt);
  EXPECT_THAT(OutcomeOfGrpc("3", "bad span", "", "").message,
              HasSubstr("bad span"));
  EXPECT_EQ(OutcomeOfGrpc("", "", "", "").verdict, ExportVerdict::kLater);
}

}  // namespace
}  // namespace gateway
