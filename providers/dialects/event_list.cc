#include "providers/dialects/event_list.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>

#include "google/protobuf/arena.h"

namespace gateway {
namespace {

google::protobuf::ArenaOptions Beginning(char* first, size_t bytes) {
  google::protobuf::ArenaOptions options;
  options.initial_block = first;
  options.initial_block_size = bytes;
  return options;
}

}  // namespace

EventList::Memory::Memory()
    : arena(Beginning(first, kFirstBytes)),
      events(*google::protobuf::Arena::CreateMessage<Events>(&arena)) {}

EventList::EventList() = default;
EventList::EventList(EventList&&) noexcept = default;
EventList& EventList::operator=(EventList&&) noexcept = default;
EventList::~EventList() = default;

void EventList::clear() { memory_.reset(); }

size_t EventList::memory_bytes() const {
  return memory_ == nullptr ? 0 : memory_->arena.SpaceAllocated();
}

size_t EventList::held_bytes() const {
  size_t bytes = memory_bytes();
  for (const ::llmgateway::v1::GenerateEvent& event : events()) {
    bytes += event.ByteSizeLong();
  }
  return bytes;
}

void EventList::Prepend(EventList earlier) {
  if (earlier.empty()) return;
  if (empty()) {
    *this = std::move(earlier);
    return;
  }
  const auto own = static_cast<ptrdiff_t>(size());
  for (const ::llmgateway::v1::GenerateEvent& event : earlier) push_back(event);
  Events& all = Own();
  std::rotate(all.pointer_begin(), all.pointer_begin() + own,
              all.pointer_end());
}

void EventList::Append(EventList more) {
  if (empty()) {
    *this = std::move(more);
    return;
  }
  for (const ::llmgateway::v1::GenerateEvent& event : more) push_back(event);
}

EventList::Events& EventList::NoEvents() {
  static Events* const none = new Events;  // Never filled.
  return *none;
}

EventList::Events& EventList::Own() {
  if (memory_ == nullptr) memory_ = std::make_unique<Memory>();
  return memory_->events;
}

}  // namespace gateway
