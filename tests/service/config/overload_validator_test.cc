#include "service/config/overload_validator.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/config/problems_of.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(OverloadValidatorTest, WhatIsLimitedIsSaid) {
  EXPECT_THAT(
      ProblemsBesideAMock("overload: {concurrency: {calls_limit: 1}}\n"),
      IsEmpty());
  EXPECT_THAT(ProblemsBesideAMock("overload: {memory: {}}\n"), IsEmpty());
  EXPECT_THAT(ProblemsBesideAMock("overload: {}\n"), IsEmpty());
  EXPECT_THAT(ProblemsBesideAMock("overload: {concurrency: {}}\n"),
              ElementsAre("overload.concurrency.calls_limit: is required: how "
                          "many calls may run at once, 1 to 1000000"));
  // Nobody can tell it from none.
  EXPECT_THAT(
      ProblemsBesideAMock("overload: {concurrency: {calls_limit: 0}}\n"),
      ElementsAre(HasSubstr("calls_limit: is required: how many calls may run "
                            "at once, 1 to 1000000")));
}

TEST(OverloadValidatorTest, NumbersHaveTheirRanges) {
  EXPECT_THAT(
      ProblemsBesideAMock("overload:\n"
                          "  concurrency: {calls_limit: -1, wait_timeout: 2h}\n"
                          "  memory: {size_bytes_limit: 1, soft_percent: 0}\n"),
      ElementsAre("overload.concurrency.calls_limit: must be 1 to 1000000",
                  "overload.concurrency.wait_timeout: must be 0s to 1h",
                  "overload.memory.size_bytes_limit: must be 64MiB to 16384GiB",
                  "overload.memory.soft_percent: must be 1 to 100"));
}

TEST(OverloadValidatorTest, ControlGroupsAreAtAnAbsolutePath) {
  EXPECT_THAT(ProblemsBesideAMock("overload: {memory: {cgroup_root: /a}}\n"),
              IsEmpty());
  for (const std::string root : {"cgroup", "./cgroup", "\"/a\\nb\""}) {
    EXPECT_THAT(ProblemsBesideAMock(absl::StrCat(
                    "overload: {memory: {cgroup_root: ", root, "}}\n")),
                ElementsAre(HasSubstr("overload.memory.cgroup_root: must be "
                                      "an absolute path")))
        << root;
  }
}

TEST(OverloadValidatorTest, AContextServiceHasAUrl) {
  EXPECT_THAT(ProblemsBesideAMock("cms: {url: 'http://cms:8086'}\n"),
              IsEmpty());
  EXPECT_THAT(ProblemsBesideAMock("cms: {enabled: true}\n"),
              ElementsAre(HasSubstr("cms.url: is required")));
  EXPECT_THAT(ProblemsBesideAMock("cms: {url: 'ftp://cms'}\n"),
              ElementsAre(HasSubstr("cms.url: ")));
}

TEST(OverloadValidatorTest, ThoseWhoAreToldTheTierAreConfigured) {
  EXPECT_THAT(ProblemsBesideAMock(
                  "cms: {url: 'http://cms:8086', aware_providers: [mok]}\n"),
              ElementsAre(HasSubstr(
                  "cms.aware_providers[0]: is no configured provider")));
}

TEST(OverloadValidatorTest, WhatIsKeptIsToLeaveHalfOfTheMemory) {
  EXPECT_THAT(
      WarningsBesideAMock("overload: {memory: {size_bytes_limit: 243MiB}}\n"
                          "cache: {}\nidempotency: {}\nsessions: {}\n"
                          "resumable_streams: {size_bytes_limit: 512KiB}\n"),
      testing::Contains(
          "overload.memory.size_bytes_limit: is 243 MiB, and what is kept in "
          "memory may take 256 MiB, which is more than half of it, and leaves "
          "little for calls: cache.size_bytes_limit 64 MiB, "
          "idempotency.size_bytes_limit 64 MiB, "
          "response_store.size_bytes_limit 64 MiB, "
          "sessions.size_bytes_limit 64 MiB, "
          "resumable_streams.size_bytes_limit 524288 bytes; lower those, or "
          "raise this"));
  for (const std::string enough :
       {"overload: {memory: {size_bytes_limit: 256MiB}}\ncache: {}\n",
        "overload: {memory: {size_bytes_limit: 128MiB}}\ncache: {}\n"
        "response_store: {entries_limit: 0}\n",
        "overload: {memory: {}}\ncache: {size_bytes_limit: 64GiB}\n"}) {
    EXPECT_THAT(WarningsBesideAMock(enough), IsEmpty()) << enough;
  }
}

}  // namespace
}  // namespace gateway
