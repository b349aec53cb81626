#include "providers/credential_rotation.h"

#include <algorithm>
#include <numeric>

namespace gateway {

CredentialRotation::CredentialRotation(const std::vector<int>& weights) {
  if (weights.size() < 2) return;
  const int divisor =
      std::accumulate(weights.begin(), weights.end(), 0,
                      [](int a, int b) { return std::gcd(a, b); });
  const int total =
      std::accumulate(weights.begin(), weights.end(), 0) / divisor;
  std::vector<int> credit(weights.size(), 0);
  for (int i = 0; i < total; ++i) {
    for (size_t k = 0; k < weights.size(); ++k) {
      credit[k] += weights[k] / divisor;
    }
    const auto richest = std::max_element(credit.begin(), credit.end());
    *richest -= total;
    order_.push_back(static_cast<uint8_t>(richest - credit.begin()));
  }
}

size_t CredentialRotation::Next() const {
  if (order_.empty()) return 0;
  return order_[next_.fetch_add(1, std::memory_order_relaxed) % order_.size()];
}

}  // namespace gateway
