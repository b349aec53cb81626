#include "service/ledger/entry_reader.h"

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"

namespace gateway {
namespace {

constexpr std::string_view kDispatch = "DISPATCH";
// Behind it stand provider and model, as `openai/gpt-5`.
constexpr std::string_view kDispatchingTo = "Dispatching to ";

absl::Status TakeMember(JsonValue& value, std::string* out) {
  if (!value.IsString()) return absl::OkStatus();
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view text, value.String());
  out->assign(text);
  return absl::OkStatus();
}

absl::Status ReadGateway(JsonValue& gateway, EntryFacts* facts) {
  return gateway.EachField(
      [&](std::string_view key, JsonValue& value) -> absl::Status {
        if (key == "caller") return TakeMember(value, &facts->caller);
        if (key == "provider") return TakeMember(value, &facts->provider);
        if (key == "model") return TakeMember(value, &facts->model);
        if (key == "request_id") return TakeMember(value, &facts->request_id);
        if (key == "note_hash") return TakeMember(value, &facts->note_hash);
        if (key == "cost_usd_nanos" && value.Type() == JsonType::kNumber) {
          if (const auto cost = value.Int64(); cost.ok()) {
            facts->cost_usd_nanos = *cost;
          }
        }
        return absl::OkStatus();
      });
}

absl::Status ReadMetadata(JsonValue& metadata, std::string* model_id,
                          EntryFacts* facts) {
  return metadata.EachField(
      [&](std::string_view key, JsonValue& value) -> absl::Status {
        if (key == "session_id" || key == "scope_session_id") {
          return TakeMember(value, &facts->session_id);
        }
        if (key == "agent_id") return TakeMember(value, &facts->agent_id);
        if (key == "model_id") return TakeMember(value, model_id);
        if (key == "dispatch_entry_id") {
          return TakeMember(value, &facts->dispatch_entry_id);
        }
        if (key == "gateway" && value.IsObject()) {
          return ReadGateway(value, facts);
        }
        return absl::OkStatus();
      });
}

absl::Status ReadMembers(JsonValue& root, std::string* timestamp,
                         std::string* model_id, EntryFacts* facts) {
  return root.EachField(
      [&](std::string_view key, JsonValue& value) -> absl::Status {
        if (key == "id") return TakeMember(value, &facts->id);
        if (key == "event_type") return TakeMember(value, &facts->event_type);
        if (key == "decision") return TakeMember(value, &facts->decision);
        if (key == "reason") return TakeMember(value, &facts->reason);
        if (key == "timestamp") return TakeMember(value, timestamp);
        if (key == "entry_hash") return TakeMember(value, &facts->entry_hash);
        if (key == "submission_id") {
          return TakeMember(value, &facts->submission_id);
        }
        if (key == "previous_hash") {
          return TakeMember(value, &facts->previous_hash);
        }
        if (key == "metadata" && value.IsObject()) {
          return ReadMetadata(value, model_id, facts);
        }
        return absl::OkStatus();
      });
}

// A dispatch of another writer says to whom in words alone.
void TakeTarget(EntryFacts* facts) {
  if (facts->event_type != kDispatch || !facts->provider.empty()) return;
  std::string_view target = facts->reason;
  if (!target.starts_with(kDispatchingTo)) return;
  target.remove_prefix(kDispatchingTo.size());
  const size_t slash = target.find('/');
  if (slash == std::string_view::npos) return;
  facts->provider.assign(target.substr(0, slash));
  if (facts->model.empty()) facts->model.assign(target.substr(slash + 1));
}

// Reads as many digits as that; -1 if it has others.
int Digits(std::string_view text, size_t at, size_t count) {
  int number = 0;
  for (size_t i = at; i < at + count; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    number = number * 10 + (text[i] - '0');
  }
  return number;
}

// A time as LedgerTimeText writes it; InfinitePast for any other.
absl::Time ReadOwnTime(std::string_view text) {
  constexpr std::string_view kWhole = "2026-01-02T03:04:05+00:00";
  constexpr std::string_view kLong = "2026-01-02T03:04:05.678901+00:00";
  const bool is_long = text.size() == kLong.size();
  if (!is_long && text.size() != kWhole.size()) return absl::InfinitePast();
  if (!text.ends_with("+00:00") || text[4] != '-' || text[7] != '-' ||
      text[10] != 'T' || text[13] != ':' || text[16] != ':' ||
      (is_long && text[19] != '.')) {
    return absl::InfinitePast();
  }
  const int year = Digits(text, 0, 4);
  const int month = Digits(text, 5, 2);
  const int day = Digits(text, 8, 2);
  const int hour = Digits(text, 11, 2);
  const int minute = Digits(text, 14, 2);
  const int second = Digits(text, 17, 2);
  const int micros = is_long ? Digits(text, 20, 6) : 0;
  const absl::CivilSecond moment(year, month, day, hour, minute, second);
  const bool is_one = year >= 0 && micros >= 0 && moment.month() == month &&
                      moment.day() == day && moment.hour() == hour &&
                      moment.minute() == minute && moment.second() == second;
  if (!is_one) return absl::InfinitePast();
  return absl::FromCivil(moment, absl::UTCTimeZone()) +
         absl::Microseconds(micros);
}

}  // namespace

void EntryFacts::Clear() {
  for (std::string* const text :
       {&id, &event_type, &submission_id, &decision, &reason, &previous_hash,
        &entry_hash, &session_id, &agent_id, &dispatch_entry_id, &caller,
        &provider, &model, &request_id, &note_hash}) {
    text->clear();
  }
  time = absl::InfinitePast();
  cost_usd_nanos.reset();
}

absl::Status ReadEntryFacts(std::string_view entry, EntryFacts* facts) {
  facts->Clear();
  std::string timestamp;
  std::string model_id;
  const absl::Status read = ReadJson(entry, [&](JsonValue& root) {
    return ReadMembers(root, &timestamp, &model_id, facts);
  });
  if (facts->model.empty()) facts->model = model_id;
  TakeTarget(facts);
  facts->time = ReadLedgerTime(timestamp);
  return read;
}

absl::Time ReadLedgerTime(std::string_view text) {
  const absl::Time own = ReadOwnTime(text);
  if (own != absl::InfinitePast()) return own;
  absl::Time time;
  std::string error;
  for (const char* const zone : {"", "+00:00"}) {
    if (absl::ParseTime("%Y-%m-%d%ET%H:%M:%E*S%Ez",
                        absl::StrCat(ToAbsl(text), zone), &time, &error) &&
        time != absl::InfiniteFuture()) {
      return time;
    }
  }
  return absl::InfinitePast();
}

}  // namespace gateway
