#include "clients/cli/audit_request.h"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/os/clock.h"
#include "base/status_macros.h"
#include "clients/cli/answer_text.h"
#include "clients/cli/moment_words.h"
#include "clients/cli/page_tokens.h"
#include "clients/cli/shown_output.h"
#include "google/protobuf/util/json_util.h"
#include "llmgateway/v1/admin.grpc.pb.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

using AuditStub = v1::AdminService::Stub;

constexpr int kAuditPageSize = 1000;
constexpr int kAuditShownDefault = 100;

constexpr std::string_view kSearchFlags[] = {
    "--since",    "--until",   "--caller", "--agent",   "--agent_type",
    "--provider", "--project", "--model",  "--outcome", "--request",
    "--limit",    "--bodies",  "--kind",   "--failure"};
constexpr std::string_view kGetFlags[] = {"--bodies"};
constexpr OperatorVerb kAuditVerbs[] = {
    {"search", kSearchFlags}, {"get", kGetFlags}, {"export", kSearchFlags}};

absl::Status SetFailure(const std::string& text, v1::AuditFilter* filter) {
  v1::ErrorReason reason = v1::ERROR_REASON_UNSPECIFIED;
  const std::string name = absl::AsciiStrToUpper(text);
  if (!v1::ErrorReason_Parse(name, &reason) &&
      !v1::ErrorReason_Parse(absl::StrCat("ERROR_REASON_", name), &reason)) {
    return FlagMistake("--failure", absl::StrCat("must be a reason as in "
                                                 "RATE_LIMITED, not '",
                                                 text, "'"));
  }
  filter->set_failure(reason);
  return absl::OkStatus();
}

absl::Status SetOutcome(const std::string& text, v1::AuditFilter* filter) {
  if (text == "succeeded") {
    filter->set_outcome(v1::AUDIT_OUTCOME_SUCCEEDED);
  } else if (text == "failed") {
    filter->set_outcome(v1::AUDIT_OUTCOME_FAILED);
  } else {
    return FlagMistake("--outcome", absl::StrCat("must be succeeded or failed, "
                                                 "not '",
                                                 text, "'"));
  }
  return absl::OkStatus();
}

