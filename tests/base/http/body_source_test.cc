// Bodies that go from a server's source through a client.

#include "base/http/body_source.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "base/http/http_client.h"
#include "gtest/gtest.h"
#include "tests/base/http/http_upload_test_base.h"
#include "tests/testing/http2_test_client.h"
#include "tests/testing/raw_client.h"
#include "tests/testing/test_http_server.h"

namespace gateway {
namespace {

// What this process may grow by while large bodies pass through it.
constexpr size_t kGrowthMax = 32 * 1024 * 1024;

size_t MemoryOfProcess() {
  size_t pages = 0;
  size_t resident = 0;
  std::FILE* const file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr) return 0;
  if (std::fscanf(file, "%zu %zu", &pages, &resident) != 2) resident = 0;
  std::fclose(file);
  return resident * 4096;
}

class BodySourceTest : public HttpUploadTest {};

struct Versions {
  HttpVersion front;
  HttpVersion back;
  bool says_length;
};

class PassedOnTest : public HttpUploadTest,
                     public testing::WithParamInterface<Versions> {};

TEST_P(PassedOnTest, ALargeBodyTakesNoMemoryAndASlowReaderHoldsItBack) {
  receiver_.turns = 3;
  TestHttpServer upstream(receiver_, {.body_bytes = 2 * kLarge});
  UploadProxy proxy(upstream.port(), GetParam().back);
  UploadSender sender;
  MadeBody body(kLarge, GetParam().says_length);
  const size_t before = MemoryOfProcess();
  size_t peak = 0;
  uint64_t in_flight = 0;
  body.on_take = [&](uint64_t taken) {
    in_flight = std::max(in_flight, taken - receiver_.received);
    if (taken % 16 == 0) peak = std::max(peak, MemoryOfProcess());
  };
  const auto answer =
      sender.Post(UploadSender::To(proxy.port(), GetParam().front),
                  "/proxy?/sum", body);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(*answer, absl::StrCat("200 ", kLarge, " right"));
  EXPECT_LT(in_flight, kInFlightMax);
  std::printf("figure | %llu MiB passed on | at most %.1f MiB in flight, "
              "%.1f MiB of memory\n",
              static_cast<unsigned long long>(kLarge >> 20),
              static_cast<double>(in_flight) / (1 << 20),
              static_cast<double>(peak - std::min(peak, before)) / (1 << 20));
#if !defined(__SANITIZE_ADDRESS__) && !defined(GATEWAY_TSAN)
  EXPECT_LT(peak, before + kGrowthMax);
#endif
  EXPECT_EQ(KeptBytes(upstream), 0u);
}

INSTANTIATE_TEST_SUITE_P(
    Versions, PassedOnTest,
    testing::Values(Versions{HttpVersion::kHttp1, HttpVersion::kHttp1, true},
                    Versions{HttpVersion::kHttp1, HttpVersion::kHttp2, false},
                    Versions{HttpVersion::kHttp2, HttpVersion::kHttp1, false},
                    Versions{HttpVersion::kHttp2, HttpVersion::kHttp2, true}));

void ExpectFailure(UploadProxy& proxy) {
  EXPECT_NE(proxy.handler().AwaitFailure().code(), absl::StatusCode::kUnknown);
}

TEST_F(BodySourceTest, AClientThatDiesTakesTheRequestUpstreamAlong) {
  for (const HttpVersion back : {HttpVersion::kHttp1, HttpVersion::kHttp2}) {
    for (const bool two : {false, true}) {
      UploadReceiver receiver;
      TestHttpServer upstream(receiver);
      UploadProxy proxy(upstream.port(), back);
      if (two) {
        Http2TestClient client(proxy.port());
        Http2TestCall& call = client.Begin(Post("/proxy?/sum"));
        client.Send(call, Bytes(1000));
        while (receiver.received == 0) {
          // A request that comes with its reset is told to nobody.
          upstream.Do([] {});
        }
        client.Reset(call);
        ExpectFailure(proxy);
      } else {
        RawClient client = RawClient::Connect(proxy.port());
        client.Send(Sized("/proxy?/sum", 100'000));
        client.Send(Bytes(1000));
        client.Close();
        ExpectFailure(proxy);
      }
    }
  }
}

TEST_F(BodySourceTest, AnEarlyAnswerIsAllThatIsWanted) {
  TestHttpServer server(receiver_);
  for (const HttpVersion version :
       {HttpVersion::kHttp1, HttpVersion::kHttp2}) {
    UploadProxy proxy(server.port(), version);
    UploadSender sender;
    MadeBody body(1'000'000, /*says_length=*/true);
    body.stops_at = 1;  // It never ends.
    HttpProgress progress;
    const auto answer = sender.Post(UploadSender::To(server.port(), version),
                                    "/early", body, &progress);
    EXPECT_EQ(answer.value_or(answer.status().ToString()), "200 early");
    EXPECT_FALSE(progress.sent);
    EXPECT_EQ(sender.idle_connections(), 0u);
    RawClient client = RawClient::Connect(proxy.port());
    client.Send(Sized("/proxy?/early", 1'000'000));
    client.Send(Bytes(1000));
    EXPECT_EQ(client.ReceiveAnswer().body, "early");
    Http2TestClient two(proxy.port());
    Http2TestCall& call = two.Begin(Post("/proxy?/early"));
    two.Send(call, Bytes(1000));
    EXPECT_EQ(two.AwaitWhole(call).body, "early");
  }
}

}  // namespace
}  // namespace gateway
