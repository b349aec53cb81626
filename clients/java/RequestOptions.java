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

  /** Instead of the client's. An earlier deadline of gRPC's Context counts, too. */
  public RequestOptions timeout(Duration limit) {
    return new RequestOptions(limit, waitForReady, metadata);
  }

  /** Waits for a connection where the call would fail if none can be made. */
  public RequestOptions waitForReady() {
    return new RequestOptions(timeout, true, metadata);
  }

  /** Adds metadata, which wins over the client's. */
  public RequestOptions metadata(String name, String value) {
    Metadata more = new Metadata();
    more.merge(metadata);
    more.put(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER), value);
    return new RequestOptions(timeout, waitForReady, more);
  }
}
