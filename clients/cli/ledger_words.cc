#include "clients/cli/ledger_words.h"

#include <algorithm>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/status_macros.h"
#include "clients/cli/ledger_reprice.h"
#include "clients/cli/moment_words.h"
#include "service/ledger/entry_names.h"
#include "service/ledger/hash_text.h"

namespace gateway {
namespace {

constexpr int64_t kLimitMax = 1'000'000;

constexpr std::string_view kVerifyFlags[] = {
    "--after", "--archive", "--chain", "--noted", "--postgres", "--schema"};
constexpr std::string_view kLedgerGetFlags[] = {"--archive", "--file",
                                                "--postgres", "--schema"};
constexpr std::string_view kArchiveFlags[] = {"--before", "--out", "--postgres",
                                              "--schema"};
constexpr std::string_view kProveFlags[] = {
    "--archive", "--chain", "--check", "--postgres", "--root", "--schema"};
constexpr std::string_view kImportFlags[] = {"--to"};
constexpr std::string_view kExportFlags[] = {
    "--chain",      "--postgres", "--schema", "--file",     "--type",
    "--submission", "--session",  "--agent",  "--decision", "--request",
    "--caller",     "--provider", "--model",  "--since",    "--until"};
constexpr std::string_view kQueryFlags[] = {
    "--chain",      "--postgres", "--schema", "--file",     "--type",
    "--submission", "--session",  "--agent",  "--decision", "--request",
    "--caller",     "--provider", "--model",  "--since",    "--until",
    "--limit",      "--order"};
constexpr OperatorVerb kLedgerVerbs[] = {
    {"verify", kVerifyFlags}, {"query", kQueryFlags},
    {"get", kLedgerGetFlags}, {"export", kExportFlags},
    {"import", kImportFlags}, {"archive", kArchiveFlags},
    {"prove", kProveFlags},   {"reprice", kLedgerRepriceFlags}};

absl::Status NameMistake(std::string_view flag, const std::string& name,
                         absl::Span<const std::string_view> known) {
  return FlagMistake(flag, absl::StrCat("is ", NoSuchEntryName(name, known)));
}

// Where the text of a flag belongs; null if it is none of these.
std::string* TextOfFlag(std::string_view flag, LedgerFilter* filter) {
  if (flag == "--submission") return &filter->submission_id;
  if (flag == "--session") return &filter->session_id;
  if (flag == "--agent") return &filter->agent_id;
  if (flag == "--decision") return &filter->decision;
  if (flag == "--request") return &filter->request_id;
  if (flag == "--caller") return &filter->caller;
  if (flag == "--provider") return &filter->provider;
  if (flag == "--model") return &filter->model;
  return nullptr;
}

}  // namespace

const OperatorCommand kLedgerCommand = {.name = "ledger",
                                        .verbs = kLedgerVerbs};

absl::Status CheckLedgerFlags(const OperatorWords& words) {
  const std::string& what = words.words[0];
  const bool is_verified = what == "verify";
  const bool reads_files =
      !LedgerFilesOf(words).empty() || (is_verified && words.words.size() > 1);
  const std::string archive = LastOf(words, "--archive");
  for (const char* const place : {"--postgres", "--schema"}) {
    const bool has_other = reads_files || (!is_verified && !archive.empty());
    if (what == "prove" || !has_other || LastOf(words, place).empty()) continue;
    return FlagMistake(place,
                       "names another ledger than the one that is read; give "
                       "one of them");
  }
  if (reads_files && !archive.empty()) {
    return FlagMistake("--archive",
                       "would not be read beside files; give one of them, or "
                       "name the archive's files as well");
  }
  return absl::OkStatus();
}

ForeignNames::ForeignNames(const LedgerFilter& filter) {
  for (const std::string& type : filter.event_types) {
    if (!IsNameAmong(kEntryTypes, type)) types_.push_back(type);
  }
  if (!filter.decision.empty() &&
      !IsNameAmong(kEntryDecisions, filter.decision)) {
    decision_ = filter.decision;
  }
}

void ForeignNames::See(const EntryFacts& facts) {
  std::erase(types_, facts.event_type);
  if (facts.decision == decision_) decision_.clear();
}

absl::Status ForeignNames::Check() const {
  if (!types_.empty()) {
    return NameMistake("--type", types_.front(), kEntryTypes);
  }
  if (decision_.empty()) return absl::OkStatus();
  return NameMistake("--decision", decision_, kEntryDecisions);
}

absl::Status CheckChainOfFiles(const OperatorWords& words, bool reads_files) {
  if (!reads_files || LastOf(words, "--chain").empty()) {
    return absl::OkStatus();
  }
  return FlagMistake("--chain",
                     "is for --postgres and for a gateway: entries in files do "
                     "not name their chain; leave it out, or export the chain "
                     "from where it is");
}

std::vector<std::string> LedgerFilesOf(const OperatorWords& words) {
  std::vector<std::string> files;
  for (const auto& [flag, value] : words.flags) {
    if (flag == "--file") files.push_back(value);
  }
  return files;
}

absl::StatusOr<LedgerFilter> LedgerFilterOf(const OperatorWords& words,
                                            absl::Time now) {
  LedgerFilter filter;
  for (const auto& [flag, value] : words.flags) {
    if (std::string* const text = TextOfFlag(flag, &filter)) {
      *text = value;
      if (flag == "--decision") absl::AsciiStrToUpper(text);
    } else if (flag == "--type") {
      filter.event_types.push_back(absl::AsciiStrToUpper(value));
    } else if (flag == "--since") {
      GATEWAY_ASSIGN_OR_RETURN(filter.start_time, MomentOf(flag, value, now));
    } else if (flag == "--until") {
      GATEWAY_ASSIGN_OR_RETURN(filter.end_time, MomentOf(flag, value, now));
    }
  }
  return filter;
}

llmgateway::v1::LedgerFilter ToMessage(const LedgerFilter& filter) {
  llmgateway::v1::LedgerFilter out;
  for (const std::string& type : filter.event_types) out.add_event_types(type);
  out.set_submission_id(filter.submission_id);
  out.set_session_id(filter.session_id);
  out.set_agent_id(filter.agent_id);
  out.set_decision(filter.decision);
  out.set_request_id(filter.request_id);
  out.set_caller(filter.caller);
  out.set_provider(filter.provider);
  out.set_model(filter.model);
  if (filter.start_time != absl::InfinitePast()) {
    *out.mutable_start_time() = ToTimestamp(filter.start_time);
  }
  if (filter.end_time != absl::InfiniteFuture()) {
    *out.mutable_end_time() = ToTimestamp(filter.end_time);
  }
  return out;
}

absl::StatusOr<LedgerListing> LedgerListingOf(const OperatorWords& words) {
  LedgerListing listing;
  const std::string limit = LastOf(words, "--limit");
  if (!limit.empty() && (!absl::SimpleAtoi(limit, &listing.limit) ||
                         listing.limit < 1 || listing.limit > kLimitMax)) {
    return FlagMistake("--limit", absl::StrCat("must be from 1 to ", kLimitMax,
                                               ", not '", limit, "'"));
  }
  const std::string order = LastOf(words, "--order");
  listing.newest_first = order != "oldest";
  if (!order.empty() && order != "oldest" && order != "newest") {
    return FlagMistake("--order", absl::StrCat("must be newest or oldest, "
                                               "not '",
                                               order, "'"));
  }
  return listing;
}

absl::StatusOr<int64_t> AfterEntryOf(const OperatorWords& words) {
  const std::string text = LastOf(words, "--after");
  int64_t entry = 0;
  if (text.empty()) return entry;
  if (!absl::SimpleAtoi(text, &entry) || entry < 0) {
    return FlagMistake(
        "--after",
        absl::StrCat("must be the number of an entry, not '", text, "'"));
  }
  return entry;
}

absl::StatusOr<std::string> NotedHashOf(const OperatorWords& words,
                                        const std::string& flag) {
  std::string hash = absl::AsciiStrToLower(LastOf(words, flag));
  const bool is_hash =
      hash.size() == kHashTextBytes &&
      std::all_of(hash.begin(), hash.end(), [](char digit) {
        return absl::ascii_isxdigit(static_cast<unsigned char>(digit)) != 0;
      });
  if (!hash.empty() && !is_hash) {
    return FlagMistake(flag,
                       "must be a hash as it was noted elsewhere: 64 "
                       "hexadecimal digits");
  }
  return hash;
}

std::string OpenDispatchesText(int64_t open) {
  if (open == 0) return {};
  return absl::StrCat(
      "dispatches without an exchange ", open,
      ": of calls that are under way or were refused, or that a gateway which "
      "was killed has left and the next start closes\n");
}

}  // namespace gateway
