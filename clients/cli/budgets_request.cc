#include "clients/cli/budgets_request.h"

#include <cstdint>
#include <map>
#include <string_view>
#include <vector>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "clients/cli/answer_text.h"
#include "clients/cli/key_limit_text.h"
#include "llmgateway/v1/admin.grpc.pb.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;
namespace configv1 = ::llmgateway::config::v1;

using AdminStub = v1::AdminService::Stub;

constexpr int kBudgetsPageSize = 1000;

constexpr std::string_view kListBudgetsFlags[] = {"--rule", "--subject"};
constexpr std::string_view kSubjectFlags[] = {"--subject"};
constexpr std::string_view kAllocateFlags[] = {"--subject",   "--limit",
                                               "--limit_usd", "--turn_limit",
                                               "--timeout",   "--remove"};
constexpr OperatorVerb kBudgetsVerbs[] = {{"list", kListBudgetsFlags},
                                          {"get", kSubjectFlags},
                                          {"allocate", kAllocateFlags},
                                          {"reset", kSubjectFlags},
                                          {"session", {}}};

std::string DollarsText(int64_t nanos) {
  constexpr int64_t kNanosPerDollar = 1'000'000'000;
  return absl::StrFormat("$%d.%09d", nanos / kNanosPerDollar,
                         nanos % kNanosPerDollar);
}

std::string UnitsText(const v1::BudgetUsage& usage, int64_t amount) {
  return usage.unit() == configv1::LIMIT_UNIT_COST ? DollarsText(amount)
                                                   : absl::StrCat(amount);
}

std::string ScopeText(const v1::BudgetUsage& usage) {
  const std::map<std::string, std::string> sorted(usage.subject().begin(),
                                                  usage.subject().end());
  return sorted.empty() ? "-"
                        : absl::StrJoin(sorted, " ", absl::PairFormatter("="));
}

// The one name that a command is for.
absl::StatusOr<std::string> NameOf(const OperatorWords& words,
                                   std::string_view what) {
  if (words.words.size() == 2) return words.words[1];
  return absl::InvalidArgumentError(
      absl::StrCat("budgets ", words.words[0], " needs ", std::string(what),
                   "; gatewayctl budgets list shows them"));
}

template <typename Request>
absl::Status AddSubject(const OperatorWords& words, Request* request) {
  for (const auto& [flag, value] : words.flags) {
    if (flag != "--subject") continue;
    const std::vector<std::string> sides =
        absl::StrSplit(value, absl::MaxSplits('=', 1));
    if (sides.size() != 2) {
      return FlagMistake(
          flag, absl::StrCat("must be as user=ann, not '", value, "'"));
    }
    if (sides[1].find(',') != std::string::npos &&
        sides[1].find('=') != std::string::npos) {
      return FlagMistake(flag,
                         "names one thing each time: give it again for "
                         "the next, as in --subject user=ann --subject "
                         "project=search");
    }
    (*request->mutable_subject())[sides[0]] = sides[1];
  }
  return absl::OkStatus();
}

absl::StatusOr<int64_t> NumberOf(std::string_view flag,
                                 const std::string& text) {
  int64_t number = 0;
  if (absl::SimpleAtoi(text, &number)) return number;
  return FlagMistake(flag, absl::StrCat("must be a number, not '", text, "'"));
}

absl::StatusOr<v1::ListBudgetsResponse> ListAllBudgets(
    const AdminConnection& admin, v1::ListBudgetsRequest request) {
  request.set_page_size(kBudgetsPageSize);
  v1::ListBudgetsResponse all;
  const auto add = [&all](v1::ListBudgetsResponse& page) {
    page.clear_next_page_token();
    all.MergeFrom(page);
  };
  GATEWAY_RETURN_IF_ERROR(
      (admin.CallPages<v1::ListBudgetsRequest, v1::ListBudgetsResponse>(
          &AdminStub::ListBudgets, std::move(request), add)));
  return all;
}

std::string UsageText(const v1::BudgetUsage& usage) {
  v1::ListBudgetsResponse one;
  *one.add_usage() = usage;
  return BudgetsTable(one);
}

