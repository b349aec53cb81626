#include "service/sessions/session_store.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/async/worker_pool.h"
#include "base/os/logging.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "proto/proto_time.h"
#include "service/sessions/session_fault.h"
#include "service/store/memory_record_store.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

using ::llmgateway::kept::SessionOwner;
using ::llmgateway::kept::SessionRecord;

// As UUIDs are written.
constexpr size_t kIdBytes = 36;
constexpr size_t kIdDigits = 32;

// What a record takes beside its value, about.
constexpr size_t kRecordBytes =
    MemoryRecordStore::kRecordOverheadBytes + kIdBytes;

// What a session takes whose record has this value.
int64_t TakenBy(std::string_view value) {
  return static_cast<int64_t>(value.size() + kRecordBytes);
}

// Sessions are counted anew so often, and at most so often where there seem to
// be too many.
constexpr absl::Duration kCountInterval = absl::Seconds(10);
constexpr absl::Duration kCountIntervalMin = absl::Seconds(1);

// A session that a call goes on with stays so long after the call must have
// ended, at least.
constexpr absl::Duration kAfterTurn = absl::Minutes(1);

absl::StatusOr<absl::Duration> TtlOf(const SessionLimits& limits,
                                     const v1::CreateSessionRequest& request) {
  if (!request.has_ttl()) return limits.ttl;
  const absl::Duration ttl = ToAbsl(request.ttl());
  if (ttl >= SessionStore::kTtlMin && ttl <= SessionStore::kTtlMax) return ttl;
  return InvalidField(
      "ttl",
      absl::StrCat("must be from ", absl::FormatDuration(SessionStore::kTtlMin),
                   " to ", absl::FormatDuration(SessionStore::kTtlMax)));
}

absl::Status CheckId(std::string_view id) {
  if (id.empty()) return InvalidField("id", "is required");
  return id.size() == kIdBytes ? absl::OkStatus() : NoSuchSession(id);
}

// No caller's name has a zero byte.
constexpr std::string_view kNobody("\0", 1);

// What the record store says of a read or a change, for callers.
absl::Status FaultOf(const absl::Status& store, const CancelSignal& cancel) {
  return cancel.cancelled() ? cancel.status() : SessionNotKept(store);
}

}  // namespace

SessionLimits SessionLimits::Of(
    const llmgateway::config::v1::SessionsConfig& config) {
  return {.ttl = ToAbsl(config.ttl()),
          .sessions = config.sessions_limit(),
          .messages = config.messages_limit(),
          .session_bytes = config.session_bytes_limit(),
          .size_bytes = config.size_bytes_limit()};
}

Task<absl::Status> SessionStore::Load(CancelSignal& cancel) {
  std::string after;
  for (bool more = true; more;) {
    GATEWAY_CO_ASSIGN_OR_RETURN(
        const RecordPage page,
        co_await records_.List(kCollection, after, kRecordPageMax, cancel));
    MutexLock lock(mu_);
    for (const Record& record : page.records) {
      SessionOwner kept;
      // Whoever asks for a damaged one is told.
      const bool parsed = kept.ParseFromString(record.value);
      shares_.Record(record.key, parsed ? ToStd(kept.owner()) : kNobody,
                     {.expire_time = record.expire_time,
                      .bytes = TakenBy(record.value)});
    }
    more = page.more;
    if (more) after = page.records.back().key;
  }
  co_return absl::OkStatus();
}

