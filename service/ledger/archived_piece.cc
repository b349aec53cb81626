#include "service/ledger/archived_piece.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "service/ledger/metadata_writer.h"

namespace gateway {
namespace {

constexpr std::string_view kLinesEnding = ".jsonl";

// The members of a manifest; but for `count`, which follows from others.
constexpr std::pair<std::string_view, std::string ArchivedPiece::*>
    kPieceTexts[] = {{"chain", &ArchivedPiece::chain},
                     {"file", &ArchivedPiece::file},
                     {"file_sha256", &ArchivedPiece::file_sha256},
                     {"hash_before", &ArchivedPiece::hash_before},
                     {"last_hash", &ArchivedPiece::last_hash},
                     {"merkle_root", &ArchivedPiece::merkle_root},
                     {"month", &ArchivedPiece::month}};
constexpr std::pair<std::string_view, int64_t ArchivedPiece::*>
    kPieceNumbers[] = {{"file_bytes", &ArchivedPiece::file_bytes},
                       {"first_commit", &ArchivedPiece::first_commit},
                       {"first_entry", &ArchivedPiece::first_entry},
                       {"last_commit", &ArchivedPiece::last_commit},
                       {"last_entry", &ArchivedPiece::last_entry}};

absl::Status ReadPieceMember(std::string_view key, JsonValue& value,
                             ArchivedPiece* piece, int64_t* count) {
  for (const auto& [name, member] : kPieceTexts) {
    if (key != name) continue;
    GATEWAY_ASSIGN_OR_RETURN(const std::string_view text, value.String());
    piece->*member = text;
    return absl::OkStatus();
  }
  for (const auto& [name, member] : kPieceNumbers) {
    if (key != name) continue;
    GATEWAY_ASSIGN_OR_RETURN(piece->*member, value.Int64());
    return absl::OkStatus();
  }
  if (key == "count") {
    GATEWAY_ASSIGN_OR_RETURN(*count, value.Int64());
  }
  return absl::OkStatus();
}

}  // namespace

std::string ArchivedPiece::FileName() const {
  return absl::StrCat("chain-", chain, ".", month, ".", first_entry, "-",
                      last_entry, ToAbsl(kLinesEnding));
}

std::string ArchivedPiece::ManifestName() const {
  std::string_view name = file;
  if (name.ends_with(kLinesEnding)) name.remove_suffix(kLinesEnding.size());
  return absl::StrCat(ToAbsl(name), ToAbsl(kManifestEnding));
}

std::string ManifestText(const ArchivedPiece& piece) {
  std::string text;
  {
    MetadataWriter writer(&text);
    writer.AddText("chain", piece.chain);
    writer.AddInt("count", piece.entries());
    writer.AddText("file", piece.file);
    writer.AddInt("file_bytes", piece.file_bytes);
    writer.AddText("file_sha256", piece.file_sha256);
    writer.AddInt("first_commit", piece.first_commit);
    writer.AddInt("first_entry", piece.first_entry);
    writer.AddText("hash_before", piece.hash_before);
    writer.AddInt("last_commit", piece.last_commit);
    writer.AddInt("last_entry", piece.last_entry);
    writer.AddText("last_hash", piece.last_hash);
    writer.AddText("merkle_root", piece.merkle_root);
    writer.AddText("month", piece.month);
  }
  text.push_back('\n');
  return text;
}

absl::StatusOr<ArchivedPiece> ReadManifest(std::string_view text) {
  ArchivedPiece piece;
  int64_t count = 0;
  const auto read_member = [&](std::string_view key, JsonValue& value) {
    return ReadPieceMember(key, value, &piece, &count);
  };
  GATEWAY_RETURN_IF_ERROR(ReadJson(
      text, [&](JsonValue& root) { return root.EachField(read_member); }));
  if (piece.first_entry < 1 || count < 1 || count != piece.entries()) {
    return absl::InvalidArgumentError(
        absl::StrCat("says that it has ", count, " entries, from ",
                     piece.first_entry, " to ", piece.last_entry));
  }
  return piece;
}

std::string DifferenceOf(const ArchivedPiece& said,
                         const ArchivedPiece& recorded) {
  for (const auto& [name, member] : kPieceTexts) {
    if (said.*member == recorded.*member) continue;
    return absl::StrCat(ToAbsl(name), " is \"", said.*member,
                        "\", and was recorded as \"", recorded.*member, "\"");
  }
  for (const auto& [name, member] : kPieceNumbers) {
    if (said.*member == recorded.*member) continue;
    return absl::StrCat(ToAbsl(name), " is ", said.*member,
                        ", and was recorded as ", recorded.*member);
  }
  return {};
}

}  // namespace gateway
