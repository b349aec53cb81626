#include "service/budgets/unknown_charge.h"

#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/text/json.h"
#include "service/budgets/budget_entries.h"

namespace gateway {
namespace {

// Whose call it was, by the exchange that closes the dispatch.
struct ChargedCall {
  std::string session_id;
  std::string work_order_id;
  std::string agent_id;
  std::string model_id;
  std::string request_id;
};

std::string* MemberOf(ChargedCall& call, std::string_view name) {
  if (name == "session_id") return &call.session_id;
  if (name == "work_order_id") return &call.work_order_id;
  if (name == "agent_id") return &call.agent_id;
  if (name == "model_id") return &call.model_id;
  return name == "request_id" ? &call.request_id : nullptr;
}

absl::Status ReadCharged(JsonValue& object, ChargedCall* call) {
  return object.EachField(
      [&](std::string_view name, JsonValue& value) -> absl::Status {
        if (name == "gateway") return ReadCharged(value, call);
        std::string* const member = MemberOf(*call, name);
        if (member == nullptr) return absl::OkStatus();
        GATEWAY_ASSIGN_OR_RETURN(*member, value.String());
        return absl::OkStatus();
      });
}

}  // namespace

absl::StatusOr<UnchainedEntry> ChargeOfUnknown(const OpenDispatches::Left& left,
                                               std::string id,
                                               absl::Time time) {
  const absl::StatusOr<BudgetDebit> debit = BudgetDebitOfForm(left.reservation);
  ChargedCall call;
  absl::Status read = ReadJson(left.exchange_metadata, [&](JsonValue& root) {
    return ReadCharged(root, &call);
  });
  read.Update(debit.status());
  if (!read.ok()) {
    return absl::DataLossError(absl::StrCat(
        "the note of a dispatch cannot be read: ", read.message()));
  }
  LedgerEntry entry =
      BudgetDebitEntry(*debit, {.session_id = call.session_id,
                                .work_order_id = call.work_order_id,
                                .agent_id = call.agent_id,
                                .contract_id = left.submission_id,
                                .model_id = call.model_id,
                                .request_id = call.request_id});
  entry.id = std::move(id);
  entry.time = time;
  return UnchainedEntry(entry);
}

}  // namespace gateway
