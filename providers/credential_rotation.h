// CredentialRotation says which of several credentials the next call takes:
// each as often as its weight, evenly spread (smooth weighted round robin, as
// nginx has it).
//
//   CredentialRotation rotation({3, 1});
//   rotation.Next();  // 0, 0, 1, 0, 0, 0, 1, 0, ...
//
// Thread-safe and lock-free.

#ifndef PROVIDERS_CREDENTIAL_ROTATION_H_
#define PROVIDERS_CREDENTIAL_ROTATION_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace gateway {

class CredentialRotation {
 public:
  // REQUIRES: at most 256 weights, each 1 to 1000. No weights count as one.
  explicit CredentialRotation(const std::vector<int>& weights);

  size_t Next() const;

 private:
  std::vector<uint8_t> order_;  // Empty if there is only one to take.
  mutable std::atomic<size_t> next_{0};
};

}  // namespace gateway

#endif  // PROVIDERS_CREDENTIAL_ROTATION_H_
