#include "base/async/worker_pool.h"

#include <cassert>

#include "base/memory/recycler.h"

namespace gateway {
namespace {

thread_local WorkerPool* current_pool = nullptr;

}  // namespace

WorkerPool::WorkerPool(int threads_each) {
  assert(threads_each > 0);
  for (int i = 0; i < threads_each; ++i) {
    threads_.emplace_back("work-modest", [this] { ServeModest(); });
    threads_.emplace_back("work-large", [this] { ServeBoth(); });
  }
}

WorkerPool::~WorkerPool() {
  {
    MutexLock lock(mu_);
    assert(modest_.empty() && large_.empty());
    stopping_ = true;
  }
  modest_came_.NotifyAll();
  came_.NotifyAll();
  for (Thread& thread : threads_) thread.Join();
}

WorkerPool* WorkerPool::Current() { return current_pool; }

void WorkerPool::SetCurrent(WorkerPool* pool) { current_pool = pool; }

void WorkerPool::Line::Put(Piece& piece) {
  (last_ == nullptr ? first_ : last_->next_) = &piece;
  last_ = &piece;
  ++size_;
}

WorkerPool::Piece& WorkerPool::Line::Take() {
  Piece& piece = *first_;
  first_ = piece.next_;
  if (first_ == nullptr) last_ = nullptr;
  --size_;
  return piece;
}

void WorkerPool::Add(Piece& piece, size_t bytes, Stage stage) {
  const bool modest = bytes <= kModestBytesMax;
  MutexLock lock(mu_);
  Kind& kind = modest ? modest_ : large_;
  (stage == Stage::kBegins ? kind.beginning : kind.going_on).Put(piece);
  if (modest) modest_came_.NotifyOne();
  came_.NotifyOne();
}

size_t WorkerPool::waiting() const {
  MutexLock lock(mu_);
  return modest_.size() + large_.size();
}

void WorkerPool::ServeModest() {
  for (;;) {
    Piece* piece;
    {
      MutexLock lock(mu_);
      while (modest_.empty() && !stopping_) modest_came_.Wait(lock);
      if (stopping_) return;
      piece = &modest_.Take();
    }
    piece->Do();
    TrimRecycled();
  }
}

void WorkerPool::ServeBoth() {
  for (;;) {
    Piece* piece;
    {
      MutexLock lock(mu_);
      while (large_.empty() && modest_.empty() && !stopping_) came_.Wait(lock);
      if (stopping_) return;
      piece = large_.empty() ? &modest_.Take() : &large_.Take();
    }
    piece->Do();
    TrimRecycled();
  }
}

}  // namespace gateway