Task<absl::StatusOr<v1::Session>> SessionStore::Create(
    SessionLimits limits, std::string_view owner,
    const v1::CreateSessionRequest& request, CancelSignal& cancel) {
  GATEWAY_CO_ASSIGN_OR_RETURN(const absl::Duration ttl, TtlOf(limits, request));
  SessionRecord kept;
  kept.set_owner(std::string(owner));
  v1::Session& session = *kept.mutable_session();
  session.set_id(NewId());
  if (request.has_context()) *session.mutable_context() = request.context();
  const absl::Time now = clock_.WallTime();
  SetProto(now, session.mutable_create_time());
  SetProto(ttl, session.mutable_ttl());
  std::string bytes = kept.SerializeAsString();
  if (static_cast<int64_t>(bytes.size()) > limits.session_bytes) {
    co_return InvalidField(
        "context",
        absl::StrCat("makes a session of ", bytes.size(),
                     " bytes, and one has at most ", limits.session_bytes,
                     " (sessions.session_bytes_limit)"));
  }
  GATEWAY_CO_RETURN_IF_ERROR(co_await CountAnew(limits.sessions, cancel));
  GATEWAY_CO_RETURN_IF_ERROR(MakeRoom(owner, limits.sessions));
  const PutOptions options = {
      .expected_version = 0,
      .expire_time = now + ttl,
      .quota =
          RecordQuota{.records = limits.sessions,
                      .share = SessionShares::ShareOfAll(limits.sessions)}};
  const absl::StatusOr<int64_t> put =
      co_await Put(kept, options, std::move(bytes), limits.size_bytes, cancel);
  Made(put.ok());
  if (!put.ok()) {
    const std::optional<QuotaRefusal> refusal = QuotaRefusalOf(put.status());
    if (!refusal.has_value()) co_return put.status();
    MutexLock lock(mu_);
    co_return Refuse(*refusal, limits.sessions);
  }
  // As it will be read.
  SetProto(RoundedExpireTime(options.expire_time),
           session.mutable_expire_time());
  co_return std::move(session);
}

Task<absl::StatusOr<v1::Session>> SessionStore::Get(std::string_view owner,
                                                    std::string_view id,
                                                    CancelSignal& cancel) {
  GATEWAY_CO_ASSIGN_OR_RETURN(Found found, co_await Read(owner, id, cancel));
  v1::Session& session = *found.kept.mutable_session();
  SetProto(found.expire_time, session.mutable_expire_time());
  co_return std::move(session);
}

Task<absl::Status> SessionStore::Delete(std::string_view owner,
                                        std::string_view id,
                                        CancelSignal& cancel) {
  GATEWAY_CO_RETURN_IF_ERROR((co_await Read(owner, id, cancel)).status());
  const DeleteOptions options = {.owner = owner};
  const absl::StatusOr<bool> deleted =
      co_await records_.Delete(kCollection, id, options, cancel);
  if (!deleted.ok()) co_return FaultOf(deleted.status(), cancel);
  if (!*deleted) co_return NoSuchSession(id);
  MutexLock lock(mu_);
  --sessions_;
  shares_.Forget(id);
  co_return absl::OkStatus();
}

Task<absl::StatusOr<std::unique_ptr<SessionTurn>>> SessionStore::Begin(
    SessionLimits limits, std::string_view owner, std::string_view id,
    TurnOptions options, CancelSignal& cancel) {
  // Of the owner, too: to others there is no such session, busy or not.
  std::string name;
  if (!options.only_reads) {
    name = absl::StrCat(ToAbsl(id), " ", ToAbsl(owner));
    if (!TryEnter(name)) co_return SessionIsBusy(id);
  }
  absl::StatusOr<Found> found = co_await Read(owner, id, cancel);
  if (!found.ok()) {
    Leave(name);
    co_return found.status();
  }
  const absl::Time expire_time = found->expire_time;
  std::unique_ptr<SessionTurn> turn(
      new SessionTurn(*this, limits, *std::move(found), std::move(name)));
  if (options.only_reads || expire_time > options.until) co_return turn;
  // It would be gone before its turn has ended.
  const PutOptions longer = {
      .expected_version = turn->version_,
      .expire_time =
          std::max(clock_.WallTime() + ToAbsl(turn->kept_.session().ttl()),
                   options.until + kAfterTurn)};
  GATEWAY_CO_ASSIGN_OR_RETURN(
      turn->version_,
      co_await Put(turn->kept_, longer, turn->kept_.SerializeAsString(),
                   limits.size_bytes, cancel));
  co_return turn;
}

