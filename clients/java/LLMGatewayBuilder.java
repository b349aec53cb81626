package dev.llmgateway;

import io.grpc.ChannelCredentials;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannelBuilder;
import io.grpc.ManagedChannelRegistry;
import io.grpc.Metadata;
import io.grpc.TlsChannelCredentials;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** What an {@link LLMGateway} is made with. For one thread. */
public final class LLMGatewayBuilder {
  // Of what all clients share; the rest is in RetryingCalls.
  private static final Consumer<ManagedChannelBuilder<?>> NOTHING_MORE = builder -> {};
  private static final Map<String, ?> SERVICE_CONFIG =
      Map.of("loadBalancingConfig", List.of(Map.of("round_robin", Map.of())));
  private static final long KEEPALIVE_TIME_S = 30;
  private static final long KEEPALIVE_TIMEOUT_S = 20;
  // What the gateway takes of a provider by default; gRPC's own is 4 MiB.
  private static final int RESPONSE_BYTES_MAX = 64 << 20;

  private final String target;
  private ChannelCredentials credentials;
  private boolean plaintext;
  private File rootCertificates;
  private File certificateChain;
  private File privateKey;
  private String serverName;
  private String apiKey = "";
  private Supplier<Map<String, String>> metadata = Map::of;
  private Consumer<ManagedChannelBuilder<?>> more = NOTHING_MORE;
  Duration generateTimeout = Duration.ofSeconds(900);
  Duration lookupTimeout = Duration.ofSeconds(60);
  boolean waitForReady;
  int attemptsMax = RetryingCalls.ATTEMPTS_MAX;

  LLMGatewayBuilder(String target) {
    this.target = target;
  }

  /** Sent with each call, as {@code authorization: Bearer}. */
  public LLMGatewayBuilder apiKey(String key) {
    apiKey = Objects.requireNonNull(key, "apiKey");
    return this;
  }

  /** Does without TLS, for a gateway on this machine or behind a proxy that encrypts. */
  public LLMGatewayBuilder plaintext() {
    plaintext = true;
    return this;
  }

  /** Trusts the issuers in a PEM file in place of Java's own. */
  public LLMGatewayBuilder rootCertificates(File pem) {
    rootCertificates = pem;
    return this;
  }

  /** Shows the gateway a certificate, by PEM files of its chain and its key: mutual TLS. */
  public LLMGatewayBuilder clientCertificate(File chain, File key) {
    certificateChain = chain;
    privateKey = key;
    return this;
  }

  /**
   * The name that the gateway's certificate must have, in place of the target's. A list of
   * addresses has none, and needs it where there is TLS.
   */
  public LLMGatewayBuilder serverName(String name) {
    serverName = Objects.requireNonNull(name, "serverName");
    return this;
  }

  /** Credentials of your own instead. */
  public LLMGatewayBuilder credentials(ChannelCredentials own) {
    credentials = own;
    return this;
  }

  /** For calls that run a model: 900 s by default; null for no limit. */
  public LLMGatewayBuilder generateTimeout(Duration timeout) {
    generateTimeout = timeout;
    return this;
  }

  /** For all others: 60 s by default. */
  public LLMGatewayBuilder lookupTimeout(Duration timeout) {
    lookupTimeout = timeout;
    return this;
  }

  /** Has calls wait for a connection where they would fail if none can be made. */
  public LLMGatewayBuilder waitForReady() {
    waitForReady = true;
    return this;
  }

  /** How often a call is made at most, the first time counted: 3 by default. */
  public LLMGatewayBuilder attempts(int count) {
    attemptsMax = count;
    return this;
  }

  /**
   * Added to each call, which goes before it with what it has of its own, as does {@link #apiKey}.
   * Names that end with {@code -bin} have bytes, which {@link RequestOptions} takes. It is the
   * place for a trace by OpenTelemetry:
   *
   * <pre>{@code
   * .metadata(() -> {
   *   Map<String, String> carrier = new HashMap<>();
   *   propagator.inject(Context.current(), carrier, Map::put);
   *   return carrier;
   * })
   * }</pre>
   */
  public LLMGatewayBuilder metadata(Supplier<Map<String, String>> ofCall) {
    metadata = ofCall;
    return this;
  }

  /** Sets what else gRPC takes, at last, so that it wins. */
  public LLMGatewayBuilder channel(Consumer<ManagedChannelBuilder<?>> settings) {
    more = settings;
    return this;
  }

