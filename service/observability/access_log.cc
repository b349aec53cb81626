#include "service/observability/access_log.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cassert>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/os/clock.h"
#include "base/os/logging.h"
#include "base/os/mutex.h"
#include "base/text/decimal.h"
#include "base/text/json_escape.h"
#include "base/text/timestamp.h"
#include "service/observability/call_record.h"
#include "service/observability/call_words.h"
#include "service/observability/charged_cost.h"
#include "service/observability/consumed_usage.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

// Texts are cut to this, since callers choose them.
constexpr size_t kTextBytesLimit = 256;
constexpr size_t kPathBytesLimit = 1024;
constexpr size_t kErrorBytesLimit = 512;
constexpr size_t kLabelTextBytesLimit = 64;
constexpr size_t kLabelsLimit = 16;
// Of the last attempts so many are written; of earlier ones only their number.
constexpr size_t kAttemptsLimit = 4;

// The longest form of a text of so many bytes: each escaped with six, and "..."
// after them.
constexpr size_t Escaped(size_t bytes) { return 6 * bytes + 3; }

// The longest form of a usage: 15 fields with their names.
constexpr size_t kLongestUsage = 768;
// The longest form of an attempt, with the names of its fields and its numbers.
constexpr size_t kLongestAttempt =
    6 * Escaped(kTextBytesLimit) + kLongestUsage + 512;
// The longest line: 13 texts of the call, its path and why it failed, 9 of its
// scope; its labels, its attempts, and all that surrounds them.
constexpr size_t kLineBytesLimit =
    23 * Escaped(kTextBytesLimit) + Escaped(kPathBytesLimit) +
    Escaped(kErrorBytesLimit) +
    kLabelsLimit * (2 * Escaped(kLabelTextBytesLimit) + 8) +
    kAttemptsLimit * kLongestAttempt + 2048;

// Writes without checks or growth. REQUIRES: there is room for a whole line.
class LineCursor {
 public:
  explicit LineCursor(char* out) : out_(out) {}

  char* end() const { return out_; }

  template <size_t kBytes>
  void Literal(const char (&text)[kBytes]) {
    memcpy(out_, text, kBytes - 1);
    out_ += kBytes - 1;
  }

  // Writes a text, unless it is empty. Keys come with their comma, quotes and
  // colon: `,"status":`.
  template <size_t kBytes>
  void Text(const char (&key)[kBytes], std::string_view text,
            size_t bytes_limit = kTextBytesLimit) {
    if (text.empty()) return;
    Literal(key);
    Quoted(text, bytes_limit);
  }

  // As Text, for a constant, which has nothing to escape.
  template <size_t kBytes>
  void OurText(const char (&key)[kBytes], std::string_view text) {
    if (text.empty()) return;
    Literal(key);
    *out_++ = '"';
    Copy(text.substr(0, kTextBytesLimit));
    *out_++ = '"';
  }

  void Quoted(std::string_view text, size_t bytes_limit) {
    *out_++ = '"';
    if (text.size() <= bytes_limit && CopyPlainJsonText(text, out_)) {
      out_ += text.size();
    } else {
      thread_local std::string escaped;
      escaped.clear();
      AppendJsonEscaped(text, bytes_limit, &escaped);
      Copy(escaped);
    }
    *out_++ = '"';
  }

  // Writes a number, also if it is 0.
  template <size_t kBytes>
  void Number(const char (&key)[kBytes], int64_t number) {
    Literal(key);
    const auto magnitude = static_cast<uint64_t>(number);
    if (number < 0) *out_++ = '-';
    out_ = WriteDecimal(number < 0 ? -magnitude : magnitude, out_);
  }

  template <size_t kBytes>
  void NonZero(const char (&key)[kBytes], int64_t number) {
    if (number != 0) Number(key, number);
  }

  template <size_t kBytes>
  void Duration(const char (&key)[kBytes],
                const std::optional<absl::Duration>& duration) {
    if (!duration.has_value()) return;
    Number(key, absl::ToInt64Microseconds(*duration));
  }

  template <size_t kBytes>
  void Flag(const char (&key)[kBytes], bool flag) {
    Literal(key);
    if (flag) {
      Literal("true");
    } else {
      Literal("false");
    }
  }

