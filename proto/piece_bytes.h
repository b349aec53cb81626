// Tells how large a piece of an answer is, without what frames it in a stream:
// pieces are often a few letters long.
//
//   held += PieceBytes(event.delta());
//
// Thread-safe: a plain function.

#ifndef PROTO_PIECE_BYTES_H_
#define PROTO_PIECE_BYTES_H_

#include <cstddef>

#include "llmgateway/v1/gateway.pb.h"

namespace gateway {

// Returns how many bytes the texts of a delta's piece have; of one that is no
// text, how many the whole delta has.
size_t PieceBytes(const llmgateway::v1::Delta& delta);

}  // namespace gateway

#endif  // PROTO_PIECE_BYTES_H_
