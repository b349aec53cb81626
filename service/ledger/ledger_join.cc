#include "service/ledger/ledger_join.h"

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/text/json.h"
#include "service/ledger/entry.h"
#include "service/ledger/entry_reader.h"

namespace gateway {
namespace {

std::string HeadForm(const ChainHead& head) {
  std::string form;
  {
    MetadataWriter writer(&form);
    writer.AddText("chain", head.chain);
    writer.AddInt("commits", head.end.commits);
    writer.AddInt("entries", head.end.entries);
    writer.AddText("hash", head.end.hash);
  }
  return form;
}

absl::Status ReadJoinText(JsonValue& value, std::string* out) {
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view text, value.String());
  out->assign(text);
  return absl::OkStatus();
}

absl::Status ReadJoinNumber(JsonValue& value, int64_t* out) {
  GATEWAY_ASSIGN_OR_RETURN(*out, value.Int64());
  return absl::OkStatus();
}

absl::Status ReadHead(JsonValue& value, ChainHead* head) {
  return value.EachField(
      [&](std::string_view key, JsonValue& member) -> absl::Status {
        if (key == "chain") return ReadJoinText(member, &head->chain);
        if (key == "commits") return ReadJoinNumber(member, &head->end.commits);
        if (key == "entries") return ReadJoinNumber(member, &head->end.entries);
        if (key == "hash") return ReadJoinText(member, &head->end.hash);
        return absl::OkStatus();
      });
}

}  // namespace

std::string JoinText(const LedgerJoin& join) {
  std::string heads = "[";
  for (const ChainHead& head : join.heads) {
    absl::StrAppend(&heads, heads.size() > 1 ? ", " : "", HeadForm(head));
  }
  heads.push_back(']');
  std::string text;
  {
    MetadataWriter writer(&text);
    writer.AddForm("chains", heads);
    writer.AddInt("number", join.number);
    writer.AddText("previous_hash", join.previous_hash);
    writer.AddText("time", LedgerTimeText(join.time));
  }
  return text;
}

absl::StatusOr<LedgerJoin> ReadJoin(std::string_view text) {
  LedgerJoin join;
  const auto read_head = [&](JsonValue& value) {
    return ReadHead(value, &join.heads.emplace_back());
  };
  const auto read_field = [&](std::string_view key,
                              JsonValue& value) -> absl::Status {
    if (key == "chains") return value.EachElement(read_head);
    if (key == "number") return ReadJoinNumber(value, &join.number);
    if (key == "previous_hash") {
      return ReadJoinText(value, &join.previous_hash);
    }
    if (key == "time") {
      std::string time;
      GATEWAY_RETURN_IF_ERROR(ReadJoinText(value, &time));
      join.time = ReadLedgerTime(time);
    }
    return absl::OkStatus();
  };
  GATEWAY_RETURN_IF_ERROR(ReadJson(
      text, [&](JsonValue& root) { return root.EachField(read_field); }));
  return join;
}

}  // namespace gateway
