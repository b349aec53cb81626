#include "service/ledger/inclusion_proof.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "base/text/json_writer.h"
#include "service/ledger/hash_text.h"
#include "service/ledger/python_json.h"

namespace gateway {
namespace {

constexpr std::string_view kLeft = "left";
constexpr std::string_view kRight = "right";
// A tree of more levels has more leaves than there are numbers.
constexpr size_t kSiblingsMax = 63;

absl::Status ReadSibling(JsonValue& value, MerkleProof* siblings) {
  if (siblings->size() == kSiblingsMax) {
    return absl::InvalidArgumentError("siblings: there are too many");
  }
  MerkleStep& step = siblings->emplace_back();
  const auto read = [&](std::string_view key,
                        JsonValue& member) -> absl::Status {
    if (key != "hash" && key != "side") return absl::OkStatus();
    GATEWAY_ASSIGN_OR_RETURN(const std::string_view text, member.String());
    if (key == "hash") {
      step.hash = text;
    } else if (text == kLeft || text == kRight) {
      step.is_left = text == kLeft;
    } else {
      return absl::InvalidArgumentError("side: must be left or right");
    }
    return absl::OkStatus();
  };
  return value.EachField(read);
}

// Whether the siblings lead from the leaf of this index and hash to a root.
// What is alone at its level is paired with itself, and nothing else is: so no
// other index leads to the same root.
bool IsPathOf(const InclusionProof& proof, std::string_view hash) {
  if (proof.index < 0 || proof.index >= proof.entries) return false;
  int64_t index = proof.index;
  int64_t size = proof.entries;
  std::string node(hash);
  size_t level = 0;
  for (; size > 1; ++level, index /= 2, size = (size + 1) / 2) {
    if (level == proof.siblings.size()) return false;
    const MerkleStep& step = proof.siblings[level];
    const bool is_alone = index % 2 == 0 && index + 1 == size;
    if (step.is_left != (index % 2 == 1)) return false;
    if ((step.hash == node) != is_alone) return false;
    node = MerkleRootBy(node, {step});
  }
  return level == proof.siblings.size();
}

}  // namespace

void ProofSearch::Add(std::string_view entry) {
  ReadEntryFacts(entry, &facts_).IgnoreError();
  // Of those that the oldest versions have written no hash is in the tree.
  if (facts_.entry_hash.empty()) return;
  if (facts_.id == id_ && entry_.empty()) {
    entry_ = entry;
    index_ = hashes_.size();
  }
  hashes_.push_back(facts_.entry_hash);
}

std::optional<InclusionProof> ProofSearch::Find() const {
  if (entry_.empty()) return std::nullopt;
  return InclusionProof{.entry = entry_,
                        .index = static_cast<int64_t>(index_),
                        .entries = static_cast<int64_t>(hashes_.size()),
                        .siblings = MerkleProofOf(hashes_, index_),
                        .root = MerkleRoot(hashes_)};
}

std::string ProofText(const InclusionProof& proof) {
  std::string text;
  JsonWriter json(&text);
  json.StartObject();
  json.Key("entry");
  json.Raw(proof.entry);
  json.Int64Field("index", proof.index);
  json.Int64Field("entries", proof.entries);
  json.StartArrayField("siblings");
  for (const MerkleStep& step : proof.siblings) {
    json.StartObject();
    json.StringField("hash", step.hash);
    json.StringField("side", step.is_left ? kLeft : kRight);
    json.EndObject();
  }
  json.EndArray();
  json.StringField("root", proof.root);
  json.EndObject();
  text.push_back('\n');
  return text;
}

absl::StatusOr<InclusionProof> ReadProof(std::string_view text) {
  InclusionProof proof;
  const auto read_sibling = [&](JsonValue& value) {
    return ReadSibling(value, &proof.siblings);
  };
  const auto read_member = [&](std::string_view key,
                               JsonValue& value) -> absl::Status {
    if (key == "entry") {
      GATEWAY_ASSIGN_OR_RETURN(const std::string_view entry, value.Raw());
      proof.entry = entry;
    } else if (key == "index") {
      GATEWAY_ASSIGN_OR_RETURN(proof.index, value.Int64());
    } else if (key == "entries") {
      GATEWAY_ASSIGN_OR_RETURN(proof.entries, value.Int64());
    } else if (key == "siblings") {
      return value.EachElement(read_sibling);
    } else if (key == "root") {
      GATEWAY_ASSIGN_OR_RETURN(const std::string_view root, value.String());
      proof.root = root;
    }
    return absl::OkStatus();
  };
  GATEWAY_RETURN_IF_ERROR(ReadJson(
      text, [&](JsonValue& root) { return root.EachField(read_member); }));
  if (proof.entry.empty()) {
    return absl::InvalidArgumentError("has no member `entry`");
  }
  return proof;
}

std::string FaultOfProof(const InclusionProof& proof, std::string_view root) {
  EntryFacts facts;
  if (const absl::Status read = ReadEntryFacts(proof.entry, &facts);
      !read.ok()) {
    return absl::StrCat("entry: is none: ", read.message());
  }
  const absl::StatusOr<std::string> form =
      PythonJsonOf(proof.entry, {"entry_hash"});
  if (!form.ok()) {
    return absl::StrCat("entry: is none: ", form.status().message());
  }
  // Whoever reads it is to see what was hashed: of a member that is there twice
  // that is the last one alone.
  if (!IsAsPythonWrites(proof.entry)) {
    return "entry: is not written as entries are, or has a member twice: it "
           "was altered";
  }
  const std::string hash = HashText(*form);
  if (hash != facts.entry_hash) {
    return absl::StrCat("entry: has the hash ", hash, " and says ",
                        facts.entry_hash, ": it was altered");
  }
  if (!IsPathOf(proof, hash)) {
    return absl::StrCat("siblings: do not lead from the index ", proof.index,
                        " of ", proof.entries, " entries to a root");
  }
  const std::string reached = MerkleRootBy(hash, proof.siblings);
  if (reached == root) return {};
  return absl::StrCat("leads to the root ", reached, ", not to ", ToAbsl(root));
}

}  // namespace gateway
