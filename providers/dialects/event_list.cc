#include "providers/dialects/event_list.h"

#include <cstddef>
#include <memory>

#include "base/memory/recycler.h"
#include "google/protobuf/arena.h"

namespace gateway {
namespace {

// The first block of memory: room for what one read of a stream brings.
constexpr size_t kFirstBytes = 3 * 1024;

google::protobuf::ArenaOptions Beginning(char* first) {
  google::protobuf::ArenaOptions options;
  options.initial_block = first;
  options.initial_block_size = kFirstBytes;
  return options;
}

}  // namespace

struct EventList::Memory : public Recycled {
  alignas(std::max_align_t) char first[kFirstBytes];
  google::protobuf::Arena arena{Beginning(first)};
  Events& events = *google::protobuf::Arena::CreateMessage<Events>(&arena);
};

EventList::EventList() = default;
EventList::EventList(EventList&&) noexcept = default;
EventList& EventList::operator=(EventList&&) noexcept = default;
EventList::~EventList() = default;

void EventList::clear() { memory_.reset(); }

size_t EventList::memory_bytes() const {
  return memory_ == nullptr ? 0 : memory_->arena.SpaceAllocated();
}

EventList::Events& EventList::events() const {
  if (memory_ != nullptr) return memory_->events;
  static Events* const none = new Events;  // Never filled.
  return *none;
}

EventList::Events& EventList::Own() {
  // `new Memory`, not `new Memory()`, which would clear its bytes first.
  if (memory_ == nullptr) memory_.reset(new Memory);
  return memory_->events;
}

}  // namespace gateway