  void Timestamp(absl::Time time) {
    WriteTimestamp(time, out_);
    out_ += kTimestampBytes;
  }

 private:
  void Copy(std::string_view text) {
    memcpy(out_, text.data(), text.size());
    out_ += text.size();
  }

  char* out_;
};

void WriteScope(const CallScope& scope, LineCursor& line) {
  line.Text(",\"user\":", scope.user_id);
  line.Text(",\"session_id\":", scope.session_id);
  line.Text(",\"work_order_id\":", scope.work_order_id);
  line.Text(",\"agent_id\":", scope.agent_id);
  line.Text(",\"agent_type\":", scope.agent_type);
  line.Text(",\"project_id\":", scope.project_id);
  line.Text(",\"contract_id\":", scope.contract_id);
  line.Text(",\"framework_id\":", scope.framework_id);
  line.Text(",\"tier\":", scope.tier);
}

void WriteLabels(absl::Span<const CallLabel> labels, LineCursor& line) {
  if (labels.empty()) return;
  line.Literal(",\"labels\":{");
  bool first = true;
  for (const CallLabel& label : labels.subspan(0, kLabelsLimit)) {
    if (!first) line.Literal(",");
    first = false;
    line.Quoted(label.key, kLabelTextBytesLimit);
    line.Literal(":");
    line.Quoted(label.value, kLabelTextBytesLimit);
  }
  line.Literal("}");
}

// Writes usage. Numbers that are 0 for most calls are left out if they are.
void WriteUsage(const v1::Usage& usage, LineCursor& line) {
  line.Number(",\"input_tokens\":", usage.input_tokens());
  line.Number(",\"output_tokens\":", usage.output_tokens());
  line.Number(",\"cached_input_tokens\":", usage.cached_input_tokens());
  line.Number(",\"reasoning_tokens\":", usage.reasoning_tokens());
  line.NonZero(",\"cache_write_tokens\":", usage.cache_write_tokens());
  line.NonZero(",\"cache_write_1h_tokens\":", usage.cache_write_1h_tokens());
  line.NonZero(",\"audio_input_tokens\":", usage.audio_input_tokens());
  line.NonZero(",\"audio_output_tokens\":", usage.audio_output_tokens());
  line.NonZero(",\"image_input_tokens\":", usage.image_input_tokens());
  line.NonZero(",\"image_output_tokens\":", usage.image_output_tokens());
  line.NonZero(",\"accepted_prediction_tokens\":",
               usage.accepted_prediction_tokens());
  line.NonZero(",\"rejected_prediction_tokens\":",
               usage.rejected_prediction_tokens());
  if (const auto charged = ChargedNanos(usage); charged.has_value()) {
    line.Number(",\"cost_usd_nanos\":", *charged);
    if (!usage.cost_known()) line.Literal(",\"cost_known\":false");
  }
  if (usage.estimated()) line.Literal(",\"usage_estimated\":true");
}

void WriteAttempt(const CallAttempt& one, const CallRecord& call,
                  LineCursor& line) {
  line.Number("{\"start_us\":",
              absl::ToInt64Microseconds(one.start_time - call.start_time));
  line.Number(",\"duration_us\":", absl::ToInt64Microseconds(one.duration));
  line.Duration(",\"ttft_us\":", one.time_to_first_token);
  line.OurText(",\"kind\":", AttemptKindWord(one.kind));
  line.Flag(",\"answered\":", one.answered);
  line.Text(",\"provider\":", one.provider);
  line.Text(",\"model\":", one.model);
  line.Text(",\"credential\":", one.credential);
  line.Text(",\"provider_request_id\":", one.provider_request_id);
  line.NonZero(",\"http_status\":", one.http_status);
  line.OurText(",\"error_reason\":", ErrorReasonName(one.error_reason));
  line.Text(",\"error\":", one.error_message);
  line.Flag(",\"reused\":", one.reused_connection);
  if (one.usage != nullptr && one.usage != call.usage) {
    WriteUsage(*one.usage, line);
  }
  line.Literal("}");
}

// Writes the attempts, if there are several: one alone tells no more than the
// call does.
void WriteAttempts(const CallRecord& record, LineCursor& line) {
  const absl::Span<const CallAttempt* const> all = record.attempts;
  if (all.size() < 2) return;
  line.Literal(",\"attempts\":[");
  const auto told = all.last(std::min(all.size(), kAttemptsLimit));
  for (const CallAttempt* one : told) {
    if (one != told.front()) line.Literal(",");
    WriteAttempt(*one, record, line);
  }
  line.Literal("]");
}

