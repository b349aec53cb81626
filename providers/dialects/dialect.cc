#include "providers/dialects/dialect.h"

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "providers/dialects/error_reason.h"
#include "providers/dialects/request_scan.h"

namespace gateway {
namespace {

absl::Status CannotCount(const Dialect& dialect) {
  return MakeFault(v1::ERROR_REASON_UNIMPLEMENTED,
                   absl::StrCat(ToAbsl(dialect.name()),
                                " has no operation that counts tokens"));
}

absl::Status HasNoApi(std::string_view dialect) {
  return MakeFault(v1::ERROR_REASON_UNIMPLEMENTED,
                   absl::StrCat(ToAbsl(dialect), " is spoken upstream only"));
}

class NoEventWriter final : public EventWriter {
 public:
  explicit NoEventWriter(std::string_view dialect) : dialect_(dialect) {}

  absl::Status Write(const v1::GenerateEvent&, std::string*) override {
    return HasNoApi(dialect_);
  }

 private:
  const std::string_view dialect_;
};

class NoStreamTap final : public StreamTap {
 public:
  explicit NoStreamTap(std::string_view dialect) : dialect_(dialect) {}

  absl::StatusOr<EventKind> OnEvent(std::string_view,
                                    std::string_view) override {
    return HasNoApi(dialect_);
  }
  const ResponseFacts& facts() const override { return facts_; }
  absl::Status error() const override { return HasNoApi(dialect_); }
  bool finished() const override { return false; }

 private:
  const std::string_view dialect_;
  const ResponseFacts facts_;
};

}  // namespace

absl::Status EventWriter::FailureOf(const v1::StreamEnd& end) const {
  if (!failure_.ok()) return failure_;
  const bool is_named = end.error().reason() != v1::ERROR_REASON_UNSPECIFIED;
  return MakeFault(is_named ? end.error().reason()
                            : v1::ERROR_REASON_STREAM_INTERRUPTED,
                   end.error().message());
}

absl::Status Dialect::ReadRequest(std::string_view, v1::GenerateRequest*, bool*,
                                  bool*) const {
  return HasNoApi(name());
}

absl::Status Dialect::WriteResponse(const v1::GenerateResponse&, std::string*,
                                    std::vector<v1::Warning>*) const {
  return HasNoApi(name());
}

std::unique_ptr<EventWriter> Dialect::NewEventWriter(
    const EventWriter::Options&) const {
  return std::make_unique<NoEventWriter>(name());
}

absl::Status Dialect::ReadCountRequest(std::string_view,
                                       v1::GenerateRequest*) const {
  return CannotCount(*this);
}

absl::Status Dialect::WriteCountRequest(const v1::GenerateRequest&,
                                        std::string_view, std::string*) const {
  return CannotCount(*this);
}

absl::StatusOr<int64_t> Dialect::ReadCountResponse(std::string_view) const {
  return CannotCount(*this);
}

absl::Status Dialect::WriteCountResponse(int64_t, std::string*) const {
  return CannotCount(*this);
}

absl::Status Dialect::ScanRequest(std::string_view, RequestScan*) const {
  return HasNoApi(name());
}

void Dialect::PlanEdits(const RequestScan& scan, std::string_view model,
                        EditPlan* plan) const {
  wire::PlanEdits(scan, model, plan);
}

absl::Status Dialect::ScanResponse(std::string_view, ResponseFacts*) const {
  return HasNoApi(name());
}

std::unique_ptr<StreamTap> Dialect::NewStreamTap() const {
  return std::make_unique<NoStreamTap>(name());
}

absl::Status Dialect::ReadError(const HttpFailure& failure) const {
  return ReadHttpFailure(failure, failure.now);
}

WireError Dialect::WriteError(const absl::Status& status,
                              std::string_view) const {
  return {.body = std::string(status.message())};
}

}  // namespace gateway
