#include "providers/dialects/dialect.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

// Has nothing but a name, and no API.
class Silent final : public Dialect {
 public:
  std::string_view name() const override { return "silent"; }
  absl::Status WriteRequest(const v1::GenerateRequest&,
                            const WriteRequestOptions&, std::string*,
                            std::vector<v1::Warning>*) const override {
    return absl::OkStatus();
  }
  absl::Status ReadResponse(std::string_view,
                            v1::GenerateResponse*) const override {
    return absl::OkStatus();
  }
  std::unique_ptr<EventReader> NewEventReader() const override {
    return nullptr;
  }
  absl::Status ReadError(const HttpFailure&) const override {
    return absl::OkStatus();
  }
};

TEST(DialectTest, CountsNothingUnlessItSaysSo) {
  const Silent dialect;
  std::string body;
  v1::GenerateRequest request;
  EXPECT_TRUE(absl::IsUnimplemented(dialect.ReadCountRequest("{}", &request)));
  EXPECT_TRUE(
      absl::IsUnimplemented(dialect.WriteCountRequest(request, "m", &body)));
  EXPECT_TRUE(absl::IsUnimplemented(dialect.ReadCountResponse("{}").status()));
  EXPECT_TRUE(absl::IsUnimplemented(dialect.WriteCountResponse(1, &body)));
  EXPECT_EQ(body, "");
}

TEST(DialectTest, StreamsAreServerSentEventsUnlessItSaysSo) {
  EXPECT_EQ(Silent().framing(), Framing::kServerSentEvents);
}

TEST(DialectTest, ItsEditsNameTheModelUnlessItSaysSo) {
  const RequestScan scan;
  EditPlan plan;
  Silent().PlanEdits(scan, "m", &plan);
  ASSERT_EQ(plan.edits.size(), 1u);
  EXPECT_EQ(plan.edits[0].replacement, R"("model":"m")");
}

TEST(DialectTest, SpokenUpstreamOnlyItRefusesWhatCallersAsk) {
  const Silent dialect;
  v1::GenerateRequest request;
  bool flag = false;
  std::string body;
  EXPECT_TRUE(
      absl::IsUnimplemented(dialect.ReadRequest("{}", &request, &flag, &flag)));
  EXPECT_TRUE(absl::IsUnimplemented(dialect.WriteResponse({}, &body, nullptr)));
  EXPECT_TRUE(
      absl::IsUnimplemented(dialect.NewEventWriter({})->Write({}, &body)));
  RequestScan scan;
  EXPECT_TRUE(absl::IsUnimplemented(dialect.ScanRequest("{}", &scan)));
  ResponseFacts facts;
  EXPECT_TRUE(absl::IsUnimplemented(dialect.ScanResponse("{}", &facts)));
  const std::unique_ptr<StreamTap> tap = dialect.NewStreamTap();
  EXPECT_TRUE(absl::IsUnimplemented(tap->OnEvent("", "{}").status()));
  EXPECT_TRUE(absl::IsUnimplemented(tap->error()));
  EXPECT_FALSE(tap->finished());
  EXPECT_FALSE(tap->facts().has_usage);
  EXPECT_EQ(body, "");
  EXPECT_EQ(dialect.WriteError(absl::UnknownError("why"), "id").body, "why");
}

}  // namespace
}  // namespace gateway
