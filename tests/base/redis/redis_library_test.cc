#include "base/redis/redis_library.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "base/sha1.h"

namespace gateway {
namespace {

using testing::HasSubstr;

TEST(RedisLibraryTest, OneSourceMakesFunctionsAndScripts) {
  const RedisLibrary library("limits", "local function one() return 1 end",
                             {{"a", "return one()"}, {"b", "return 2"}});
  RedisCommand call = library.Call(1, 1);
  call.Add(RedisKey("key")).Add(7);
  const std::string name = absl::StrCat(library.name(), "_b");
  EXPECT_EQ(call.bytes(),
            RedisCommand("FCALL", name, 1, RedisKey("key"), 7).bytes());
  const std::string script = "local function one() return 1 end\nreturn 2\n";
  const RedisCommand by_sha = library.AsEvalSha(call);
  EXPECT_EQ(by_sha.bytes(),
            RedisCommand("EVALSHA", Sha1Hex(script), 1, "key", 7).bytes());
  EXPECT_EQ(by_sha.key(), "key");
  EXPECT_EQ(library.AsEval(call).bytes(),
            RedisCommand("EVAL", script, 1, "key", 7).bytes());
  const std::string load(library.Load().bytes());
  EXPECT_THAT(load, HasSubstr(absl::StrCat("#!lua name=", library.name())));
  EXPECT_THAT(load, HasSubstr("REPLACE"));
  EXPECT_THAT(load, HasSubstr(absl::StrCat("'", name, "'")));
}

TEST(RedisLibraryTest, FunctionsSayWhatAFullServerDoesWithThem) {
  using Memory = RedisLibrary::Memory;
  const RedisLibrary library("limits", "",
                             {{"a", "return 1", Memory::kNeeds},
                              {"b", "return 1", Memory::kFrees},
                              {"c", "return 1", Memory::kReadsOnly}});
  const std::string load(library.Load().bytes());
  EXPECT_THAT(load, HasSubstr("_a', flags={}"));
  EXPECT_THAT(load, HasSubstr("_b', flags={'allow-oom'}"));
  EXPECT_THAT(load, HasSubstr("_c', flags={'no-writes'}"));
}

TEST(RedisLibraryTest, AnotherCodeIsAnotherName) {
  const RedisLibrary one("limits", "", {{"a", "return 1"}});
  const RedisLibrary same("limits", "", {{"a", "return 1"}});
  const RedisLibrary body("limits", "", {{"a", "return 2"}});
  const RedisLibrary shared("limits", "local x = 1", {{"a", "return 1"}});
  EXPECT_EQ(one.name(), same.name());
  EXPECT_NE(one.name(), body.name());
  EXPECT_NE(one.name(), shared.name());
  EXPECT_THAT(one.name(), HasSubstr("limits_"));
}

}  // namespace
}  // namespace gateway
