// Vectors as text: base64 of little-endian 32-bit floats, or JSON numbers that
// read back as the same floats.
//
// Thread-safe: free functions.

#ifndef PROVIDERS_DIALECTS_OPENAI_EMBEDDINGS_VECTOR_TEXT_H_
#define PROVIDERS_DIALECTS_OPENAI_EMBEDDINGS_VECTOR_TEXT_H_

#include <string>
#include <string_view>

#include "google/protobuf/repeated_field.h"

namespace gateway {

using FloatList = google::protobuf::RepeatedField<float>;

// Returns false if `text` is not base64 of whole floats.
bool ReadBase64Floats(std::string_view text, FloatList* values);

std::string WriteBase64Floats(const FloatList& values);

// Appends `[0.1,-2.5e-05]`; NaN and the infinities, which JSON cannot say,
// become 0.
void AppendJsonFloats(const FloatList& values, std::string* out);

}  // namespace gateway

#endif  // PROVIDERS_DIALECTS_OPENAI_EMBEDDINGS_VECTOR_TEXT_H_
