#include "providers/dialects/dialect.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

// Has nothing but a name.
class Silent final : public Dialect {
 public:
  std::string_view name() const override { return "silent"; }
  absl::Status ReadRequest(std::string_view, v1::GenerateRequest*, bool*,
                           bool*) const override {
    return absl::OkStatus();
  }
  absl::Status WriteRequest(const v1::GenerateRequest&,
                            const WriteRequestOptions&, std::string*,
                            std::vector<v1::Warning>*) const override {
    return absl::OkStatus();
  }
  absl::Status ReadResponse(std::string_view,
                            v1::GenerateResponse*) const override {
    return absl::OkStatus();
  }
  absl::Status WriteResponse(const v1::GenerateResponse&,
                             std::string*) const override {
    return absl::OkStatus();
  }
  std::unique_ptr<EventReader> NewEventReader() const override {
    return nullptr;
  }
  std::unique_ptr<EventWriter> NewEventWriter(
      const EventWriter::Options&) const override {
    return nullptr;
  }
  absl::Status ScanRequest(std::string_view, RequestScan*) const override {
    return absl::OkStatus();
  }
  void PlanEdits(const RequestScan&, std::string_view,
                 EditPlan*) const override {}
  absl::Status ScanResponse(std::string_view, ResponseFacts*) const override {
    return absl::OkStatus();
  }
  std::unique_ptr<StreamTap> NewStreamTap() const override { return nullptr; }
  absl::Status ReadError(const HttpFailure&) const override {
    return absl::OkStatus();
  }
  WireError WriteError(const absl::Status&, std::string_view) const override {
    return {};
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

}  // namespace
}  // namespace gateway
