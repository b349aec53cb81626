#include "service/rpc/rpc_metrics.h"

#include <unistd.h>

#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "base/async/task.h"
#include "base/os/logging.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/observability/metrics.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/loop_runner.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

constexpr std::string_view kPeer = "192.0.2.1:1234";

// With a log of its own.
class RpcMetricsTest : public testing::Test {
 protected:
  RpcMetricsTest()
      : path_(testing::TempDir() + "/" +
              testing::UnitTest::GetInstance()->current_test_info()->name() +
              ".log") {
    unlink(path_.c_str());
    EXPECT_TRUE(StartLogging({.file = path_}).ok());
  }
  ~RpcMetricsTest() override { StopLogging(); }

  // On a loop, in one turn of it.
  template <typename Deeds>
  void Run(Deeds deeds) {
    runner_.Run([](Deeds* all, RpcMetrics* metrics) -> Task<void> {
      (*all)(*metrics);
      co_return;
    }(&deeds, &metrics_));
  }

  // What a family has, by the last label, without what is zero.
  std::map<std::string, double> Values(std::string_view name) const {
    std::map<std::string, double> values;
    for (const MetricFamilyValue& family : registry_.Read().families) {
      if (family.name != name) continue;
      for (const MetricValue& metric : family.metrics) {
        EXPECT_EQ(metric.labels.front().second, "grpc");
        if (metric.number != 0) {
          values[metric.labels.back().second] = metric.number;
        }
      }
    }
    return values;
  }

  std::vector<std::string> Lines() {
    StopLogging();
    std::stringstream contents;
    contents << std::ifstream(path_).rdbuf();
    std::vector<std::string> lines;
    for (const auto line :
         absl::StrSplit(contents.str(), '\n', absl::SkipEmpty())) {
      lines.emplace_back(line);
    }
    return lines;
  }

  const std::string path_;
  FakeClock clock_;
  MetricRegistry registry_{clock_};
  LoopRunner runner_;
  RpcMetrics metrics_{"grpc", &registry_};
};

TEST_F(RpcMetricsTest, CountsConnectionsAndWhyTheyEnd) {
  Run([](RpcMetrics& metrics) {
    for (int i = 0; i < 7; ++i) metrics.ConnectionOpened();
    metrics.SessionEnded(kPeer, absl::OkStatus());
    metrics.SessionEnded(kPeer, absl::UnavailableError("answers no pings"));
    metrics.SessionEnded(kPeer, absl::InternalError("broke HTTP/2"));
    metrics.SessionEnded(kPeer, absl::AbortedError("resets all it begins"));
    metrics.SessionEnded(kPeer, absl::DeadlineExceededError("does not read"));
    metrics.ConnectionClosed(RpcClose::kTls, kPeer,
                             absl::UnavailableError("no certificate"));
    metrics.ConnectionRefused(kPeer);
  });
  EXPECT_THAT(Values("llmgw_grpc_connections"), ElementsAre(Pair("grpc", 1)));
  EXPECT_THAT(Values("llmgw_grpc_connections_accepted_total"),
              ElementsAre(Pair("grpc", 7)));
  EXPECT_THAT(Values("llmgw_grpc_connections_closed_total"),
              UnorderedElementsAre(Pair("done", 1), Pair("lost", 1),
                                   Pair("protocol", 1), Pair("flood", 1),
                                   Pair("timeout", 1), Pair("tls", 1),
                                   Pair("limit", 1)));
  EXPECT_THAT(Values("llmgw_http2_floods_total"), ElementsAre(Pair("grpc", 1)));
}

TEST_F(RpcMetricsTest, CountsRefusedCallsByWhatTheyAreTold) {
  Run([](RpcMetrics& metrics) {
    metrics.CallRefused(MakeFault(v1::ERROR_REASON_DRAINING, "later"), {});
    metrics.CallRefused(MakeFault(v1::ERROR_REASON_DRAINING, "later"), {});
    metrics.CallRefused(MakeFault(v1::ERROR_REASON_OVERLOADED, "later"), {});
    metrics.PlainRequestRefused();
  });
  EXPECT_THAT(Values("llmgw_grpc_calls_refused_total"),
              UnorderedElementsAre(Pair("DRAINING", 2), Pair("OVERLOADED", 1),
                                   Pair("NOT_GRPC", 1)));
}

TEST_F(RpcMetricsTest, ALineSaysWhoWasClosedAndHowManyElseWere) {
  Run([](RpcMetrics& metrics) {
    metrics.ConnectionOpened();
    metrics.SessionEnded(kPeer, absl::OkStatus());
    metrics.SessionEnded(kPeer, absl::UnavailableError("lost"));
    metrics.SessionEnded(kPeer, absl::AbortedError("a flood of pings"));
    for (int i = 0; i < 100; ++i) metrics.ConnectionRefused(kPeer);
  });
  const std::vector<std::string> lines = Lines();
  ASSERT_EQ(lines.size(), 1u);
  for (const char* part :
       {"\"level\":\"warn\"", "\"module\":\"grpc\"", "\"listener\":\"grpc\"",
        "\"peer\":\"192.0.2.1:1234\"", "\"reason\":\"flood\"",
        "a flood of pings", "\"unlogged\":0"}) {
    EXPECT_THAT(lines[0], HasSubstr(part));
  }
}

TEST_F(RpcMetricsTest, ALineSaysWhoseCallWasRefused) {
  Run([](RpcMetrics& metrics) {
    for (int i = 0; i < 100; ++i) {
      metrics.CallRefused(
          MakeFault(v1::ERROR_REASON_API_KEY_INVALID, "the key is not known"),
          {.method = "a.Service/Get", .peer = kPeer, .request_id = "r-1"});
    }
  });
  const std::vector<std::string> lines = Lines();
  ASSERT_EQ(lines.size(), 1u);
  for (const char* part :
       {"\"level\":\"info\"", "\"module\":\"grpc\"", "\"listener\":\"grpc\"",
        "\"peer\":\"192.0.2.1:1234\"", "\"reason\":\"API_KEY_INVALID\"",
        "\"method\":\"a.Service/Get\"", "\"request_id\":\"r-1\"",
        "the key is not known"}) {
    EXPECT_THAT(lines[0], HasSubstr(part));
  }
}

TEST_F(RpcMetricsTest, AKeyThatACallHasNamedIsNotLogged) {
  Run([](RpcMetrics&) {
    RpcMetrics metrics("grpc", nullptr, [](std::string_view text) {
      return absl::StrReplaceAll(absl::string_view(text.data(), text.size()),
                                 {{"caller-key-of-team-a", "[redacted]"}});
    });
    metrics.CallRefused(
        MakeFault(v1::ERROR_REASON_UNIMPLEMENTED,
                  "no such method: a.Service/caller-key-of-team-a"),
        {.method = "/a.Service/caller-key-of-team-a"});
  });
  const std::vector<std::string> lines = Lines();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_THAT(lines[0], HasSubstr("\"method\":\"/a.Service/[redacted]\""));
  EXPECT_THAT(lines[0], HasSubstr("UNIMPLEMENTED: no such method: "
                                  "a.Service/[redacted]\""));
}

TEST_F(RpcMetricsTest, WithoutARegistryNothingIsCounted) {
  Run([](RpcMetrics&) {
    RpcMetrics none("none", nullptr);
    none.ConnectionOpened();
    none.SessionEnded(kPeer, absl::OkStatus());
    none.CallRefused(absl::InternalError(""), {});
  });
  EXPECT_THAT(Values("llmgw_grpc_connections_accepted_total"),
              testing::IsEmpty());
}

}  // namespace
}  // namespace gateway