absl::StatusOr<std::string> AskList(const RpcPlace& place,
                                    const OperatorWords& words) {
  GATEWAY_ASSIGN_OR_RETURN(const v1::ListBudgetsRequest request,
                           ListBudgetsRequestOf(words));
  GATEWAY_ASSIGN_OR_RETURN(const AdminConnection admin,
                           AdminConnection::Open(place));
  GATEWAY_ASSIGN_OR_RETURN(const v1::ListBudgetsResponse budgets,
                           ListAllBudgets(admin, request));
  return words.as_json ? AsJson(budgets) : BudgetsTable(budgets);
}

absl::StatusOr<std::string> AskBudget(const RpcPlace& place,
                                      const OperatorWords& words) {
  v1::GetBudgetRequest request;
  GATEWAY_ASSIGN_OR_RETURN(*request.mutable_rule(),
                           NameOf(words, "the name of one budget"));
  GATEWAY_RETURN_IF_ERROR(AddSubject(words, &request));
  GATEWAY_ASSIGN_OR_RETURN(const AdminConnection admin,
                           AdminConnection::Open(place));
  GATEWAY_ASSIGN_OR_RETURN(const v1::GetBudgetResponse response,
                           admin.Call(&AdminStub::GetBudget, request));
  return words.as_json ? AsJson(response) : UsageText(response.usage());
}

absl::StatusOr<std::string> AskAllocate(const RpcPlace& place,
                                        const OperatorWords& words) {
  GATEWAY_ASSIGN_OR_RETURN(const v1::AllocateBudgetRequest request,
                           AllocateBudgetRequestOf(words));
  GATEWAY_ASSIGN_OR_RETURN(const AdminConnection admin,
                           AdminConnection::Open(place));
  GATEWAY_ASSIGN_OR_RETURN(const v1::AllocateBudgetResponse response,
                           admin.Call(&AdminStub::AllocateBudget, request));
  return words.as_json ? AsJson(response) : UsageText(response.usage());
}

absl::StatusOr<std::string> AskBudgetReset(const RpcPlace& place,
                                           const OperatorWords& words) {
  GATEWAY_ASSIGN_OR_RETURN(const v1::ResetBudgetRequest request,
                           ResetBudgetRequestOf(words));
  GATEWAY_ASSIGN_OR_RETURN(const AdminConnection admin,
                           AdminConnection::Open(place));
  GATEWAY_ASSIGN_OR_RETURN(const v1::ResetBudgetResponse response,
                           admin.Call(&AdminStub::ResetBudget, request));
  if (words.as_json) return AsJson(response);
  return absl::StrCat(response.reset_count(), " of ", request.rule(),
                      " given back\n");
}

absl::StatusOr<std::string> AskSession(const RpcPlace& place,
                                       const OperatorWords& words) {
  v1::GetSessionSummaryRequest request;
  GATEWAY_ASSIGN_OR_RETURN(*request.mutable_session_id(),
                           NameOf(words, "the id of one session"));
  GATEWAY_ASSIGN_OR_RETURN(const AdminConnection admin,
                           AdminConnection::Open(place));
  GATEWAY_ASSIGN_OR_RETURN(const v1::SessionSummary summary,
                           admin.Call(&AdminStub::GetSessionSummary, request));
  return words.as_json ? AsJson(summary) : SessionSummaryTable(summary);
}

}  // namespace

const OperatorCommand kBudgetsCommand = {"budgets", kBudgetsVerbs};

absl::StatusOr<std::string> AskBudgets(const RpcPlace& place,
                                       const OperatorWords& words) {
  GATEWAY_RETURN_IF_ERROR(CheckWords(kBudgetsCommand, words));
  const std::string& verb = words.words[0];
  if (verb == "list") return AskList(place, words);
  if (verb == "get") return AskBudget(place, words);
  if (verb == "allocate") return AskAllocate(place, words);
  if (verb == "reset") return AskBudgetReset(place, words);
  return AskSession(place, words);
}

