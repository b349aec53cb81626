#include "service/observability/exemplars.h"

#include <atomic>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "base/os/thread.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(ExemplarsTest, EachBucketHasItsLatestCall) {
  Exemplars exemplars(2);
  EXPECT_FALSE(exemplars.Read(0).has_value());
  exemplars.Put(0, "first", 0.1, absl::FromUnixSeconds(1));
  exemplars.Put(0, "second", 0.2, absl::FromUnixSeconds(2));
  const std::optional<Exemplar> read = exemplars.Read(0);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->request_id, "second");
  EXPECT_EQ(read->value, 0.2);
  EXPECT_EQ(read->time, absl::FromUnixSeconds(2));
  EXPECT_FALSE(exemplars.Read(1).has_value());
}

TEST(ExemplarsTest, AnIdThatIsTooLongIsNone) {
  Exemplars exemplars(1);
  const std::string longest(Exemplars::kIdBytesMax, 'a');
  exemplars.Put(0, longest + "b", 0.1, absl::UnixEpoch());
  EXPECT_FALSE(exemplars.Read(0).has_value());
  exemplars.Put(0, longest, 0.1, absl::UnixEpoch());
  ASSERT_TRUE(exemplars.Read(0).has_value());
  EXPECT_EQ(exemplars.Read(0)->request_id, longest);
}

TEST(ExemplarsTest, WhoReadsSeesOneCallWhileOthersArePut) {
  Exemplars exemplars(1);
  std::atomic<bool> over = false;
  Thread putting("putting", [&exemplars, &over] {
    for (int i = 0; i < 100000; ++i) {
      exemplars.Put(0, std::to_string(i), i, absl::FromUnixSeconds(i));
    }
    over = true;
  });
  while (!over) {
    const std::optional<Exemplar> read = exemplars.Read(0);
    if (!read.has_value()) continue;
    const auto number = static_cast<int64_t>(read->value);
    ASSERT_EQ(read->request_id, std::to_string(number));
    ASSERT_EQ(read->time, absl::FromUnixSeconds(number));
  }
}

}  // namespace
}  // namespace gateway
