#include "clients/cli/status_report.h"

#include "gtest/gtest.h"

namespace gateway {
namespace {

Route FoundRoute() {
  Route route;
  route.url = "http://127.0.0.1:8080";
  route.pid_file = "gateway.pid";
  route.record.emplace();
  route.record->process.pid = 47;
  route.record->version = "1.2.3";
  route.record->gateway_port = 8080;
  route.record->admin_port = 50052;
  route.record->admin_address = "10.1.2.3:50052";
  return route;
}

TEST(StatusReportTest, TellsPeopleInRows) {
  const Readout readout = {.ready = true, .text = "ready"};
  EXPECT_EQ(StatusText(FoundRoute(), &readout, /*as_json=*/false),
            "url         http://127.0.0.1:8080\n"
            "pid file    gateway.pid\n"
            "process     47\n"
            "version     1.2.3\n"
            "http        port 8080\n"
            "admin       10.1.2.3:50052\n"
            "health      ready\n");
}

TEST(StatusReportTest, TellsProgramsInJson) {
  const Readout readout = {.ready = false, .text = "no answer"};
  EXPECT_EQ(StatusText(FoundRoute(), &readout, /*as_json=*/true),
            R"({"url":"http://127.0.0.1:8080","pid_file":"gateway.pid",)"
            R"("process":47,"version":"1.2.3",)"
            R"("ports":{"http":8080,"admin":50052},)"
            R"("addresses":{"admin":"10.1.2.3:50052"},)"
            R"("ready":false,"health":"no answer"})"
            "\n");
}

TEST(StatusReportTest, WhatWasToldAndNotAskedHasNoMore) {
  Route route;
  route.url = "http://a";
  EXPECT_EQ(StatusText(route, nullptr, /*as_json=*/true),
            "{\"url\":\"http://a\"}\n");
  EXPECT_EQ(StatusText(route, nullptr, /*as_json=*/false),
            "url         http://a\nfound by    being told\n");
}

}  // namespace
}  // namespace gateway
