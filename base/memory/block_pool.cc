#include "base/memory/block_pool.h"

#include <cassert>

namespace gateway {

BlockPool::~BlockPool() {
  assert(lent_ == 0);
  for (char* data : kept_) delete[] data;
}

Block BlockPool::Take() {
  ++lent_;
  if (kept_.empty()) return Block(this, new char[kBlockBytes]);
  char* const data = kept_.back();
  kept_.pop_back();
  return Block(this, data);
}

void BlockPool::GiveBack(char* data) {
  --lent_;
  if (kept_.size() < kept_max_) {
    kept_.push_back(data);
  } else {
    delete[] data;
  }
}

}  // namespace gateway
