#include "service/audit/audit_search.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/status_macros.h"
#include "service/audit/audit_schema.h"

namespace gateway {
namespace {

template <size_t kA, size_t kB>
consteval std::array<char, kA + kB - 1> Joined(const char (&a)[kA],
                                               const char (&b)[kB]) {
  std::array<char, kA + kB - 1> joined = {};
  std::copy_n(a, kA - 1, joined.begin());
  std::copy_n(b, kB, joined.begin() + kA - 1);
  return joined;
}

// What every search asks besides what its index is for, which is ?1.
constexpr char kRestOfSearch[] = R"sql(
    AND time_us >= ?2 AND (time_us, id) < (?3, ?4) AND kind = ?5
    AND (?6 = '' OR request_id = ?6) AND (?7 = '' OR caller = ?7)
    AND (?8 = '' OR agent_id = ?8) AND (?9 = '' OR agent_type = ?9)
    AND (?10 = '' OR provider = ?10) AND (?11 = '' OR project_id = ?11)
    AND (?12 = '' OR model = ?12 OR model_served = ?12)
    AND (?13 = 0 OR outcome = ?13) AND (?14 = 0 OR failure = ?14)
  ORDER BY time_us DESC, id DESC LIMIT ?15
)sql";

constexpr auto kSearchByTime = Joined(
    "SELECT time_us, id FROM entries INDEXED BY entries_by_time "
    "WHERE ?1 = ?1",
    kRestOfSearch);
constexpr auto kSearchOfGateway = Joined(
    "SELECT time_us, id FROM entries INDEXED BY entries_of_gateway "
    "WHERE ?1 = ?1 AND kind <> 1",
    kRestOfSearch);
constexpr auto kSearchThatFailed = Joined(
    "SELECT time_us, id FROM entries INDEXED BY entries_that_failed "
    "WHERE ?1 = ?1 AND outcome = 2",
    kRestOfSearch);
constexpr auto kSearchByRequest = Joined(
    "SELECT time_us, id FROM entries INDEXED BY entries_by_request "
    "WHERE request_id <> '' AND request_id = ?1",
    kRestOfSearch);
constexpr auto kSearchByCaller = Joined(
    "SELECT time_us, id FROM entries INDEXED BY entries_by_caller "
    "WHERE caller <> '' AND caller = ?1",
    kRestOfSearch);
constexpr auto kSearchByAgent = Joined(
    "SELECT time_us, id FROM entries INDEXED BY entries_by_agent "
    "WHERE agent_id <> '' AND agent_id = ?1",
    kRestOfSearch);
constexpr auto kSearchByAgentType = Joined(
    "SELECT time_us, id FROM entries INDEXED BY entries_by_agent_type "
    "WHERE agent_type <> '' AND agent_type = ?1",
    kRestOfSearch);
constexpr auto kSearchByProject = Joined(
    "SELECT time_us, id FROM entries INDEXED BY entries_by_project "
    "WHERE project_id <> '' AND project_id = ?1",
    kRestOfSearch);
constexpr auto kSearchByProvider = Joined(
    "SELECT time_us, id FROM entries INDEXED BY entries_by_provider "
    "WHERE provider <> '' AND provider = ?1",
    kRestOfSearch);
constexpr auto kSearchByModel = Joined(
    "SELECT time_us, id FROM entries INDEXED BY entries_by_model "
    "WHERE model <> '' AND model = ?1",
    kRestOfSearch);
constexpr auto kSearchByModelServed = Joined(
    "SELECT time_us, id FROM entries "
    "INDEXED BY entries_by_model_served "
    "WHERE model_served <> '' AND model_served = ?1 AND model <> ?1",
    kRestOfSearch);

constexpr SqlText kReadEntry = "SELECT * FROM entries WHERE id = ?";
constexpr SqlText kReadBody =
    "SELECT key_id, kept_bytes, truncated, redactions, unavailable, bytes "
    "FROM bodies WHERE entry = ? AND part = ?";
constexpr SqlText kDescribeBody =
    "SELECT key_id, kept_bytes, truncated, redactions, unavailable "
    "FROM bodies WHERE entry = ? AND part = ?";

// Microseconds since 1970, also of what is before or behind all of them.
int64_t MicrosOf(absl::Time time) {
  if (time == absl::InfiniteFuture()) {
    return std::numeric_limits<int64_t>::max();
  }
  return absl::ToUnixMicros(time);
}

// An index and what is looked for in it.
struct Way {
  SqlText sql;
  std::string_view key;
};

// Returns the index that leaves the fewest entries, as a rule; of a model, the
// two that name it.
std::vector<Way> WaysOf(const AuditFilter& filter) {
  if (!filter.request_id.empty()) {
    return {{kSearchByRequest.data(), filter.request_id}};
  }
  if (!filter.agent_id.empty()) {
    return {{kSearchByAgent.data(), filter.agent_id}};
  }
  if (!filter.caller.empty()) {
    return {{kSearchByCaller.data(), filter.caller}};
  }
  if (filter.kind != AuditKind::kCall) return {{kSearchOfGateway.data(), ""}};
  if (!filter.project_id.empty()) {
    return {{kSearchByProject.data(), filter.project_id}};
  }
  if (!filter.agent_type.empty()) {
    return {{kSearchByAgentType.data(), filter.agent_type}};
  }
  if (filter.outcome == AuditOutcome::kFailed || filter.failure != 0) {
    return {{kSearchThatFailed.data(), ""}};
  }
  if (!filter.model.empty()) {
    return {{kSearchByModel.data(), filter.model},
            {kSearchByModelServed.data(), filter.model}};
  }
  if (!filter.provider.empty()) {
    return {{kSearchByProvider.data(), filter.provider}};
  }
  return {{kSearchByTime.data(), ""}};
}

absl::Status FindPlaces(SqliteConnection& db, const Way& way,
                        const AuditQuery& query, int limit,
                        std::vector<AuditPlace>* places) {
  const AuditFilter& filter = query.filter;
  // What ends the time is a place too: before all entries of that moment.
  AuditPlace before = query.before;
  const int64_t end_us = MicrosOf(filter.end_time);
  if (end_us < before.time_us ||
      (end_us == before.time_us && filter.end_time != absl::InfiniteFuture())) {
    before = {.time_us = end_us, .id = std::numeric_limits<int64_t>::min()};
  }
  SqliteStatement search = db.Prepare(way.sql);
  search.BindText(way.key)
      .BindInt64(absl::ToUnixMicros(filter.start_time))
      .BindInt64(before.time_us)
      .BindInt64(before.id)
      .BindInt64(static_cast<int64_t>(filter.kind))
      .BindText(filter.request_id)
      .BindText(filter.caller)
      .BindText(filter.agent_id)
      .BindText(filter.agent_type)
      .BindText(filter.provider)
      .BindText(filter.project_id)
      .BindText(filter.model)
      .BindInt64(static_cast<int64_t>(filter.outcome))
      .BindInt64(filter.failure)
      .BindInt64(limit);
  while (true) {
    GATEWAY_ASSIGN_OR_RETURN(const bool found, search.Step());
    if (!found) return absl::OkStatus();
    places->push_back({.time_us = search.Int64(0), .id = search.Int64(1)});
  }
}

AuditEntry EntryOf(const SqliteStatement& row) {
  AuditEntry entry;
  int column = 0;
  const auto next = [&] { return row.Int64(column++); };
  entry.id = next();
  entry.kind = static_cast<AuditKind>(next());
  entry.time = absl::FromUnixMicros(next());
  for (size_t i = 0; i < kAuditTexts; ++i) entry.texts.Add(row.Text(column++));
  entry.outcome = static_cast<AuditOutcome>(next());
  entry.stream = next() != 0;
  entry.failure = static_cast<int>(next());
  entry.status_code = static_cast<int>(next());
  entry.http_status = static_cast<int>(next());
  entry.finish_reason = static_cast<int>(next());
  entry.attempts = static_cast<int>(next());
  const absl::Span<int64_t> tokens = absl::MakeSpan(entry.usage.tokens);
  for (int64_t& each : tokens.first(AuditUsage::kFirstTokenKinds)) {
    each = next();
  }
  const bool has_price = !row.IsNull(column);
  const int64_t charged = next();
  if (has_price) entry.usage.charged_nanos = charged;
  entry.usage.estimated = next() != 0;
  entry.duration = absl::Microseconds(next());
  entry.request_bytes = next();
  entry.response_bytes = next();
  entry.entries = next();
  // Of entries of earlier versions, all that had a price.
  const bool says_known = !row.IsNull(column);
  const bool known = next() != 0;
  entry.usage.cost_known = says_known ? known : has_price;
  // Of those they are 0.
  for (int64_t& each : tokens.subspan(AuditUsage::kFirstTokenKinds)) {
    each = next();
  }
  return entry;
}

absl::Status LoadBody(SqliteConnection& db, int64_t entry, int64_t part,
                      bool with_bytes, const BodyCipher* cipher,
                      AuditBody* body) {
  SqliteStatement read = db.Prepare(with_bytes ? kReadBody : kDescribeBody);
  read.BindInt64(entry).BindInt64(part);
  GATEWAY_ASSIGN_OR_RETURN(const bool found, read.Step());
  if (!found) return absl::OkStatus();
  body->is_kept = true;
  body->key_id = read.Text(0);
  body->kept_bytes = read.Int64(1);
  body->truncated = read.Int64(2) != 0;
  body->redactions = static_cast<int>(read.Int64(3));
  body->unavailable = read.Text(4);
  if (!with_bytes || !body->unavailable.empty()) return absl::OkStatus();
  if (body->key_id.empty()) {
    body->bytes = read.Blob(5);
    return absl::OkStatus();
  }
  if (cipher == nullptr) {
    body->unavailable = "no key is configured in audit.encryption";
    return absl::OkStatus();
  }
  absl::StatusOr<std::string> text = cipher->Decrypt(
      body->key_id, read.Blob(5), BodyContext(entry, part == kResponsePart));
  if (text.ok()) {
    body->bytes = *std::move(text);
  } else {
    body->unavailable = std::string(text.status().message());
  }
  return absl::OkStatus();
}

size_t PageBytesOf(const AuditEntry& entry) {
  // And the names and numbers of its form.
  constexpr size_t kRest = 512;
  return entry.texts.bytes() + entry.request.bytes.size() +
         entry.response.bytes.size() + kRest;
}

}  // namespace

