#include "service/cache/in_flight_calls.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "errors/fault.h"

namespace gateway {

InFlightCalls::Joined InFlightCalls::Join(const RequestKey& key,
                                          std::string_view request_id) {
  Part& part = PartOf(key);
  Joined joined;
  MutexLock lock(part.mu);
  const auto found = part.groups.find(key);
  if (found != part.groups.end()) {
    joined.share = SharedAnswer::Join(found->second);
    // Given up just now: the one that ends does not see the next.
    if (joined.share) {
      ++part.joined;
      return joined;
    }
  } else if (part.groups.size() >= part_groups_limit_) {
    return joined;
  }
  auto answer = std::make_shared<SharedAnswer>(request_id);
  part.groups.insert_or_assign(key, answer);
  joined.share = SharedAnswer::Join(answer);
  joined.lead.emplace(Lead(*this, key, std::move(answer)));
  return joined;
}

size_t InFlightCalls::size() const {
  size_t sum = 0;
  for (const Part& part : parts_) {
    MutexLock lock(part.mu);
    sum += part.groups.size();
  }
  return sum;
}

uint64_t InFlightCalls::joined() const {
  uint64_t sum = 0;
  for (const Part& part : parts_) {
    MutexLock lock(part.mu);
    sum += part.joined;
  }
  return sum;
}

void InFlightCalls::Remove(const RequestKey& key, const SharedAnswer& answer) {
  Part& part = PartOf(key);
  MutexLock lock(part.mu);
  const auto found = part.groups.find(key);
  // Another group may have its place, if this one was given up.
  if (found != part.groups.end() && found->second.get() == &answer) {
    part.groups.erase(found);
  }
}

InFlightCalls::Lead::~Lead() {
  if (answer_ == nullptr || finished_) return;
  Finish({.status = MakeFault(v1::ERROR_REASON_INTERNAL,
                              "the call ended without an outcome")});
}

void InFlightCalls::Lead::Finish(SharedOutcome outcome) {
  if (finished_) return;
  finished_ = true;
  answer_->audience().End();
  calls_->Remove(key_, *answer_);
  answer_->Finish(std::move(outcome));
}

}  // namespace gateway
