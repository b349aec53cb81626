// RedisReply is one reply of a Redis server: nil, an integer, a text, an error
// or an array of replies, all in one row of memory that comes from
// base/memory/recycler.h. RedisValue is a view of it, or of a part.
//
//   const RedisValue value = reply.value();
//   if (value.type() == RedisType::kArray && value.size() == 2) {
//     const int64_t allowed = value[0].integer();
//     for (const RedisValue each : value) ...
//   }
//
// A value of another type than the one asked for is empty: its integer is 0,
// its text "", its size 0.
//
// Thread-compatible. A view is valid while its reply, or whatever the reply was
// moved to, lives.

#ifndef BASE_REDIS_REDIS_REPLY_H_
#define BASE_REDIS_REDIS_REPLY_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/memory/byte_queue.h"

namespace gateway {

enum class RedisType : uint8_t {
  kNil,
  kInteger,
  kSimpleString,  // Such as OK and PONG.
  kBulkString,
  kError,
  kArray,
};

namespace redis_internal {

// What a value begins with, in the memory of its reply. A text follows it,
// filled up to a multiple of 8 bytes; so do the elements of an array.
struct ValueHead {
  RedisType type = RedisType::kNil;
  uint32_t size = 0;   // Bytes of a text, or elements of an array.
  int64_t number = 0;  // The integer, or all bytes of the elements.
};
static_assert(sizeof(ValueHead) == 16 && alignof(ValueHead) == 8);

}  // namespace redis_internal

class RedisValue {
 public:
  class Iterator {
   public:
    RedisValue operator*() const { return RedisValue(at_); }
    Iterator& operator++() {
      at_ = RedisValue(at_).End();
      --left_;
      return *this;
    }
    friend bool operator==(const Iterator& a, const Iterator& b) {
      return a.left_ == b.left_;
    }

   private:
    friend class RedisValue;
    Iterator(const char* at, uint32_t left) : at_(at), left_(left) {}

    const char* at_;
    uint32_t left_;
  };

  RedisType type() const { return node().type; }
  bool is_nil() const { return type() == RedisType::kNil; }
  bool is_error() const { return type() == RedisType::kError; }
  int64_t integer() const {
    return type() == RedisType::kInteger ? node().number : 0;
  }
  // Of a string or an error.
  std::string_view text() const {
    return has_text() ? std::string_view(behind(), node().size)
                      : std::string_view();
  }

  // Elements of an array.
  size_t size() const { return type() == RedisType::kArray ? node().size : 0; }
  Iterator begin() const {
    return Iterator(behind(), static_cast<uint32_t>(size()));
  }
  Iterator end() const { return Iterator(nullptr, 0); }
  // Takes as long as there are elements before it. REQUIRES: index < size().
  RedisValue operator[](size_t index) const;

 private:
  friend class RedisReply;
  explicit RedisValue(const char* at) : at_(at) {}

  const redis_internal::ValueHead& node() const {
    return *reinterpret_cast<const redis_internal::ValueHead*>(at_);
  }
  const char* behind() const { return at_ + sizeof(redis_internal::ValueHead); }
  bool has_text() const {
    return type() == RedisType::kSimpleString ||
           type() == RedisType::kBulkString || type() == RedisType::kError;
  }
  // Where the next value begins.
  const char* End() const;

  const char* at_;
};

class RedisReply {
 public:
  // Nil.
  RedisReply() = default;
  RedisReply(RedisReply&&) noexcept = default;
  RedisReply& operator=(RedisReply&&) noexcept = default;

  RedisValue value() const;

  // As those of value().
  RedisType type() const { return value().type(); }
  bool is_nil() const { return value().is_nil(); }
  bool is_error() const { return value().is_error(); }
  int64_t integer() const { return value().integer(); }
  std::string_view text() const { return value().text(); }
  size_t size() const { return value().size(); }
  RedisValue operator[](size_t index) const { return value()[index]; }

  // What RedisReader makes a reply with: values in the order in which they
  // stand on the wire. Returns where the value is, for its elements.
  size_t AddInteger(int64_t integer);
  size_t AddText(RedisType type, std::string_view text);
  // The elements are to follow, each with a call of Belongs for this array.
  size_t AddArray(uint32_t elements);
  size_t AddNil();
  // Says that what was added from `at` on is part of the array at `array`.
  void Belongs(size_t at, size_t array);
  // How much memory has been used so far.
  size_t bytes() const { return bytes_.size(); }

 private:
  size_t Add(const redis_internal::ValueHead& node, size_t text_bytes);

  ByteQueue bytes_;
};

}  // namespace gateway

#endif  // BASE_REDIS_REDIS_REPLY_H_
