#include "clients/cli/ledger_reprice.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/os/file.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "base/text/json_writer.h"
#include "clients/cli/answer_text.h"
#include "clients/cli/ledger_file.h"
#include "google/protobuf/util/json_util.h"
#include "service/money/money.h"
#include "service/money/price_lines.h"
#include "service/money/price_message.h"
#include "service/money/price_table.h"
#include "service/money/repricing.h"
#include "service/money/shipped_prices.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

// So many entries that differ are told; of more their number.
constexpr size_t kDifferencesTold = 20;
constexpr size_t kPriceFileBytesLimit = size_t{64} * 1024 * 1024;

// An EXCHANGE, as far as it matters here.
struct Exchange {
  std::string id;
  std::string event_type;
  bool has_cost = false;  // It is one that says what it consumed.
  // When the call began, whose prices hold; in the infinite past if it does not
  // say so: then those of the entry's time do.
  absl::Time started = absl::InfinitePast();
  RecordedCost cost;
};

// The counts of tokens, by their names in an entry.
constexpr struct {
  std::string_view name;
  void (v1::Usage::*set)(int64_t);
} kCounts[] = {{"input_tokens", &v1::Usage::set_input_tokens},
               {"output_tokens", &v1::Usage::set_output_tokens},
               {"cached_input_tokens", &v1::Usage::set_cached_input_tokens},
               {"cache_write_tokens", &v1::Usage::set_cache_write_tokens},
               {"cache_write_1h_tokens", &v1::Usage::set_cache_write_1h_tokens},
               {"reasoning_tokens", &v1::Usage::set_reasoning_tokens},
               {"audio_input_tokens", &v1::Usage::set_audio_input_tokens},
               {"audio_output_tokens", &v1::Usage::set_audio_output_tokens},
               {"image_input_tokens", &v1::Usage::set_image_input_tokens},
               {"image_output_tokens", &v1::Usage::set_image_output_tokens}};

absl::Status ReadText(JsonValue& value, std::string* to) {
  if (value.IsNull()) return absl::OkStatus();
  GATEWAY_ASSIGN_OR_RETURN(*to, value.String());
  return absl::OkStatus();
}

absl::Status ReadTime(JsonValue& value, absl::Time* to) {
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view text, value.String());
  std::string why;
  if (!absl::ParseTime(absl::RFC3339_full, ToAbsl(text), to, &why)) {
    return value.Error(absl::StrCat("is no time: ", why));
  }
  return absl::OkStatus();
}

absl::Status ReadCounts(JsonValue& value, v1::Usage* usage) {
  return value.EachField(
      [&](std::string_view key, JsonValue& count) -> absl::Status {
        for (const auto& [name, set] : kCounts) {
          if (name != key) continue;
          GATEWAY_ASSIGN_OR_RETURN(const int64_t tokens, count.Int64());
          (usage->*set)(tokens);
        }
        return absl::OkStatus();
      });
}

// What the gateway has added to the members that earlier systems know.
absl::Status ReadGatewayMember(JsonValue& value, Exchange* exchange) {
  RecordedCost& cost = exchange->cost;
  return value.EachField(
      [&](std::string_view key, JsonValue& field) -> absl::Status {
        if (key == "cost_known") {
          GATEWAY_ASSIGN_OR_RETURN(const bool known, field.Bool());
          cost.usage.set_cost_known(known);
        } else if (key == "cost_usd_nanos") {
          GATEWAY_ASSIGN_OR_RETURN(const int64_t nanos, field.Int64());
          cost.usage.set_cost_usd_nanos(nanos);
        } else if (key == "estimated") {
          GATEWAY_ASSIGN_OR_RETURN(const bool estimated, field.Bool());
          cost.usage.set_estimated(estimated);
        } else if (key == "priced_as") {
          return ReadText(field, &cost.vendor);
        } else if (key == "service_tier") {
          return ReadText(field, &cost.service_tier);
        } else if (key == "start_time") {
          return ReadTime(field, &exchange->started);
        } else if (key == "usage" && field.IsObject()) {
          exchange->has_cost = true;
          return ReadCounts(field, &cost.usage);
        }
        return absl::OkStatus();
      });
}

