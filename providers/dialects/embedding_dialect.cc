#include "providers/dialects/embedding_dialect.h"

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "errors/fault.h"

namespace gateway {
namespace {

absl::Status NoApi(const EmbeddingDialect& dialect) {
  return MakeFault(
      v1::ERROR_REASON_UNIMPLEMENTED,
      absl::StrCat(ToAbsl(dialect.name()), " has no api for embeddings"));
}

}  // namespace

absl::Status EmbeddingDialect::ReadRequest(std::string_view, v1::EmbedRequest*,
                                           EmbeddingEncoding*) const {
  return NoApi(*this);
}

absl::Status EmbeddingDialect::WriteResponse(const v1::EmbedResponse&,
                                             EmbeddingEncoding,
                                             std::string*) const {
  return NoApi(*this);
}

}  // namespace gateway
