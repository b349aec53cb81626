package dev.llmgateway;

import io.grpc.Metadata;
import java.time.Duration;

/**
 * What one call may have of its own. It does not change.
 *
 * <pre>{@code
 * RequestOptions.none().timeout(Duration.ofSeconds(5)).metadata("traceparent", trace)
 * }</pre>
 */
public final class RequestOptions {
  private static final RequestOptions NONE = new RequestOptions(null, false, new Metadata());

  final Duration timeout; // Null for the client's.
  final boolean waitForReady;
  final Metadata metadata; // Is never changed.

  private RequestOptions(Duration timeout, boolean waitForReady, Metadata metadata) {
    this.timeout = timeout;
    this.waitForReady = waitForReady;
    this.metadata = metadata;
  }

  public static RequestOptions none() {
    return NONE;
  }

  /**
   * Instead of the client's. An earlier deadline of gRPC's Context counts, too.
   *
   * @throws ConfigurationException if it is not more than 0
   */
  public RequestOptions timeout(Duration limit) {
    OptionChecks.checkTimeout("timeout", limit);
    return new RequestOptions(limit, waitForReady, metadata);
  }

  /** Waits for a connection where the call would fail if none can be made. */
  public RequestOptions waitForReady() {
    return new RequestOptions(timeout, true, metadata);
  }

  /**
   * Adds metadata, which wins over the client's: printable ASCII.
   *
   * @throws ConfigurationException if it cannot be sent
   */
  public RequestOptions metadata(String name, String value) {
    return with(OptionChecks.textKey(name, value), value);
  }

  /**
   * The same of a name that ends with {@code -bin}, which may have any bytes.
   *
   * @throws ConfigurationException if it cannot be sent
   */
  public RequestOptions metadata(String name, byte[] value) {
    return with(OptionChecks.bytesKey(name), value.clone());
  }

  private <Value> RequestOptions with(Metadata.Key<Value> key, Value value) {
    Metadata more = new Metadata();
    more.merge(metadata);
    more.put(key, value);
    return new RequestOptions(timeout, waitForReady, more);
  }
}
