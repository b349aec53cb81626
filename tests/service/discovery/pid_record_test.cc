#include "service/discovery/pid_record.h"

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/process/process_identity.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

const absl::Time kStart = absl::FromUnixMillis(1767323045678);

ListenerAddresses Addresses(const std::string& http) {
  ListenerAddresses addresses;
  addresses.http = http;
  addresses.grpc = "127.0.0.1:50051";
  addresses.admin = "127.0.0.1:50052";
  addresses.operations = "127.0.0.1:9464";
  return addresses;
}

std::string UrlAt(const std::string& http) {
  return MakePidRecord(Addresses(http), "1.2.3", kStart).gateway_url;
}

std::string ProblemOf(const std::string& text) {
  return std::string(ReadPidRecord(text).status().message());
}

TEST(PidRecordTest, SaysWhichProcessItIsAndWhereItListens) {
  const PidRecord record =
      MakePidRecord(Addresses("127.0.0.1:8080"), "1.2.3", kStart);
  EXPECT_EQ(record.process, ThisProcess());
  EXPECT_EQ(record.port, 9464);
  EXPECT_EQ(record.gateway_port, 8080);
  EXPECT_EQ(record.grpc_port, 50051);
  EXPECT_EQ(record.admin_port, 50052);
  EXPECT_EQ(record.operations_port, 9464);
  EXPECT_EQ(record.admin_http_port, 0);
  EXPECT_EQ(record.proxy_port, 0);
  EXPECT_EQ(record.gateway_url, "http://127.0.0.1:8080");
  EXPECT_EQ(record.operations_url, "http://127.0.0.1:9464");
}

TEST(PidRecordTest, ThePortOfTheOperatorsHttpPathsIsToldWhereTheyAreServed) {
  ListenerAddresses addresses = Addresses("127.0.0.1:8080");
  const std::string without =
      WritePidRecord(MakePidRecord(addresses, "1.2.3", kStart));
  EXPECT_EQ(without.find("admin_http"), std::string::npos);
  addresses.admin_http = "127.0.0.1:50053";
  const std::string text =
      WritePidRecord(MakePidRecord(addresses, "1.2.3", kStart));
  EXPECT_THAT(text, HasSubstr("\"admin_http_port\":50053"));
  const absl::StatusOr<PidRecord> read = ReadPidRecord(text);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->admin_http_port, 50053);
}

TEST(PidRecordTest, TheUrlIsForProgramsOnThisMachine) {
  EXPECT_EQ(UrlAt("10.1.2.3:8080"), "http://10.1.2.3:8080");
  EXPECT_EQ(UrlAt("0.0.0.0:8080"), "http://127.0.0.1:8080");
  EXPECT_EQ(UrlAt(":8080"), "http://127.0.0.1:8080");
  EXPECT_EQ(UrlAt("[::]:8080"), "http://[::1]:8080");
  EXPECT_EQ(UrlAt("[fd00::1]:8080"), "http://[fd00::1]:8080");
}

TEST(PidRecordTest, AddressesAreForProgramsOnThisMachine) {
  ListenerAddresses addresses;
  addresses.grpc = "10.1.2.3:50051";
  addresses.admin = "[fd00::1]:50052";
  PidRecord record = MakePidRecord(addresses, "1.2.3", kStart);
  EXPECT_EQ(record.grpc_address, "10.1.2.3:50051");
  EXPECT_EQ(record.admin_address, "[fd00::1]:50052");
  addresses.grpc = "0.0.0.0:50051";
  addresses.admin = "[::]:50052";
  record = MakePidRecord(addresses, "1.2.3", kStart);
  EXPECT_EQ(record.grpc_address, "127.0.0.1:50051");
  EXPECT_EQ(record.admin_address, "[::1]:50052");
}

TEST(PidRecordTest, APortWithoutAnAddressIsAnywhereOnThisMachine) {
  const absl::StatusOr<PidRecord> record =
      ReadPidRecord(R"({"pid": 1, "admin_port": 50052})");
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_EQ(record->admin_address, "");
}

TEST(PidRecordTest, TheUrlOfATlsListenerSaysSo) {
  ListenerAddresses addresses = Addresses("127.0.0.1:8443");
  addresses.http_is_tls = true;
  PidRecord record = MakePidRecord(addresses, "1.2.3", kStart);
  EXPECT_EQ(record.gateway_url, "https://127.0.0.1:8443");
  EXPECT_EQ(record.operations_url, "http://127.0.0.1:9464");
  addresses.operations_is_tls = true;
  record = MakePidRecord(addresses, "1.2.3", kStart);
  EXPECT_EQ(record.operations_url, "https://127.0.0.1:9464");
}

