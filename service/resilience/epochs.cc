#include "service/resilience/epochs.h"

#include <utility>
#include <vector>

namespace gateway {

std::shared_ptr<const void> Epochs::Enter() {
  const MutexLock lock(shared_->mu);
  Epoch& present = shared_->epochs.back();
  std::shared_ptr<const void> stay = present.stay.lock();
  if (stay == nullptr) {
    ++present.stays;
    stay = std::make_shared<Stay>(shared_, &present);
    present.stay = stay;
  }
  return stay;
}

void Epochs::Retire(std::shared_ptr<const void> retired) {
  if (retired == nullptr) return;
  {
    const MutexLock lock(shared_->mu);
    shared_->epochs.back().retired = std::move(retired);
    shared_->epochs.emplace_back();
  }
  shared_->Collect(nullptr);
}

void Epochs::Shared::Collect(Epoch* left) {
  // Destroyed without the lock.
  std::vector<std::shared_ptr<const void>> unused;
  const MutexLock lock(mu);
  if (left != nullptr) --left->stays;
  while (epochs.size() > 1 && epochs.front().stays == 0) {
    unused.push_back(std::move(epochs.front().retired));
    epochs.pop_front();
  }
}

}  // namespace gateway
