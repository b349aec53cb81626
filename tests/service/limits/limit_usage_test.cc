#include "service/limits/limit_usage.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/limits/call_counters.h"
#include "service/limits/limit_rule.h"
#include "service/limits/limit_subject.h"
#include "tests/service/limits/limit_config.h"
#include "tests/service/limits/test_times.h"

namespace gateway {
namespace {

namespace config = ::llmgateway::config::v1;

using ::testing::ElementsAre;

bool Any(const LimitRule&, const std::string&) { return true; }

class LimitUsageTest : public testing::Test {
 protected:
  const LimitRule rpm_{Limit(R"(name: "rpm" unit: LIMIT_UNIT_REQUESTS limit: 60
                                per: LIMIT_DIMENSION_CALLER)"),
                       kTestSecret};
  const LimitRule calls_{
      Limit(R"(name: "calls" unit: LIMIT_UNIT_CONCURRENT_CALLS limit: 4
               per: LIMIT_DIMENSION_CALLER)"),
      kTestSecret};
  const std::vector<const LimitRule*> rules_ = {&rpm_, &calls_};

  static LimitSubject Caller(std::string_view name) {
    LimitSubject subject(kTestSecret);
    subject.Set(config::LIMIT_DIMENSION_CALLER, name);
    return subject;
  }
  void Take(std::string_view caller, int64_t units) {
    LimitSubject subject = Caller(caller);
    rpm_.counters().rates->Take(rpm_.gcra(), rpm_.KeyOf(subject), kNowNanos,
                                units,
                                [&] { return rpm_.SubjectText(subject); });
  }
  CallPlace Enter(std::string_view caller) {
    LimitSubject subject = Caller(caller);
    return calls_.counters().calls->Enter(
        calls_.KeyOf(subject), calls_.limit(),
        [&] { return calls_.SubjectText(subject); });
  }
  // As `rule/subject=remaining`.
  std::vector<std::string> Fullest(size_t count, CounterFilter wanted = Any) {
    std::vector<std::string> told;
    for (const LimitUsage& usage :
         FullestCounters(rules_, kNowNanos, count, wanted)) {
      told.push_back(usage.rule->name() + "/" + usage.subject + "=" +
                     std::to_string(usage.Remaining(kNowNanos)));
    }
    return told;
  }
};

TEST_F(LimitUsageTest, TheFullestComeFirstWhateverTheyCount) {
  EXPECT_THAT(Fullest(10), ElementsAre());
  Take("little", 6);
  Take("much", 54);
  const CallPlace first = Enter("half");
  const CallPlace second = Enter("half");
  EXPECT_THAT(Fullest(10),
              ElementsAre("rpm/much=6", "calls/half=2", "rpm/little=54"));
}

TEST_F(LimitUsageTest, NoMoreThanAreAskedForAndThoseTheFullest) {
  for (const int64_t units : {30, 10, 50, 20, 40}) {
    Take(std::to_string(units), units);
  }
  EXPECT_THAT(Fullest(2), ElementsAre("rpm/50=10", "rpm/40=20"));
  EXPECT_THAT(Fullest(0), ElementsAre());
}

TEST_F(LimitUsageTest, EquallyFullOnesHaveAnOrder) {
  for (const char* name : {"c", "a", "d", "b"}) Take(name, 6);
  EXPECT_THAT(Fullest(3), ElementsAre("rpm/a=54", "rpm/b=54", "rpm/c=54"));
}

TEST_F(LimitUsageTest, OnlyThoseThatAreWanted) {
  Take("a", 6);
  Take("b", 6);
  EXPECT_THAT(
      Fullest(10, [](const LimitRule&,
                     const std::string& subject) { return subject == "b"; }),
      ElementsAre("rpm/b=54"));
}

TEST_F(LimitUsageTest, AResetGivesBackWhatIsWantedAndLeavesCallsAtOnce) {
  Take("a", 60);
  Take("b", 60);
  const CallPlace place = Enter("a");
  EXPECT_EQ(ResetCounters(rules_, kNowNanos,
                          [](const LimitRule&, const std::string& subject) {
                            return subject == "a";
                          }),
            1);
  EXPECT_THAT(Fullest(10), ElementsAre("rpm/b=0", "calls/a=3"));
  Take("a", 60);
  EXPECT_EQ(ResetCounters(rules_, kNowNanos, Any), 2);
  EXPECT_THAT(Fullest(10), ElementsAre("calls/a=3"));
}

TEST_F(LimitUsageTest, TheMemoryIsThatOfAllCounters) {
  const size_t before = CountersBytes(rules_);
  Take("a", 1);
  const CallPlace place = Enter("a");
  EXPECT_GT(CountersBytes({&rpm_}), 0u);
  EXPECT_GT(CountersBytes(rules_), before);
  EXPECT_EQ(CountersBytes(rules_),
            CountersBytes({&rpm_}) + CountersBytes({&calls_}));
}

}  // namespace
}  // namespace gateway
