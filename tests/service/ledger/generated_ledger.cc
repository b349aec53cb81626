#include "tests/service/ledger/generated_ledger.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "service/ledger/metadata_writer.h"

namespace gateway {
namespace {

constexpr const char* kProviders[] = {"openai", "anthropic", "gemini"};
constexpr const char* kModels[] = {"gpt-5", "claude-sonnet-4-5",
                                   "gemini-2.5-pro"};

std::string IdOf(int64_t number) {
  return absl::StrFormat("LED-%016x", number * 0x9e3779b97f4a7c15u);
}

std::string GatewayMember(int64_t call) {
  std::string member;
  MetadataWriter writer(&member);
  writer.AddText("caller", absl::StrCat("caller-", call % 5));
  writer.AddInt("cost_usd_nanos", 1000 * call);
  writer.AddText("model", kModels[call % 3]);
  writer.AddText("provider", kProviders[call % 3]);
  writer.AddText("request_id", absl::StrCat("req-", call));
  return member;
}

LedgerEntry EntryOf(int64_t call) {
  LedgerEntry entry;
  entry.time = kFirstCallTime + call * kBetweenCalls;
  return entry;
}

}  // namespace

std::string DispatchIdOf(int64_t call) { return IdOf(2 * call + 1); }
std::string ExchangeIdOf(int64_t call) { return IdOf(2 * call + 2); }

UnchainedEntry DispatchOf(int64_t call) {
  const std::string submission = absl::StrCat("PRC-", call / 100);
  LedgerEntry entry = EntryOf(call);
  entry.id = DispatchIdOf(call);
  entry.event_type = "DISPATCH";
  entry.submission_id = submission;
  entry.decision = "DISPATCHED";
  entry.reason = absl::StrCat("Dispatching to ", kProviders[call % 3], "/",
                              kModels[call % 3]);
  {
    MetadataWriter metadata(&entry.metadata);
    metadata.AddText("agent_id", absl::StrCat("agent-", call % 7));
    metadata.AddText("contract_id", submission);
    metadata.AddForm("gateway", GatewayMember(call));
    metadata.AddText("session_id", absl::StrCat("SES-", call / 10));
  }
  return UnchainedEntry(entry);
}

UnchainedEntry ExchangeOf(int64_t call) {
  const bool fails = call % 10 == 9;
  const std::string submission = absl::StrCat("PRC-", call / 100);
  LedgerEntry entry = EntryOf(call);
  entry.time += kBetweenCalls / 2;
  entry.id = ExchangeIdOf(call);
  entry.event_type = "EXCHANGE";
  entry.submission_id = submission;
  entry.decision = fails ? "ERROR" : "SUCCESS";
  entry.reason =
      fails ? "TIMEOUT: the provider took too long" : "Exchange completed";
  {
    MetadataWriter metadata(&entry.metadata);
    metadata.AddText("agent_id", absl::StrCat("agent-", call % 7));
    metadata.AddText("context_hash", std::string(64, 'c'));
    metadata.AddText("contract_id", submission);
    metadata.AddText("dispatch_entry_id", DispatchIdOf(call));
    metadata.AddText("finish_reason", "stop");
    metadata.AddForm("gateway", GatewayMember(call));
    metadata.AddInt("input_tokens", 12 + call % 100);
    metadata.AddInt("latency_ms", 800);
    metadata.AddText("model_id", kModels[call % 3]);
    metadata.AddText("outcome", fails ? "timeout" : "success");
    metadata.AddInt("output_tokens", 34);
    metadata.AddText("prompt", "");
    metadata.AddText("response", "");
    metadata.AddText("session_id", absl::StrCat("SES-", call / 10));
    metadata.AddText("tier", "standard");
  }
  return UnchainedEntry(entry);
}

absl::Status AppendCalls(LedgerLog& log, const GeneratedCalls& calls) {
  const int64_t end = calls.first_call + calls.calls;
  for (int64_t next = calls.first_call; next < end;) {
    const int64_t last = std::min(next + calls.calls_in_commit, end);
    std::vector<UnchainedEntry> entries;
    entries.reserve(static_cast<size_t>(2 * (last - next)));
    for (; next < last; ++next) {
      entries.push_back(DispatchOf(next));
      entries.push_back(ExchangeOf(next));
    }
    std::vector<const UnchainedEntry*> all;
    all.reserve(entries.size());
    for (const UnchainedEntry& entry : entries) all.push_back(&entry);
    GATEWAY_RETURN_IF_ERROR(
        log.Append(all, kFirstCallTime + last * kBetweenCalls));
  }
  return absl::OkStatus();
}

}  // namespace gateway
