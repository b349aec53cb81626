#include "service/reload/restart_fields.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/config.pb.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::GatewayConfig;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(RestartFieldsTest, WhatIsReadAtTheStartIsNamed) {
  GatewayConfig in_use;
  in_use.mutable_listeners()->mutable_http()->set_address("127.0.0.1:1");
  GatewayConfig next = in_use;
  next.mutable_listeners()->mutable_http()->set_address("127.0.0.1:2");
  next.mutable_listeners()->mutable_grpc()->set_connections_limit(7);
  next.mutable_logging()->set_file("/var/log/other");
  next.mutable_logging()->set_format(
      llmgateway::config::v1::LOG_FORMAT_CONSOLE);
  next.mutable_logging()->mutable_rotation()->set_files_limit(3);
  next.mutable_logging()->add_access_log_fields("status");
  next.mutable_metrics()->set_model_labels_limit(3);
  next.mutable_runtime()->set_event_loops(2);
  next.mutable_runtime()->set_state_dir("/var/lib/other");
  EXPECT_THAT(
      RestartFields(in_use, next),
      ElementsAre("listeners.grpc.connections_limit", "listeners.http.address",
                  "logging.file", "logging.format", "logging.rotation",
                  "logging.access_log_fields[0]", "metrics.model_labels_limit",
                  "runtime.event_loops", "runtime.state_dir"));
}

TEST(RestartFieldsTest, WhatAnswersTellMayChange) {
  GatewayConfig in_use;
  GatewayConfig next;
  next.mutable_listeners()->mutable_http()->set_messages_details(true);
  EXPECT_THAT(RestartFields(in_use, next), IsEmpty());
}

TEST(RestartFieldsTest, TheOperatorsHttpListenerIsOpenedAtTheStart) {
  GatewayConfig in_use;
  GatewayConfig next;
  next.mutable_listeners()->mutable_admin_http()->set_address("127.0.0.1:1");
  EXPECT_THAT(RestartFields(in_use, next), ElementsAre("listeners.admin_http"));
  in_use = next;
  auto* tls = next.mutable_listeners()->mutable_admin_http()->mutable_tls();
  tls->set_cert_chain("file:a");
  EXPECT_THAT(RestartFields(in_use, next),
              ElementsAre("listeners.admin_http.tls"));
  in_use = next;
  tls->set_cert_chain("file:b");
  EXPECT_THAT(RestartFields(in_use, next), IsEmpty());
}

TEST(RestartFieldsTest, WhichProxiesAreBelievedMayChange) {
  const GatewayConfig in_use;
  GatewayConfig next;
  auto& listeners = *next.mutable_listeners();
  listeners.mutable_grpc()->add_trusted_proxies("10.0.0.0/8");
  listeners.mutable_http()->add_trusted_proxies("10.0.0.0/8");
  EXPECT_THAT(RestartFields(in_use, next), IsEmpty());
}

TEST(RestartFieldsTest, TheStoreIsOpenedAtTheStart) {
  GatewayConfig in_use;
  GatewayConfig next;
  next.mutable_store()->set_file("kept.db");
  next.mutable_redis()->add_addresses("cache:6379");
  auto& issued = *next.mutable_auth()->mutable_callers()->mutable_issued_keys();
  issued.set_keys_limit(1);
  EXPECT_THAT(RestartFields(in_use, next),
              ElementsAre("auth.callers.issued_keys", "store", "redis"));
  in_use = next;
  issued.set_keys_limit(2);
  EXPECT_THAT(RestartFields(in_use, next), IsEmpty());
}

TEST(RestartFieldsTest, WithoutRedisItCountsWhetherThereAreReplicas) {
  GatewayConfig in_use;
  GatewayConfig next;
  in_use.mutable_runtime()->set_replicas(1);
  next.mutable_runtime()->set_replicas(2);
  EXPECT_THAT(RestartFields(in_use, next), ElementsAre("runtime.replicas"));
  in_use.mutable_runtime()->set_replicas(3);
  EXPECT_THAT(RestartFields(in_use, next), IsEmpty());
  in_use.mutable_redis()->add_addresses("cache:6379");
  *next.mutable_redis() = in_use.redis();
  in_use.mutable_runtime()->set_replicas(1);
  EXPECT_THAT(RestartFields(in_use, next), IsEmpty());
}