// Writes the line and returns its length.
size_t WriteLine(const CallRecord& record, char* out) {
  LineCursor line(out);
  line.Literal("{\"ts\":\"");
  line.Timestamp(record.start_time + record.duration);
  line.Literal("\"");
  line.Text(",\"request_id\":", record.request_id);
  line.OurText(",\"trace_id\":", record.trace_id);
  line.OurText(",\"protocol\":", ProtocolName(record.protocol));
  line.Text(",\"method\":", record.method);
  line.Text(",\"path\":", record.path, kPathBytesLimit);
  line.OurText(",\"operation\":", record.operation);
  line.Text(",\"peer\":", record.peer);
  line.Text(",\"caller\":", record.caller);
  WriteScope(record.scope, line);
  WriteLabels(record.labels, line);
  line.Flag(",\"stream\":", record.stream);
  line.Text(",\"model\":", record.model_asked);
  line.Text(",\"provider\":", record.provider);
  line.Text(",\"model_served\":", record.model_served);
  line.Text(",\"route_reason\":", record.route_reason);
  line.OurText(",\"status\":", StatusCodeName(record.status_code));
  line.OurText(",\"error_reason\":", ErrorReasonName(record.error_reason));
  line.Text(",\"error\":", record.error_message, kErrorBytesLimit);
  line.NonZero(",\"http_status\":", record.http_status);
  line.OurText(",\"finish_reason\":", FinishReasonWord(record.finish_reason));
  if (!record.attempts.empty()) {
    const CallAttempt& last = *record.attempts.back();
    line.NonZero(",\"upstream_status\":", last.http_status);
    line.Text(",\"upstream_request_id\":", last.provider_request_id);
    line.Text(",\"credential\":", last.credential);
  }
  line.Number(",\"attempt_count\":",
              static_cast<int64_t>(record.attempts.size()));
  WriteUsage(ConsumedUsage(record), line);
  line.OurText(",\"cache\":", record.cache);
  line.OurText(",\"cache_key\":", record.cache_key);
  line.Duration(",\"cache_age_us\":", record.cache_age);
  line.Text(",\"answer_of\":", record.answer_of);
  line.Number(",\"bytes_in\":", record.request_bytes);
  line.Number(",\"bytes_out\":", record.response_bytes);
  line.Number(",\"duration_us\":", absl::ToInt64Microseconds(record.duration));
  line.Duration(",\"overhead_us\":", record.overhead);
  line.Duration(",\"upstream_first_byte_us\":", record.upstream_first_byte);
  line.Duration(",\"ttft_us\":", record.time_to_first_token);
  if (!record.attempts.empty()) {
    line.Flag(",\"upstream_reused\":",
              record.attempts.back()->reused_connection);
  }
  WriteAttempts(record, line);
  line.NonZero(",\"unlogged\":", record.unlogged);
  line.Literal("}\n");
  return static_cast<size_t>(line.end() - out);
}

uint64_t CountLines(std::string_view bytes) {
  return static_cast<uint64_t>(std::count(bytes.begin(), bytes.end(), '\n'));
}

// Waits until a non-blocking output takes bytes again.
void AwaitWritable(int fd) {
  pollfd waiting = {.fd = fd, .events = POLLOUT, .revents = 0};
  poll(&waiting, 1, -1);
}

}  // namespace

std::string AccessLogLine(const CallRecord& record) {
  char line[kLineBytesLimit];
  return std::string(line, WriteLine(record, line));
}

AccessLogRing::AccessLogRing(size_t capacity_bytes)
    : capacity_(capacity_bytes), bytes_(new char[capacity_bytes]) {
  assert(std::has_single_bit(capacity_bytes));
}

bool AccessLogRing::Push(std::string_view bytes) {
  const uint64_t pushed = pushed_.load(std::memory_order_relaxed);
  const uint64_t popped = popped_.load(std::memory_order_acquire);
  if (bytes.size() > capacity_ - (pushed - popped)) return false;
  const size_t begin = pushed & (capacity_ - 1);
  const size_t first = std::min(bytes.size(), capacity_ - begin);
  memcpy(bytes_.get() + begin, bytes.data(), first);
  memcpy(bytes_.get(), bytes.data() + first, bytes.size() - first);
  pushed_.store(pushed + bytes.size(), std::memory_order_seq_cst);
  return true;
}

