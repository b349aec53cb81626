#include "base/http/http1_body_writer.h"

#include <sys/uio.h>

#include <algorithm>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "base/http/http1_codec.h"
#include "base/status_macros.h"

namespace gateway {

void AppendBodyFraming(std::optional<uint64_t> length, std::string* out) {
  if (length.has_value()) {
    AppendContentLength(*length, out);
  } else {
    absl::StrAppend(out, "transfer-encoding: chunked\r\n");
  }
}

absl::StatusOr<Http1BodyWriter::State> Http1BodyWriter::Advance() {
  for (;;) {
    if (written()) {
      if (ended_) return State::kSent;
      const absl::StatusOr<bool> taken = TakePiece();
      source_failed_ = !taken.ok();
      GATEWAY_RETURN_IF_ERROR(taken.status());
      if (!*taken) return State::kAwaitsSource;
      continue;  // At the end of a body of known length nothing is written.
    }
    iovec pieces[3];
    size_t count = 0;
    for (const std::string_view text : {before_, piece_, behind_}) {
      if (!text.empty()) pieces[count++] = ToIovec(text);
    }
    const IoResult wrote = stream_.TryWrite(pieces, count);
    if (wrote.would_block()) return State::kAwaitsServer;
    if (wrote.kind != IoResult::Kind::kBytes) return stream_.error();
    size_t bytes = wrote.bytes;
    for (std::string_view* text : {&before_, &piece_, &behind_}) {
      const size_t part = std::min(bytes, text->size());
      text->remove_prefix(part);
      bytes -= part;
    }
  }
}

absl::StatusOr<bool> Http1BodyWriter::TakePiece() {
  GATEWAY_ASSIGN_OR_RETURN(const BodySource::State state,
                           source_.Take(&piece_));
  if (state == BodySource::State::kLater) return false;
  ended_ = state == BodySource::State::kEnd;
  taken_ += piece_.size();
  GATEWAY_RETURN_IF_ERROR(CheckLength(ended_));
  if (length_.has_value()) return true;
  size_line_ = ended_ ? "0\r\n\r\n"
                      : absl::StrCat(absl::Hex(piece_.size()), "\r\n");
  before_ = size_line_;
  if (!ended_) behind_ = "\r\n";
  return true;
}

absl::Status Http1BodyWriter::CheckLength(bool at_end) {
  if (!length_.has_value()) return absl::OkStatus();
  if (at_end ? taken_ == *length_ : taken_ <= *length_) {
    return absl::OkStatus();
  }
  piece_ = {};
  return absl::InternalError(absl::StrCat(
      "a body of ", *length_, " bytes has ", at_end ? "" : "at least ",
      taken_));
}

}  // namespace gateway
