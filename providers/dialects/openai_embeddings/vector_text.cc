#include "providers/dialects/openai_embeddings/vector_text.h"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>

#include "providers/dialects/data_url.h"

namespace gateway {

static_assert(std::endian::native == std::endian::little,
              "floats are copied as they are in memory");

bool ReadBase64Floats(std::string_view text, FloatList* values) {
  std::string bytes;
  if (!ReadBase64(text, &bytes) || bytes.size() % sizeof(float) != 0) {
    return false;
  }
  const int count = static_cast<int>(bytes.size() / sizeof(float));
  values->Resize(count, 0);
  if (count > 0)
    std::memcpy(values->mutable_data(), bytes.data(), bytes.size());
  return true;
}

std::string WriteBase64Floats(const FloatList& values) {
  return Base64({reinterpret_cast<const char*>(values.data()),
                 static_cast<size_t>(values.size()) * sizeof(float)});
}

void AppendJsonFloats(const FloatList& values, std::string* out) {
  out->push_back('[');
  char digits[32];
  for (int i = 0; i < values.size(); ++i) {
    if (i > 0) out->push_back(',');
    const float value = std::isfinite(values[i]) ? values[i] : 0.0F;
    const auto end = std::to_chars(digits, digits + sizeof(digits), value);
    out->append(digits, end.ptr);
  }
  out->push_back(']');
}

}  // namespace gateway
