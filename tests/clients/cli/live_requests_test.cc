#include "clients/cli/live_requests.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class LiveRequestsTest : public testing::Test {
 protected:
  void Add(const std::string& text) {
    v1::RequestEvent event;
    ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &event))
        << text;
    requests_.Add(event);
  }

  std::string Text(size_t lines = 24) const {
    return requests_.Text(absl::FromUnixSeconds(1002), lines);
  }

  LiveRequests requests_;
};

TEST_F(LiveRequestsTest, ACallIsUnderWayUntilItEnds) {
  EXPECT_THAT(Text(), StartsWith("0 under way, 0 ended"));
  Add(R"(started { request_id: "r-1" start_time { seconds: 1000 }
                   caller: "ann" model: "fast"
                   route { provider: "a" model: "m" } })");
  EXPECT_THAT(Text(), HasSubstr("r-1  ann     fast   a/m     asked  2s"));
  Add(R"(first_token { request_id: "r-1"
                       route { provider: "b" model: "m" } })");
  Add(R"(progress { request_id: "r-1" caller: "ann" response_bytes: 512
                    route { provider: "b" model: "m" } })");
  EXPECT_THAT(Text(), HasSubstr("b/m     answers  2s"));
  EXPECT_THAT(Text(), HasSubstr("512 B"));
  Add(R"(ended { request_id: "r-1" caller: "ann" model: "fast"
                 route { provider: "b" model: "m" }
                 usage { input_tokens: 10 output_tokens: 20 cost_known: true
                         cost_usd_nanos: 50000 }
                 timings { total { seconds: 3 } } })");
  EXPECT_THAT(Text(), StartsWith("0 under way, 1 ended, 0 of them failed\n"));
  EXPECT_THAT(Text(), HasSubstr("b/m     ok     3s    10+20 t  $0.00005\n"));
  EXPECT_EQ(requests_.ended_count(), 1);
}

TEST_F(LiveRequestsTest, FailuresAndWhatWasLostAreCounted) {
  Add(R"(ended { request_id: "r-1" status_code: 14 } dropped_events: 7)");
  EXPECT_THAT(Text(),
              StartsWith("0 under way, 1 ended, 1 of them failed, 7 lost\n"));
}

TEST_F(LiveRequestsTest, TheLinesAreAsManyAsThereAre) {
  for (int i = 0; i < 150; ++i) {
    Add(absl::StrCat("ended { request_id: 'r-", i, "' }"));
  }
  EXPECT_THAT(Text(3), HasSubstr("r-149"));
  EXPECT_THAT(Text(3), Not(HasSubstr("r-148")));
  // More than a hundred are not kept.
  EXPECT_THAT(Text(1000), HasSubstr("r-50 "));
  EXPECT_THAT(Text(1000), Not(HasSubstr("r-49 ")));
}

}  // namespace
}  // namespace gateway
