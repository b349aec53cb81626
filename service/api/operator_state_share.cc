#include "service/api/operator_state_share.h"

#include <utility>

#include "base/async/sleep.h"
#include "base/os/logging.h"
#include "base/status_macros.h"

namespace gateway {
namespace {

constexpr std::string_view kStateModule = "state";

const std::string* Find(const OperatorState::Items& items,
                        std::string_view name) {
  const auto found = items.find(name);
  return found == items.end() ? nullptr : &found->second;
}

bool IsSame(const std::string* a, const std::string* b) {
  return a == nullptr || b == nullptr ? a == b : *a == *b;
}

void Keep(const std::string& name, const std::string* item,
          OperatorState::Items* items) {
  if (item == nullptr) {
    items->erase(name);
  } else {
    (*items)[name] = *item;
  }
}

}  // namespace

Task<void> OperatorStateShare::Run(EventLoop& loop) {
  while (!stop_.cancelled()) {
    const absl::Status shared = co_await Share(stop_);
    if (stop_.cancelled()) break;
    TellOnce(shared);
    (co_await Sleep(loop, kInterval, stop_)).IgnoreError();
  }
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
  const OperatorState::Items here = state_.Read();
  Names said = SaidHere(here);
  if (sequence_.has_value()) {
    const absl::Status taken = co_await TakeChanges(here, said, cancel);
    if (absl::IsOutOfRange(taken)) {
      sequence_.reset();
    } else if (!taken.ok()) {
      co_return taken;
    }
  }
  if (!sequence_.has_value()) {
    GATEWAY_CO_RETURN_IF_ERROR(co_await TakeAll(here, &said, cancel));
  }
  co_return co_await Tell(here, said, cancel);
}

OperatorStateShare::Names OperatorStateShare::SaidHere(
    const OperatorState::Items& here) const {
  Names said;
  for (const auto* items : {&here, &told_}) {
    for (const auto& [name, item] : *items) {
      if (!IsSame(Find(here, name), Find(told_, name)) &&
          state_.Concerns(name)) {
        said.insert(name);
      }
    }
  }
  return said;
}

Task<absl::Status> OperatorStateShare::TakeAll(const OperatorState::Items& here,
                                               Names* said,
                                               CancelSignal& cancel) {
  OperatorState::Items theirs;
  std::string after;
  std::optional<int64_t> begin;
  bool more = true;
  while (more) {
    GATEWAY_CO_ASSIGN_OR_RETURN(
        RecordPage page,
        co_await store_.List(kCollection, after, kRecordPageMax, cancel));
    if (!begin.has_value()) begin = page.sequence;
    for (Record& record : page.records) {
      after = record.key;
      theirs[std::move(record.key)] = std::move(record.value);
    }
    more = page.more;
  }
  // It has never had anything, or has lost it.
  if (theirs.empty() && *begin == 0) {
    for (const auto& [name, item] : here) said->insert(name);
  }
  for (const auto* items : {&here, &std::as_const(theirs)}) {
    for (const auto& [name, item] : *items) {
      const std::string* const other = Find(theirs, name);
      Take(name, other == nullptr ? std::nullopt : std::optional(*other), here,
           *said);
    }
  }
  sequence_ = begin;
  co_return absl::OkStatus();
}

Task<absl::Status> OperatorStateShare::TakeChanges(
    const OperatorState::Items& here, const Names& said, CancelSignal& cancel) {
  bool more = true;
  while (more) {
    GATEWAY_CO_ASSIGN_OR_RETURN(
        const RecordChanges changes,
        co_await store_.ChangesSince(kCollection, *sequence_, kRecordPageMax,
                                     cancel));
    for (const RecordChange& change : changes.changes) {
      Take(change.key,
           change.record.has_value() ? std::optional(change.record->value)
                                     : std::nullopt,
           here, said);
    }
    sequence_ = changes.sequence;
    more = changes.more;
  }
  co_return absl::OkStatus();
}

Task<absl::Status> OperatorStateShare::Tell(const OperatorState::Items& here,
                                            const Names& said,
                                            CancelSignal& cancel) {
  for (const std::string& name : said) {
    const std::string* const item = Find(here, name);
    if (item == nullptr) {
      GATEWAY_CO_RETURN_IF_ERROR(
          (co_await store_.Delete(kCollection, name, DeleteOptions{}, cancel))
              .status());
    } else {
      const PutOptions options;
      GATEWAY_CO_RETURN_IF_ERROR(
          (co_await store_.Put(kCollection, name, *item, options, cancel))
              .status());
    }
    Keep(name, item, &told_);
  }
  co_return absl::OkStatus();
}

void OperatorStateShare::Take(const std::string& name,
                              const std::optional<std::string>& item,
                              const OperatorState::Items& here,
                              const Names& said) {
  if (said.contains(name) || !state_.Concerns(name)) return;
  const std::string* const theirs = item.has_value() ? &*item : nullptr;
  if (!IsSame(theirs, Find(here, name))) {
    const absl::Status applied = state_.Apply(name, item);
    Log(applied.ok() ? LogLevel::kInfo : LogLevel::kWarn, kStateModule,
        applied.ok()
            ? "what an operator has said at another replica is in force"
            : "what an operator has said at another replica is none "
              "of this configuration",
        {{"item", name}, {"why", applied}});
  }
  // As it is here now, so that it is no news of this process.
  const OperatorState::Items now = state_.Read();
  Keep(name, Find(now, name), &told_);
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