AccessLogRing::Parts AccessLogRing::Peek() const {
  const uint64_t popped = popped_.load(std::memory_order_relaxed);
  const size_t size = pushed_.load(std::memory_order_acquire) - popped;
  const size_t begin = popped & (capacity_ - 1);
  const size_t first = std::min(size, capacity_ - begin);
  return {.first = {bytes_.get() + begin, first},
          .second = {bytes_.get(), size - first}};
}

void AccessLogRing::Pop(size_t bytes) {
  popped_.store(popped_.load(std::memory_order_relaxed) + bytes,
                std::memory_order_release);
}

size_t AccessLogRing::size() const {
  // Read in this order, so that the difference is never negative.
  const uint64_t popped = popped_.load(std::memory_order_seq_cst);
  return pushed_.load(std::memory_order_seq_cst) - popped;
}

AccessLogShard::AccessLogShard(AccessLog& log, size_t ring_bytes)
    : log_(log), ring_(ring_bytes) {}

void AccessLogShard::Write(const CallRecord& record) {
  char line[kLineBytesLimit];
  size_t size = WriteLine(record, line);
  if (log_.members_.has_value()) size = log_.members_->Keep(line, size);
  const size_t before = ring_.size();
  if (!ring_.Push({line, size})) {
    dropped_lines_.store(dropped_lines_.load(std::memory_order_relaxed) + 1,
                         std::memory_order_relaxed);
    return;
  }
  // Either this sees that the writing thread is idle, or that thread, which
  // sets idle before it looks a last time, sees the line: both sides store
  // first and load then, sequentially consistent.
  const size_t batch_bytes = log_.options_.batch_bytes;
  if (log_.idle_.load(std::memory_order_seq_cst)) {
    log_.Wake(/*urgently=*/false);
  } else if (before < batch_bytes && before + size >= batch_bytes) {
    log_.Wake(/*urgently=*/true);
  }
}

absl::StatusOr<std::unique_ptr<AccessLog>> AccessLog::Open(
    const Options& options) {
  int fd = STDOUT_FILENO;
  if (!options.file.empty()) {
    fd = open(options.file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
              0640);
    if (fd < 0) {
      return absl::InvalidArgumentError(absl::StrCat(
          "cannot open the access log ", options.file, ": ", strerror(errno)));
    }
  }
  return std::unique_ptr<AccessLog>(new AccessLog(options, fd));
}

AccessLog::AccessLog(const Options& options, int fd)
    : options_(options),
      members_(options.members.empty()
                   ? std::nullopt
                   : std::make_optional<LineMembers>(options.members)),
      fd_(fd),
      thread_("access_log", [this] { Run(); }) {}

AccessLog::~AccessLog() {
  {
    MutexLock lock(mu_);
    stopping_ = true;
    wake_.NotifyOne();
  }
  thread_.Join();
  if (fd_ != STDOUT_FILENO) close(fd_);
}

AccessLogShard& AccessLog::AddShard() {
  std::unique_ptr<AccessLogShard> shard(
      new AccessLogShard(*this, options_.ring_bytes));
  MutexLock lock(mu_);
  shards_.push_back(std::move(shard));
  return *shards_.back();
}

bool AccessLog::Flush(absl::Duration timeout) {
  const absl::Duration deadline = SystemClock().SteadyTime() + timeout;
  MutexLock lock(mu_);
  // The next round, since one that has begun may have passed the newest lines
  // by.
  const uint64_t round = rounds_begun_ + 1;
  flush_wanted_ = true;
  wake_.NotifyOne();
  while (rounds_ended_ < round) {
    const absl::Duration rest = deadline - SystemClock().SteadyTime();
    if (rest <= absl::ZeroDuration()) return false;
    written_.WaitFor(lock, rest);
  }
  return true;
}

void AccessLog::FlushOrLeave(std::unique_ptr<AccessLog>* log,
                             absl::Duration timeout) {
  if (*log == nullptr || (*log)->Flush(timeout)) return;
  // For good, with its thread that waits for the file.
  static auto& left = *new std::vector<std::unique_ptr<AccessLog>>;
  left.push_back(std::move(*log));
}

