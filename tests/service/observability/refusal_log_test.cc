#include "service/observability/refusal_log.h"

#include <unistd.h>

#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "base/os/logging.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/fake_clock.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

constexpr RefusedRequest kRefused = {.code = "404",
                                     .method = "GET",
                                     .path = "/wp-admin",
                                     .peer = "192.0.2.1:1234",
                                     .request_id = "r-1",
                                     .why = "there is no such path"};

constexpr RefusedRequest kRefusedWithKey = {
    .code = "404",
    .method = "GET",
    .path = "/v1/sk-proj-0123456789abcdefghij",
    .peer = "192.0.2.1:1234",
    .request_id = "r-1",
    .why = "there is no GET /v1/sk-proj-0123456789abcdefghij"};

class RefusalLogTest : public testing::Test {
 protected:
  RefusalLogTest()
      : path_(testing::TempDir() + "/" +
              testing::UnitTest::GetInstance()->current_test_info()->name() +
              ".log") {
    unlink(path_.c_str());
    EXPECT_TRUE(StartLogging({.file = path_}).ok());
  }
  ~RefusalLogTest() override { StopLogging(); }

  // By the labels' last value.
  std::map<std::string, double> Values(const std::string& name) {
    std::map<std::string, double> values;
    for (const MetricFamilyValue& family : registry_.Read().families) {
      if (family.name != name) continue;
      for (const MetricValue& metric : family.metrics) {
        EXPECT_EQ(metric.labels.front().second, "http");
        values[metric.labels.back().second] = metric.number;
      }
    }
    return values;
  }

  std::vector<std::string> Lines() {
    StopLogging();
    std::stringstream contents;
    contents << std::ifstream(path_).rdbuf();
    return absl::StrSplit(contents.str(), '\n', absl::SkipEmpty());
  }

  const std::string path_;
  FakeClock clock_;
  MetricRegistry registry_{clock_};
  RefusalLog log_{"http", registry_, clock_};
};

TEST_F(RefusalLogTest, CountsAllAndByCode) {
  EXPECT_THAT(Values("llmgw_tls_handshakes_failed_total"),
              ElementsAre(Pair("http", 0)));
  RefusedRequest other = kRefused;
  other.code = "401";
  for (int i = 0; i < 3; ++i) log_.Request(kRefused);
  log_.Request(other);
  log_.Handshake("192.0.2.1:1", absl::UnavailableError("no shared cipher"));
  EXPECT_THAT(Values("llmgw_http2_floods_total"), ElementsAre(Pair("http", 0)));
  log_.Flood("192.0.2.1:1", absl::AbortedError("resets"));
  EXPECT_THAT(Values("llmgw_http2_floods_total"), ElementsAre(Pair("http", 1)));
  EXPECT_THAT(Values("llmgw_requests_refused_total"),
              ElementsAre(Pair("401", 1), Pair("404", 3)));
  EXPECT_THAT(Values("llmgw_tls_handshakes_failed_total"),
              ElementsAre(Pair("http", 1)));
}

TEST_F(RefusalLogTest, AKeyInAPathIsNotLogged) {
  log_.Request(kRefusedWithKey);
  const std::vector<std::string> lines = Lines();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_THAT(lines[0], HasSubstr(R"("path":"/v1/[redacted:keys]")"));
  EXPECT_THAT(lines[0],
              HasSubstr(R"("error":"there is no GET /v1/[redacted:keys]")"));
}

TEST_F(RefusalLogTest, NoPartOfAKeyIsLoggedWhereAPathIsCut) {
  const std::string path =
      "/" + std::string(243, 'x') + "/sk-proj-0123456789abcdefghij";
  RefusedRequest refused = kRefused;
  refused.path = path;
  refused.method = "sk-proj-0123456789abcdefghij";
  log_.Request(refused);
  const std::vector<std::string> lines = Lines();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_THAT(lines[0], Not(HasSubstr("sk-proj")));
  EXPECT_THAT(lines[0], HasSubstr(R"("method":"[redacted:keys]")"));
}

TEST_F(RefusalLogTest, LogsOneLineOfEachKindAndThenHowManyItLeftOut) {
  for (int i = 0; i < 100; ++i) log_.Request(kRefused);
  log_.Handshake("192.0.2.9:1", absl::UnavailableError("no shared cipher"));
  for (int i = 0; i < 100; ++i) {
    log_.Flood("192.0.2.8:1", absl::AbortedError("too many streams"));
  }
  clock_.Advance(kRefusalLogInterval);
  log_.Request(kRefused);
  log_.Flood("192.0.2.8:1", absl::AbortedError("too many streams"));
  const std::vector<std::string> lines = Lines();
  ASSERT_EQ(lines.size(), 5u);
  for (const char* part :
       {"\"level\":\"info\"", "\"module\":\"refusals\"",
        "\"listener\":\"http\"", "\"code\":\"404\"",
        "\"method\":\"GET\"", "\"path\":\"/wp-admin\"",
        "\"peer\":\"192.0.2.1:1234\"", "\"request_id\":\"r-1\"",
        "there is no such path", "\"unlogged\":0"}) {
    EXPECT_THAT(lines[0], HasSubstr(part));
  }
  EXPECT_THAT(lines[1], HasSubstr("192.0.2.9:1"));
  EXPECT_THAT(lines[1], HasSubstr("no shared cipher"));
  for (const char* part : {"\"level\":\"warn\"", "\"listener\":\"http\"",
                           "192.0.2.8:1", "too many streams"}) {
    EXPECT_THAT(lines[2], HasSubstr(part));
  }
  EXPECT_THAT(lines[3], HasSubstr("\"unlogged\":99"));
  EXPECT_THAT(lines[4], HasSubstr("\"unlogged\":99"));
}

TEST_F(RefusalLogTest, CutsAPathThatIsTooLong) {
  RefusedRequest refused = kRefused;
  const std::string path = "/" + std::string(1000, 'a') + "END";
  refused.path = path;
  log_.Request(refused);
  const std::vector<std::string> lines = Lines();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_THAT(lines[0], Not(HasSubstr("END")));
  EXPECT_LT(lines[0].size(), 700u);
}

}  // namespace
}  // namespace gateway
