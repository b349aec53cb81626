#include "service/config/redis_validator.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/config/problems_of.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> Problems(const std::string& fields) {
  return ProblemsBesideAMock(absl::StrCat("redis: {", fields, "}\n"));
}

TEST(RedisValidatorTest, WhatWorksIsAccepted) {
  EXPECT_THAT(Problems("addresses: ['cache:6379']"), IsEmpty());
  EXPECT_THAT(Problems("addresses: ['[::1]:6379'], database: 3, username: gw, "
                       "password: 'env:P', prefix: 'a-b_c.d:'"),
              IsEmpty());
  EXPECT_THAT(Problems("addresses: ['a:1', 'b:2'], topology: sentinel, "
                       "master_name: m, sentinel_username: s, "
                       "sentinel_password: 'file:x'"),
              IsEmpty());
  EXPECT_THAT(Problems("addresses: ['a:1', 'b:2'], topology: cluster, "
                       "tls: {server_name: redis.internal}"),
              IsEmpty());
}

TEST(RedisValidatorTest, AddressesAreHostsWithPorts) {
  EXPECT_THAT(Problems("database: 1"),
              ElementsAre(HasSubstr("redis.addresses: is required")));
  EXPECT_THAT(Problems("addresses: [cache]"),
              ElementsAre(HasSubstr("redis.addresses[0]: ")));
  EXPECT_THAT(Problems("addresses: ['cache:0']"),
              ElementsAre(HasSubstr("must name a host and a port")));
  EXPECT_THAT(Problems("addresses: [':6379']"),
              ElementsAre(HasSubstr("redis.addresses[0]: ")));
  EXPECT_THAT(Problems("addresses: ['a:1', 'b:2']"),
              ElementsAre(HasSubstr("must be one where topology is standal")));
  std::string many;
  for (int i = 0; i < 65; ++i) absl::StrAppend(&many, "'h:", i + 1, "',");
  EXPECT_THAT(
      Problems(absl::StrCat("topology: cluster, addresses: [", many, "]")),
      ElementsAre(HasSubstr("redis.addresses")));
}

TEST(RedisValidatorTest, FieldsBelongToTheirTopology) {
  EXPECT_THAT(Problems("addresses: ['a:1'], topology: sentinel"),
              ElementsAre(HasSubstr("redis.master_name: is required")));
  EXPECT_THAT(Problems("addresses: ['a:1'], master_name: m"),
              ElementsAre(HasSubstr("redis.master_name: is for topology")));
  EXPECT_THAT(Problems("addresses: ['a:1'], sentinel_username: u, "
                       "sentinel_password: 'env:P'"),
              ElementsAre(HasSubstr("redis.sentinel_username: is for"),
                          HasSubstr("redis.sentinel_password: is for")));
  EXPECT_THAT(Problems("addresses: ['a:1'], topology: cluster, database: 2"),
              ElementsAre(HasSubstr("redis.database: must be 0")));
}

TEST(RedisValidatorTest, UsersHavePasswordsAndCertificatesKeys) {
  EXPECT_THAT(Problems("addresses: ['a:1'], username: gw"),
              ElementsAre(HasSubstr("redis.password: is required")));
  EXPECT_THAT(Problems("addresses: ['a:1'], password: plain"),
              ElementsAre(HasSubstr("redis.password: ")));
  EXPECT_THAT(Problems("addresses: ['a:1'], tls: {cert_chain: 'file:x'}"),
              ElementsAre(HasSubstr("redis.tls.private_key: is required")));
  EXPECT_THAT(Problems("addresses: ['a:1'], tls: {server_name: 'a b'}"),
              ElementsAre(HasSubstr("redis.tls.server_name: ")));
  EXPECT_THAT(Problems("addresses: ['a:1'], prefix: 'a{b}'"),
              ElementsAre(HasSubstr("redis.prefix: must be 1 to 64")));
  EXPECT_THAT(Problems("addresses: ['a:1'], timeout: 11s"),
              ElementsAre(HasSubstr("redis.timeout: ")));
}

}  // namespace
}  // namespace gateway