uint64_t AccessLog::DroppedLines() const {
  uint64_t dropped = failed_lines_.load(std::memory_order_relaxed);
  MutexLock lock(mu_);
  for (const std::unique_ptr<AccessLogShard>& shard : shards_) {
    dropped += shard->dropped_lines_.load(std::memory_order_relaxed);
  }
  return dropped;
}

void AccessLog::Run() {
  while (true) {
    AwaitWork();
    WriteOut();
    MutexLock lock(mu_);
    rounds_ended_ = rounds_begun_;
    written_.NotifyAll();
    if (stopping_ && !AnythingWaits()) return;
  }
}

void AccessLog::AwaitWork() {
  MutexLock lock(mu_);
  while (!AnythingWaits() && !flush_wanted_ && !stopping_) {
    idle_.store(true, std::memory_order_seq_cst);
    if (AnythingWaits()) break;
    wake_.Wait(lock);
  }
  idle_.store(false, std::memory_order_relaxed);

  // Waits a little, so that lines that come meanwhile share one write.
  const absl::Duration deadline =
      SystemClock().SteadyTime() + options_.flush_interval;
  while (!urgent_ && !flush_wanted_ && !stopping_) {
    const absl::Duration rest = deadline - SystemClock().SteadyTime();
    if (rest <= absl::ZeroDuration()) break;
    wake_.WaitFor(lock, rest);
  }
  urgent_ = false;
  flush_wanted_ = false;
  ++rounds_begun_;
}

bool AccessLog::AnythingWaits() const {
  return std::any_of(shards_.begin(), shards_.end(),
                     [](const std::unique_ptr<AccessLogShard>& shard) {
                       return shard->ring_.size() > 0;
                     });
}

void AccessLog::Wake(bool urgently) {
  MutexLock lock(mu_);
  // Cleared before writing: shards need not wake it again.
  idle_.store(false, std::memory_order_relaxed);
  if (urgently) urgent_ = true;
  wake_.NotifyOne();
}

void AccessLog::WriteOut() {
  std::vector<AccessLogShard*> shards;
  {
    MutexLock lock(mu_);
    for (const std::unique_ptr<AccessLogShard>& shard : shards_) {
      shards.push_back(shard.get());
    }
  }
  for (AccessLogShard* shard : shards) {
    // A ring holds whole lines; only its end may fall within one.
    const AccessLogRing::Parts parts = shard->ring_.Peek();
    const size_t size = parts.first.size() + parts.second.size();
    if (size == 0) continue;
    WriteOrDrop(parts);
    shard->ring_.Pop(size);
  }
}

void AccessLog::WriteOrDrop(AccessLogRing::Parts parts) {
  // Ends a line that broke off, so that it does not swallow the next one.
  std::string_view start = line_broke_off_ ? "\n" : "";
  std::string_view* const pieces[] = {&start, &parts.first, &parts.second};
  while (!parts.second.empty() || !parts.first.empty()) {
    iovec vectors[3];
    for (size_t i = 0; i < 3; ++i) {
      vectors[i] = {.iov_base = const_cast<char*>(pieces[i]->data()),
                    .iov_len = pieces[i]->size()};
    }
    ssize_t written = writev(fd_, vectors, 3);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      AwaitWritable(fd_);
      continue;
    }
    if (written < 0) {
      ReportFailure(errno);
      failed_lines_.store(failed_lines_.load(std::memory_order_relaxed) +
                              CountLines(parts.first) +
                              CountLines(parts.second),
                          std::memory_order_relaxed);
      return;
    }
    for (std::string_view* piece : pieces) {
      const size_t used = std::min<size_t>(written, piece->size());
      if (used > 0) line_broke_off_ = (*piece)[used - 1] != '\n';
      piece->remove_prefix(used);
      written -= static_cast<ssize_t>(used);
    }
  }
  output_failing_ = false;
}

void AccessLog::ReportFailure(int error) {
  if (!output_failing_) {
    Log(LogLevel::kError, "access_log", "lines are lost: cannot write",
        {{"error", strerror(error)}});
  }
  output_failing_ = true;
}

}  // namespace gateway
