#include "base/http/http1_body_writer.h"

#include <sys/uio.h>

#include <cstddef>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
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
    while (!unwritten_.empty()) {
      const IoResult wrote =
          stream_.TryWrite(unwritten_.data(), unwritten_.size());
      if (wrote.would_block()) return State::kAwaitsServer;
      if (wrote.kind != IoResult::Kind::kBytes) return stream_.error();
      Consume(wrote.bytes);
    }
    if (ended_) return State::kSent;
    const absl::StatusOr<bool> taken = TakePiece();
    source_failed_ = !taken.ok();
    GATEWAY_RETURN_IF_ERROR(taken.status());
    if (!*taken) return State::kAwaitsSource;
  }
}

void Http1BodyWriter::Consume(size_t bytes) {
  while (!unwritten_.empty() && bytes >= unwritten_.front().iov_len) {
    bytes -= unwritten_.front().iov_len;
    unwritten_.remove_prefix(1);
  }
  if (bytes == 0) return;
  iovec& first = unwritten_.front();
  first.iov_base = static_cast<char*>(first.iov_base) + bytes;
  first.iov_len -= bytes;
}

absl::StatusOr<bool> Http1BodyWriter::TakePiece() {
  std::string_view piece;
  GATEWAY_ASSIGN_OR_RETURN(const BodySource::State state,
                           source_->Take(&piece));
  if (state == BodySource::State::kLater) return false;
  ended_ = state == BodySource::State::kEnd;
  taken_ += piece.size();
  GATEWAY_RETURN_IF_ERROR(CheckLength(ended_));
  if (length_.has_value()) {
    chunk_[0] = ToIovec(piece);
    unwritten_ = absl::MakeSpan(chunk_, 1);
  } else if (ended_) {
    chunk_[0] = ToIovec("0\r\n\r\n");
    unwritten_ = absl::MakeSpan(chunk_, 1);
  } else {
    size_line_ = absl::StrCat(absl::Hex(piece.size()), "\r\n");
    chunk_[0] = ToIovec(size_line_);
    chunk_[1] = ToIovec(piece);
    chunk_[2] = ToIovec("\r\n");
    unwritten_ = absl::MakeSpan(chunk_);
  }
  Consume(0);  // At the end of a body of known length nothing is written.
  return true;
}

absl::Status Http1BodyWriter::CheckLength(bool at_end) {
  if (!length_.has_value()) return absl::OkStatus();
  if (at_end ? taken_ == *length_ : taken_ <= *length_) {
    return absl::OkStatus();
  }
  return absl::InternalError(absl::StrCat(
      "a body of ", *length_, " bytes has ", at_end ? "" : "at least ",
      taken_));
}

}  // namespace gateway