TEST(RestartFieldsTest, WhoHasReadWhatOthersSpentDoesNotBeginToTellIt) {
  GatewayConfig in_use;
  in_use.mutable_redis();
  in_use.mutable_ledger()->mutable_postgres();
  in_use.mutable_budgets();
  GatewayConfig next = in_use;
  next.mutable_budgets()->set_shared(true);
  EXPECT_THAT(RestartFields(in_use, next), ElementsAre("budgets.shared"));
  EXPECT_THAT(RestartFields(next, in_use), IsEmpty());
  EXPECT_THAT(RestartFields(next, next), IsEmpty());
  // Of a ledger that is a file nobody reads what others have spent.
  in_use.mutable_ledger()->clear_postgres();
  next.mutable_ledger()->clear_postgres();
  EXPECT_THAT(RestartFields(in_use, next), IsEmpty());
}

TEST(RestartFieldsTest, SessionsAreOpenedAtTheStart) {
  GatewayConfig in_use;
  GatewayConfig next;
  next.mutable_sessions()->set_size_bytes_limit(1 << 20);
  EXPECT_THAT(RestartFields(in_use, next), ElementsAre("sessions"));
  in_use = next;
  next.mutable_sessions()->set_sessions_limit(7);
  next.mutable_sessions()->set_messages_limit(8);
  EXPECT_THAT(RestartFields(in_use, next), IsEmpty());
  next.mutable_sessions()->set_size_bytes_limit(1 << 21);
  EXPECT_THAT(RestartFields(in_use, next),
              ElementsAre("sessions.size_bytes_limit"));
  // In SQLite it is what calls look at.
  in_use.mutable_runtime()->set_state_dir("state");
  next.mutable_runtime()->set_state_dir("state");
  EXPECT_THAT(RestartFields(in_use, next), IsEmpty());
}

TEST(RestartFieldsTest, WhatCallsLookAtIsNot) {
  GatewayConfig in_use;
  GatewayConfig next;
  next.add_providers()->set_name("mock");
  next.mutable_routing()->mutable_default_target()->set_provider("mock");
  next.mutable_resilience()->mutable_retry()->set_attempts_limit(2);
  next.mutable_auth()->mutable_callers()->add_api_keys()->set_id("team");
  next.mutable_limits()->set_tools_limit(5);
  next.mutable_logging()->set_log_prompts(true);
  next.mutable_runtime()->mutable_drain_grace()->set_seconds(3);
  next.mutable_runtime()->set_watch_files(true);
  next.mutable_runtime()->set_request_buffer_bytes_limit(1 << 20);
  EXPECT_THAT(RestartFields(in_use, next), IsEmpty());
}

TEST(RestartFieldsTest, CertificatesChangeAndWhetherThereAreAnyDoesNot) {
  GatewayConfig in_use;
  auto* tls = in_use.mutable_listeners()->mutable_http()->mutable_tls();
  tls->set_cert_chain("file:a");
  tls->set_private_key("file:b");
  tls->set_client_ca("file:c");
  GatewayConfig next = in_use;
  tls = next.mutable_listeners()->mutable_http()->mutable_tls();
  tls->set_cert_chain("file:x");
  tls->set_private_key("file:y");
  tls->set_client_ca("file:z");
  EXPECT_THAT(RestartFields(in_use, next), IsEmpty());
  tls->clear_client_ca();
  EXPECT_THAT(RestartFields(in_use, next),
              ElementsAre("listeners.http.tls.client_ca"));
  next.mutable_listeners()->mutable_http()->clear_tls();
  EXPECT_THAT(RestartFields(in_use, next), ElementsAre("listeners.http.tls"));
  // Also where clients need no certificate.
  tls = in_use.mutable_listeners()->mutable_http()->mutable_tls();
  tls->clear_client_ca();
  EXPECT_THAT(RestartFields(in_use, next), ElementsAre("listeners.http.tls"));
  EXPECT_THAT(RestartFields(next, in_use), ElementsAre("listeners.http.tls"));
}

}  // namespace
}  // namespace gateway
