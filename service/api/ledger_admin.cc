#include "service/api/ledger_admin.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/os/logging.h"
#include "base/status_macros.h"
#include "errors/fault.h"
#include "service/api/ledger_reading.h"
#include "service/api/ledger_view.h"
#include "service/ledger/entry_names.h"

namespace gateway {
namespace {

constexpr std::string_view kLedgerService = "llmgateway.v1.AdminService";
constexpr char kLedgerSection[] = "ledger";
constexpr size_t kEntryIdBytesMax = 64;
// For an entry that was written a moment ago.
constexpr absl::Duration kIndexWait = absl::Milliseconds(500);

absl::Status LedgerNotRead(const CallContext& call, const absl::Status& why) {
  if (call.cancel().cancelled()) return call.cancel().status();
  return MakeFault(
      v1::ERROR_REASON_LEDGER_UNAVAILABLE,
      absl::StrCat(
          "the ledger cannot be read: ", why.message(),
          absl::IsDataLoss(why) ? "; VerifyLedger says what is wrong" : ""));
}

absl::Status NoSuchEntryId(const std::string& id, int64_t archived) {
  return MakeFault(
      v1::ERROR_REASON_NOT_FOUND,
      absl::StrCat("the ledger has no entry with the id '",
                   id.substr(0, kEntryIdBytesMax), "'",
                   archived == 0
                       ? ""
                       : absl::StrCat("; ", archived,
                                      " older entries are in archives: look "
                                      "there, as with gatewayctl ledger get ",
                                      "ID --archive DIR")));
}

// How many entries are in archives.
absl::StatusOr<int64_t> CountArchived(const LedgerChains& chains) {
  int64_t entries = 0;
  for (const LedgerChains::Chain& chain : chains.All()) {
    GATEWAY_ASSIGN_OR_RETURN(const LedgerEnd archived,
                             chain.commits->Archived());
    entries += archived.entries;
  }
  return entries;
}

// Whether a filter names a type or a decision that no gateway writes.
bool HasForeignNames(const LedgerFilter& filter) {
  return std::any_of(filter.event_types.begin(), filter.event_types.end(),
                     [](const std::string& type) {
                       return !IsNameAmong(kEntryTypes, type);
                     }) ||
         (!filter.decision.empty() &&
          !IsNameAmong(kEntryDecisions, filter.decision));
}

// Whether an entry matches, of what was taken over from an earlier system; true
// as well while that is not known.
absl::StatusOr<bool> MayBeThere(const LedgerChains& chains,
                                LedgerFilter filter) {
  for (const LedgerChains::Chain& chain : chains.All()) {
    if (!chain.index->CatchUp(kIndexWait)) return true;
  }
  LedgerChains::Query query{.filter = std::move(filter), .limit = 1};
  while (true) {
    GATEWAY_ASSIGN_OR_RETURN(LedgerChains::Page page, chains.Find(query));
    if (!page.entries.empty()) return true;
    if (page.next.empty()) return false;
    query.from = std::move(page.next);
  }
}

struct NameFault {
  std::string field;  // Empty if all names are there.
  std::string what;
};

NameFault NoSuchName(std::string_view field, const std::string& name,
                     absl::Span<const std::string_view> known) {
  return {std::string(field),
          absl::StrCat("has ", NoSuchEntryName(std::string_view(name).substr(
                                                   0, kEntryIdBytesMax),
                                               known))};
}

absl::StatusOr<NameFault> FindNameFault(const LedgerChains& chains,
                                        const LedgerFilter& filter) {
  for (const std::string& type : filter.event_types) {
    if (IsNameAmong(kEntryTypes, type)) continue;
    GATEWAY_ASSIGN_OR_RETURN(const bool is_there,
                             MayBeThere(chains, {.event_types = {type}}));
    if (!is_there) return NoSuchName("filter.event_types", type, kEntryTypes);
  }
  if (filter.decision.empty() ||
      IsNameAmong(kEntryDecisions, filter.decision)) {
    return NameFault();
  }
  GATEWAY_ASSIGN_OR_RETURN(const bool is_there,
                           MayBeThere(chains, {.decision = filter.decision}));
  if (is_there) return NameFault();
  return NoSuchName("filter.decision", filter.decision, kEntryDecisions);
}

struct FoundEntry {
  std::optional<LedgerChains::Entry> entry;
  int64_t archived = 0;  // If there is none, how many are in archives.
};

// The entry of an id; nothing if there is none.
absl::StatusOr<std::optional<LedgerChains::Entry>> FindEntry(
    const LedgerChains& chains, const std::string& id) {
  for (const bool again : {false, true}) {
    if (again) GATEWAY_RETURN_IF_ERROR(chains.Refresh());
    for (const LedgerChains::Chain& chain : chains.All()) {
      if (again && !chain.index->CatchUp(kIndexWait)) {
        const LedgerIndex::State state = chain.index->state();
        return absl::UnavailableError(absl::StrCat(
            "its index is not complete, and has the first ",
            state.indexed_entries, " entries",
            chain.name.empty() ? "" : " of the chain ", chain.name,
            state.status.ok()
                ? std::string("; try again later")
                : absl::StrCat(", and does not go on: ", state.status.message(),
                               "; see docs/ledger.md")));
      }
      GATEWAY_ASSIGN_OR_RETURN(
          LedgerIndex::Page page,
          chain.index->Find(
              {.filter = {.id = id}, .newest_first = true, .limit = 1}));
      if (page.entries.empty()) continue;
      NumberedEntry& found = page.entries.front();
      return LedgerChains::Entry{chain.name, found.number,
                                 std::move(found.text)};
    }
  }
  return std::nullopt;
}

}  // namespace

LedgerAdmin::LedgerAdmin(const Sources& sources)
    : sources_(sources),
      worker_(sources.chains == nullptr
                  ? nullptr
                  : std::make_unique<BlockingWorker>(
                        BlockingWorker::Options{.name = "ledger_reader"})) {}

void LedgerAdmin::AddTo(MethodTable& table) {
  table.AddUnary(kLedgerService, "QueryLedger", *this, &LedgerAdmin::Query);
  table.AddUnary(kLedgerService, "GetLedgerEntry", *this, &LedgerAdmin::Get);
  table.AddServerStream<v1::VerifyLedgerRequest, v1::VerifyLedgerResponse>(
      kLedgerService, "VerifyLedger",
      [this](CallContext& call, const v1::VerifyLedgerRequest& request,
             MessageWriter& writer) { return Verify(call, request, writer); });
  table.AddServerStream<v1::ExportLedgerRequest, v1::ExportLedgerResponse>(
      kLedgerService, "ExportLedger",
      [this](CallContext& call, const v1::ExportLedgerRequest& request,
             MessageWriter& writer) { return Export(call, request, writer); });
}

absl::Status LedgerAdmin::CheckConfigured() const {
  if (sources_.chains != nullptr) return absl::OkStatus();
  absl::Status fault =
      MakeFault(v1::ERROR_REASON_NOT_CONFIGURED,
                "ledger is not configured; add it, as in `ledger: {}`, and "
                "restart the gateway");
  AddFaultMetadata(fault, "field", kLedgerSection);
  return fault;
}

template <typename Work>
Task<std::invoke_result_t<Work&>> LedgerAdmin::OnWorker(CallContext& call,
                                                        Work work) {
  using Result = std::invoke_result_t<Work&>;
  // As WorkStatus.
  struct Returned {
    Result value;
  };
  auto run = [work = std::move(work)]() mutable { return Returned{work()}; };
  absl::StatusOr<Returned> ran =
      co_await worker_->Run(std::move(run), call.cancel());
  if (absl::IsResourceExhausted(ran.status())) {
    co_return MakeFault(v1::ERROR_REASON_OVERLOADED,
                        "too many wait for the ledger to be read");
  }
  if (!ran.ok()) co_return ran.status();
  if constexpr (std::is_same_v<Result, absl::Status>) {
    if (!ran->value.ok() && !absl::IsOutOfRange(ran->value)) {
      co_return LedgerNotRead(call, ran->value);
    }
  } else {
    if (!ran->value.ok()) co_return LedgerNotRead(call, ran->value.status());
  }
  co_return std::move(ran->value);
}

Task<absl::StatusOr<std::vector<LedgerChains::Chain>>> LedgerAdmin::FindChains(
    CallContext& call, const std::string& name, std::string_view field) {
  using Chains = std::vector<LedgerChains::Chain>;
  auto find = [chains = sources_.chains, name]() -> absl::StatusOr<Chains> {
    GATEWAY_RETURN_IF_ERROR(chains->Refresh());
    return chains->Named(name);
  };
  absl::StatusOr<Chains> found = co_await OnWorker(call, std::move(find));
  if (found.ok() && found->empty() && !name.empty()) {
    co_return InvalidField(field, "there is none of this name");
  }
  co_return found;
}

Task<absl::Status> LedgerAdmin::Query(CallContext& call,
                                      const v1::QueryLedgerRequest& request,
                                      v1::QueryLedgerResponse* response) {
  GATEWAY_CO_RETURN_IF_ERROR(CheckConfigured());
  GATEWAY_CO_ASSIGN_OR_RETURN(LedgerChains::Query query,
                              LedgerQueryOf(request));
  if (!query.chain.empty()) {
    GATEWAY_CO_RETURN_IF_ERROR(
        (co_await FindChains(call, query.chain, "filter.chain")).status());
  }
  if (HasForeignNames(query.filter)) {
    auto check = [chains = sources_.chains, filter = query.filter] {
      return FindNameFault(*chains, filter);
    };
    GATEWAY_CO_ASSIGN_OR_RETURN(const NameFault fault,
                                co_await OnWorker(call, std::move(check)));
    if (!fault.field.empty()) co_return InvalidField(fault.field, fault.what);
  }
  // The message is made there as well: a page may have megabytes.
  auto find = [chains = sources_.chains, query = std::move(query),
               request]() -> absl::StatusOr<v1::QueryLedgerResponse> {
    // Another replica may have begun the chain that its page has told of.
    if (!query.from.empty()) GATEWAY_RETURN_IF_ERROR(chains->Refresh());
    GATEWAY_ASSIGN_OR_RETURN(const LedgerChains::Page page,
                             chains->Find(query));
    v1::QueryLedgerResponse found;
    for (const LedgerChains::Entry& entry : page.entries) {
      FillLedgerEntry(entry, found.add_entries());
    }
    found.set_next_page_token(LedgerPageToken(request, page.next));
    found.set_indexed_entries(page.indexed_entries);
    return found;
  };
  absl::StatusOr<v1::QueryLedgerResponse> found =
      co_await OnWorker(call, std::move(find));
  GATEWAY_CO_RETURN_IF_ERROR(found.status());
  *response = *std::move(found);
  co_return absl::OkStatus();
}

Task<absl::Status> LedgerAdmin::Get(CallContext& call,
                                    const v1::GetLedgerEntryRequest& request,
                                    v1::LedgerEntry* response) {
  GATEWAY_CO_RETURN_IF_ERROR(CheckConfigured());
  if (request.id().empty()) co_return InvalidField("id", "is required");
  auto find = [chains = sources_.chains,
               id = request.id()]() -> absl::StatusOr<FoundEntry> {
    FoundEntry found;
    GATEWAY_ASSIGN_OR_RETURN(found.entry, FindEntry(*chains, id));
    if (found.entry.has_value()) return found;
    GATEWAY_ASSIGN_OR_RETURN(found.archived, CountArchived(*chains));
    return found;
  };
  absl::StatusOr<FoundEntry> found = co_await OnWorker(call, std::move(find));
  GATEWAY_CO_RETURN_IF_ERROR(found.status());
  if (!found->entry.has_value()) {
    co_return NoSuchEntryId(request.id(), found->archived);
  }
  FillLedgerEntry(*found->entry, response);
  co_return absl::OkStatus();
}

Task<absl::Status> LedgerAdmin::Verify(CallContext& call,
                                       const v1::VerifyLedgerRequest& request,
                                       MessageWriter& writer) {
  GATEWAY_CO_RETURN_IF_ERROR(CheckConfigured());
  if (request.after_entry() < 0) {
    co_return InvalidField("after_entry", "must not be negative");
  }
  if (request.after_entry() > 0 && request.chain().empty() &&
      sources_.chains->joins() != nullptr) {
    co_return InvalidField(
        "after_entry", "is the number of an entry of one chain: name it, too");
  }
  GATEWAY_CO_ASSIGN_OR_RETURN(
      const std::vector<LedgerChains::Chain> chains,
      co_await FindChains(call, request.chain(), "chain"));
  LedgerWalk::Options options = {.joins = sources_.chains->joins(),
                                 .is_part = !request.chain().empty(),
                                 .after_entry = request.after_entry()};
  for (const LedgerChains::Chain& chain : chains) {
    options.chains.push_back({.name = chain.name, .commits = chain.commits});
  }
  // A step under way outlasts the call.
  const auto verification =
      std::make_shared<LedgerVerification>(std::move(options));
  auto begin = [verification] { return verification->Begin(); };
  const absl::Status begun = co_await OnWorker(call, std::move(begin));
  if (absl::IsOutOfRange(begun)) {
    co_return InvalidField("after_entry", std::string(begun.message()));
  }
  GATEWAY_CO_RETURN_IF_ERROR(begun);
  while (true) {
    const v1::VerifyLedgerResponse progress = verification->progress();
    // Somebody else than who has asked may have to see to it.
    if (progress.done() && !progress.valid()) TellBroken(progress);
    const bool written = co_await writer.Write(progress);
    if (!written) co_return call.cancel().status();
    if (progress.done()) co_return absl::OkStatus();
    auto step = [verification] { return verification->Step(); };
    GATEWAY_CO_RETURN_IF_ERROR(co_await OnWorker(call, std::move(step)));
  }
}

void LedgerAdmin::TellBroken(const v1::VerifyLedgerResponse& found) const {
  Log(LogLevel::kError, "ledger", "The ledger is not what was written",
      {{"chain", found.broken_chain()},
       {"entry", found.broken_entry()},
       {"problem", found.problem()}});
  // What is wrong beside the entries counts as before the first.
  sources_.chains->TellBroken(std::max<int64_t>(found.broken_entry(), 1));
}

Task<absl::Status> LedgerAdmin::Export(CallContext& call,
                                       const v1::ExportLedgerRequest& request,
                                       MessageWriter& writer) {
  GATEWAY_CO_RETURN_IF_ERROR(CheckConfigured());
  GATEWAY_CO_ASSIGN_OR_RETURN(LedgerFilter filter,
                              LedgerFilterOf(request.filter()));
  GATEWAY_CO_ASSIGN_OR_RETURN(
      std::vector<LedgerChains::Chain> chains,
      co_await FindChains(call, request.filter().chain(), "filter.chain"));
  if (HasForeignNames(filter)) {
    auto check = [chains = sources_.chains, filter] {
      return FindNameFault(*chains, filter);
    };
    GATEWAY_CO_ASSIGN_OR_RETURN(const NameFault fault,
                                co_await OnWorker(call, std::move(check)));
    if (!fault.field.empty()) co_return InvalidField(fault.field, fault.what);
  }
  const auto reading =
      std::make_shared<LedgerExport>(std::move(chains), std::move(filter));
  auto begin = [reading] { return reading->Begin(); };
  GATEWAY_CO_RETURN_IF_ERROR(co_await OnWorker(call, std::move(begin)));
  while (!reading->is_done()) {
    auto step = [reading] { return reading->Step(); };
    const absl::StatusOr<std::vector<v1::ExportLedgerResponse>> pieces =
        co_await OnWorker(call, std::move(step));
    GATEWAY_CO_RETURN_IF_ERROR(pieces.status());
    for (const v1::ExportLedgerResponse& piece : *pieces) {
      const bool written = co_await writer.Write(piece);
      if (!written) co_return call.cancel().status();
    }
  }
  co_return absl::OkStatus();
}

}  // namespace gateway
