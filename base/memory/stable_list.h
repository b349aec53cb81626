// StableList is a list of which nearly always one is needed: the first lies in
// the list itself and takes no memory of its own. Each stays where it is as
// long as the list.
//
//   StableList<Attempt> attempts;
//   Attempt& attempt = attempts.Add();
//   for (const Attempt& each : attempts) Record(each);
//
// Thread-compatible. What is in it cannot be moved with the list.

#ifndef BASE_MEMORY_STABLE_LIST_H_
#define BASE_MEMORY_STABLE_LIST_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace gateway {

template <typename T>
class StableList {
 public:
  template <typename List, typename Item>
  class Iterator {
   public:
    Iterator(List* list, size_t at) : list_(list), at_(at) {}
    Item& operator*() const { return (*list_)[at_]; }
    Iterator& operator++() {
      ++at_;
      return *this;
    }
    bool operator==(const Iterator&) const = default;

   private:
    List* list_;
    size_t at_;
  };
  using iterator = Iterator<StableList, T>;
  using const_iterator = Iterator<const StableList, const T>;

  StableList() = default;
  StableList(const StableList&) = delete;
  StableList& operator=(const StableList&) = delete;

  // Appends a new one, made of `arguments`.
  template <typename... Arguments>
  T& Add(Arguments&&... arguments) {
    return first_.has_value()
               ? *more_.emplace_back(std::make_unique<T>(
                     std::forward<Arguments>(arguments)...))
               : first_.emplace(std::forward<Arguments>(arguments)...);
  }
  void Clear() {
    more_.clear();
    first_.reset();
  }

  size_t size() const { return first_.has_value() ? 1 + more_.size() : 0; }
  bool empty() const { return !first_.has_value(); }
  T& operator[](size_t i) { return i == 0 ? *first_ : *more_[i - 1]; }
  const T& operator[](size_t i) const {
    return i == 0 ? *first_ : *more_[i - 1];
  }
  // REQUIRES: !empty().
  T& front() { return *first_; }
  const T& front() const { return *first_; }
  T& back() { return (*this)[size() - 1]; }
  const T& back() const { return (*this)[size() - 1]; }
  iterator begin() { return {this, 0}; }
  iterator end() { return {this, size()}; }
  const_iterator begin() const { return {this, 0}; }
  const_iterator end() const { return {this, size()}; }

 private:
  std::optional<T> first_;
  std::vector<std::unique_ptr<T>> more_;
};

}  // namespace gateway

#endif  // BASE_MEMORY_STABLE_LIST_H_