absl::Status SetKind(const std::string& text, v1::AuditFilter* filter) {
  if (text == "call") {
    filter->set_kind(v1::AuditEntry::KIND_CALL);
  } else if (text == "deletion") {
    filter->set_kind(v1::AuditEntry::KIND_DELETION);
  } else if (text == "loss") {
    filter->set_kind(v1::AuditEntry::KIND_LOSS);
  } else if (text == "disclosure") {
    filter->set_kind(v1::AuditEntry::KIND_DISCLOSURE);
  } else {
    return FlagMistake("--kind", absl::StrCat("must be call, deletion, loss or "
                                              "disclosure, not '",
                                              text, "'"));
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> WantsBodies(const OperatorWords& words) {
  const std::string said = LastOf(words, "--bodies");
  if (said.empty() || said == "no") return false;
  if (said == "yes") return true;
  return FlagMistake("--bodies",
                     absl::StrCat("must be yes or no, not '", said, "'"));
}

// How many entries are wanted.
absl::StatusOr<int64_t> WantedOf(const OperatorWords& words,
                                 int64_t otherwise) {
  const std::string said = LastOf(words, "--limit");
  if (said.empty()) return otherwise;
  int64_t limit = 0;
  if (!absl::SimpleAtoi(said, &limit) || limit < 1) {
    return FlagMistake("--limit", absl::StrCat("must be a number from 1 on, "
                                               "not '",
                                               said, "'"));
  }
  return limit;
}

absl::Status CheckIsSole(const OperatorWords& words) {
  if (words.words.size() == 1) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("audit ", words.words[0],
                                                 " takes no '", words.words[1],
                                                 "'; see gatewayctl --help"));
}

// Asks for pages, and calls `take` with each.
template <typename Take>
absl::Status EachPage(const RpcPlace& place, const OperatorWords& words,
                      int64_t wanted, Take take) {
  GATEWAY_ASSIGN_OR_RETURN(
      v1::SearchAuditRequest request,
      SearchAuditRequestOf(words, SystemClock().WallTime()));
  GATEWAY_ASSIGN_OR_RETURN(wanted, WantedOf(words, wanted));
  GATEWAY_ASSIGN_OR_RETURN(const AdminConnection admin,
                           AdminConnection::Open(place));
  PageTokens tokens;
  bool more = true;
  while (wanted > 0 && more) {
    request.set_page_size(
        static_cast<int>(std::min<int64_t>(wanted, kAuditPageSize)));
    GATEWAY_ASSIGN_OR_RETURN(const v1::SearchAuditResponse page,
                             admin.Call(&AuditStub::SearchAudit, request));
    request.set_page_token(page.next_page_token());
    GATEWAY_ASSIGN_OR_RETURN(more, tokens.GoOn(page.next_page_token()));
    take(page);
    wanted -= page.entries_size();
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> AskSearch(const RpcPlace& place,
                                      const OperatorWords& words) {
  v1::SearchAuditResponse all;
  GATEWAY_RETURN_IF_ERROR(EachPage(place, words, kAuditShownDefault,
                                   [&](const v1::SearchAuditResponse& page) {
                                     all.mutable_entries()->MergeFrom(
                                         page.entries());
                                   }));
  return words.as_json ? AsJson(all) : AuditTable(all);
}

absl::StatusOr<std::string> AskGet(const RpcPlace& place,
                                   const OperatorWords& words) {
  GATEWAY_ASSIGN_OR_RETURN(const v1::GetAuditRequest request,
                           GetAuditRequestOf(words));
  GATEWAY_ASSIGN_OR_RETURN(const AdminConnection admin,
                           AdminConnection::Open(place));
  GATEWAY_ASSIGN_OR_RETURN(const v1::AuditEntry entry,
                           admin.Call(&AuditStub::GetAudit, request));
  return AsJson(entry);
}

}  // namespace

const OperatorCommand kAuditCommand = {"audit", kAuditVerbs};

absl::StatusOr<std::string> AskAudit(const RpcPlace& place,
                                     const OperatorWords& words) {
  GATEWAY_RETURN_IF_ERROR(CheckWords(kAuditCommand, words));
  return words.words[0] == "get" ? AskGet(place, words)
                                 : AskSearch(place, words);
}

absl::Status ExportAudit(const RpcPlace& place, const OperatorWords& words,
                         std::ostream& out) {
  GATEWAY_RETURN_IF_ERROR(CheckWords(kAuditCommand, words));
  return EachPage(
      place, words, INT64_MAX, [&](const v1::SearchAuditResponse& page) {
        google::protobuf::util::JsonPrintOptions options;
        options.preserve_proto_field_names = true;
        for (const v1::AuditEntry& entry : page.entries()) {
          std::string line;
          const auto written = google::protobuf::util::MessageToJsonString(
              entry, &line, options);
          if (written.ok()) out << AsItIs{line} << "\n";
        }
      });
}

absl::StatusOr<v1::SearchAuditRequest> SearchAuditRequestOf(
    const OperatorWords& words, absl::Time now) {
  GATEWAY_RETURN_IF_ERROR(CheckIsSole(words));
  v1::SearchAuditRequest request;
  v1::AuditFilter& filter = *request.mutable_filter();
  filter.set_caller(LastOf(words, "--caller"));
  filter.set_agent_id(LastOf(words, "--agent"));
  filter.set_agent_type(LastOf(words, "--agent_type"));
  filter.set_provider(LastOf(words, "--provider"));
  filter.set_project_id(LastOf(words, "--project"));
  filter.set_model(LastOf(words, "--model"));
  filter.set_request_id(LastOf(words, "--request"));
  if (const std::string since = LastOf(words, "--since"); !since.empty()) {
    GATEWAY_ASSIGN_OR_RETURN(const absl::Time time,
                             MomentOf("--since", since, now));
    *filter.mutable_start_time() = ToTimestamp(time);
  }
  if (const std::string until = LastOf(words, "--until"); !until.empty()) {
    GATEWAY_ASSIGN_OR_RETURN(const absl::Time time,
                             MomentOf("--until", until, now));
    *filter.mutable_end_time() = ToTimestamp(time);
  }
  if (const std::string said = LastOf(words, "--outcome"); !said.empty()) {
    GATEWAY_RETURN_IF_ERROR(SetOutcome(said, &filter));
  }
  if (const std::string said = LastOf(words, "--failure"); !said.empty()) {
    GATEWAY_RETURN_IF_ERROR(SetFailure(said, &filter));
  }
  if (const std::string said = LastOf(words, "--kind"); !said.empty()) {
    GATEWAY_RETURN_IF_ERROR(SetKind(said, &filter));
  }
  GATEWAY_RETURN_IF_ERROR(WantedOf(words, 1).status());
  GATEWAY_ASSIGN_OR_RETURN(const bool bodies, WantsBodies(words));
  request.set_include_bodies(bodies);
  return request;
}

absl::StatusOr<v1::GetAuditRequest> GetAuditRequestOf(
    const OperatorWords& words) {
  int64_t id = 0;
  if (words.words.size() != 2 || !absl::SimpleAtoi(words.words[1], &id)) {
    return absl::InvalidArgumentError(
        "audit get needs the number of one entry; gatewayctl audit search "
        "shows them");
  }
  v1::GetAuditRequest request;
  request.set_id(id);
  GATEWAY_ASSIGN_OR_RETURN(const bool bodies, WantsBodies(words));
  request.set_include_bodies(bodies);
  return request;
}

std::string AuditTable(const v1::SearchAuditResponse& response) {
  std::vector<Row> rows = {{"ID", "TIME", "CALLER", "AGENT", "MODEL",
                            "PROVIDER", "OUTCOME", "TOKENS", "REQUEST"}};
  for (const v1::AuditEntry& entry : response.entries()) {
    rows.push_back(
        {absl::StrCat(entry.id()), TimeText(entry.time()),
         OrDash(entry.caller()), OrDash(entry.scope().agent_id()),
         OrDash(entry.model()), OrDash(entry.route().provider()),
         ValueText(v1::AuditOutcome_Name(entry.outcome()), "AUDIT_OUTCOME_"),
         absl::StrCat(entry.usage().input_tokens(), "+",
                      entry.usage().output_tokens()),
         entry.request_id()});
  }
  return Table(rows);
}

}  // namespace gateway