absl::StatusOr<AuditEntry> ReadEntry(SqliteConnection& db, int64_t id,
                                     bool bodies, const BodyCipher* cipher) {
  AuditEntry entry;
  {
    SqliteStatement read = db.Prepare(kReadEntry);
    read.BindInt64(id);
    GATEWAY_ASSIGN_OR_RETURN(const bool found, read.Step());
    if (!found) {
      return absl::NotFoundError(
          absl::StrCat("the audit log has no entry of the id ", id));
    }
    entry = EntryOf(read);
  }
  GATEWAY_RETURN_IF_ERROR(
      LoadBody(db, id, kRequestPart, bodies, cipher, &entry.request));
  GATEWAY_RETURN_IF_ERROR(
      LoadBody(db, id, kResponsePart, bodies, cipher, &entry.response));
  return entry;
}

absl::StatusOr<AuditPage> SearchEntries(SqliteConnection& db,
                                        const AuditQuery& query) {
  // One more tells whether there is another page.
  const auto limit = static_cast<size_t>(query.limit);
  std::vector<AuditPlace> places;
  for (const Way& way : WaysOf(query.filter)) {
    GATEWAY_RETURN_IF_ERROR(
        FindPlaces(db, way, query, query.limit + 1, &places));
  }
  std::sort(places.begin(), places.end(),
            [](const AuditPlace& a, const AuditPlace& b) {
              return std::pair(a.time_us, a.id) > std::pair(b.time_us, b.id);
            });
  AuditPage page;
  size_t bytes = 0;
  for (size_t i = 0; i < places.size(); ++i) {
    if (i == limit) {
      page.next = places[i - 1];
      break;
    }
    GATEWAY_ASSIGN_OR_RETURN(
        AuditEntry entry,
        ReadEntry(db, places[i].id, query.bodies, query.cipher.get()));
    bytes += PageBytesOf(entry);
    if (i > 0 && bytes > query.bytes_limit) {
      page.next = places[i - 1];
      break;
    }
    page.entries.push_back(std::move(entry));
  }
  return page;
}

}  // namespace gateway