Task<absl::StatusOr<SessionStore::Found>> SessionStore::Read(
    std::string_view owner, std::string_view id, CancelSignal& cancel) {
  GATEWAY_CO_RETURN_IF_ERROR(CheckId(id));
  const absl::StatusOr<std::optional<Record>> record =
      co_await records_.GetFor(owner, kCollection, id, cancel);
  if (!record.ok()) co_return FaultOf(record.status(), cancel);
  if (!record->has_value()) co_return NoSuchSession(id);
  const std::string& value = (*record)->value;
  Found found = {.version = (*record)->version,
                 .expire_time = (*record)->expire_time,
                 .bytes = value.size()};
  const auto parse = [&] { return found.kept.ParseFromString(value); };
  const bool parsed = co_await OffLoop(value.size(), parse);
  if (!parsed || ToStd(found.kept.session().id()) != id) {
    Log(LogLevel::kError, "sessions", "the record of a session is damaged",
        {{"bytes", value.size()}});
    co_return SessionIsDamaged(id);
  }
  if (found.kept.owner() != owner) co_return NoSuchSession(id);
  co_return found;
}

Task<absl::StatusOr<int64_t>> SessionStore::Put(const SessionRecord& kept,
                                                PutOptions options,
                                                std::string bytes,
                                                int64_t size_bytes,
                                                CancelSignal& cancel) {
  if (cancel.cancelled()) co_return cancel.status();
  const std::string& id = kept.session().id();
  const SessionExtent asked = {.expire_time = options.expire_time,
                               .bytes = TakenBy(bytes)};
  GATEWAY_CO_ASSIGN_OR_RETURN(const std::optional<SessionExtent> before,
                              Reserve(kept, asked, size_bytes));
  options.owner = kept.owner();
  absl::StatusOr<int64_t> put =
      co_await records_.Put(kCollection, id, std::move(bytes), options, cancel);
  // A caller who goes meanwhile leaves what may be kept: it stays reserved.
  const bool is_known = put.ok() || put.status() != cancel.status();
  if (!records_.counts_owners() && is_known) {
    MutexLock lock(mu_);
    shares_.Settle(id, put.ok() ? asked : before);
  }
  if (put.ok() || QuotaRefusalOf(put.status()).has_value()) co_return put;
  if (absl::IsAborted(put.status())) co_return SessionWasChanged(id);
  co_return FaultOf(put.status(), cancel);
}

absl::StatusOr<std::optional<SessionExtent>> SessionStore::Reserve(
    const SessionRecord& kept, const SessionExtent& asked, int64_t size_bytes) {
  if (records_.counts_owners()) return std::nullopt;
  const std::string& id = kept.session().id();
  MutexLock lock(mu_);
  const std::optional<SessionExtent> before = shares_.Find(id);
  if (!shares_.Reserve(id, kept.owner(), asked, size_bytes,
                       clock_.WallTime())) {
    return RefuseBytes(size_bytes);
  }
  return before;
}

Task<absl::Status> SessionStore::CountAnew(int64_t limit,
                                           CancelSignal& cancel) {
  const absl::Duration now = clock_.SteadyTime();
  bool counts_anew = false;
  {
    MutexLock lock(mu_);
    const absl::Duration interval =
        sessions_ + making_ < limit ? kCountInterval : kCountIntervalMin;
    counts_anew = !counted_.has_value() || now - *counted_ >= interval;
    // Others need not count meanwhile, once it was known.
    if (counts_anew && counted_.has_value()) counted_ = now;
  }
  if (!counts_anew) co_return absl::OkStatus();
  const absl::StatusOr<int64_t> count =
      co_await records_.Count(kCollection, cancel);
  MutexLock lock(mu_);
  if (!count.ok()) {
    counted_.reset();
    co_return FaultOf(count.status(), cancel);
  }
  sessions_ = *count;
  counted_ = now;
  co_return absl::OkStatus();
}

Task<void> SessionStore::FreeExpired(CancelSignal& cancel) {
  if (!in_memory_) co_return;
  // A store in memory lets go of what has expired whatever it is asked.
  (co_await records_.Count(kCollection, cancel)).status().IgnoreError();
}

absl::Status SessionStore::MakeRoom(std::string_view owner, int64_t limit) {
  MutexLock lock(mu_);
  if (!records_.counts_owners()) {
    const int64_t open = sessions_ + making_;
    if (open >= limit) return Refuse(QuotaRefusal::kCollection, limit);
    if (!shares_.Admits(owner, open, limit, clock_.WallTime())) {
      return Refuse(QuotaRefusal::kOwner, limit);
    }
  }
  ++making_;
  return absl::OkStatus();
}

