#include "service/ledger/index_pieces.h"

#include <bit>
#include <cstring>

#include "absl/status/status.h"
#include "base/status_macros.h"

namespace gateway {
namespace {

using Sum = uint64_t;

// Any change of one word changes it, since each step can be taken back.
Sum SumOf(std::string_view bytes) {
  constexpr uint64_t kOdd = 0x9e3779b97f4a7c15;
  uint64_t sum = bytes.size();
  while (!bytes.empty()) {
    uint64_t word = 0;
    const size_t size =
        bytes.size() < sizeof(word) ? bytes.size() : sizeof(word);
    std::memcpy(&word, bytes.data(), size);
    sum = std::rotl(sum ^ word, 29) * kOdd;
    bytes.remove_prefix(size);
  }
  return sum;
}

template <typename T>
void Append(absl::Span<const T> numbers, std::string* piece) {
  if (numbers.empty()) return;
  piece->append(reinterpret_cast<const char*>(numbers.data()),
                numbers.size() * sizeof(T));
}

void Finish(std::string* piece) {
  const Sum sum = SumOf(*piece);
  Append(absl::MakeConstSpan(&sum, 1), piece);
}

absl::Status DamagedPiece() {
  return absl::DataLossError("a piece of the index is not what was written");
}

// The piece without its sum.
absl::StatusOr<std::string_view> ContentOf(std::string_view piece) {
  if (piece.size() < sizeof(Sum)) return DamagedPiece();
  const std::string_view content = piece.substr(0, piece.size() - sizeof(Sum));
  Sum sum = 0;
  std::memcpy(&sum, piece.data() + content.size(), sizeof(sum));
  if (sum != SumOf(content)) return DamagedPiece();
  return content;
}

template <typename T>
std::vector<T> NumbersOf(std::string_view bytes) {
  std::vector<T> numbers(bytes.size() / sizeof(T));
  if (!numbers.empty()) {
    std::memcpy(numbers.data(), bytes.data(), numbers.size() * sizeof(T));
  }
  return numbers;
}

template <typename T>
absl::StatusOr<std::vector<T>> SoMany(std::string_view piece, size_t entries) {
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view content, ContentOf(piece));
  if (content.size() != entries * sizeof(T)) return DamagedPiece();
  return NumbersOf<T>(content);
}

}  // namespace

std::string PieceOf(const PostingBucket& bucket) {
  std::string piece;
  Append(absl::MakeConstSpan(bucket.texts), &piece);
  Append(absl::MakeConstSpan(bucket.places), &piece);
  Finish(&piece);
  return piece;
}

std::string PieceOf(absl::Span<const uint32_t> column) {
  std::string piece;
  Append(column, &piece);
  Finish(&piece);
  return piece;
}

std::string PieceOf(absl::Span<const int64_t> times) {
  std::string piece;
  Append(times, &piece);
  Finish(&piece);
  return piece;
}

std::string PieceOf(const CommitStarts& commits) {
  std::string piece;
  Append(absl::MakeConstSpan(&commits.first_commit, 1), &piece);
  Append(absl::MakeConstSpan(commits.starts), &piece);
  Finish(&piece);
  return piece;
}

absl::StatusOr<std::vector<uint32_t>> PlacesOf(std::string_view piece,
                                               uint32_t text, size_t entries) {
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view content, ContentOf(piece));
  constexpr size_t kEach = sizeof(uint32_t) + sizeof(uint16_t);
  const size_t count = content.size() / kEach;
  if (content.size() != count * kEach) return DamagedPiece();
  const char* const texts = content.data();
  const char* const places = texts + count * sizeof(uint32_t);
  std::vector<uint32_t> found;
  for (size_t i = 0; i < count; ++i) {
    uint32_t each = 0;
    std::memcpy(&each, texts + i * sizeof(each), sizeof(each));
    if (each != text) continue;
    uint16_t place = 0;
    std::memcpy(&place, places + i * sizeof(place), sizeof(place));
    if (place >= entries) return DamagedPiece();
    found.push_back(place);
  }
  return found;
}

absl::StatusOr<std::vector<uint32_t>> ColumnOf(std::string_view piece,
                                               size_t entries) {
  return SoMany<uint32_t>(piece, entries);
}

absl::StatusOr<std::vector<int64_t>> TimesOf(std::string_view piece,
                                             size_t entries) {
  return SoMany<int64_t>(piece, entries);
}

absl::StatusOr<CommitStarts> CommitsOf(std::string_view piece) {
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view content, ContentOf(piece));
  CommitStarts commits;
  if (content.size() < sizeof(commits.first_commit)) return DamagedPiece();
  std::memcpy(&commits.first_commit, content.data(),
              sizeof(commits.first_commit));
  commits.starts =
      NumbersOf<uint32_t>(content.substr(sizeof(commits.first_commit)));
  return commits;
}

}  // namespace gateway
