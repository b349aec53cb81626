// LinkedList is a list through links that its members have themselves: to put a
// member in, to take it out from anywhere and to look at either end takes no
// memory and no time to speak of.
//
//   struct Waiter { Links<Waiter> by_arrival; };
//   LinkedList<Waiter, &Waiter::by_arrival> waiters;
//   waiters.PushBack(waiter);
//   waiters.Remove(waiter);
//
// A member is in one list by each of its links at a time, and stays where it
// is in memory meanwhile. Thread-compatible.

#ifndef SERVICE_OVERLOAD_LINKED_LIST_H_
#define SERVICE_OVERLOAD_LINKED_LIST_H_

namespace gateway {

template <typename T>
struct Links {
  T* previous = nullptr;
  T* next = nullptr;
};

template <typename T, Links<T> T::* kLinks>
class LinkedList {
 public:
  LinkedList() = default;
  LinkedList(const LinkedList&) = delete;
  LinkedList& operator=(const LinkedList&) = delete;
  LinkedList(LinkedList&& other) noexcept
      : first_(other.first_), last_(other.last_) {
    other.first_ = nullptr;
    other.last_ = nullptr;
  }

  bool empty() const { return first_ == nullptr; }
  // Null if there is none.
  T* first() const { return first_; }
  T* last() const { return last_; }

  // REQUIRES: `member` is in no list by these links.
  void PushBack(T& member) {
    Links<T>& links = member.*kLinks;
    links.previous = last_;
    links.next = nullptr;
    (last_ == nullptr ? first_ : (last_->*kLinks).next) = &member;
    last_ = &member;
  }

  // REQUIRES: `member` is in this list.
  void Remove(T& member) {
    Links<T>& links = member.*kLinks;
    (links.previous == nullptr ? first_ : (links.previous->*kLinks).next) =
        links.next;
    (links.next == nullptr ? last_ : (links.next->*kLinks).previous) =
        links.previous;
    links = {};
  }

 private:
  T* first_ = nullptr;
  T* last_ = nullptr;
};

}  // namespace gateway

#endif  // SERVICE_OVERLOAD_LINKED_LIST_H_
