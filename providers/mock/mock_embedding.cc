#include "providers/mock/mock_embedding.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>

#include "base/fnv1a.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

// The longest vector that is made.
constexpr int kDimensionsMax = 4096;

uint64_t SeedOf(const v1::EmbedInput& input) {
  uint64_t hash = Fnv1a(input.text());
  for (const int32_t id : input.tokens().ids()) {
    const auto bits = static_cast<uint32_t>(id);
    for (int shift = 0; shift < 32; shift += 8) {
      hash = Fnv1a(static_cast<uint8_t>(bits >> shift), hash);
    }
  }
  return hash;
}

// SplitMix64: returns the next of a sequence of bits that look random.
uint64_t Next(uint64_t* state) {
  uint64_t bits = *state += 0x9e3779b97f4a7c15;
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
  return bits ^ (bits >> 31);
}

}  // namespace

void WriteMockEmbeddings(const v1::EmbedRequest& request,
                         v1::EmbedResponse* response) {
  const int dimensions = request.has_dimensions()
                             ? std::min(request.dimensions(), kDimensionsMax)
                             : kMockDimensions;
  for (const v1::EmbedInput& input : request.inputs()) {
    uint64_t state = SeedOf(input);
    auto& values = *response->add_embeddings()->mutable_values();
    double squares = 0;
    for (int i = 0; i < dimensions; ++i) {
      // In [-1, 1).
      const double value =
          static_cast<double>(Next(&state) >> 11) / (uint64_t{1} << 52) - 1;
      squares += value * value;
      values.Add(static_cast<float>(value));
    }
    const double length = std::sqrt(squares);
    if (length == 0) continue;
    for (float& value : values) value = static_cast<float>(value / length);
  }
}

}  // namespace gateway