absl::StatusOr<Exchange> ReadExchange(std::string_view entry) {
  Exchange exchange;
  const auto read_metadata = [&](std::string_view key,
                                 JsonValue& value) -> absl::Status {
    if (key == "model_id") return ReadText(value, &exchange.cost.model);
    if (key == "gateway" && value.IsObject()) {
      return ReadGatewayMember(value, &exchange);
    }
    return absl::OkStatus();
  };
  GATEWAY_RETURN_IF_ERROR(ReadJson(entry, [&](JsonValue& root) {
    return root.EachField(
        [&](std::string_view key, JsonValue& value) -> absl::Status {
          if (key == "id") return ReadText(value, &exchange.id);
          if (key == "event_type") {
            return ReadText(value, &exchange.event_type);
          }
          if (key == "timestamp") return ReadTime(value, &exchange.cost.time);
          if (key == "metadata" && value.IsObject()) {
            return value.EachField(read_metadata);
          }
          return absl::OkStatus();
        });
  }));
  if (exchange.started != absl::InfinitePast()) {
    exchange.cost.time = exchange.started;
  }
  return exchange;
}

// Shows all entries, in their order.
using EntryVisit = absl::FunctionRef<void(std::string_view entry)>;
using EntriesVisit = absl::FunctionRef<absl::Status(EntryVisit visit)>;

struct Difference {
  std::string file;  // Or the gateway's address.
  Exchange exchange;
  Repricing::Result result;
};

// Goes through the entries.
class LedgerRepricing {
 public:
  LedgerRepricing(const PriceTable& prices, const PriceList* said)
      : repricing_(prices, said) {}

  // Reads what `visit_all` shows of a file, or of a gateway.
  absl::Status Read(const std::string& file, EntriesVisit visit_all) {
    absl::Status read;
    int64_t number = 0;
    GATEWAY_RETURN_IF_ERROR(visit_all([&](std::string_view entry) {
      ++number;
      const absl::Status added = Add(file, entry);
      if (added.ok() || !read.ok()) return;
      read = absl::InvalidArgumentError(
          absl::StrCat(file, ", entry ", number, ": ", added.message()));
    }));
    return read;
  }

  const Repricing& repricing() const { return repricing_; }
  const std::vector<Difference>& differences() const { return differences_; }
  int64_t passed_over() const { return passed_over_; }
  bool agrees() const { return repricing_.total().different_calls == 0; }

 private:
  absl::Status Add(const std::string& file, std::string_view entry) {
    GATEWAY_ASSIGN_OR_RETURN(Exchange exchange, ReadExchange(entry));
    if (exchange.event_type != "EXCHANGE") return absl::OkStatus();
    if (!exchange.has_cost) {
      ++passed_over_;
      return absl::OkStatus();
    }
    const Repricing::Result result = repricing_.Add(exchange.cost);
    if (result.differs() && differences_.size() < kDifferencesTold) {
      differences_.push_back({file, std::move(exchange), result});
    }
    return absl::OkStatus();
  }

  Repricing repricing_;
  std::vector<Difference> differences_;
  int64_t passed_over_ = 0;  // That do not say what they consumed.
};

std::string CostOf(bool known, Money cost) {
  return known ? cost.Text() : "not known";
}

// A difference, which Money::Text cannot write where it is negative.
std::string ChangeText(Money from, Money to) {
  return to < from ? absl::StrCat("-", (from - to).Text())
                   : absl::StrCat("+", (to - from).Text());
}

