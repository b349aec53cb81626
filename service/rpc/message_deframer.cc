#include "service/rpc/message_deframer.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/async/worker_pool.h"
#include "base/http/zlib_codec.h"
#include "base/memory/recycler.h"
#include "errors/fault.h"
#include "base/memory/byte_budget.h"
#include "service/rpc/inflate_allowance.h"
#include "service/rpc/size_fault.h"

namespace gateway {
namespace {

constexpr size_t kFirstCapacityBytes = 256;
constexpr size_t kAnyCapacity = std::numeric_limits<size_t>::max();

// For OffLoop: inflating a byte is so many times as fast as reading one.
constexpr size_t kInflatingsPerReading = 4;

// Returns how many bytes a string holds in itself.
size_t StringOwnBytes() { return std::string().capacity(); }

absl::Status Malformed(std::string_view what) {
  return MakeFault(v1::ERROR_REASON_INTERNAL, what);
}

absl::Status TooMuchIsInflated(size_t limit) {
  absl::Status status = SizeFault(
      absl::StrCat("a message inflates to more than ", kInflateRatio,
                   " times its size, and so did too much else just now; send "
                   "it uncompressed"),
      limit);
  SetRetryDelay(status, kInflateRefillTime);
  return status;
}

}  // namespace

bool MessageDeframer::Backlog::Append(std::string_view bytes, size_t enough) {
  if (bytes.empty()) return true;
  if (capacity_ - end_ < bytes.size() && !MakeRoom(bytes.size(), enough)) {
    return false;
  }
  memcpy(data_ + end_, bytes.data(), bytes.size());
  end_ += bytes.size();
  return true;
}

bool MessageDeframer::Backlog::MakeRoom(size_t bytes, size_t enough) {
  const std::string_view kept = this->bytes();
  const size_t needed = kept.size() + bytes;
  if (needed <= capacity_ / 2) {
    // Moved only if half of the memory is free then, so that bytes are not
    // moved again and again.
    memmove(data_, kept.data(), kept.size());
  } else {
    const size_t capacity = std::max(
        needed, std::min(enough, std::max(kFirstCapacityBytes, 2 * capacity_)));
    if (!charge_.Resize(capacity)) return false;
    auto* const grown = static_cast<char*>(RecycledAllocate(capacity));
    if (!kept.empty()) memcpy(grown, kept.data(), kept.size());
    if (data_ != nullptr) RecycledFree(data_, capacity_);
    data_ = grown;
    capacity_ = capacity;
  }
  begin_ = 0;
  end_ = kept.size();
  return true;
}

void MessageDeframer::Backlog::Free() {
  if (data_ != nullptr) RecycledFree(data_, capacity_);
  data_ = nullptr;
  capacity_ = begin_ = end_ = 0;
  charge_.Resize(0);
}

MessageDeframer::MessageDeframer(MessageEncoding encoding,
                                 size_t message_bytes_limit,
                                 ByteBudget::Share& share,
                                 InflateAllowance& inflating, bool one)
    : encoding_(encoding),
      message_bytes_limit_(message_bytes_limit),
      one_(one),
      inflating_(inflating),
      kept_(share) {}

MessageDeframer::~MessageDeframer() = default;

void MessageDeframer::Feed(std::string_view bytes) {
  assert(fed_.empty());
  if (status_.ok()) {
    fed_ = bytes;
  } else {
    dealt_with_ += bytes.size();
  }
}

void MessageDeframer::DropTaken() {
  kept_.Consume(std::exchange(taken_, 0));
  if (kept_.bytes().empty()) kept_.Free();
  if (inflated_.capacity() > StringOwnBytes()) std::string().swap(inflated_);
}

void MessageDeframer::Fail(absl::Status status) {
  status_ = std::move(status);
  // Everything that is held or comes counts as dealt with: it is thrown away.
  dealt_with_ += kept_.bytes().size() + fed_.size() - body_dealt_with_;
  body_dealt_with_ = 0;
  kept_.Free();
  fed_ = {};
}

void MessageDeframer::ReadPrefix() {
  while (prefix_size_ < kMessagePrefixBytes) {
    const bool from_kept = !kept_.bytes().empty();
    const std::string_view source = from_kept ? kept_.bytes() : fed_;
    const size_t size =
        std::min(source.size(), kMessagePrefixBytes - prefix_size_);
    if (size == 0) return;
    memcpy(prefix_ + prefix_size_, source.data(), size);
    prefix_size_ += size;
    dealt_with_ += size;
    if (from_kept) {
      kept_.Consume(size);
    } else {
      fed_.remove_prefix(size);
    }
    if (prefix_size_ == kMessagePrefixBytes) CheckPrefix();
  }
}

void MessageDeframer::CheckPrefix() {
  uint32_t size = 0;
  for (size_t i = 1; i < kMessagePrefixBytes; ++i) {
    size = size << 8 | static_cast<unsigned char>(prefix_[i]);
  }
  const auto flag = static_cast<unsigned char>(prefix_[0]);
  compressed_ = flag == 1;
  body_size_ = size;
  if (flag > 1) {
    Fail(Malformed(absl::StrCat("a message has the flag ", flag,
                                ", which means nothing")));
  } else if (compressed_ && encoding_ == MessageEncoding::kIdentity) {
    Fail(
        Malformed("a message is compressed, and grpc-encoding does not say "
                  "how"));
  } else if (size > message_bytes_limit_) {
    Fail(SizeFault(absl::StrCat("a message of ", size,
                                " bytes is over the limit of ",
                                message_bytes_limit_),
                   message_bytes_limit_));
  }
}

// Returns the body if it has come whole; null otherwise, and then all of it
// that has come is kept.
std::string_view MessageDeframer::TakeBody() {
  const size_t kept = kept_.bytes().size();
  const size_t missing = body_size_ - std::min(kept, body_size_);
  const size_t here = std::min(missing, fed_.size());
  dealt_with_ += std::min(kept, body_size_) + here - body_dealt_with_;
  body_dealt_with_ = std::min(kept, body_size_) + here;

  std::string_view body;
  if (kept == 0 && here == missing) {
    body = {fed_.data(), body_size_};
  } else {
    if (!kept_.Append(fed_.substr(0, here), body_size_)) {
      Fail(BudgetSpent());
      return {};
    }
    if (here == missing) {
      body = kept_.bytes().substr(0, body_size_);
      taken_ = body_size_;
    }
  }
  fed_.remove_prefix(here);
  return body;
}

absl::Status MessageDeframer::InflateTo(size_t limit, std::string_view body) {
  const ZlibFormat format = encoding_ == MessageEncoding::kGzip
                                ? ZlibFormat::kGzip
                                : ZlibFormat::kZlib;
  return Inflate(format, body, limit, &inflated_);
}

absl::Status MessageDeframer::WhyNotInflated(const absl::Status& status,
                                             size_t limit) const {
  if (status.code() != absl::StatusCode::kResourceExhausted) {
    return Malformed(absl::StrCat("a message: ", status.message()));
  }
  return limit < message_bytes_limit_
             ? TooMuchIsInflated(limit)
             : SizeFault(absl::StrCat("a message: ", status.message()), limit);
}

absl::StatusOr<bool> MessageDeframer::Next(std::string_view* message) {
  assert(!holds_);
  *message = {};
  DropTaken();
  if (status_.ok()) ReadPrefix();
  if (!status_.ok()) return status_;
  if (prefix_size_ < kMessagePrefixBytes) return false;
  const std::string_view body = TakeBody();
  if (!status_.ok()) return status_;
  if (body_dealt_with_ < body_size_) return false;
  prefix_size_ = 0;
  body_dealt_with_ = 0;
  if (one_ && body.size() > kInPlaceBytesMax) {
    Hold(body);
  } else if (compressed_) {
    InflateNow(body);
    if (!holds_) *message = inflated_;
  } else {
    *message = body;
  }
  if (status_.ok()) return true;
  *message = {};
  return status_;
}

void MessageDeframer::InflateNow(std::string_view body) {
  const size_t limit = inflating_.LimitFor(body.size(), message_bytes_limit_);
  // At first the limit of what is inflated in place: how large a message
  // becomes shows only then.
  const size_t tried = one_ ? std::min(limit, kInPlaceBytesMax) : limit;
  const absl::Status status = InflateTo(tried, body);
  if (tried < limit && absl::IsResourceExhausted(status)) return Hold(body);
  inflating_.Spend(body.size(), inflated_.size());
  if (status.ok()) return;
  DropTaken();
  Fail(WhyNotInflated(status, limit));
}

void MessageDeframer::Hold(std::string_view body) {
  // Kept, since the bytes that were fed do not stay.
  if (taken_ == 0 && !kept_.Append(body, body.size())) {
    return Fail(BudgetSpent());
  }
  taken_ = body.size();
  holds_ = true;
}

Task<absl::StatusOr<std::string_view>> MessageDeframer::ReadHeld() {
  const std::string_view body = kept_.bytes().substr(0, taken_);
  if (!compressed_) co_return body;
  const size_t limit = inflating_.LimitFor(body.size(), message_bytes_limit_);
  // More than fits in place, where it has been tried.
  const size_t work =
      std::max(kInPlaceBytesMax + 1, limit / kInflatingsPerReading);
  const absl::Status status = co_await OffLoop(
      work, [this, limit, body] { return InflateTo(limit, body); },
      WorkerPool::Stage::kBegins);
  inflating_.Spend(body.size(), inflated_.size());
  if (status.ok()) co_return std::string_view(inflated_);
  co_return WhyNotInflated(status, limit);
}

void MessageDeframer::DropHeld() {
  holds_ = false;
  DropTaken();
}

size_t MessageDeframer::Settle() {
  if (holds_) {
    dealt_with_ += fed_.size();
    fed_ = {};
    return std::exchange(dealt_with_, 0);
  }
  DropTaken();
  // Read even if no message is asked for, so that one that is too large is
  // refused before it is kept.
  if (status_.ok()) ReadPrefix();
  if (!kept_.Append(fed_, kAnyCapacity)) Fail(BudgetSpent());
  fed_ = {};
  if (kept_.bytes().empty()) kept_.Free();
  return std::exchange(dealt_with_, 0);
}

size_t MessageDeframer::memory_bytes() const {
  return kept_.capacity() + inflated_.capacity() - StringOwnBytes();
}

absl::Status MessageDeframer::CheckEnd() const {
  if (!status_.ok()) return status_;
  if (prefix_size_ == 0) return absl::OkStatus();
  return Malformed("the request ended inside a message");
}

}  // namespace gateway
