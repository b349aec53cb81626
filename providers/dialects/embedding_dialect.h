// An EmbeddingDialect is one vendor's wire format for turning texts into
// vectors; it stands beside the vendor's Dialect, which generates.
//
// Dialects are stateless and thread-safe.

#ifndef PROVIDERS_DIALECTS_EMBEDDING_DIALECT_H_
#define PROVIDERS_DIALECTS_EMBEDDING_DIALECT_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "llmgateway/v1/gateway.pb.h"

namespace gateway {

namespace v1 = ::llmgateway::v1;

// How a caller wants its vectors written.
enum class EmbeddingEncoding {
  kFloat,   // As JSON numbers.
  kBase64,  // As base64 of little-endian 32-bit floats.
};

// The most inputs of one request, as the vendors have it. Readers fail at the
// first beyond.
inline constexpr int kEmbeddingInputsLimit = 2048;

class EmbeddingDialect {
 public:
  virtual ~EmbeddingDialect() = default;

  // The name in Extension.dialect.
  virtual std::string_view name() const = 0;

  // Reads a caller's request. UNIMPLEMENTED where the vendor's format has no
  // API.
  virtual absl::Status ReadRequest(std::string_view body,
                                   v1::EmbedRequest* request,
                                   EmbeddingEncoding* encoding) const;

  // Appends the request as the vendor wants it. What cannot be carried is
  // listed in `warnings`. `model` is the provider's own name.
  virtual absl::Status WriteRequest(const v1::EmbedRequest& request,
                                    std::string_view model, std::string* body,
                                    std::vector<v1::Warning>* warnings)
      const = 0;

  // Reads a whole answer; vectors in the order of the inputs.
  virtual absl::Status ReadResponse(std::string_view body,
                                    v1::EmbedResponse* response) const = 0;

  // Appends a whole answer. UNIMPLEMENTED where the format has no API.
  virtual absl::Status WriteResponse(const v1::EmbedResponse& response,
                                     EmbeddingEncoding encoding,
                                     std::string* body) const;
};

}  // namespace gateway

#endif  // PROVIDERS_DIALECTS_EMBEDDING_DIALECT_H_