absl::Status SessionStore::Refuse(QuotaRefusal refusal, int64_t limit) {
  if (refusal == QuotaRefusal::kCollection) {
    ++counts_.refused_by_limit;
    return TooManySessions(limit);
  }
  ++counts_.refused_by_share;
  return TooManySessionsOfCaller(limit);
}

absl::Status SessionStore::RefuseBytes(int64_t limit) {
  ++counts_.refused_by_bytes;
  return SessionsTakeTooMuch(limit);
}

void SessionStore::Made(bool kept) {
  MutexLock lock(mu_);
  --making_;
  if (!kept) return;
  ++sessions_;
  ++counts_.opened;
}

absl::Status SessionStore::CheckRoom(std::string_view owner, size_t bytes,
                                     int64_t limit) {
  if (records_.counts_owners()) return absl::OkStatus();
  MutexLock lock(mu_);
  if (shares_.HasRoom(owner, static_cast<int64_t>(bytes), limit,
                      clock_.WallTime())) {
    return absl::OkStatus();
  }
  return RefuseBytes(limit);
}

void SessionStore::CountTurn(bool kept) {
  MutexLock lock(mu_);
  ++(kept ? counts_.turns_kept : counts_.turns_not_kept);
}

SessionStore::Stats SessionStore::stats() const {
  MutexLock lock(mu_);
  Stats stats = counts_;
  stats.sessions = sessions_;
  return stats;
}

std::string SessionStore::NewId() {
  std::string digits = random_.HexId(kIdDigits);
  // A UUID of version 4.
  constexpr std::string_view kVariants = "89ab";
  digits[12] = '4';
  digits[16] = kVariants[static_cast<size_t>(digits[16]) % kVariants.size()];
  return absl::StrCat(digits.substr(0, 8), "-", digits.substr(8, 4), "-",
                      digits.substr(12, 4), "-", digits.substr(16, 4), "-",
                      digits.substr(20));
}

bool SessionStore::TryEnter(const std::string& name) {
  MutexLock lock(mu_);
  return under_way_.insert(name).second;
}

void SessionStore::Leave(const std::string& name) {
  MutexLock lock(mu_);
  under_way_.erase(name);
}

SessionTurn::SessionTurn(SessionStore& store, const SessionLimits& limits,
                         SessionStore::Found found, std::string name)
    : store_(store),
      limits_(limits),
      kept_(std::move(found.kept)),
      version_(found.version),
      bytes_(found.bytes),
      name_(std::move(name)) {}

SessionTurn::~SessionTurn() {
  if (!name_.empty()) store_.Leave(name_);
}

absl::Status SessionTurn::Say(const SessionMessages& said) {
  const size_t before = bytes_;
  ContinueMessages(said, kept_.mutable_session()->mutable_messages());
  bytes_ = kept_.ByteSizeLong();
  if (bytes_ > before) {
    GATEWAY_RETURN_IF_ERROR(
        store_.CheckRoom(kept_.owner(), bytes_ - before, limits_.size_bytes));
  }
  // One more is the answer.
  if (messages().size() + 1 > limits_.messages) {
    return TooManyMessages(id(), limits_.messages);
  }
  return room_bytes() > 0 ? absl::OkStatus() : TooLarge();
}

absl::Status SessionTurn::TooLarge() const {
  return SessionTooLarge(id(), limits_.session_bytes);
}

Task<absl::Status> SessionTurn::End(v1::Message answer, CancelSignal& cancel) {
  if (!answer.parts().empty()) {
    kept_.mutable_session()->mutable_messages()->Add(std::move(answer));
  }
  std::string bytes;
  const auto serialize = [&] { return kept_.SerializeToString(&bytes); };
  co_await OffLoop(bytes_, serialize);
  if (static_cast<int64_t>(bytes.size()) > limits_.session_bytes) {
    store_.CountTurn(/*kept=*/false);
    co_return TooLarge();
  }
  const PutOptions options = {
      .expected_version = version_,
      .expire_time = store_.clock_.WallTime() + ToAbsl(kept_.session().ttl())};
  const absl::StatusOr<int64_t> put =
      co_await store_.Put(kept_, options, std::move(bytes), limits_.size_bytes,
                          cancel);
  store_.CountTurn(put.ok());
  co_return put.status();
}

}  // namespace gateway
