// EventList holds the events of one batch in memory of their own, which comes
// with the first and goes with clear(): a stream brings many small events, and
// each would cost half a dozen allocations by itself (docs/performance.md).
//
//   EventList events;
//   events.emplace_back().mutable_delta()->set_text("Hello");
//   for (const v1::GenerateEvent& event : events) Send(event);
//   events.clear();
//
// Used as a vector is, except that it moves and does not copy. An event stays
// where it is until the list is cleared or gone.
//
// Thread-compatible.

#ifndef PROVIDERS_DIALECTS_EVENT_LIST_H_
#define PROVIDERS_DIALECTS_EVENT_LIST_H_

#include <cstddef>
#include <memory>

#include "base/memory/recycler.h"
#include "google/protobuf/arena.h"
#include "google/protobuf/repeated_field.h"
#include "llmgateway/v1/gateway.pb.h"

namespace gateway {

class EventList {
 public:
  using Events =
      google::protobuf::RepeatedPtrField<::llmgateway::v1::GenerateEvent>;

  EventList();
  EventList(EventList&&) noexcept;
  EventList& operator=(EventList&&) noexcept;
  ~EventList();

  // Adds an empty event.
  ::llmgateway::v1::GenerateEvent& emplace_back() { return *Own().Add(); }

  // Adds a copy, or `event` itself if it is this list's.
  void push_back(const ::llmgateway::v1::GenerateEvent& event) {
    *Own().Add() = event;
  }

  // Adds all events of `more`, which are moved if they are the first, and
  // copied otherwise.
  void Append(EventList more);

  // Puts copies of all events of `earlier` before its own, which stay where
  // they are.
  void Prepend(EventList earlier);

  bool empty() const { return events().empty(); }
  size_t size() const { return static_cast<size_t>(events().size()); }
  ::llmgateway::v1::GenerateEvent& operator[](size_t i) {
    return *events().Mutable(static_cast<int>(i));
  }
  const ::llmgateway::v1::GenerateEvent& operator[](size_t i) const {
    return events().Get(static_cast<int>(i));
  }
  ::llmgateway::v1::GenerateEvent& back() { return (*this)[size() - 1]; }
  const ::llmgateway::v1::GenerateEvent& back() const {
    return (*this)[size() - 1];
  }

  Events::iterator begin() { return events().begin(); }
  Events::iterator end() { return events().end(); }
  Events::const_iterator begin() const { return events().cbegin(); }
  Events::const_iterator end() const { return events().cend(); }

  // Counts the memory that the events are in, but for their longer texts.
  size_t memory_bytes() const;

  // The same with all texts, which takes a look at each event.
  size_t held_bytes() const;

  // Empties the list and gives its memory back.
  void clear();

 private:
  // The first block of memory: room for what one read of a stream brings.
  static constexpr size_t kFirstBytes = 3 * 1024;

  struct Memory : public Recycled {
    Memory();

    alignas(std::max_align_t) char first[kFirstBytes];
    google::protobuf::Arena arena;
    Events& events;
  };

  static Events& NoEvents();

  Events& events() const {
    return memory_ != nullptr ? memory_->events : NoEvents();
  }
  Events& Own();  // The events, allocated if need be.

  std::unique_ptr<Memory> memory_;  // Null until there is an event.
};

}  // namespace gateway

#endif  // PROVIDERS_DIALECTS_EVENT_LIST_H_
