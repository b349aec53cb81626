#include "service/ledger/archive_file.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <tuple>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/os/file.h"
#include "base/sha256.h"
#include "base/status_macros.h"
#include "base/string_view.h"

namespace gateway {
namespace {

// What is written at once.
constexpr size_t kArchiveWriteBytes = 1 << 20;
constexpr size_t kManifestBytesMax = 64 << 10;

EVP_MD_CTX* ContextOf(void* context) {
  return static_cast<EVP_MD_CTX*>(context);
}

absl::Status ArchiveFault(const std::string& path, const char* what) {
  return absl::ErrnoToStatus(errno, absl::StrCat(path, ": ", what));
}

absl::Status OfPath(const std::string& path, const absl::Status& status) {
  return absl::Status(status.code(),
                      absl::StrCat(path, ": ", status.message()));
}

std::string PathIn(const std::string& folder, const std::string& name) {
  return absl::StrCat(folder, "/", name);
}

// Visits lines, with the bytes that they are in the file.
absl::Status VisitLines(
    const std::string& path,
    absl::FunctionRef<void(std::string_view line, std::string_view ending)>
        visit) {
  std::ifstream in(path, std::ios::binary);
  if (!in.is_open()) return ArchiveFault(path, "cannot be read");
  for (std::string line; std::getline(in, line);) {
    visit(line, in.eof() ? "" : "\n");
  }
  return in.bad() ? ArchiveFault(path, "cannot be read") : absl::OkStatus();
}

// Checks the lines of a piece.
class PieceCheck {
 public:
  PieceCheck(const ArchivedPiece& recorded,
             const std::map<int64_t, std::string>& joined)
      : recorded_(recorded),
        joined_(joined),
        next_(recorded.first_entry),
        check_(recorded.hash_before) {}

  void Add(std::string_view line, std::string_view ending) {
    sha256_.Add(line);
    sha256_.Add(ending);
    bytes_ += static_cast<int64_t>(line.size() + ending.size());
    const int64_t number = next_++;
    const ChainCheck::Finding finding = check_.Add(line);
    merkle_.Add(check_.last_hash());
    if (!fault_.empty()) return;
    const auto seen = joined_.find(number);
    const bool differs =
        seen != joined_.end() && seen->second != check_.last_hash();
    if (finding.severity == ChainCheck::Severity::kOk && !differs) return;
    fault_ = absl::StrCat(
        "line ", number - recorded_.first_entry + 1, ", the entry ", number,
        finding.entry_id.empty() ? "" : ", ", finding.entry_id, " ",
        differs ? "is not what a join has seen: all up to it was written anew"
                : finding.what);
  }

  // What is wrong; empty if nothing is.
  std::string Fault() {
    if (!fault_.empty()) return fault_;
    const int64_t entries = next_ - recorded_.first_entry;
    if (entries != recorded_.entries()) {
      return absl::StrCat("has ", entries, " entries, and ",
                          recorded_.entries(), " were archived");
    }
    if (check_.last_hash() != recorded_.last_hash) {
      return absl::StrCat("ends with the hash ", check_.last_hash(), ", and ",
                          recorded_.last_hash, " was archived");
    }
    if (merkle_.Root() != recorded_.merkle_root) {
      return absl::StrCat("has the Merkle root ", merkle_.Root(), ", and ",
                          recorded_.merkle_root, " was recorded");
    }
    const std::string sha256 = sha256_.Finish();
    if (sha256 != recorded_.file_sha256 || bytes_ != recorded_.file_bytes) {
      return absl::StrCat("is another file: its ", bytes_,
                          " bytes have the SHA-256 ", sha256, ", and ",
                          recorded_.file_bytes, " with ", recorded_.file_sha256,
                          " were archived");
    }
    return {};
  }

