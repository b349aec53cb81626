#include "service/api/operator_state_share.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "base/async/sleep.h"
#include "base/os/logging.h"
#include "base/status_macros.h"
#include "service/api/circuit_document.h"
#include "service/api/override_document.h"
#include "service/api/price_view.h"
#include "service/api/rollout_admin.h"
#include "service/pipeline/runtime_snapshot.h"

namespace gateway {
namespace {

constexpr std::string_view kStateModule = "state";
// The shortest time that one statement is later than another.
constexpr absl::Duration kInstant = absl::Microseconds(1);

std::optional<std::string> Find(const OperatorState::Items& items,
                                std::string_view name) {
  const auto found = items.find(name);
  if (found == items.end()) return std::nullopt;
  return found->second;
}

// Puts what is in force in the place of what a process restores at its start,
// and then what is known of it: if the process ends between the two, that is
// something said here.
absl::Status KeepAll(StateStore& state, const CurrentRuntime& current,
                     const std::string& statements) {
  const std::shared_ptr<const RuntimeSnapshot> in_use = current.Get();
  const RuntimeSnapshot& runtime = *in_use;
  const auto nothing = [] {};
  GATEWAY_RETURN_IF_ERROR(state.WriteThen(
      kCircuitDocument, [&runtime] { return WriteCircuits(runtime); },
      nothing));
  GATEWAY_RETURN_IF_ERROR(state.Write(
      kOverrideDocument, WriteOverrides(*runtime.selection().overrides.Get(),
                                        runtime.clock().WallTime())));
  GATEWAY_RETURN_IF_ERROR(state.Write(
      kPriceDocument, WritePrices(runtime.operator_prices().Get().get())));
  GATEWAY_RETURN_IF_ERROR(KeepRollout(state, runtime.rollout()));
  return state.Write(kStatementDocument, statements);
}

}  // namespace

OperatorStateShare::OperatorStateShare(const Sources& sources)
    : sources_(sources), state_(sources.current) {
  sources_.state.Restore(
      kStatementDocument,
      "Nobody knows when operators have said what is in force, so that "
      "whatever other replicas know counts",
      [this](std::string_view text) -> absl::Status {
        GATEWAY_ASSIGN_OR_RETURN(known_, ReadStatements(text));
        return absl::OkStatus();
      });
  // Said when the process that kept it was about to end, or by one that kept no
  // times: others may have spoken since.
  HearHere([](const KnownStatement* last) {
    return last == nullptr ? absl::UnixEpoch() : last->said.time + kInstant;
  });
}

Task<void> OperatorStateShare::Run(EventLoop& loop) {
  while (!stop_.cancelled()) {
    const absl::Status shared = co_await Share(stop_);
    if (stop_.cancelled()) break;
    TellOnce(shared);
    (co_await Sleep(loop, kInterval, stop_)).IgnoreError();
  }
  HearHere();
  CancelSignal never;
  co_await Keep(never);
  ended_.Open();
}

void OperatorStateShare::Stop(EventLoop& loop) {
  loop.Post([this] { StopOnLoop(); });
  ended_.Wait();
}

void OperatorStateShare::StopOnLoop() {
  stop_.Cancel(absl::CancelledError("the gateway is shutting down"));
}

Task<absl::Status> OperatorStateShare::Share(CancelSignal& cancel) {
  HearHere();
  const absl::Status exchanged = co_await Exchange(cancel);
  Forget();
  co_await Keep(cancel);
  co_return exchanged;
}

Task<absl::Status> OperatorStateShare::Exchange(CancelSignal& cancel) {
  if (sequence_.has_value()) {
    const absl::Status heard = co_await HearChanges(cancel);
    if (absl::IsOutOfRange(heard)) {
      sequence_.reset();
    } else if (!heard.ok()) {
      co_return heard;
    }
  }
  if (!sequence_.has_value()) {
    GATEWAY_CO_RETURN_IF_ERROR(co_await HearAll(cancel));
  }
  co_return co_await Tell(cancel);
}

Task<void> OperatorStateShare::Keep(CancelSignal& cancel) {
  if (is_kept_ || !sources_.state.is_persistent()) co_return;
  is_kept_ = true;
  auto keep = [&state = sources_.state, &current = sources_.current,
               statements = WriteStatements(known_)] {
    return WorkStatus{KeepAll(state, current, statements)};
  };
  const absl::StatusOr<WorkStatus> done =
      co_await sources_.worker.Run(std::move(keep), cancel);
  const absl::Status kept = done.ok() ? done->status : done.status();
  if (!kept.ok()) is_kept_ = false;
  if (kept.ok() == keeps_ || cancel.cancelled()) co_return;
  keeps_ = kept.ok();
  if (keeps_) {
    Log(LogLevel::kInfo, kStateModule,
        "what operators say at other replicas is kept again", {});
  } else {
    Log(LogLevel::kWarn, kStateModule,
        "what operators say at other replicas cannot be kept, and a restart "
        "forgets it until the store can be asked",
        {{"why", kept}});
  }
}

absl::Time OperatorStateShare::Now() const {
  return absl::FromUnixMicros(
      absl::ToUnixMicros(sources_.current.Get()->clock().WallTime()));
}

void OperatorStateShare::HearHere() {
  const absl::Time now = Now();
  HearHere([now](const KnownStatement* last) {
    return last == nullptr ? now : std::max(now, last->said.time + kInstant);
  });
}

void OperatorStateShare::HearHere(const TimeOf& time_of) {
  const OperatorState::Items here = state_.Read();
  Names names;
  for (const auto& [name, item] : here) names.insert(name);
  for (const auto& [name, known] : known_) names.insert(name);
  for (const std::string& name : names) HearHere(name, here, time_of);
}

void OperatorStateShare::HearHere(const std::string& name,
                                  const OperatorState::Items& here,
                                  const TimeOf& time_of) {
  const auto found = known_.find(name);
  KnownStatement* const last = found == known_.end() ? nullptr : &found->second;
  if (!state_.Concerns(name)) {
    if (last != nullptr) last->is_weighed = false;
    return;
  }
  if (last != nullptr && !last->is_weighed) {
    sources_.state.PutIntoForce([&] { PutIntoForce(name, *last); });
    return;
  }
  std::optional<std::string> item = Find(here, name);
  if (item == (last == nullptr ? std::nullopt : last->in_force)) return;
  absl::Time time = time_of(last);
  // What ends by itself ends at all replicas at the same time, and takes
  // nothing back that is said of it afterwards.
  if (!item.has_value() && last != nullptr) {
    const absl::Time end = state_.EndOf(name, *last->in_force);
    if (end <= Now()) time = std::max(end, last->said.time + kInstant);
  }
  KnownStatement& known = known_[name];
  known.said = {.time = time, .item = item};
  known.is_weighed = true;
  known.in_force = std::move(item);
  untold_.insert(name);
  is_kept_ = false;
}

Task<absl::Status> OperatorStateShare::HearAll(CancelSignal& cancel) {
  Names heard;
  std::string after;
  std::optional<int64_t> begin;
  bool more = true;
  while (more) {
    GATEWAY_CO_ASSIGN_OR_RETURN(
        const RecordPage page, co_await sources_.store.List(
                                   kCollection, after, kRecordPageMax, cancel));
    if (!begin.has_value()) begin = page.sequence;
    HearHere();
    for (const Record& record : page.records) {
      Hear(record.key, &record);
      heard.insert(record.key);
    }
    if (!page.records.empty()) after = page.records.back().key;
    more = page.more;
  }
  std::vector<std::string> lost;
  for (const auto& [name, known] : known_) {
    if (!heard.contains(name)) lost.push_back(name);
  }
  for (const std::string& name : lost) Hear(name, nullptr);
  sequence_ = begin;
  co_return absl::OkStatus();
}

Task<absl::Status> OperatorStateShare::HearChanges(CancelSignal& cancel) {
  bool more = true;
  while (more) {
    GATEWAY_CO_ASSIGN_OR_RETURN(
        const RecordChanges changes,
        co_await sources_.store.ChangesSince(kCollection, *sequence_,
                                             kRecordPageMax, cancel));
    HearHere();
    for (const RecordChange& change : changes.changes) {
      Hear(change.key, change.record.has_value() ? &*change.record : nullptr);
    }
    sequence_ = changes.sequence;
    more = changes.more;
  }
  co_return absl::OkStatus();
}

void OperatorStateShare::Hear(const std::string& name, const Record* record) {
  absl::StatusOr<OperatorStatement> theirs = absl::NotFoundError("none");
  if (record != nullptr) {
    theirs = ReadStatement(record->value);
    if (!theirs.ok()) {
      Log(LogLevel::kWarn, kStateModule,
          "what an operator has said at another replica cannot be read",
          {{"item", name}, {"why", theirs.status()}});
    }
  }
  const auto found = known_.find(name);
  if (found == known_.end() && !theirs.ok()) return;
  KnownStatement& known = known_[name];
  known.version = record == nullptr ? 0 : record->version;
  if (found != known_.end() &&
      (!theirs.ok() || !Supersedes(*theirs, known.said))) {
    // They know it, or are to know it.
    if (theirs.ok() && *theirs == known.said) {
      untold_.erase(name);
    } else {
      untold_.insert(name);
    }
    return;
  }
  known.said = *std::move(theirs);
  // What is in force here, where that is known.
  const bool was_weighed =
      std::exchange(known.is_weighed, false) || found == known_.end();
  untold_.erase(name);
  is_kept_ = false;
  if (!state_.Concerns(name)) return;
  sources_.state.PutIntoForce([&] {
    // What an operator has said here this moment is heard next, and is later.
    if (was_weighed && WasJustSaid(name, known)) {
      known.is_weighed = true;
    } else {
      PutIntoForce(name, known);
    }
  });
}

bool OperatorStateShare::WasJustSaid(const std::string& name,
                                     const KnownStatement& known) const {
  const std::optional<std::string> here = Find(state_.Read(), name);
  if (here == known.in_force) return false;
  return here.has_value() || state_.EndOf(name, *known.in_force) > Now();
}

void OperatorStateShare::PutIntoForce(const std::string& name,
                                      KnownStatement& known) {
  if (known.said.item != Find(state_.Read(), name)) {
    const absl::Status applied = state_.Apply(name, known.said.item);
    Log(applied.ok() ? LogLevel::kInfo : LogLevel::kWarn, kStateModule,
        applied.ok()
            ? "what an operator has said at another replica is in force"
            : "what an operator has said at another replica is none "
              "of this configuration",
        {{"item", name}, {"why", applied}});
  }
  // As it is here now, so that it is no news of this process.
  known.in_force = Find(state_.Read(), name);
  known.is_weighed = true;
  is_kept_ = false;
}

Task<absl::Status> OperatorStateShare::Tell(CancelSignal& cancel) {
  const Names untold = untold_;
  for (const std::string& name : untold) {
    const auto found = known_.find(name);
    if (found == known_.end()) continue;
    const OperatorStatement told = found->second.said;
    PutOptions options = {.expected_version = found->second.version};
    if (!told.item.has_value()) options.expire_time = Now() + kForgottenAfter;
    const absl::StatusOr<int64_t> put = co_await sources_.store.Put(
        kCollection, name, WriteStatement(told), options, cancel);
    // Somebody else has spoken of it, and is heard next time, with all
    // that it has: what is known of versions is not right.
    if (absl::IsAborted(put.status())) {
      sequence_.reset();
      continue;
    }
    GATEWAY_CO_RETURN_IF_ERROR(put.status());
    known_[name].version = *put;
    if (known_[name].said == told) untold_.erase(name);
  }
  co_return absl::OkStatus();
}

void OperatorStateShare::Forget() {
  const absl::Time limit = Now() - kForgottenAfter;
  const size_t forgotten = std::erase_if(known_, [&](const auto& each) {
    const OperatorStatement& said = each.second.said;
    return !said.item.has_value() && said.time <= limit &&
           !untold_.contains(each.first);
  });
  if (forgotten > 0) is_kept_ = false;
}

void OperatorStateShare::TellOnce(const absl::Status& shared) {
  if (shared.ok() == shares_) return;
  shares_ = shared.ok();
  if (shares_) {
    Log(LogLevel::kInfo, kStateModule,
        "what operators say is shared by all replicas again", {});
  } else {
    Log(LogLevel::kWarn, kStateModule,
        "what operators say holds at this replica alone until the store can "
        "be asked",
        {{"why", shared}});
  }
}

}  // namespace gateway
