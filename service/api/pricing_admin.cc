#include "service/api/pricing_admin.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "base/async/worker_pool.h"
#include "base/os/logging.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "service/api/caller_check.h"
#include "service/api/price_view.h"
#include "service/api/state_fault.h"
#include "service/config/prices_validator.h"
#include "service/money/operator_prices.h"
#include "service/money/price_list.h"
#include "service/money/shipped_prices.h"
#include "service/pipeline/batch_size.h"
#include "service/pipeline/runtime_snapshot.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

constexpr std::string_view kAdminMethods = "llmgateway.v1.AdminService";
constexpr std::string_view kMoneyModule = "state";
// How a page token begins. It names the last price of its page, so that the
// next page is right even if prices come between the two.
constexpr absl::string_view kPriceMark = "price:";
// What to look through an entry costs, in bytes of OffLoop.
constexpr size_t kBytesPerEntry = 64;

// A price and where it is from.
struct SourcedPrice {
  v1::ModelPrice::Source source;
  const PriceEntry* entry;
};

// Where a price stands in the listing.
struct PricePlace {
  std::string kind;
  std::string model;
  absl::Time time;
  int source = 0;

  friend bool operator<(const PricePlace& a, const PricePlace& b) {
    return std::tie(a.kind, a.model, a.time, a.source) <
           std::tie(b.kind, b.model, b.time, b.source);
  }
};

PricePlace PlaceOf(const SourcedPrice& price) {
  return {price.entry->vendor, price.entry->model, price.entry->effective_time,
          price.source};
}

std::string PriceTokenBehind(const SourcedPrice& price) {
  const absl::Time time = price.entry->effective_time;
  return absl::StrCat(
      kPriceMark, price.source, "/",
      time == absl::InfinitePast() ? "" : absl::StrCat(absl::ToUnixNanos(time)),
      "/", price.entry->vendor, "/", price.entry->model);
}

absl::StatusOr<PricePlace> PlaceInToken(absl::string_view token) {
  PricePlace place;
  std::vector<std::string> parts;
  if (absl::ConsumePrefix(&token, kPriceMark)) {
    // Models' names may have slashes.
    parts = absl::StrSplit(token, absl::MaxSplits('/', 3));
  }
  int64_t nanos = 0;
  const bool is_token =
      parts.size() == 4 && absl::SimpleAtoi(parts[0], &place.source) &&
      (parts[1].empty() || absl::SimpleAtoi(parts[1], &nanos));
  if (!is_token) {
    return InvalidField("page_token", "is not one that this listing returned");
  }
  place.time =
      parts[1].empty() ? absl::InfinitePast() : absl::FromUnixNanos(nanos);
  place.kind = std::move(parts[2]);
  place.model = std::move(parts[3]);
  return place;
}

// The lists by where they are from, the first one to be asked first; null where
// nothing was said.
struct SourcedList {
  v1::ModelPrice::Source source;
  const PriceList* list;
};

std::array<SourcedList, 3> ListsOf(const RuntimeSnapshot& runtime,
                                   const PriceList* said) {
  return {{{v1::ModelPrice::SOURCE_OPERATOR, said},
           {v1::ModelPrice::SOURCE_CONFIG, &runtime.prices().overrides()},
           {v1::ModelPrice::SOURCE_SHIPPED, &runtime.prices().shipped()}}};
}

bool IsOfListing(const v1::ListPricingRequest& request,
                 const SourcedPrice& price) {
  const PriceEntry& entry = *price.entry;
  return (request.source() == v1::ModelPrice::SOURCE_UNSPECIFIED ||
          request.source() == price.source) &&
         (request.kind().empty() || entry.vendor.empty() ||
          entry.vendor == request.kind()) &&
         (request.model().empty() || IsPriceOf(entry, request.model()));
}

// Fills in a page.
void FillPage(const std::array<SourcedList, 3>& lists,
              const v1::ListPricingRequest& request,
              const std::optional<PricePlace>& after, size_t page_size,
              v1::ListPricingResponse* response) {
  std::vector<SourcedPrice> found;
  for (const auto& [source, list] : lists) {
    if (list == nullptr) continue;
    for (const PriceEntry& entry : list->entries()) {
      const SourcedPrice price = {source, &entry};
      if (!IsOfListing(request, price)) continue;
      if (after.has_value() && !(*after < PlaceOf(price))) continue;
      found.push_back(price);
    }
  }
  const size_t shown = std::min(page_size, found.size());
  std::partial_sort(
      found.begin(), found.begin() + static_cast<std::ptrdiff_t>(shown),
      found.end(), [](const SourcedPrice& a, const SourcedPrice& b) {
        return PlaceOf(a) < PlaceOf(b);
      });
  for (size_t i = 0; i < shown; ++i) {
    FillPrice(*found[i].entry, found[i].source, response->add_prices());
  }
  if (shown < found.size()) {
    response->set_next_page_token(PriceTokenBehind(found[shown - 1]));
  }
}

// Fills in what a model costs a call that begins now; nothing if that is not
// known.
void FillInForce(const RuntimeSnapshot& runtime, const PriceEntry& of,
                 v1::SetPricingResponse* response) {
  const std::shared_ptr<const PriceList> said = runtime.operator_prices().Get();
  const absl::Time now = runtime.clock().WallTime();
  for (const auto& [source, list] : ListsOf(runtime, said.get())) {
    const PriceEntry* const entry =
        list == nullptr ? nullptr
                        : list->FindEntry(of.vendor, PricedName(of.model), now);
    if (entry == nullptr) continue;
    FillPrice(*entry, source, response->mutable_price());
    return;
  }
}

