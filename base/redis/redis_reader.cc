#include "base/redis/redis_reader.h"

#include <hiredis/read.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace gateway {
namespace {

constexpr char kTooLarge[] = "a reply is larger than the limit of ";

absl::Status TooLarge(size_t bytes) {
  return absl::ResourceExhaustedError(absl::StrCat(kTooLarge, bytes, " bytes"));
}

// hiredis knows values by pointers that it does not look at; null is a failure.
void* ToHandle(size_t at) {
  return reinterpret_cast<void*>(at + 1);  // NOLINT: it is a number.
}
size_t FromHandle(const void* handle) {
  return reinterpret_cast<size_t>(handle) - 1;
}

RedisType TextType(int type) {
  if (type == REDIS_REPLY_STATUS) return RedisType::kSimpleString;
  if (type == REDIS_REPLY_ERROR) return RedisType::kError;
  return RedisType::kBulkString;
}

}  // namespace

struct RedisReader::Callbacks {
  static RedisReader& Of(const redisReadTask* task) {
    return *static_cast<RedisReader*>(task->privdata);
  }
  static void* OnText(const redisReadTask* task, char* text, size_t size) {
    RedisReader& reader = Of(task);
    if (reader.reply_.bytes() + size > reader.limits_.bytes) {
      reader.failure_ = TooLarge(reader.limits_.bytes);
      return nullptr;
    }
    return reader.Added(
        task, reader.reply_.AddText(TextType(task->type), {text, size}));
  }
  static void* OnArray(const redisReadTask* task, int elements) {
    RedisReader& reader = Of(task);
    reader.elements_ += static_cast<size_t>(elements);
    if (reader.elements_ > reader.limits_.elements) {
      reader.failure_ = absl::ResourceExhaustedError(
          absl::StrCat("a reply has more elements than the limit of ",
                       reader.limits_.elements));
      return nullptr;
    }
    return reader.Added(
        task, reader.reply_.AddArray(static_cast<uint32_t>(elements)));
  }
  static void* OnInteger(const redisReadTask* task, long long integer) {
    RedisReader& reader = Of(task);
    return reader.Added(task, reader.reply_.AddInteger(integer));
  }
  static void* OnNil(const redisReadTask* task) {
    RedisReader& reader = Of(task);
    return reader.Added(task, reader.reply_.AddNil());
  }
  static void OnFree(void*) {}

  // hiredis wants it changeable, and does not change it.
  static redisReplyObjectFunctions* All() {
    static redisReplyObjectFunctions functions = {OnText, OnArray, OnInteger,
                                                  OnNil, OnFree};
    return &functions;
  }
};

RedisReader::RedisReader(const RedisReplyLimits& limits)
    : limits_(limits),
      reader_(redisReaderCreateWithFunctions(Callbacks::All()),
              redisReaderFree) {
  if (reader_ == nullptr) {
    failure_ = absl::InternalError("no memory for a reader of replies");
    return;
  }
  reader_->privdata = this;
}

RedisReader::~RedisReader() = default;

absl::Status RedisReader::Feed(std::string_view bytes) {
  GATEWAY_RETURN_IF_ERROR(failure_);
  if (redisReaderFeed(reader_.get(), bytes.data(), bytes.size()) != REDIS_OK) {
    failure_ = absl::InternalError(redisReaderGetError(reader_.get()));
  }
  return failure_;
}

absl::StatusOr<bool> RedisReader::Next(RedisReply* reply) {
  GATEWAY_RETURN_IF_ERROR(failure_);
  void* whole = nullptr;
  const int result = redisReaderGetReply(reader_.get(), &whole);
  // A value that was refused has said why itself.
  if (failure_.ok() && result != REDIS_OK) {
    failure_ = absl::InternalError(redisReaderGetError(reader_.get()));
  }
  if (failure_.ok() && whole == nullptr) failure_ = CheckAnnounced();
  GATEWAY_RETURN_IF_ERROR(failure_);
  if (whole == nullptr) return false;
  *reply = std::exchange(reply_, RedisReply());
  elements_ = 0;
  return true;
}

void* RedisReader::Added(const redisReadTask* task, size_t at) {
  for (const redisReadTask* array = task->parent; array != nullptr;
       array = array->parent) {
    reply_.Belongs(at, FromHandle(array->obj));
  }
  if (reply_.bytes() > limits_.bytes) {
    failure_ = TooLarge(limits_.bytes);
    return nullptr;
  }
  return ToHandle(at);
}

// Called when hiredis waits for more. Its next line is either whole, and says
// how long a text will be, or has not come to its end.
absl::Status RedisReader::CheckAnnounced() const {
  if (reader_->ridx < 0) return absl::OkStatus();
  const std::string_view rest(reader_->buf + reader_->pos,
                              reader_->len - reader_->pos);
  const std::string_view line = rest.substr(0, rest.find('\r'));
  if (reader_->rstack[reader_->ridx].type != REDIS_REPLY_STRING) {
    if (rest.size() <= kLineBytesMax) return absl::OkStatus();
    return absl::ResourceExhaustedError(absl::StrCat(
        "a line is longer than the limit of ", kLineBytesMax, " bytes"));
  }
  size_t announced = 0;
  for (const char c : line) {
    if (c < '0' || c > '9') break;  // hiredis refuses what is no number.
    announced = announced * 10 + static_cast<size_t>(c - '0');
    if (announced > limits_.bytes) return TooLarge(limits_.bytes);
  }
  return absl::OkStatus();
}

}  // namespace gateway
