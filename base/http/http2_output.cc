#include "base/http/http2_output.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace gateway {

void Http2Output::Append(std::string_view bytes) {
  size_ += bytes.size();
  while (!bytes.empty()) {
    if (blocks_.empty() || end_ == Block::capacity()) {
      assert(blocks_.size() < kBlocksMax);
      blocks_.push_back(pool_.Take());
      end_ = 0;
    }
    const size_t size = std::min(bytes.size(), Block::capacity() - end_);
    std::memcpy(blocks_.back().data() + end_, bytes.data(), size);
    end_ += size;
    bytes.remove_prefix(size);
  }
}

size_t Http2Output::Pieces(iovec* pieces) const {
  for (size_t i = 0; i < blocks_.size(); ++i) {
    const size_t begin = i == 0 ? begin_ : 0;
    const size_t end = i + 1 == blocks_.size() ? end_ : Block::capacity();
    pieces[i] = {blocks_[i].data() + begin, end - begin};
  }
  return blocks_.size();
}

void Http2Output::Consume(size_t bytes) {
  assert(bytes <= size_);
  size_ -= bytes;
  if (size_ == 0) return Clear();
  begin_ += bytes;
  const size_t whole = begin_ / Block::capacity();
  blocks_.erase(blocks_.begin(), blocks_.begin() + whole);
  begin_ -= whole * Block::capacity();
}

void Http2Output::Clear() {
  blocks_.clear();
  begin_ = end_ = size_ = 0;
}

}  // namespace gateway
