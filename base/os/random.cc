#include "base/os/random.h"

#include <sys/random.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

#include "base/text/hex.h"

namespace gateway {
namespace {

void FillFromKernel(void* bytes, size_t size) {
  size_t filled = 0;
  while (filled < size) {
    const ssize_t got =
        getrandom(static_cast<char*>(bytes) + filled, size - filled, 0);
    // Only a kernel without the call fails for good; nothing that relies on
    // distinct ids may run on it.
    if (got < 0 && errno != EINTR) abort();
    if (got > 0) filled += static_cast<size_t>(got);
  }
}

// xoshiro256++: four words of state, any of them nonzero.
struct Generator {
  Generator() {
    FillFromKernel(state, sizeof(state));
    state[0] |= 1;
  }

  uint64_t Next() {
    const uint64_t result = std::rotl(state[0] + state[3], 23) + state[0];
    const uint64_t shifted = state[1] << 17;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = std::rotl(state[3], 45);
    return result;
  }

  uint64_t state[4];
};

class ThreadLocalRandom : public Random {
 public:
  uint64_t Bits() override {
    thread_local Generator generator;
    return generator.Next();
  }
};

// The two digits of each byte, the lower one first.
constexpr std::array<std::array<char, 2>, 256> kHexPairs = [] {
  constexpr char kDigits[] = "0123456789abcdef";
  std::array<std::array<char, 2>, 256> pairs{};
  for (size_t i = 0; i < pairs.size(); ++i) {
    pairs[i] = {kDigits[i & 15], kDigits[i >> 4]};
  }
  return pairs;
}();

// Random bits that the kernel gave and that are not used yet.
struct KernelBits {
  uint64_t Next() {
    if (used == kWords) {
      FillFromKernel(words, sizeof(words));
      used = 0;
    }
    return std::exchange(words[used++], 0);
  }

  // The most that the kernel gives in one call that signals do not interrupt.
  static constexpr size_t kWords = 32;
  uint64_t words[kWords];
  size_t used = kWords;
};

class ThreadLocalKernelRandom : public Random {
 public:
  uint64_t Bits() override {
    thread_local KernelBits bits;
    return bits.Next();
  }
};

}  // namespace

double Random::UniformDouble() {
  return static_cast<double>(Bits() >> 11) * 0x1p-53;
}

std::string Random::HexId(size_t digits) {
  std::string id(digits, '\0');
  FillHexId(id.data(), digits);
  return id;
}

void Random::FillHexId(char* out, size_t digits) {
  uint64_t bits = 0;
  size_t i = 0;
  for (; i + 16 <= digits; i += 16) {
    bits = Bits();
    // All at once: a call gets up to four ids, and two digits at a time each
    // takes 100 instructions more.
    WriteHexLowestFirst(bits, out + i);
  }
  for (; i + 2 <= digits; i += 2) {
    if (i % 16 == 0) bits = Bits();
    memcpy(out + i, kHexPairs[bits & 255].data(), 2);
    bits >>= 8;
  }
  if (i == digits) return;
  if (i % 16 == 0) bits = Bits();
  out[i] = kHexPairs[bits & 255][0];
}

Random& SystemRandom() {
  // Never destroyed, since threads may draw while the process exits.
  static Random& random = *new ThreadLocalRandom;
  return random;
}

Random& SecureRandom() {
  static Random& random = *new ThreadLocalKernelRandom;
  return random;
}

}  // namespace gateway
