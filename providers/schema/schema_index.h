// SchemaIndex knows where the schemas of a document are, what they are called
// and so what a `$ref` means. Nothing is ever fetched: a reference leads into
// the document itself, or to the schema of draft 7.
//
//   SchemaIndex index(root);
//   GATEWAY_RETURN_IF_ERROR(index.Build());
//   GATEWAY_ASSIGN_OR_RETURN(const JsonTree* const target,
//                            index.Resolve(schema, "#/definitions/a"));
//
// Keywords of 2019-09 and 2020-12 that draft 7 cannot express are refused
// here, wherever they stand.
//
// Thread contract: one thread.

#ifndef PROVIDERS_SCHEMA_SCHEMA_INDEX_H_
#define PROVIDERS_SCHEMA_SCHEMA_INDEX_H_

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "providers/schema/json_tree.h"

namespace gateway {

class SchemaIndex {
 public:
  static constexpr size_t kUriBytesMax = 512;

  // Borrows `root`, which must not change.
  explicit SchemaIndex(const JsonTree& root) : root_(root) {}

  SchemaIndex(const SchemaIndex&) = delete;
  SchemaIndex& operator=(const SchemaIndex&) = delete;

  absl::Status Build();

  // Returns the schema that `ref` refers to, from within the schema `from`.
  // INVALID_ARGUMENT names the place. REQUIRES: `from` is a schema of the
  // index.
  absl::StatusOr<const JsonTree*> Resolve(const JsonTree& from,
                                          std::string_view ref);

  // REQUIRES: `schema` is one of the index.
  const TreePlace& PlaceOf(const JsonTree& schema) const;

  // Keywords beside a `$ref` count, as they do since 2019-09; draft 7 ignores
  // them.
  bool siblings_count() const { return siblings_count_; }

 private:
  struct Location {
    const TreePlace* place = nullptr;
    const std::string* base = nullptr;
  };

  // Adds `schema` and all schemas in it to the index.
  absl::Status Add(const JsonTree& schema, const Location& location);
  absl::Status AddName(const JsonTree& schema, Location* location);
  absl::Status AddChildren(const JsonTree& schema, const Location& location);
  absl::Status ReadDialect();
  absl::StatusOr<const JsonTree*> FindDocument(const std::string& uri);
  absl::StatusOr<const JsonTree*> Follow(const JsonTree& document,
                                         std::string_view pointer);
  const TreePlace* Step(const TreePlace* parent, std::string_view key);
  const TreePlace* Step(const TreePlace* parent, size_t index);

  const JsonTree& root_;
  // Made when a schema first refers to it.
  std::unique_ptr<const JsonTree> draft7_;
  bool siblings_count_ = false;
  bool dialect_named_ = false;
  // Own what the locations point to.
  std::deque<TreePlace> places_;
  std::deque<std::string> texts_;
  absl::flat_hash_map<const JsonTree*, Location> locations_;
  absl::flat_hash_map<std::string, const JsonTree*> names_;
};

}  // namespace gateway

#endif  // PROVIDERS_SCHEMA_SCHEMA_INDEX_H_