absl::StatusOr<v1::ListBudgetsRequest> ListBudgetsRequestOf(
    const OperatorWords& words) {
  if (words.words.size() != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("budgets list takes no '", words.words[1],
                     "'; name a budget by --rule"));
  }
  v1::ListBudgetsRequest request;
  request.set_rule(LastOf(words, "--rule"));
  request.set_subject(LastOf(words, "--subject"));
  return request;
}

absl::StatusOr<v1::AllocateBudgetRequest> AllocateBudgetRequestOf(
    const OperatorWords& words) {
  v1::AllocateBudgetRequest request;
  GATEWAY_ASSIGN_OR_RETURN(*request.mutable_rule(),
                           NameOf(words, "the name of one budget"));
  GATEWAY_RETURN_IF_ERROR(AddSubject(words, &request));
  const std::string limit = LastOf(words, "--limit");
  if (!limit.empty()) {
    GATEWAY_ASSIGN_OR_RETURN(const int64_t units, NumberOf("--limit", limit));
    request.set_limit(units);
  }
  request.set_limit_usd(LastOf(words, "--limit_usd"));
  const std::string turns = LastOf(words, "--turn_limit");
  if (!turns.empty()) {
    GATEWAY_ASSIGN_OR_RETURN(const int64_t number,
                             NumberOf("--turn_limit", turns));
    request.set_turn_limit(number);
  }
  const std::string timeout = LastOf(words, "--timeout");
  if (!timeout.empty()) {
    GATEWAY_RETURN_IF_ERROR(
        SetDuration("--timeout", timeout, request.mutable_timeout()));
  }
  const std::string remove = LastOf(words, "--remove");
  if (!remove.empty() && remove != "true" && remove != "false") {
    return FlagMistake("--remove", "must be true or false");
  }
  request.set_remove(remove == "true");
  return request;
}

absl::StatusOr<v1::ResetBudgetRequest> ResetBudgetRequestOf(
    const OperatorWords& words) {
  v1::ResetBudgetRequest request;
  GATEWAY_ASSIGN_OR_RETURN(*request.mutable_rule(),
                           NameOf(words, "the name of one budget"));
  GATEWAY_RETURN_IF_ERROR(AddSubject(words, &request));
  return request;
}

std::string BudgetsTable(const v1::ListBudgetsResponse& response) {
  std::vector<Row> rows = {{"BUDGET", "UNIT", "SUBJECT", "SPENT", "RESERVED",
                            "LEFT", "OF", "CALLS", "ANEW"}};
  for (const v1::BudgetUsage& usage : response.usage()) {
    rows.push_back(
        {usage.rule(),
         ValueText(configv1::LimitUnit_Name(usage.unit()), "LIMIT_UNIT_"),
         ScopeText(usage), UnitsText(usage, usage.spent()),
         UnitsText(usage, usage.reserved()),
         usage.has_remaining() ? UnitsText(usage, usage.remaining()) : "-",
         usage.has_limit() ? UnitsText(usage, usage.limit()) : "-",
         usage.has_turn_limit()
             ? absl::StrCat(usage.turns(), "/", usage.turn_limit())
             : absl::StrCat(usage.turns()),
         usage.has_reset_time() ? TimeText(usage.reset_time()) : "-"});
  }
  return Table(rows);
}

std::string SessionSummaryTable(const v1::SessionSummary& summary) {
  std::vector<Row> rows = {{"WORK ORDER", "INPUT", "OUTPUT", "COST", "CALLS"}};
  for (const v1::WorkOrderSummary& order : summary.work_orders()) {
    rows.push_back({order.work_order_id(), absl::StrCat(order.input_tokens()),
                    absl::StrCat(order.output_tokens()),
                    DollarsText(order.cost_usd_nanos()),
                    absl::StrCat(order.turns())});
  }
  rows.push_back({"all", absl::StrCat(summary.input_tokens()),
                  absl::StrCat(summary.output_tokens()),
                  DollarsText(summary.cost_usd_nanos()),
                  absl::StrCat(summary.turns())});
  return Table(rows);
}

}  // namespace gateway
