#include "clients/cli/limits_request.h"

#include <cstdint>
#include <map>
#include <vector>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "clients/cli/answer_text.h"
#include "llmgateway/v1/admin.grpc.pb.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;
namespace configv1 = ::llmgateway::config::v1;

using Admin = v1::AdminService::Stub;

constexpr int kUsagePageSize = 1000;

constexpr std::string_view kListUsageFlags[] = {"--rule", "--subject"};
constexpr std::string_view kResetFlags[] = {"--subject"};
constexpr OperatorVerb kLimitsVerbs[] = {{"list", kListUsageFlags},
                                         {"reset", kResetFlags}};

// Dollars, of a limit that counts nano-dollars.
std::string AmountText(const v1::LimitUsage& usage, int64_t amount) {
  constexpr int64_t kNanosPerDollar = 1'000'000'000;
  if (usage.unit() != configv1::LIMIT_UNIT_COST) return absl::StrCat(amount);
  return absl::StrFormat("$%d.%09d", amount / kNanosPerDollar,
                         amount % kNanosPerDollar);
}

std::string UsageSubjectText(const v1::LimitUsage& usage) {
  const std::map<std::string, std::string> sorted(usage.subject().begin(),
                                                  usage.subject().end());
  return sorted.empty() ? "-"
                        : absl::StrJoin(sorted, " ", absl::PairFormatter("="));
}

absl::StatusOr<v1::ListLimitUsageResponse> ListAllUsage(
    const AdminConnection& admin, v1::ListLimitUsageRequest request) {
  request.set_page_size(kUsagePageSize);
  v1::ListLimitUsageResponse all;
  const auto add = [&all](v1::ListLimitUsageResponse& page) {
    page.clear_next_page_token();
    all.MergeFrom(page);
  };
  GATEWAY_RETURN_IF_ERROR(
      (admin.CallPages<v1::ListLimitUsageRequest, v1::ListLimitUsageResponse>(
          &Admin::ListLimitUsage, std::move(request), add)));
  return all;
}

absl::StatusOr<std::string> AskUsage(const RpcPlace& place,
                                     const OperatorWords& words) {
  GATEWAY_ASSIGN_OR_RETURN(const v1::ListLimitUsageRequest request,
                           ListUsageRequestOf(words));
  GATEWAY_ASSIGN_OR_RETURN(const AdminConnection admin,
                           AdminConnection::Open(place));
  GATEWAY_ASSIGN_OR_RETURN(const v1::ListLimitUsageResponse usage,
                           ListAllUsage(admin, request));
  return words.as_json ? AsJson(usage) : LimitUsageTable(usage);
}

absl::StatusOr<std::string> AskReset(const RpcPlace& place,
                                     const OperatorWords& words) {
  GATEWAY_ASSIGN_OR_RETURN(const v1::ResetLimitRequest request,
                           ResetLimitRequestOf(words));
  GATEWAY_ASSIGN_OR_RETURN(const AdminConnection admin,
                           AdminConnection::Open(place));
  GATEWAY_ASSIGN_OR_RETURN(const v1::ResetLimitResponse response,
                           admin.Call(&Admin::ResetLimit, request));
  if (words.as_json) return AsJson(response);
  return absl::StrCat(response.reset_count(), " of ", request.rule(),
                      " given back\n");
}

}  // namespace

const OperatorCommand kLimitsCommand = {"limits", kLimitsVerbs};

absl::StatusOr<std::string> AskLimits(const RpcPlace& place,
                                      const OperatorWords& words) {
  GATEWAY_RETURN_IF_ERROR(CheckWords(kLimitsCommand, words));
  return words.words[0] == "list" ? AskUsage(place, words)
                                  : AskReset(place, words);
}

absl::StatusOr<v1::ListLimitUsageRequest> ListUsageRequestOf(
    const OperatorWords& words) {
  if (words.words.size() != 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "limits list takes no '", words.words[1], "'; name a limit by --rule"));
  }
  v1::ListLimitUsageRequest request;
  request.set_rule(LastOf(words, "--rule"));
  request.set_subject(LastOf(words, "--subject"));
  return request;
}

absl::StatusOr<v1::ResetLimitRequest> ResetLimitRequestOf(
    const OperatorWords& words) {
  if (words.words.size() != 2) {
    return absl::InvalidArgumentError(
        "limits reset needs the name of one limit; gatewayctl limits list "
        "shows them");
  }
  v1::ResetLimitRequest request;
  request.set_rule(words.words[1]);
  for (const auto& [flag, value] : words.flags) {
    const std::vector<std::string> sides =
        absl::StrSplit(value, absl::MaxSplits('=', 1));
    if (sides.size() != 2) {
      return FlagMistake(
          flag, absl::StrCat("must be as user=ann, not '", value, "'"));
    }
    (*request.mutable_subject())[sides[0]] = sides[1];
  }
  return request;
}

std::string LimitUsageTable(const v1::ListLimitUsageResponse& response) {
  std::vector<Row> rows = {
      {"LIMIT", "UNIT", "SUBJECT", "LEFT", "OF", "WINDOW", "FULL AGAIN"}};
  for (const v1::LimitUsage& usage : response.usage()) {
    rows.push_back(
        {usage.rule(),
         ValueText(configv1::LimitUnit_Name(usage.unit()), "LIMIT_UNIT_"),
         UsageSubjectText(usage), AmountText(usage, usage.remaining()),
         AmountText(usage, usage.limit()),
         usage.has_window()
             ? absl::FormatDuration(absl::Seconds(usage.window().seconds()))
             : "-",
         usage.has_reset_time() ? TimeText(usage.reset_time()) : "-"});
  }
  return Table(rows);
}

}  // namespace gateway
