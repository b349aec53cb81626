#include "clients/cli/prices_request.h"

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "clients/cli/answer_text.h"
#include "llmgateway/v1/admin.grpc.pb.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

using Admin = v1::AdminService::Stub;

constexpr int kPricePageSize = 1000;
constexpr std::string_view kKindFlag = "--kind";
constexpr std::string_view kFromFlag = "--from";
constexpr std::string_view kModelFlag = "--model";
constexpr std::string_view kSourceFlag = "--source";
constexpr std::string_view kStepFlag = "--step";

constexpr std::string_view kListPriceFlags[] = {kKindFlag, kModelFlag,
                                                kSourceFlag};
constexpr std::string_view kSetPriceFlags[] = {kKindFlag,
                                               kFromFlag,
                                               kStepFlag,
                                               "--input_usd",
                                               "--output_usd",
                                               "--cached_input_usd",
                                               "--cache_write_usd",
                                               "--cache_write_1h_usd",
                                               "--reasoning_usd",
                                               "--audio_input_usd",
                                               "--audio_output_usd",
                                               "--image_input_usd",
                                               "--image_output_usd"};
constexpr std::string_view kRemovePriceFlags[] = {kKindFlag, kFromFlag};
constexpr OperatorVerb kPricesVerbs[] = {{"list", kListPriceFlags},
                                         {"set", kSetPriceFlags},
                                         {"remove", kRemovePriceFlags}};

// The fields of a step that are prices.
struct StepPrice {
  std::string_view name;
  void (*set)(const std::string& text, v1::PriceStep* step);
  const std::string& (v1::PriceStep::*get)() const;
  const char* column;
};
constexpr StepPrice kStepPrices[] = {
    {"input", [](const std::string& t, v1::PriceStep* s) { s->set_input(t); },
     &v1::PriceStep::input, "INPUT"},
    {"output", [](const std::string& t, v1::PriceStep* s) { s->set_output(t); },
     &v1::PriceStep::output, "OUTPUT"},
    {"cached_input",
     [](const std::string& t, v1::PriceStep* s) { s->set_cached_input(t); },
     &v1::PriceStep::cached_input, "CACHED"},
    {"cache_write",
     [](const std::string& t, v1::PriceStep* s) { s->set_cache_write(t); },
     &v1::PriceStep::cache_write, "WRITE"},
    {"cache_write_1h",
     [](const std::string& t, v1::PriceStep* s) { s->set_cache_write_1h(t); },
     &v1::PriceStep::cache_write_1h, "WRITE 1H"},
    {"reasoning",
     [](const std::string& t, v1::PriceStep* s) { s->set_reasoning(t); },
     &v1::PriceStep::reasoning, "REASONING"},
    {"audio_input",
     [](const std::string& t, v1::PriceStep* s) { s->set_audio_input(t); },
     &v1::PriceStep::audio_input, "AUDIO IN"},
    {"audio_output",
     [](const std::string& t, v1::PriceStep* s) { s->set_audio_output(t); },
     &v1::PriceStep::audio_output, "AUDIO OUT"},
    {"image_input",
     [](const std::string& t, v1::PriceStep* s) { s->set_image_input(t); },
     &v1::PriceStep::image_input, "IMAGE IN"},
    {"image_output",
     [](const std::string& t, v1::PriceStep* s) { s->set_image_output(t); },
     &v1::PriceStep::image_output, "IMAGE OUT"}};

bool SetStepPrice(std::string_view name, const std::string& text,
                  v1::PriceStep* step) {
  for (const StepPrice& each : kStepPrices) {
    if (each.name != name) continue;
    each.set(text, step);
    return true;
  }
  return false;
}

// Reads `tier=batch,above=200000,input=3,output=15`.
absl::Status ReadStep(const std::string& text, v1::PriceStep* step) {
  const auto mistake = [&text](absl::string_view what) {
    return FlagMistake(
        kStepFlag,
        absl::StrCat("must be as tier=batch,above=200000,input=3,output=15, "
                     "not '",
                     text, "': ", what));
  };
  for (const absl::string_view part : absl::StrSplit(text, ',')) {
    const std::vector<std::string> sides =
        absl::StrSplit(part, absl::MaxSplits('=', 1));
    if (sides.size() != 2) return mistake(absl::StrCat("'", part, "'"));
    int64_t above = 0;
    if (sides[0] == "tier") {
      step->set_service_tier(sides[1]);
    } else if (sides[0] == "above") {
      if (!absl::SimpleAtoi(sides[1], &above)) {
        return mistake("above is a number of tokens");
      }
      step->set_above_input_tokens(above);
    } else if (!SetStepPrice(sides[0], sides[1], step)) {
      return mistake(absl::StrCat("'", sides[0], "' is no price"));
    }
  }
  return absl::OkStatus();
}

