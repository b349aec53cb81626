#include "service/ledger/merkle.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "service/ledger/hash_text.h"

namespace gateway {
namespace {

std::string PairOf(std::string_view left, std::string_view right) {
  return HashText(absl::StrCat(ToAbsl(left), ToAbsl(right)));
}

// The index of what stands beside it; its own where it is there twice.
size_t BesideOf(size_t index, size_t size) {
  return std::min(index ^ 1, size - 1);
}

// Replaces a level by the one above.
void Climb(std::vector<std::string>* level) {
  const size_t size = level->size();
  for (size_t i = 0; i < size; i += 2) {
    (*level)[i / 2] = PairOf((*level)[i], (*level)[BesideOf(i, size)]);
  }
  level->resize((size + 1) / 2);
}

}  // namespace

std::string MerkleRoot(absl::Span<const std::string> hashes) {
  if (hashes.empty()) return {};
  std::vector<std::string> level(hashes.begin(), hashes.end());
  while (level.size() > 1) Climb(&level);
  return std::move(level.front());
}

void RunningMerkleRoot::Add(std::string_view hash) {
  std::string node(hash);
  for (std::string& beside : alone_) {
    if (beside.empty()) {
      beside = std::move(node);
      return;
    }
    node = PairOf(beside, node);
    beside.clear();
  }
  alone_.push_back(std::move(node));
}

std::string RunningMerkleRoot::Root() const {
  // The last one of each level, if it has no pair yet; the top level has one.
  std::string last;
  for (size_t level = 0; level < alone_.size(); ++level) {
    const std::string& beside = alone_[level];
    const bool is_top = level + 1 == alone_.size();
    if (last.empty()) {
      if (beside.empty()) continue;
      last = is_top ? beside : PairOf(beside, beside);
    } else {
      last = beside.empty() ? PairOf(last, last) : PairOf(beside, last);
    }
  }
  return last;
}

MerkleProof MerkleProofOf(absl::Span<const std::string> hashes, size_t index) {
  assert(index < hashes.size());
  MerkleProof proof;
  std::vector<std::string> level(hashes.begin(), hashes.end());
  for (; level.size() > 1; index /= 2) {
    proof.push_back({.hash = level[BesideOf(index, level.size())],
                     .is_left = index % 2 == 1});
    Climb(&level);
  }
  return proof;
}

std::string MerkleRootBy(std::string_view hash, const MerkleProof& proof) {
  std::string root(hash);
  for (const MerkleStep& step : proof) {
    root = step.is_left ? PairOf(step.hash, root) : PairOf(root, step.hash);
  }
  return root;
}

}  // namespace gateway