std::string RepriceText(const LedgerRepricing& ledger) {
  std::string text;
  for (const Difference& each : ledger.differences()) {
    absl::StrAppend(
        &text, "DIFFERS  ", each.file, ", ", each.exchange.id, ", ",
        each.exchange.cost.vendor, "/", each.exchange.cost.model, ": recorded ",
        CostOf(each.result.was_known, each.result.recorded), ", by its tokens ",
        CostOf(each.result.is_known, each.result.repriced), ", ",
        ChangeText(each.result.recorded, each.result.repriced), "\n");
  }
  const Repricing::Sum total = ledger.repricing().total();
  const int64_t untold =
      total.different_calls - static_cast<int64_t>(ledger.differences().size());
  if (untold > 0) absl::StrAppend(&text, "and ", untold, " more\n");
  std::vector<Row> rows = {{"PRICED AS", "MODEL", "EXCHANGES", "ESTIMATED",
                            "UNPRICED", "DIFFER", "RECORDED USD",
                            "REPRICED USD"}};
  const auto add = [&rows](const std::string& vendor, const std::string& model,
                           const Repricing::Sum& sum) {
    rows.push_back({vendor, model, absl::StrCat(sum.calls),
                    absl::StrCat(sum.estimated_calls),
                    absl::StrCat(sum.unpriced_calls),
                    absl::StrCat(sum.different_calls), sum.recorded.Text(),
                    sum.repriced.Text()});
  };
  for (const auto& [name, sum] : ledger.repricing().sums()) {
    add(name.first, name.second, sum);
  }
  add("all", "", total);
  absl::StrAppend(&text, Table(rows));
  if (ledger.passed_over() > 0) {
    absl::StrAppend(&text, ledger.passed_over(),
                    " exchanges do not say what they consumed, and are not "
                    "among them\n");
  }
  absl::StrAppend(&text, ledger.agrees() ? "agrees" : "DOES NOT AGREE", "\n");
  return text;
}

void WriteSum(const Repricing::Sum& sum, JsonWriter& json) {
  json.Int64Field("exchanges", sum.calls);
  json.Int64Field("estimated", sum.estimated_calls);
  json.Int64Field("unpriced", sum.unpriced_calls);
  json.Int64Field("differ", sum.different_calls);
  json.Int64Field("recorded_usd_nanos", sum.recorded.nanos());
  json.Int64Field("repriced_usd_nanos", sum.repriced.nanos());
}

std::string RepriceJson(const LedgerRepricing& ledger) {
  std::string text;
  JsonWriter json(&text);
  json.StartObject();
  json.BoolField("agrees", ledger.agrees());
  WriteSum(ledger.repricing().total(), json);
  json.Int64Field("passed_over", ledger.passed_over());
  json.StartArrayField("models");
  for (const auto& [name, sum] : ledger.repricing().sums()) {
    json.StartObject();
    json.StringField("priced_as", name.first);
    json.StringField("model", name.second);
    WriteSum(sum, json);
    json.EndObject();
  }
  json.EndArray();
  json.StartArrayField("differences");
  for (const Difference& each : ledger.differences()) {
    json.StartObject();
    json.StringField("file", each.file);
    json.StringField("id", each.exchange.id);
    json.StringField("priced_as", each.exchange.cost.vendor);
    json.StringField("model", each.exchange.cost.model);
    json.BoolField("was_known", each.result.was_known);
    json.BoolField("is_known", each.result.is_known);
    json.Int64Field("recorded_usd_nanos", each.result.recorded.nanos());
    json.Int64Field("repriced_usd_nanos", each.result.repriced.nanos());
    json.EndObject();
  }
  json.EndArray();
  json.EndObject();
  text.push_back('\n');
  return text;
}

// The prices of one source, as a list.
absl::StatusOr<PriceList> ListFrom(const v1::ListPricingResponse& prices,
                                   v1::ModelPrice::Source source) {
  std::vector<PriceEntry> entries;
  for (int i = 0; i < prices.prices_size(); ++i) {
    const v1::ModelPrice& price = prices.prices(i);
    if (price.source() != source) continue;
    std::string problem;
    entries.push_back(ReadPriceMessage(
        price, [&](std::string_view field, std::string_view what) {
          if (!problem.empty()) return;
          problem = absl::StrCat("prices[", i, "].", ToAbsl(field), ": ",
                                 ToAbsl(what));
        }));
    if (!problem.empty()) return absl::InvalidArgumentError(problem);
  }
  return PriceList::Make(std::move(entries));
}

// Prices as the gateway has them.
struct PriceLists {
  PriceTable table;
  PriceList said;  // By operators.
};