 private:
  const ArchivedPiece& recorded_;
  const std::map<int64_t, std::string>& joined_;
  int64_t next_;
  int64_t bytes_ = 0;
  ChainCheck check_;
  RunningMerkleRoot merkle_;
  RunningSha256 sha256_;
  std::string fault_;
};

absl::StatusOr<ArchivedPiece> ManifestAt(const std::string& path) {
  absl::StatusOr<std::string> text = ReadFile(path, kManifestBytesMax);
  if (!text.ok()) return OfPath(path, text.status());
  absl::StatusOr<ArchivedPiece> piece = ReadManifest(*text);
  if (!piece.ok()) {
    return absl::DataLossError(
        absl::StrCat(path, ": is no manifest: ", piece.status().message()));
  }
  return piece;
}

}  // namespace

RunningSha256::RunningSha256() : context_(EVP_MD_CTX_new()) {
  if (context_ == nullptr) std::abort();
  EVP_DigestInit_ex(ContextOf(context_), EVP_sha256(), nullptr);
}

RunningSha256::~RunningSha256() { EVP_MD_CTX_free(ContextOf(context_)); }

void RunningSha256::Add(std::string_view bytes) {
  EVP_DigestUpdate(ContextOf(context_), bytes.data(), bytes.size());
}

std::string RunningSha256::Finish() {
  Sha256Digest digest;
  EVP_DigestFinal_ex(ContextOf(context_), digest.data(), nullptr);
  return absl::BytesToHexString(absl::string_view(
      reinterpret_cast<const char*>(digest.data()), digest.size()));
}

absl::StatusOr<std::unique_ptr<ArchiveWriter>> ArchiveWriter::Begin(
    const std::string& folder, ArchivedPiece piece) {
  // One that was killed has left a draft of the same name.
  const std::string draft =
      absl::StrCat(folder, "/.chain-", piece.chain, ".", piece.month, ".draft");
  const int file =
      open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return ArchiveFault(draft, "cannot be made");
  return std::unique_ptr<ArchiveWriter>(
      new ArchiveWriter(folder, std::move(piece), file));
}

ArchiveWriter::ArchiveWriter(const std::string& folder, ArchivedPiece piece,
                             int file)
    : folder_(folder),
      draft_(absl::StrCat(folder, "/.chain-", piece.chain, ".", piece.month,
                          ".draft")),
      piece_(std::move(piece)),
      file_(file),
      check_(piece_.hash_before) {
  piece_.last_entry = piece_.first_entry - 1;
}

ArchiveWriter::~ArchiveWriter() {
  if (file_ < 0) return;
  close(file_);
  unlink(draft_.c_str());
}

absl::Status ArchiveWriter::Add(const LedgerCommit& commit) {
  std::string fault;
  ForEachEntry(commit.texts, [&](std::string_view entry) {
    const ChainCheck::Finding finding = check_.Add(entry);
    if (finding.severity != ChainCheck::Severity::kOk && fault.empty()) {
      fault = absl::StrCat("the entry ", piece_.last_entry + 1, ", ",
                           finding.entry_id, " ", finding.what);
    }
    merkle_.Add(check_.last_hash());
    ++piece_.last_entry;
    absl::StrAppend(&buffer_, ToAbsl(entry), "\n");
  });
  if (!fault.empty()) {
    return absl::DataLossError(
        absl::StrCat("chain ", piece_.chain, ": ", fault));
  }
  piece_.last_commit = commit.number;
  return buffer_.size() < kArchiveWriteBytes ? absl::OkStatus() : Flush();
}

absl::Status ArchiveWriter::Flush() {
  sha256_.Add(buffer_);
  piece_.file_bytes += static_cast<int64_t>(buffer_.size());
  for (std::string_view left = buffer_; !left.empty();) {
    const ssize_t written = write(file_, left.data(), left.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return ArchiveFault(draft_, "cannot be written");
    left.remove_prefix(static_cast<size_t>(written));
  }
  buffer_.clear();
  return absl::OkStatus();
}

absl::StatusOr<ArchivedPiece> ArchiveWriter::Finish(
    absl::FunctionRef<void()> on_file) {
  GATEWAY_RETURN_IF_ERROR(Flush());
  piece_.last_hash = check_.last_hash();
  piece_.merkle_root = merkle_.Root();
  piece_.file = piece_.FileName();
  piece_.file_sha256 = sha256_.Finish();
  const std::string path = PathIn(folder_, piece_.file);
  const bool synced = fsync(file_) == 0;
  const bool closed = close(std::exchange(file_, -1)) == 0;
  if (!synced || !closed) return ArchiveFault(draft_, "cannot be written");
  if (rename(draft_.c_str(), path.c_str()) != 0) {
    return ArchiveFault(path, "cannot be made");
  }
  on_file();
  // Which puts the folder, with both names, on the disk.
  const std::string manifest = PathIn(folder_, piece_.ManifestName());
  const absl::Status replaced =
      ReplaceFile(manifest, ManifestText(piece_), FileReaders::kOwner);
  if (!replaced.ok()) return OfPath(manifest, replaced);
  return piece_;
}

absl::StatusOr<std::string> FaultOfPiece(
    const std::string& folder, const ArchivedPiece& recorded,
    const std::map<int64_t, std::string>& joined) {
  const std::string manifest = PathIn(folder, recorded.ManifestName());
  const absl::StatusOr<ArchivedPiece> said = ManifestAt(manifest);
  if (absl::IsNotFound(said.status()) || absl::IsDataLoss(said.status())) {
    return std::string(said.status().message());
  }
  GATEWAY_RETURN_IF_ERROR(said.status());
  const std::string difference = DifferenceOf(*said, recorded);
  if (!difference.empty()) {
    return absl::StrCat(manifest, ": was altered: ", difference);
  }
  const std::string path = PathIn(folder, recorded.file);
  PieceCheck check(recorded, joined);
  const absl::Status read =
      VisitLines(path, [&](std::string_view line, std::string_view ending) {
        check.Add(line, ending);
      });
  if (absl::IsNotFound(read)) return std::string(read.message());
  GATEWAY_RETURN_IF_ERROR(read);
  const std::string fault = check.Fault();
  return fault.empty() ? fault : absl::StrCat(path, ": ", fault);
}

absl::StatusOr<std::vector<ArchivedPiece>> PiecesIn(const std::string& folder) {
  std::vector<ArchivedPiece> pieces;
  std::error_code failed;
  for (std::filesystem::directory_iterator each(folder, failed), end;
       !failed && each != end; each.increment(failed)) {
    const std::string name = each->path().filename().string();
    if (!name.ends_with(kManifestEnding)) continue;
    GATEWAY_ASSIGN_OR_RETURN(ArchivedPiece piece,
                             ManifestAt(PathIn(folder, name)));
    pieces.push_back(std::move(piece));
  }
  if (failed) {
    return absl::NotFoundError(
        absl::StrCat(folder, ": cannot be read: ", failed.message()));
  }
  const auto place = [](const ArchivedPiece& piece) {
    int64_t chain = 0;
    const bool is_number = absl::SimpleAtoi(piece.chain, &chain);
    return std::make_tuple(is_number ? chain : 0, piece.first_entry,
                           piece.last_entry);
  };
  std::sort(pieces.begin(), pieces.end(),
            [&](const ArchivedPiece& a, const ArchivedPiece& b) {
              return place(a) < place(b);
            });
  return pieces;
}

absl::Status VisitPiece(
    const std::string& folder, const ArchivedPiece& piece,
    absl::FunctionRef<void(int64_t number, std::string_view entry)> visit) {
  int64_t number = piece.first_entry;
  return VisitLines(PathIn(folder, piece.file),
                    [&](std::string_view line, std::string_view /*ending*/) {
                      visit(number++, line);
                    });
}

}  // namespace gateway
