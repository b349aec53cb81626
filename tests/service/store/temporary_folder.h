// TemporaryFolder is an empty folder of a test's own, until the test has ended.
//
//   TemporaryFolder folder;
//   const std::string path = folder.Path("keys.db");
//
// Thread-compatible.

#ifndef TESTS_SERVICE_STORE_TEMPORARY_FOLDER_H_
#define TESTS_SERVICE_STORE_TEMPORARY_FOLDER_H_

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

#include "gtest/gtest.h"

namespace gateway {

class TemporaryFolder {
 public:
  TemporaryFolder() : path_(testing::TempDir() + "/store.XXXXXX") {
    EXPECT_NE(mkdtemp(path_.data()), nullptr);
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string Path(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace gateway

#endif  // TESTS_SERVICE_STORE_TEMPORARY_FOLDER_H_
