#include "service/api/price_view.h"

#include <cassert>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "google/protobuf/util/json_util.h"
#include "service/config/prices_validator.h"
#include "service/money/price_message.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

// Collects what is wrong with a price.
class PriceProblems {
 public:
  void Add(std::string_view field, std::string_view problem) {
    const std::string path = absl::StrCat("price.", ToAbsl(field));
    if (fault_.ok()) {
      fault_ = InvalidField(path, problem);
    } else {
      AddFieldViolation(fault_, path, problem);
    }
  }
  const absl::Status& fault() const { return fault_; }

 private:
  absl::Status fault_;
};

// Reads one by `read`, and checks the model's name.
absl::StatusOr<PriceEntry> ReadChecked(
    const v1::ModelPrice& from,
    PriceEntry (*read)(const v1::ModelPrice& from, PriceReport report)) {
  PriceProblems problems;
  const auto report = [&](std::string_view field, std::string_view problem) {
    problems.Add(field, problem);
  };
  if (!NamesPricedModels(from.model())) report("model", kPricedModelForm);
  PriceEntry entry = read(from, report);
  GATEWAY_RETURN_IF_ERROR(problems.fault());
  return entry;
}

std::string ToJson(const google::protobuf::Message& message, bool spaced) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = spaced;
  options.preserve_proto_field_names = true;
  std::string text;
  // Fails for no message without an Any.
  const auto status =
      google::protobuf::util::MessageToJsonString(message, &text, options);
  assert(status.ok());
  return text;
}

absl::Status FromJson(std::string_view text,
                      google::protobuf::Message* message) {
  const auto status =
      google::protobuf::util::JsonStringToMessage(std::string(text), message);
  if (status.ok()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("is no price: ", std::string(status.message())));
}

}  // namespace

void FillPrice(const PriceEntry& entry, v1::ModelPrice::Source source,
               v1::ModelPrice* to) {
  FillPriceMessage(entry, to);
  to->set_source(source);
}

absl::StatusOr<PriceEntry> ReadPrice(const v1::ModelPrice& from) {
  return ReadChecked(from, &ReadPriceMessage);
}

absl::StatusOr<PriceEntry> ReadNamedPrice(const v1::ModelPrice& from) {
  return ReadChecked(from, &ReadPriceName);
}

std::string NameOfPrice(const PriceEntry& entry) {
  const std::string time =
      entry.effective_time == absl::InfinitePast()
          ? "always"
          : absl::FormatTime("%Y-%m-%dT%H:%M:%E*SZ", entry.effective_time,
                             absl::UTCTimeZone());
  return absl::StrCat(entry.vendor, "/", time, "/", entry.model);
}

std::string WritePriceItem(const PriceEntry& entry) {
  v1::ModelPrice price;
  FillPriceMessage(entry, &price);
  return ToJson(price, /*spaced=*/false);
}

absl::StatusOr<PriceEntry> ReadPriceItem(std::string_view text) {
  v1::ModelPrice price;
  GATEWAY_RETURN_IF_ERROR(FromJson(text, &price));
  return ReadPrice(price);
}

std::string WritePrices(const PriceList* prices) {
  v1::ListPricingResponse document;
  if (prices != nullptr) {
    for (const PriceEntry& entry : prices->entries()) {
      FillPrice(entry, v1::ModelPrice::SOURCE_OPERATOR, document.add_prices());
    }
  }
  return ToJson(document, /*spaced=*/true);
}

absl::StatusOr<PriceList> ReadPrices(std::string_view text) {
  v1::ListPricingResponse document;
  GATEWAY_RETURN_IF_ERROR(FromJson(text, &document));
  std::vector<PriceEntry> entries;
  for (const v1::ModelPrice& price : document.prices()) {
    GATEWAY_ASSIGN_OR_RETURN(PriceEntry entry, ReadPrice(price));
    entries.push_back(std::move(entry));
  }
  return PriceList::Make(std::move(entries));
}

void RestorePrices(StateStore& state, const RuntimeSnapshot& runtime) {
  state.Restore(kPriceDocument,
                "Prices that operators have set are not in force, and those of "
                "the configuration and the shipped ones hold",
                [&runtime](std::string_view text) {
                  absl::StatusOr<PriceList> kept = ReadPrices(text);
                  if (!kept.ok()) return kept.status();
                  runtime.operator_prices().Replace(*std::move(kept));
                  return absl::OkStatus();
                });
}

}  // namespace gateway