absl::Status SetFrom(const std::string& text, v1::ModelPrice* price) {
  absl::Time time;
  std::string why;
  if (!absl::ParseTime(absl::RFC3339_full, text, &time, &why)) {
    return FlagMistake(
        kFromFlag, absl::StrCat("must be a time such as 2027-01-31T00:00:00Z, "
                                "not '",
                                text, "'"));
  }
  const int64_t seconds = absl::ToUnixSeconds(time);
  price->mutable_effective_time()->set_seconds(seconds);
  price->mutable_effective_time()->set_nanos(static_cast<int32_t>(
      absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
  return absl::OkStatus();
}

std::string Or(const std::string& text, const char* otherwise) {
  return text.empty() ? otherwise : text;
}

absl::StatusOr<std::string> AskPriceList(const RpcPlace& place,
                                    const OperatorWords& words) {
  GATEWAY_ASSIGN_OR_RETURN(const v1::ListPricingRequest request,
                           ListPricingRequestOf(words));
  GATEWAY_ASSIGN_OR_RETURN(const AdminConnection admin,
                           AdminConnection::Open(place));
  GATEWAY_ASSIGN_OR_RETURN(const v1::ListPricingResponse prices,
                           ListAllPrices(admin, request));
  return words.as_json ? AsJson(prices) : PriceTableText(prices);
}

absl::StatusOr<std::string> AskSet(const RpcPlace& place,
                                   const OperatorWords& words) {
  GATEWAY_ASSIGN_OR_RETURN(const v1::SetPricingRequest request,
                           SetPricingRequestOf(words));
  GATEWAY_ASSIGN_OR_RETURN(const AdminConnection admin,
                           AdminConnection::Open(place));
  GATEWAY_ASSIGN_OR_RETURN(const v1::SetPricingResponse response,
                           admin.Call(&Admin::SetPricing, request));
  if (words.as_json) return AsJson(response);
  if (!response.has_price()) return std::string("no price is known now\n");
  v1::ListPricingResponse in_force;
  *in_force.add_prices() = response.price();
  return absl::StrCat("in force now:\n", PriceTableText(in_force));
}

}  // namespace

const OperatorCommand kPricesCommand = {"prices", kPricesVerbs};

absl::StatusOr<std::string> AskPrices(const RpcPlace& place,
                                      const OperatorWords& words) {
  GATEWAY_RETURN_IF_ERROR(CheckWords(kPricesCommand, words));
  return words.words[0] == "list" ? AskPriceList(place, words)
                                  : AskSet(place, words);
}

absl::StatusOr<v1::ListPricingRequest> ListPricingRequestOf(
    const OperatorWords& words) {
  if (words.words.size() != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("prices list takes no '", words.words[1],
                     "'; name a model by --model"));
  }
  v1::ListPricingRequest request;
  request.set_kind(LastOf(words, kKindFlag));
  request.set_model(LastOf(words, kModelFlag));
  const std::string source = LastOf(words, kSourceFlag);
  if (source == "shipped") {
    request.set_source(v1::ModelPrice::SOURCE_SHIPPED);
  } else if (source == "config") {
    request.set_source(v1::ModelPrice::SOURCE_CONFIG);
  } else if (source == "operator") {
    request.set_source(v1::ModelPrice::SOURCE_OPERATOR);
  } else if (!source.empty()) {
    return FlagMistake(kSourceFlag,
                       absl::StrCat("must be shipped, config or operator, not "
                                    "'",
                                    source, "'"));
  }
  return request;
}

absl::StatusOr<v1::SetPricingRequest> SetPricingRequestOf(
    const OperatorWords& words) {
  if (words.words.size() != 2) {
    return absl::InvalidArgumentError(
        absl::StrCat("prices ", words.words[0],
                     " needs the name of one model, or a beginning and *"));
  }
  v1::SetPricingRequest request;
  v1::ModelPrice& price = *request.mutable_price();
  price.set_model(words.words[1]);
  request.set_remove(words.words[0] == "remove");
  v1::PriceStep own;
  std::vector<v1::PriceStep> steps;
  for (const auto& [flag, value] : words.flags) {
    if (flag == kKindFlag) {
      price.set_kind(value);
    } else if (flag == kFromFlag) {
      GATEWAY_RETURN_IF_ERROR(SetFrom(value, &price));
    } else if (flag == kStepFlag) {
      GATEWAY_RETURN_IF_ERROR(ReadStep(value, &steps.emplace_back()));
    } else {
      // Without the dashes and `_usd`.
      SetStepPrice(std::string_view(flag).substr(2, flag.size() - 6), value,
                   &own);
    }
  }
  if (request.remove()) return request;
  *price.add_steps() = std::move(own);
  for (v1::PriceStep& step : steps) *price.add_steps() = std::move(step);
  return request;
}

absl::StatusOr<v1::ListPricingResponse> ListAllPrices(
    const AdminConnection& admin, v1::ListPricingRequest request) {
  request.set_page_size(kPricePageSize);
  v1::ListPricingResponse all;
  const auto add = [&all](v1::ListPricingResponse& page) {
    page.clear_next_page_token();
    all.MergeFrom(page);
  };
  GATEWAY_RETURN_IF_ERROR(
      (admin.CallPages<v1::ListPricingRequest, v1::ListPricingResponse>(
          &Admin::ListPricing, std::move(request), add)));
  return all;
}

std::string PriceTableText(const v1::ListPricingResponse& response) {
  Row head = {"KIND", "MODEL", "TIER", "ABOVE"};
  for (const StepPrice& each : kStepPrices) head.emplace_back(each.column);
  head.emplace_back("FROM");
  head.emplace_back("SOURCE");
  std::vector<Row> rows = {std::move(head)};
  for (const v1::ModelPrice& price : response.prices()) {
    for (const v1::PriceStep& step : price.steps()) {
      Row row = {Or(price.kind(), "any"), price.model(),
                 Or(step.service_tier(), "standard"),
                 absl::StrCat(step.above_input_tokens())};
      for (const StepPrice& each : kStepPrices) {
        row.push_back(Or((step.*each.get)(), "-"));
      }
      row.push_back(price.has_effective_time()
                        ? TimeText(price.effective_time())
                        : "always");
      row.push_back(
          ValueText(v1::ModelPrice::Source_Name(price.source()), "SOURCE_"));
      rows.push_back(std::move(row));
    }
  }
  return Table(rows);
}

}  // namespace gateway