std::set<std::string> KindsOf(const RuntimeSnapshot& runtime) {
  const std::vector<std::string> vendors =
      PricedVendors(runtime.snapshot().kinds(), runtime.config());
  return {vendors.begin(), vendors.end()};
}

absl::Status CheckKind(std::string_view field, const std::string& kind,
                       const std::set<std::string>& known) {
  if (kind.empty() || known.contains(kind)) return absl::OkStatus();
  return InvalidField(field,
                      absl::StrCat("is no kind of provider, nor the preset of "
                                   "one that is configured: those are ",
                                   absl::StrJoin(known, ", ")));
}

// What prices may be listed by: of some vendors there are prices whatever is
// configured.
absl::Status CheckListedKind(const RuntimeSnapshot& runtime,
                             const std::array<SourcedList, 3>& lists,
                             const std::string& kind) {
  if (kind.empty()) return absl::OkStatus();
  std::set<std::string> known = KindsOf(runtime);
  for (const auto& [source, list] : lists) {
    if (list == nullptr) continue;
    for (const PriceEntry& entry : list->entries()) {
      if (!entry.vendor.empty()) known.insert(entry.vendor);
    }
  }
  return CheckKind("kind", kind, known);
}

// The fault of a change that cannot be.
absl::Status ChangeFault(const absl::Status& why) {
  if (absl::IsNotFound(why)) {
    return MakeFault(v1::ERROR_REASON_NOT_FOUND,
                     "no operator has set a price of this model, kind and "
                     "time; ListPricing with source SOURCE_OPERATOR shows "
                     "which were set");
  }
  return InvalidField("price", ToStd(why.message()));
}

void LogChange(const PriceEntry& entry, bool removes, const std::string& who) {
  Log(LogLevel::kInfo, kMoneyModule,
      removes ? "An operator has taken back a price"
              : "An operator has set a price",
      {{"kind", entry.vendor},
       {"model", entry.model},
       {"price", NameOfPrice(entry)},
       {"operator", who}});
}

}  // namespace

void PricingAdmin::AddTo(MethodTable& table) {
  table.AddUnary(kAdminMethods, "ListPricing", *this, &PricingAdmin::List);
  table.AddUnary(kAdminMethods, "SetPricing", *this, &PricingAdmin::Set);
}

Task<absl::Status> PricingAdmin::List(CallContext&,
                                      const v1::ListPricingRequest& request,
                                      v1::ListPricingResponse* response) {
  const std::shared_ptr<const RuntimeSnapshot> runtime = sources_.runtime.Get();
  GATEWAY_CO_ASSIGN_OR_RETURN(const int page_size,
                              PageSizeOf(*runtime, request.page_size()));
  std::optional<PricePlace> after;
  if (!request.page_token().empty()) {
    GATEWAY_CO_ASSIGN_OR_RETURN(after, PlaceInToken(request.page_token()));
  }
  const std::shared_ptr<const PriceList> said =
      runtime->operator_prices().Get();
  const std::array<SourcedList, 3> lists = ListsOf(*runtime, said.get());
  size_t entries = 0;
  for (const auto& [source, list] : lists) {
    if (list != nullptr) entries += list->entries().size();
  }
  const auto fill = [&] {
    FillPage(lists, request, after, static_cast<size_t>(page_size), response);
    return CheckListedKind(*runtime, lists, request.kind());
  };
  GATEWAY_CO_RETURN_IF_ERROR(co_await OffLoop(entries * kBytesPerEntry, fill));
  response->set_shipped_date(std::string(ShippedPricesDate()));
  co_return absl::OkStatus();
}

Task<absl::Status> PricingAdmin::Set(CallContext& call,
                                     const v1::SetPricingRequest& request,
                                     v1::SetPricingResponse* response) {
  const std::shared_ptr<const RuntimeSnapshot> runtime = sources_.runtime.Get();
  if (!request.has_price()) co_return InvalidField("price", "is required");
  const bool removes = request.remove();
  GATEWAY_CO_ASSIGN_OR_RETURN(
      const PriceEntry entry,
      removes ? ReadNamedPrice(request.price()) : ReadPrice(request.price()));
  if (!removes) {
    GATEWAY_CO_RETURN_IF_ERROR(
        CheckKind("price.kind", entry.vendor, KindsOf(*runtime)));
  }
  // One piece of work follows the other, so that nobody changes them between.
  auto changed = std::make_shared<absl::Status>();
  std::function<absl::Status()> keep = [runtime, entry, removes, changed,
                                        &state =
                                            sources_.state]() -> absl::Status {
    OperatorPrices& prices = runtime->operator_prices();
    const absl::StatusOr<PriceList> next =
        removes ? prices.Without(entry) : prices.With(entry);
    *changed = next.status();
    if (!next.ok()) return absl::OkStatus();
    if (state.is_persistent()) {
      GATEWAY_RETURN_IF_ERROR(state.Write(kPriceDocument, WritePrices(&*next)));
    }
    state.PutIntoForce(
        [&] { *changed = removes ? prices.Remove(entry) : prices.Set(entry); });
    return absl::OkStatus();
  };
  auto log = [changed, entry, removes, who = OperatorName(*runtime, call)] {
    if (changed->ok()) LogChange(entry, removes, who);
  };
  GATEWAY_CO_RETURN_IF_ERROR(
      co_await KeepChange(sources_.state, sources_.worker, call,
                          std::move(keep), std::move(log)));
  if (!changed->ok()) co_return ChangeFault(*changed);
  FillInForce(*runtime, entry, response);
  co_return absl::OkStatus();
}

}  // namespace gateway
