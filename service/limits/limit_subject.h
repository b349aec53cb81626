// LimitSubject is what limits tell a call apart by: a text for each dimension,
// and the key of each, made when a limit first asks for it and once a call.
//
//   LimitSubject subject(secret);
//   subject.Set(config::v1::LIMIT_DIMENSION_CALLER, caller.id);
//   ...
//   subject.Set(config::v1::LIMIT_DIMENSION_MODEL, target.model);
//
// What a call does not say is an empty text, which counts as one of its own: to
// name no user is no way around a limit for users.
//
// Thread-compatible.

#ifndef SERVICE_LIMITS_LIMIT_SUBJECT_H_
#define SERVICE_LIMITS_LIMIT_SUBJECT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llmgateway/config/v1/rate_limits.pb.h"
#include "service/limits/counter_key.h"

namespace gateway {

using LimitDimension = ::llmgateway::config::v1::LimitDimension;

class LimitSubject {
 public:
  using Labels = std::vector<std::pair<std::string, std::string>>;

  explicit LimitSubject(const KeySecret& secret)
      : LimitSubject(secret, KeyOfText({}, secret)) {}
  // As above, if the key of an empty text is at hand.
  LimitSubject(const KeySecret& secret, const CounterKey& nothing)
      : secret_(secret), nothing_(nothing) {}

  // Borrows the text until it is set anew.
  void Set(LimitDimension dimension, std::string_view text) {
    texts_[dimension] = text;
    known_ &= ~Bit(dimension);
    if (hidden_ == dimension) {
      hidden_ = ::llmgateway::config::v1::LIMIT_DIMENSION_UNSPECIFIED;
    }
  }
  // The same of a text that nobody is to be shown: rules match it and count by
  // it, and operators see `shown`. Of one dimension at a time.
  void Set(LimitDimension dimension, std::string_view text,
           std::string_view shown) {
    Set(dimension, text);
    hidden_ = dimension;
    shown_ = shown;
  }
  // Those of the caller's key. Borrowed; null if there are none.
  void SetLabels(const Labels* labels) { labels_ = labels; }

  std::string_view Text(LimitDimension dimension) const {
    return texts_[dimension];
  }
  std::string_view Shown(LimitDimension dimension) const {
    return hidden_ == dimension ? shown_ : texts_[dimension];
  }
  std::string_view Label(std::string_view name) const {
    if (labels_ == nullptr) return {};
    for (const auto& [label, value] : *labels_) {
      if (label == name) return value;
    }
    return {};
  }

  const CounterKey& KeyOf(LimitDimension dimension) {
    if (texts_[dimension].empty()) return nothing_;
    if ((known_ & Bit(dimension)) == 0) {
      keys_[dimension] = KeyOfText(texts_[dimension], secret_);
      known_ |= Bit(dimension);
    }
    return keys_[dimension];
  }

 private:
  static constexpr size_t kDimensions =
      ::llmgateway::config::v1::LimitDimension_MAX + 1;

  static uint32_t Bit(LimitDimension dimension) {
    return uint32_t{1} << dimension;
  }

  KeySecret secret_;
  CounterKey nothing_;
  std::array<std::string_view, kDimensions> texts_;
  std::array<CounterKey, kDimensions> keys_;
  uint32_t known_ = 0;  // Bits of those in keys_.
  // Whose text is not shown, but `shown_`; unspecified for none.
  LimitDimension hidden_ =
      ::llmgateway::config::v1::LIMIT_DIMENSION_UNSPECIFIED;
  std::string_view shown_;
  const Labels* labels_ = nullptr;
};

}  // namespace gateway

#endif  // SERVICE_LIMITS_LIMIT_SUBJECT_H_