  /**
   * It connects with the first call.
   *
   * @throws ConfigurationException if what was set cannot be used
   */
  public LLMGateway build() {
    OptionChecks.checkTarget(target);
    OptionChecks.checkText("apiKey", apiKey);
    checkServerName();
    OptionChecks.checkTimeout("generateTimeout", generateTimeout);
    OptionChecks.checkTimeout("lookupTimeout", lookupTimeout);
    if (attemptsMax < 1) {
      throw new ConfigurationException("attempts", "is " + attemptsMax + "; it is at least 1");
    }
    AddressList.register();
    ManagedChannelBuilder<?> builder =
        newChannel(transport())
            .userAgent("llmgateway-java/" + LLMGateway.VERSION)
            .defaultServiceConfig(SERVICE_CONFIG)
            // A DNS record that says otherwise does not belong to this program.
            .disableServiceConfigLookUp()
            // Of attempts that never left; the rest is ours.
            .enableRetry()
            .keepAliveTime(KEEPALIVE_TIME_S, TimeUnit.SECONDS)
            .keepAliveTimeout(KEEPALIVE_TIMEOUT_S, TimeUnit.SECONDS)
            .maxInboundMessageSize(RESPONSE_BYTES_MAX);
    if (serverName != null) {
      builder.overrideAuthority(serverName);
    }
    more.accept(builder);
    try {
      return new LLMGateway(builder.build(), this);
    } catch (IllegalArgumentException unknown) {
      throw new ConfigurationException(
          "target", "cannot be called: " + unknown.getMessage(), unknown);
    }
  }

  private void checkServerName() {
    if (serverName == null) {
      return;
    }
    OptionChecks.checkText("serverName", serverName);
    if (serverName.isEmpty()) {
      throw new ConfigurationException("serverName", "is empty; it is like a host's");
    }
    if (plaintext) {
      throw new ConfigurationException("serverName", "is for TLS, and plaintext is set");
    }
  }

  private ManagedChannelBuilder<?> newChannel(ChannelCredentials transport) {
    try {
      return Grpc.newChannelBuilder(target, transport);
    } catch (ManagedChannelRegistry.ProviderNotFoundException refused) {
      String option =
          certificateChain != null
              ? "clientCertificate"
              : rootCertificates != null ? "rootCertificates" : "credentials";
      throw new ConfigurationException(
          option, "cannot be used: " + refused.getMessage(), refused);
    }
  }

  private ChannelCredentials transport() {
    boolean tls = rootCertificates != null || certificateChain != null || privateKey != null;
    if ((plaintext ? 1 : 0) + (tls ? 1 : 0) + (credentials != null ? 1 : 0) > 1) {
      throw new ConfigurationException(
          plaintext ? "plaintext" : "credentials",
          "contradicts other options of TLS; of plaintext, certificates and credentials set one");
    }
    if (credentials != null) {
      return credentials;
    }
    if (plaintext) {
      return InsecureChannelCredentials.create();
    }
    // What else gRPC is told may say it, too.
    boolean nameIsTold = serverName != null || more != NOTHING_MORE;
    if (!nameIsTold && OptionChecks.isAddressList(target)) {
      throw new ConfigurationException(
          "serverName",
          "is not given, and the target is a list: it is the name that the certificates of its"
              + " addresses have");
    }
    if ((certificateChain == null) != (privateKey == null)) {
      throw new ConfigurationException(
          "clientCertificate", "has one file; a chain and its key belong together");
    }
    TlsChannelCredentials.Builder builder = TlsChannelCredentials.newBuilder();
    try {
      if (rootCertificates != null) {
        builder.trustManager(
            OptionChecks.readPem("rootCertificates", rootCertificates, "CERTIFICATE"));
      }
      if (certificateChain != null) {
        InputStream chain =
            OptionChecks.readPem("clientCertificate", certificateChain, "CERTIFICATE");
        builder.keyManager(
            chain, OptionChecks.readPem("clientCertificate", privateKey, "PRIVATE KEY"));
      }
    } catch (IOException never) {
      throw new UncheckedIOException(never); // Of bytes in memory.
    }
    return builder.build();
  }

  // What a call has: its own wins over the client's.
  Metadata metadataOf(RequestOptions call) {
    Metadata all = new Metadata();
    all.merge(call.metadata);
    if (!apiKey.isEmpty()) {
      addNew(all, "authorization", "Bearer " + apiKey);
    }
    metadata.get().forEach((name, value) -> addNew(all, name, value));
    return all;
  }

  private static void addNew(Metadata all, String name, String value) {
    Metadata.Key<String> key = OptionChecks.textKey(name, value);
    if (!all.containsKey(key)) {
      all.put(key, value);
    }
  }
}