absl::StatusOr<PriceLists> ListsOf(const v1::ListPricingResponse& prices) {
  GATEWAY_ASSIGN_OR_RETURN(PriceList shipped,
                           ListFrom(prices, v1::ModelPrice::SOURCE_SHIPPED));
  GATEWAY_ASSIGN_OR_RETURN(PriceList configured,
                           ListFrom(prices, v1::ModelPrice::SOURCE_CONFIG));
  GATEWAY_ASSIGN_OR_RETURN(PriceList said,
                           ListFrom(prices, v1::ModelPrice::SOURCE_OPERATOR));
  return PriceLists{
      .table = PriceTable(std::move(shipped), std::move(configured)),
      .said = std::move(said)};
}

LedgerReport ReportOf(const LedgerRepricing& ledger,
                      const OperatorWords& words) {
  return {.valid = ledger.agrees(),
          .text = words.as_json ? RepriceJson(ledger) : RepriceText(ledger)};
}

}  // namespace

absl::StatusOr<v1::ListPricingResponse> PricesToRepriceBy(
    const OperatorWords& words) {
  v1::ListPricingResponse prices;
  const std::string file = LastOf(words, kPricesFlag);
  if (file.empty()) {
    GATEWAY_ASSIGN_OR_RETURN(const std::vector<PriceEntry> shipped,
                             ReadPriceLines(ShippedPrices()));
    for (const PriceEntry& entry : shipped) {
      FillPriceMessage(entry, prices.add_prices());
      prices.mutable_prices()->rbegin()->set_source(
          v1::ModelPrice::SOURCE_SHIPPED);
    }
    return prices;
  }
  GATEWAY_ASSIGN_OR_RETURN(const std::string text,
                           ReadFile(file, kPriceFileBytesLimit));
  const auto read = google::protobuf::util::JsonStringToMessage(text, &prices);
  if (!read.ok()) {
    return FlagMistake(kPricesFlag,
                       absl::StrCat("names ", file,
                                    ", which is not what gatewayctl prices "
                                    "list --output json prints: ",
                                    std::string(read.message())));
  }
  return prices;
}

absl::Status CheckReprice(const OperatorWords& words) {
  GATEWAY_RETURN_IF_ERROR(CheckWords(kLedgerCommand, words));
  if (RepricesGateway(words)) return absl::OkStatus();
  for (const std::string_view flag : {"--chain", "--since", "--until"}) {
    if (LastOf(words, flag).empty()) continue;
    return FlagMistake(flag,
                       "is for a gateway's ledger; files are repriced whole");
  }
  return absl::OkStatus();
}

bool RepricesGateway(const OperatorWords& words) {
  return words.words.size() < 2;
}

absl::StatusOr<LedgerReport> RepriceLedger(
    const OperatorWords& words, const v1::ListPricingResponse& prices) {
  GATEWAY_RETURN_IF_ERROR(CheckReprice(words));
  if (RepricesGateway(words)) {
    return absl::InvalidArgumentError(
        "ledger reprice takes the files of a ledger; see gatewayctl --help");
  }
  GATEWAY_ASSIGN_OR_RETURN(PriceLists lists, ListsOf(prices));
  LedgerRepricing ledger(lists.table, &lists.said);
  for (size_t i = 1; i < words.words.size(); ++i) {
    const std::string& file = words.words[i];
    const auto visit_file = [&file](EntryVisit visit) {
      return VisitLedgerFile(
          file, [&visit](int64_t, std::string_view entry) { visit(entry); });
    };
    GATEWAY_RETURN_IF_ERROR(ledger.Read(file, visit_file));
  }
  return ReportOf(ledger, words);
}

absl::StatusOr<LedgerReport> RepriceEntries(
    const OperatorWords& words, const v1::ListPricingResponse& prices,
    const std::string& name, EntriesVisit visit_all) {
  GATEWAY_ASSIGN_OR_RETURN(PriceLists lists, ListsOf(prices));
  LedgerRepricing ledger(lists.table, &lists.said);
  GATEWAY_RETURN_IF_ERROR(ledger.Read(name, visit_all));
  return ReportOf(ledger, words);
}

}  // namespace gateway
