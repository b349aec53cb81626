#include "service/store/sqlite_work.h"

#include "absl/strings/str_cat.h"

namespace gateway {

SqliteWorkQueue::SqliteWorkQueue(std::string path, const Options& options)
    : path_(std::move(path)), options_(options) {}

absl::Status SqliteWorkQueue::Add(size_t bytes,
                                  std::shared_ptr<SqliteWork> work) {
  MutexLock lock(mu_);
  if (closed_) {
    return absl::FailedPreconditionError(
        absl::StrCat(path_, ": is closed, since the gateway ends"));
  }
  // One alone is taken whatever its size: it would never be smaller.
  const bool has_room =
      waiting_.empty() || (waiting_.size() < options_.pieces_limit &&
                           bytes_ + bytes <= options_.bytes_limit);
  if (!has_room) {
    return absl::ResourceExhaustedError(absl::StrCat(
        path_, ": ", waiting_.size(), " pieces of work with ", bytes_,
        " bytes wait for it already, and at most ", options_.pieces_limit,
        " with ", options_.bytes_limit, " may; try again later"));
  }
  bytes_ += bytes;
  waiting_.push_back({.bytes = bytes, .work = std::move(work)});
  changed_.NotifyOne();
  return absl::OkStatus();
}

void SqliteWorkQueue::WaitForWork(MutexLock& lock) {
  while (waiting_.empty() && !closed_) changed_.Wait(lock);
}

std::vector<std::shared_ptr<SqliteWork>> SqliteWorkQueue::TakeAll() {
  std::vector<std::shared_ptr<SqliteWork>> taken;
  MutexLock lock(mu_);
  WaitForWork(lock);
  taken.reserve(waiting_.size());
  for (Waiting& each : waiting_) taken.push_back(std::move(each.work));
  waiting_.clear();
  bytes_ = 0;
  return taken;
}

std::shared_ptr<SqliteWork> SqliteWorkQueue::TakeOne() {
  MutexLock lock(mu_);
  WaitForWork(lock);
  if (waiting_.empty()) return nullptr;
  Waiting first = std::move(waiting_.front());
  waiting_.pop_front();
  bytes_ -= first.bytes;
  return std::move(first.work);
}

void SqliteWorkQueue::Close() {
  {
    MutexLock lock(mu_);
    closed_ = true;
  }
  changed_.NotifyAll();
}

}  // namespace gateway