TEST(PidRecordTest, WhatIsWrittenIsRead) {
  const PidRecord record =
      MakePidRecord(Addresses("127.0.0.1:8080"), "1.2.3", kStart);
  const absl::StatusOr<PidRecord> read = ReadPidRecord(WritePidRecord(record));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->process, record.process);
  EXPECT_EQ(read->started_at, kStart);
  EXPECT_EQ(read->version, "1.2.3");
  EXPECT_EQ(read->port, 9464);
  EXPECT_EQ(read->gateway_port, 8080);
  EXPECT_EQ(read->grpc_port, 50051);
  EXPECT_EQ(read->admin_port, 50052);
  EXPECT_EQ(read->operations_port, 9464);
  EXPECT_EQ(read->gateway_url, record.gateway_url);
  EXPECT_EQ(read->operations_url, record.operations_url);
  EXPECT_EQ(read->grpc_address, "127.0.0.1:50051");
  EXPECT_EQ(read->admin_address, "127.0.0.1:50052");
}

TEST(PidRecordTest, OlderLaunchersFindTheFieldsThatTheyKnow) {
  PidRecord record;
  record.process = {.pid = 4711, .start = "boot/12"};
  record.started_at = kStart;
  record.version = "1.2.3";
  record.port = 9464;
  record.gateway_port = 8080;
  EXPECT_EQ(WritePidRecord(record),
            "{\"pid\":4711,\"process_start\":\"boot/12\","
            "\"started_at\":\"2026-01-02T03:04:05.678Z\","
            "\"version\":\"1.2.3\",\"port\":9464,\"gateway_port\":8080}\n");
}

TEST(PidRecordTest, FilesOfOtherDaemonsAreRead) {
  const absl::StatusOr<PidRecord> record = ReadPidRecord(
      R"({"pid": 4711, "started_at": "2025-12-02T10:00:00.123456789Z",
          "port": 3000, "proxy_port": 3001, "gateway_port": null,
          "version": "2025.12.1", "what_else": {"there": ["is"]}})");
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_EQ(record->process.pid, 4711);
  EXPECT_EQ(record->process.start, "");
  EXPECT_EQ(record->port, 3000);
  EXPECT_EQ(record->proxy_port, 3001);
  EXPECT_EQ(record->gateway_port, 0);
  EXPECT_EQ(record->gateway_url, "");
}

TEST(PidRecordTest, APortWithoutAUrlIsOneOnThisMachine) {
  EXPECT_EQ(ReadPidRecord(R"({"pid": 1, "gateway_port": 8080})")->gateway_url,
            "http://127.0.0.1:8080");
}

TEST(PidRecordTest, WhatIsNotARecordIsRefusedByItsField) {
  EXPECT_EQ(ReadPidRecord("").status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(ReadPidRecord("4711\n").ok());
  EXPECT_FALSE(ReadPidRecord("{\"pid\": 4711").ok());
  EXPECT_EQ(ProblemOf("{}"), "pid: is missing");
  EXPECT_THAT(ProblemOf(R"({"pid": "4711"})"), HasSubstr("pid"));
  EXPECT_THAT(ProblemOf(R"({"pid": 0})"), HasSubstr("number of a process"));
  EXPECT_THAT(ProblemOf(R"({"pid": -1})"), HasSubstr("number of a process"));
  EXPECT_TRUE(ReadPidRecord(R"({"pid": 1, "gateway_port": 65535})").ok());
  EXPECT_THAT(ProblemOf(R"({"pid": 1, "gateway_port": 65536})"),
              HasSubstr("gateway_port"));
  EXPECT_THAT(ProblemOf(R"({"pid": 1, "gateway_port": 0})"),
              HasSubstr("gateway_port"));
  for (const std::string bad : {"", "a", "a:", ":1", "a:0", "http://a:1"}) {
    EXPECT_THAT(ProblemOf(R"({"pid": 1, "admin_address": ")" + bad + "\"}"),
                HasSubstr("admin_address"))
        << bad;
  }
  EXPECT_THAT(ProblemOf(R"({"pid": 1, "started_at": "yesterday"})"),
              HasSubstr("started_at"));
}

TEST(PidRecordTest, AUrlThatAShellWouldTakeApartIsRefused) {
  EXPECT_TRUE(
      ReadPidRecord(R"({"pid": 1, "gateway_url": "https://[::1]:80/a-b_c"})")
          .ok());
  EXPECT_THAT(ProblemOf(R"({"pid": 1, "gateway_url": "ftp://host"})"),
              HasSubstr("gateway_url"));
  for (const std::string bad : {"$(id)", "a;b", "a b", "a'b", "a`b", "a&b"}) {
    EXPECT_THAT(
        ProblemOf("{\"pid\": 1, \"gateway_url\": \"http://" + bad + "\"}"),
        HasSubstr("gateway_url"))
        << bad;
  }
}

}  // namespace
}  // namespace gateway
